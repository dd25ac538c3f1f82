//! The bounds of the queue, each with its reason. Nothing is unbounded; what exceeds one is refused with its name.

/// Longest worker id or idempotency key, in bytes: they are parts of keys, log lines and metric labels.
pub const MAX_NAME_BYTES: usize = 128;

/// Most jobs named on a worker's card: enough to see what a machine does, and a card stays a few kilobytes.
pub const MAX_CARD_JOBS: usize = 32;

/// How long a worker's card is kept without being renewed, in milliseconds: four renewals.
pub const CARD_LIFE_MS: u64 = 20_000;

/// How long a worker that was told to drain is still told so without having shown a card, in milliseconds: ten minutes,
/// so that one that was cut off obeys when it is back.
pub const ORDER_LIFE_MS: u64 = 10 * 60 * 1_000;

/// Most workers that are listed: it bounds the list and the memory for cards.
pub const MAX_WORKERS: usize = 10_000;

/// Most faults that one audit lists; the rest are counted.
pub const MAX_AUDIT_FAULTS: usize = 1_000;

/// Longest `traceparent` kept with a run, in bytes: the W3C form has 55, and later versions may be longer.
pub const MAX_TRACE_BYTES: usize = 256;

/// Most kinds of jobs a worker may ask for: each costs its claim a look.
pub const MAX_KINDS: usize = 16;

/// Most stages a run may have: today's longest pipeline has two, and each costs a bitmap and a counter set.
pub const MAX_STAGES: usize = 16;

/// Most jobs a run may have over all its stages: one done bit each, so two megabytes of bitmap.
pub const MAX_JOBS_PER_RUN: u64 = 1 << 24;

/// Most runs a broker keeps, ended ones that have not expired included: it bounds lists and memory.
pub const MAX_RUNS: usize = 10_000;

/// How long an ended run, its events, dead letters and results are kept, in milliseconds: a day, so that a result can
/// be fetched, or a failure replayed, the morning after.
pub const RUN_RETENTION_MS: u64 = 24 * 60 * 60 * 1_000;

/// Largest run payload (canonical spec and catalog facts), in bytes: facts of some 100,000 files fit, and a worker
/// fetches it once a run.
pub const MAX_PAYLOAD_BYTES: usize = 16 << 20;

/// Largest result stored in the broker, in bytes: a reduced table of 5,000 symbols by 60 sessions fits, and Redis,
/// which serves one command at a time, moves it in well under a tenth of a second. Larger ones go to object storage,
/// their pointer here.
pub const MAX_RESULT_BYTES: usize = 64 << 20;

/// Most items in one batched call (commits, failures, beats, results), and most events in one reply: a script over a
/// thousand items stays in the low milliseconds, so nobody else's call waits long behind it.
pub const MAX_BATCH: usize = 1_024;

/// Most claims in one call: what is claimed but not started is latency for others and work to hand back.
pub const MAX_CLAIMS_PER_CALL: usize = 256;

/// Most letters listed, replayed or dropped, and most dead jobs a run may have before it ends as failed: that many
/// independent failures are one systematic failure, and the rest of the run would only repeat it.
pub const MAX_DEAD_PER_RUN: usize = 1_000;

/// Most progress events kept for a run; the oldest go first. Every event carries the run's counts, so a late reader
/// who misses some still has the right numbers.
pub const MAX_EVENTS_KEPT: usize = 4_096;

/// Longest failure text kept, in bytes; the rest is cut. An error chain fits, a core dump does not.
pub const MAX_REASON_BYTES: usize = 2_048;

/// Longest time a call may wait for work or events, in milliseconds: below the idle cut-off of common proxies.
pub const MAX_WAIT_MS: u64 = 30_000;

/// Shortest lease, in milliseconds: a worker beats three times a lease, and one round trip must fit between beats.
pub const MIN_LEASE_MS: u64 = 1_000;

/// Lease length unless a worker asks otherwise, in milliseconds: the time after which a dead worker's job runs again.
pub const DEFAULT_LEASE_MS: u64 = 15_000;

/// Longest lease, in milliseconds: a job held longer than ten minutes without a beat is lost, not slow.
pub const MAX_LEASE_MS: u64 = 600_000;

/// A job's own failures before it is dead-lettered, unless the run says otherwise: transient faults rarely last
/// through five backoffs.
pub const DEFAULT_MAX_ATTEMPTS: u32 = 5;

/// Most attempts a run may ask for: the table of a job's delays stays short enough to pass along with a failure.
pub const MAX_ATTEMPTS: u32 = 32;

/// Workers that may die holding a job before it is delivered as solo: one death is the machine's, two are the job's.
pub const KILLS_BEFORE_SOLO: u32 = 2;

/// Workers that may die holding a job before it is dead-lettered, unless the run says otherwise: two solo deliveries
/// have then ended with the worker's death as well.
pub const DEFAULT_MAX_KILLS: u32 = 4;

/// Most kills a run may ask for: each costs a worker process and a lease.
pub const MAX_KILLS: u32 = 16;

/// First retry delay, in milliseconds: longer than a hiccup of storage, shorter than anyone waits.
pub const DEFAULT_BACKOFF_BASE_MS: u64 = 500;

/// Longest retry delay, in milliseconds: a run is not held up for more than half a minute by its backoff.
pub const DEFAULT_BACKOFF_CAP_MS: u64 = 30_000;

/// Longest retry delay a run may ask for, in milliseconds: an hour, past which a person should look.
pub const MAX_BACKOFF_MS: u64 = 3_600_000;

/// Weight of a run unless it says otherwise: room below and above it.
pub const DEFAULT_WEIGHT: u32 = 10;

/// Largest weight: a hundredfold share is all that a priority should buy. The smallest is 1.
pub const MAX_WEIGHT: u32 = 100;

/// A number that is out of its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} is {value}, allowed is {min} to {max}")]
pub struct OutOfBounds {
    /// The number.
    pub what: &'static str,
    /// What it is.
    pub value: u64,
    /// The least allowed.
    pub min: u64,
    /// The most allowed.
    pub max: u64,
}

/// Holds a number against its bounds, both of which are allowed.
pub fn check_bounds(what: &'static str, value: u64, min: u64, max: u64) -> Result<(), OutOfBounds> {
    if (min..=max).contains(&value) {
        Ok(())
    } else {
        Err(OutOfBounds { what, value, min, max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_within_their_bounds() {
        const {
            assert!(MIN_LEASE_MS <= DEFAULT_LEASE_MS && DEFAULT_LEASE_MS <= MAX_LEASE_MS);
            assert!(1 <= DEFAULT_MAX_ATTEMPTS && DEFAULT_MAX_ATTEMPTS <= MAX_ATTEMPTS);
            assert!(KILLS_BEFORE_SOLO < DEFAULT_MAX_KILLS && DEFAULT_MAX_KILLS <= MAX_KILLS);
            assert!(DEFAULT_BACKOFF_BASE_MS <= DEFAULT_BACKOFF_CAP_MS && DEFAULT_BACKOFF_CAP_MS <= MAX_BACKOFF_MS);
            assert!(1 <= DEFAULT_WEIGHT && DEFAULT_WEIGHT <= MAX_WEIGHT);
            assert!(MAX_CLAIMS_PER_CALL <= MAX_BATCH && MAX_DEAD_PER_RUN <= MAX_BATCH);
        }
    }
}
