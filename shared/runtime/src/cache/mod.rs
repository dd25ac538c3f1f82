//! Copies of what is costly to get again: results of jobs by identity, ranges of input files by version.
//!
//! A look-up goes tier by tier, and a hit fills the tiers above: [`memory`], then [`disk`], then the queue's server
//! ([`results`]), then the source: storage, or a kernel. A cache decides no value and fails no job. A tier that is
//! missing, failing, slow or full is passed over, counted, and tried again after a pause. Every tier is bounded in
//! bytes but the queue's, whose entries expire. Read next: [`local`], [`results`].

pub mod counts;
pub mod disk;
mod envelope;
mod key;
pub mod local;
pub mod memory;
pub mod open;
mod pause;
pub mod ranges;
pub mod results;
pub mod store;
mod upstream;

pub use counts::{Tier, TierCounts};
pub use disk::DiskTier;
pub use key::Key;
pub use local::Local;
pub use memory::MemoryTier;
pub use results::{Probe, Results, ResultsError};
pub use store::{ResultStore, StoreError};
