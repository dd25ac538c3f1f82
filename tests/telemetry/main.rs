//! What the programs tell of themselves, as a collector, a scraper and a reader of the logs see it.
//!
//! The collector is a real OTLP service over gRPC, in this process. Read [`receiver`] next.

mod cluster;
mod collector;
mod document;
mod fleet;
mod library;
mod market;
mod receiver;
mod worker;
