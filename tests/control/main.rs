//! The control plane from outside: a real Redis, real `coordinator serve` processes, a worker on the same queue.
//!
//! Held here: a run on a cluster gives the bytes of an embedded one, whatever becomes of a coordinator meanwhile; what is
//! refused is refused with the contract's status and words; any gRPC, Flight or HTTP client finds its way.
//!
//! Read [`fleet`] for what a case starts, then any file by its name.

mod accept;
mod commands;
mod explained;
mod fleet;
mod flight;
mod probes;
mod progressive;
mod resume;
mod submit;
mod wire;
