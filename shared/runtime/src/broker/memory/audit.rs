//! Audit in memory: the pure one. What it finds is a defect of the program, and nothing mends that.

use tickfleet_protocol::{
    ids::{JobIndex, JobRef, RunId},
    state::AuditError,
};

use super::MemoryBroker;
use crate::broker::{Audit, AuditFault, BrokerError, Result};

impl MemoryBroker {
    /// Proves a run, or names the first thing that is wrong with it.
    pub(super) fn audit_run(&self, run: RunId) -> Result<Audit> {
        let shelf = self.look();
        let kept = shelf.queue.run(run).zip(shelf.queue.audit(run));
        let (kept, verdict) = kept.ok_or(BrokerError::UnknownRun {
            operation: "audit",
            run,
        })?;
        Ok(Audit {
            run,
            census: kept.census(),
            faults: verdict.err().as_ref().map(fault).into_iter().collect(),
            unlisted: 0,
        })
    }
}

fn fault(error: &AuditError) -> AuditFault {
    let job = match *error {
        AuditError::Misplaced { run, stage, index, .. } => Some(JobRef {
            run,
            stage,
            index: JobIndex(index),
        }),
        AuditError::Unlinked { .. } | AuditError::Miscounted { .. } => None,
    };
    AuditFault {
        job,
        what: error.to_string(),
        is_mended: false,
    }
}

#[cfg(test)]
mod tests {
    use tickfleet_protocol::{ids::Millis, ids::StageIndex};

    use super::*;

    #[test]
    fn faults_name_their_job_where_they_have_one() {
        let run = RunId::from_parts(Millis(0), [0; 10]);
        let misplaced = fault(&AuditError::Misplaced {
            run,
            stage: StageIndex(1),
            index: 7,
            place: "ready",
        });
        assert_eq!(misplaced.job.map(|job| job.to_string()), Some(format!("{run}/1/7")));
        assert!(
            misplaced.what.contains("job 7") && !misplaced.is_mended,
            "{misplaced:?}"
        );
        let unlinked = fault(&AuditError::Unlinked {
            run,
            what: "its key does not lead to it",
        });
        assert_eq!(
            (unlinked.job, unlinked.what),
            (None, format!("run {run}: its key does not lead to it"))
        );
    }
}
