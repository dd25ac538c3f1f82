//! Records of runs that were used a moment ago, decoded: results of a run that was just submitted need no second look.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use tickfleet_protocol::ids::RunId;
use tickfleet_worker::run::Run;

/// Runs that are remembered: few, since the facts of one may take many megabytes.
const RUNS_MAX: usize = 4;

/// The last runs, the newest at the end.
#[derive(Default)]
pub(super) struct Runs {
    known: Mutex<VecDeque<(RunId, Arc<Run>)>>,
}

impl Runs {
    pub(super) fn get(&self, run: RunId) -> Option<Arc<Run>> {
        let known = self.lock();
        let found = known.iter().find(|(id, _)| *id == run)?;
        Some(found.1.clone())
    }

    pub(super) fn remember(&self, run: RunId, record: Arc<Run>) {
        let mut known = self.lock();
        known.retain(|(id, _)| *id != run);
        if known.len() >= RUNS_MAX {
            known.pop_front();
        }
        known.push_back((run, record));
    }

    pub(super) fn forget(&self, run: RunId) {
        self.lock().retain(|(id, _)| *id != run);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(RunId, Arc<Run>)>> {
        self.known.lock().expect("nothing panics under this lock")
    }
}
