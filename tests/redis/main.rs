//! The Redis broker against a real redis-server, which each test starts for itself and takes down again.
//!
//! [`conforms`] puts it through the suite that every broker passes and beside the pure model; the others hold what is
//! its own: the contract of each script, what a server can do to it, and what a run costs at rest.

mod audit;
mod conforms;
mod fairness;
mod faults;
mod kit;
mod scripts;
mod setup;
mod sizes;
mod wake;
