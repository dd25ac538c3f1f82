//! What every broker must do, as tests that any implementation can be put through unchanged.
//!
//! A law is one async function over a [`Harness`]; it panics where the law is broken. [`run_all`] takes a broker
//! through all of them; [`random::against_model`] plays a seeded sequence of operations against the pure queue. The
//! module is part of test builds, and of others with the feature `conformance`. Read next: [`delivery`].
//!
//! Time: leases here are [`LEASE_MS`], backoffs at most [`BACKOFF_MS`], and the clock is moved in steps that stay
//! seconds away from where either ends, so a broker whose clock also moves by itself passes as well.

pub mod audit;
pub mod delivery;
mod dice;
pub mod events;
pub mod failure;
pub mod fleet;
pub mod kinds;
mod kit;
pub mod life;
pub mod random;
pub mod results;
pub mod stages;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::Broker;

/// Lease of the suite's claims, in milliseconds.
pub const LEASE_MS: u64 = 25_000;

/// Longest backoff of the suite's runs, in milliseconds.
pub const BACKOFF_MS: u64 = 4_000;

/// How the suite gets at a broker.
#[async_trait]
pub trait Harness: Send + Sync {
    /// A broker without any run, apart from all brokers given before. It keeps at least a few megabytes of results.
    async fn broker(&self) -> Arc<dyn Broker>;

    /// Moves the clock of the brokers on: at least that of the last one given.
    async fn advance(&self, by: Duration);
}

/// Takes a broker through every law, and through random sequences of a few seeds.
pub async fn run_all(harness: &dyn Harness) {
    stages::run_all(harness).await;
    delivery::run_all(harness).await;
    kinds::run_all(harness).await;
    failure::run_all(harness).await;
    life::run_all(harness).await;
    events::run_all(harness).await;
    results::run_all(harness).await;
    fleet::run_all(harness).await;
    audit::run_all(harness).await;
    for seed in 0..8 {
        random::against_model(harness, seed, 200).await;
    }
}
