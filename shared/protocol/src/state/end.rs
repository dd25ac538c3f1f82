//! Cancel and forget: a run ends on demand, and an ended one is let go.

use super::{
    RunState,
    queue::{Queue, sealed::Apply},
};
use crate::ids::{Millis, RunId};

/// Ends a running run at once: nothing more is fed, and its live tokens are lost. Answers whether it was running, or
/// `None` where there is no such run.
#[derive(Clone, Copy, Debug)]
pub struct Cancel {
    /// The run.
    pub run: RunId,
}

impl Apply for Cancel {
    type Outcome = Option<bool>;

    fn apply(self, queue: &mut Queue, now: Millis) -> Option<bool> {
        let run = queue.runs.get_mut(&self.run)?;
        let was_running = run.state == RunState::Running;
        if was_running {
            run.end(RunState::Cancelled, now);
            queue.settle(self.run);
        }
        Some(was_running)
    }
}

/// Lets an ended run go before its time. Answers whether it had ended, or `None` where there is no such run; a running
/// one is left as it is.
#[derive(Clone, Copy, Debug)]
pub struct Forget {
    /// The run.
    pub run: RunId,
}

impl Apply for Forget {
    type Outcome = Option<bool>;

    fn apply(self, queue: &mut Queue, _: Millis) -> Option<bool> {
        let has_ended = queue.run(self.run)?.state.is_ended();
        if has_ended {
            queue.remove(self.run);
        }
        Some(has_ended)
    }
}
