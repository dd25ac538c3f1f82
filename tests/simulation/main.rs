//! The real worker and the real queue in one process, under faults from a seed: whatever goes wrong, the tables are
//! those of a run in which nothing did, no job is lost or counted twice, and nothing hangs.
//!
//! `TICKFLEET_TEST_SEED` replaces the seeds with one. A failure names its seed; how threads interleave is the machine's,
//! so a seed replays the faults and not the schedule. Read next: `faulty` (what goes wrong), `fleet` (who works).

mod faulty;
mod fleet;
mod market;
mod scenarios;
