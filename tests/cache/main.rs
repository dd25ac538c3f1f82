//! The cache in a cluster with a real Redis: what is computed and what is not, and the same bytes whatever fails.
//!
//! [`bars`] makes inputs and changes them, [`fleet`] runs scans on workers with caches of their own, [`reuse`] holds what
//! computes, [`tiers`] takes tiers away, [`pointers`] sends results by way of the store, [`crash`] kills writers, and
//! [`commands`] types what an operator types.

mod bars;
mod commands;
mod crash;
mod fleet;
mod pointers;
mod reuse;
mod tiers;
