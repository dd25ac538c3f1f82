//! I/O toolbox of tickfleet: broker, cache, data sources and sinks, pool, settings.

pub mod broker;
pub mod data;
pub mod pool;
pub mod sink;
pub mod tables;
