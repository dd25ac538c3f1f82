//! I/O toolbox of tickfleet: settings, failures, the broker, the cache, data sources and sinks, result tables, the compute pool.
//!
//! Nothing here decides a value or an order; that is the kernels' and the protocol's.

pub mod broker;
pub mod cache;
pub mod data;
pub mod database;
pub mod failure;
pub mod fault;
pub mod objects;
pub mod polygon;
pub mod pool;
pub mod settings;
pub mod shutdown;
pub mod sink;
pub mod tables;
pub mod telemetry;
