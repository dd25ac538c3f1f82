//! Counts by kind and stage of jobs. The list is short and bounded: a worker knows a few kinds, each of a few stages.

use std::sync::{Arc, PoisonError, RwLock};

use opentelemetry::KeyValue;
use tickfleet_protocol::limits::{MAX_KINDS, MAX_STAGES};

use super::Count;
use super::catalogue::{KIND, MESSAGING_DESTINATION, MESSAGING_OPERATION, MESSAGING_SYSTEM, STAGE};
use crate::telemetry::trace::SYSTEM;

/// Most rows of the table; jobs beyond share one.
const ROWS_MAX: usize = MAX_KINDS * MAX_STAGES;
/// Kind and stage of the row that jobs beyond the table's bound share.
const OTHER: &str = "other";

/// What happened to the jobs of one kind and stage.
#[derive(Debug)]
pub struct JobMetrics {
    kind: String,
    stage: String,
    attributes: [KeyValue; 2],
    process_attributes: [KeyValue; 3],
    /// Deliveries.
    pub claimed: Count,
    /// Jobs that became done.
    pub committed: Count,
    /// Deliveries that failed.
    pub failed: Count,
    /// Failures that are tried again.
    pub retried: Count,
    /// Outcomes that came too late.
    pub lost: Count,
    /// Deliveries handed back.
    pub returned: Count,
    /// Outcomes that could not be told.
    pub untold: Count,
    /// Results that were there already.
    pub reused: Count,
    /// Kernels that ran.
    pub executed: Count,
}

impl JobMetrics {
    fn new(kind: &str, stage: &str) -> Self {
        let destination = format!("{kind}/{stage}");
        Self {
            attributes: [
                KeyValue::new(KIND, kind.to_owned()),
                KeyValue::new(STAGE, stage.to_owned()),
            ],
            process_attributes: [
                KeyValue::new(MESSAGING_SYSTEM, SYSTEM),
                KeyValue::new(MESSAGING_OPERATION, "process"),
                KeyValue::new(MESSAGING_DESTINATION, destination),
            ],
            kind: kind.to_owned(),
            stage: stage.to_owned(),
            claimed: Count::default(),
            committed: Count::default(),
            failed: Count::default(),
            retried: Count::default(),
            lost: Count::default(),
            returned: Count::default(),
            untold: Count::default(),
            reused: Count::default(),
            executed: Count::default(),
        }
    }

    /// Kind and stage.
    pub(super) fn attributes(&self) -> &[KeyValue] {
        &self.attributes
    }

    /// What the conventions ask of a processing duration.
    pub(super) fn process_attributes(&self) -> &[KeyValue] {
        &self.process_attributes
    }
}

/// Counts of all kinds and stages that were met.
#[derive(Debug, Default)]
pub struct JobTable {
    rows: RwLock<Vec<Arc<JobMetrics>>>,
}

impl JobTable {
    /// The counts of a kind, such as `scan/1`, and a stage.
    pub fn of(&self, kind: &str, stage: &str) -> Arc<JobMetrics> {
        let is_it = |row: &&Arc<JobMetrics>| row.kind == kind && row.stage == stage;
        // The rows are counters, valid after any panic.
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = rows.iter().find(is_it) {
            return found.clone();
        }
        drop(rows);
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have been faster; and the last row is for all that have none of their own.
        if let Some(found) = rows.iter().find(is_it) {
            return found.clone();
        }
        if rows.len() > ROWS_MAX {
            return rows[ROWS_MAX].clone();
        }
        let row = if rows.len() < ROWS_MAX {
            JobMetrics::new(kind, stage)
        } else {
            JobMetrics::new(OTHER, OTHER)
        };
        rows.push(Arc::new(row));
        rows[rows.len() - 1].clone()
    }

    /// Shows every row to a reader.
    pub(super) fn each(&self, mut show: impl FnMut(&JobMetrics)) {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        rows.iter().for_each(|row| show(row));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_and_stage_has_one_row_and_the_table_a_bound() {
        let table = JobTable::default();
        let kind = "scan/1";
        table.of(kind, "map").claimed.add(2);
        table.of(kind, "reduce").claimed.add(1);
        table.of(kind, "map").claimed.add(3);
        let mut seen = Vec::new();
        table.each(|row| seen.push((row.stage.clone(), row.claimed.get())));
        assert_eq!(seen, [("map".to_owned(), 5), ("reduce".to_owned(), 1)]);

        for n in 0..2 * ROWS_MAX {
            table.of(kind, &format!("stage {n}")).claimed.add(1);
        }
        let (mut rows, mut claimed, mut other) = (0, 0, 0);
        table.each(|row| {
            rows += 1;
            claimed += row.claimed.get();
            if row.kind == OTHER {
                other += row.claimed.get();
            }
        });
        assert_eq!(rows, ROWS_MAX + 1);
        assert_eq!(claimed, 6 + 2 * ROWS_MAX as u64);
        assert_eq!(other, 2 + ROWS_MAX as u64);
    }
}
