//! The cluster on its worst nights: real processes, a real redis-server, faults at fixed points.
//!
//! After every fault the run's result equals that of a fault-free run in one process, byte for byte, and `doctor` finds
//! every job in exactly one state. `TICKFLEET_TEST_ROUNDS=20` repeats each scenario. No test asserts a time.

mod coordinators;
mod fairness;
mod fleet;
mod jobs;
mod proxy;
mod redis_faults;
mod same_bytes;
mod workers;
