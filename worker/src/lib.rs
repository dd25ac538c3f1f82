//! The worker of tickfleet: it claims jobs, fetches their input, computes, publishes, and holds nothing that matters.
//!
//! The files are the path of a job: [`claim`], `batch`, `lane`, `publish`, with [`held`], [`room`] and `heartbeat` beside
//! them; [`jobs`] holds what is particular to a kind of job. Kernels run on the pool; async threads only move bytes; one OS
//! thread renews leases. Kill it at any instant and nothing is lost. Read next: [`claim::Worker::run`].

pub mod backoff;
mod batch;
pub mod claim;
pub mod cli;
mod drain;
pub mod error;
pub mod health;
mod heartbeat;
pub mod held;
pub mod jobs;
mod lane;
pub mod memory;
pub mod model;
mod observe;
pub mod outbox;
mod program;
mod publish;
pub mod registry;
pub mod results;
pub mod room;
pub mod runs;
pub mod say;
pub mod solo;
pub mod status;

pub use claim::{Worker, WorkerOptions};
pub use jobs::scan::{compute, fetch, run};
