//! The queue as a pure state machine: what every broker does, and the model that every broker is checked against.
//!
//! [`Queue::step`] takes one [`Transition`] at a time; the transitions are the verbs of the life of a job, one file for
//! each: submit, feed, hold (beat, hand back), commit, fail, dead (replay, drop), end (cancel, forget). No clock, no
//! randomness, no I/O: the moment, the tokens and the run ids come with the transition.
//!
//! The rules, in short:
//! - A delivery has a fresh token. Every later word about the job names it, and counts only while it is live.
//! - A run is of a kind, and its jobs are delivered to workers that name it; to others it is as if there were none.
//! - A job becomes done at most once. A stage opens when the one before it is complete.
//! - `attempts` counts the job's own failures, `kills` the leases that ended under it; each has a limit, beyond which
//!   the job is dead-lettered. A job that killed [`KILLS_BEFORE_SOLO`](crate::limits::KILLS_BEFORE_SOLO) workers is
//!   delivered as solo. Handing a job back charges nothing.
//! - A dead job does not stop its stage: the others still run, so that one report shows all that is wrong and a replay
//!   needs only the dead. The stage never completes, later stages never open, and the run ends as failed when nothing
//!   is left to do, or at [`MAX_DEAD_PER_RUN`](crate::limits::MAX_DEAD_PER_RUN) dead jobs.
//! - An ended run feeds nothing and has no live tokens. It is forgotten after
//!   [`RUN_RETENTION_MS`](crate::limits::RUN_RETENTION_MS).

mod audit;
mod bitmap;
mod commit;
mod dead;
mod delivery;
mod end;
mod fail;
mod feed;
mod hold;
mod progress;
mod queue;
mod run;
mod submit;
#[cfg(test)]
mod tests;

pub use audit::{AuditError, Census};
pub use commit::Commit;
pub use dead::{DeadError, DropDead, ReplayDead};
pub use delivery::{Claim, CommitOutcome, DeadCause, DeadLetter, FailOutcome, Held};
pub use end::{Cancel, Forget};
pub use fail::{Fail, Failed};
pub use feed::{Deliver, Feed};
pub use hold::{Beat, HandBack};
pub use progress::{Counts, Progress, ProgressKind, RunState, RunSummary, StageCounts};
pub use queue::{Effect, Queue, Tick, Transition};
pub use run::{Run, Standing};
pub use submit::{Accepted, Submit, SubmitError, Terms};
