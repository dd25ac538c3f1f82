//! The queue as a pure state machine: what every broker does, and the model that every broker is checked against.

mod delivery;
mod progress;

pub use delivery::{Claim, CommitOutcome, DeadCause, DeadLetter, FailOutcome, Held};
pub use progress::{Counts, Progress, ProgressKind, RunState, RunSummary, StageCounts};
