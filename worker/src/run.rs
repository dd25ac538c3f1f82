//! What a worker knows of a run: its record, decoded once, and what follows from it.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use tickfleet_kernels::scan::session::Calendar;
use tickfleet_kernels::scan::universe::Universe;
use tickfleet_proto::convert::ScanRun;
use tickfleet_protocol::identity::Identities;
use tickfleet_protocol::ids::{JobRef, RunId};
use tickfleet_protocol::plan::{Job, Plan};
use tickfleet_runtime::broker::Broker;
use tickfleet_runtime::data::locate::reopen;
use tickfleet_runtime::data::universe::read_universe;
use tokio::sync::{Mutex, OnceCell};

use crate::error::JobError;

/// Runs that a worker remembers; further ones are fetched again.
const RUNS_MAX: usize = 64;

/// A run's record and what follows from it.
#[derive(Debug)]
pub struct Run {
    /// Spec, facts, sharding.
    pub record: ScanRun,
    /// Which job covers what.
    pub plan: Plan,
    /// Dates and sessions.
    pub calendar: Calendar,
    universe: OnceCell<Option<Arc<Universe>>>,
}

impl Run {
    /// From a run's record.
    pub fn new(record: ScanRun) -> Self {
        let plan = Plan::new(&record.facts, record.sharding);
        let calendar = Calendar::new(record.facts.dates.clone(), &record.facts.traded, &record.spec.session);
        Self {
            record,
            plan,
            calendar,
            universe: OnceCell::new(),
        }
    }

    /// Identities of the run's jobs.
    pub fn identities(&self) -> Identities<'_> {
        Identities {
            spec: &self.record.spec,
            facts: &self.record.facts,
            plan: &self.plan,
            calendar: &self.calendar,
        }
    }

    /// What a job covers.
    ///
    /// # Errors
    /// [`JobError::NotPlanned`].
    pub fn job(&self, job: &JobRef) -> Result<Job, JobError> {
        let planned = self.plan.job(u32::from(job.stage.0), job.index.0);
        planned.ok_or(JobError::NotPlanned {
            stage: job.stage.0,
            index: job.index.0,
        })
    }

    /// Names of some mapped symbols, sorted.
    pub fn symbols(&self, range: Range<usize>) -> Vec<&str> {
        let facts = &self.record.facts;
        let name = |&ordinal: &u32| facts.symbols[ordinal as usize].symbol.as_str();
        facts.mapped[range].iter().map(name).collect()
    }

    /// The universe, read once.
    ///
    /// # Errors
    /// It can no longer be read.
    pub async fn universe(&self) -> Result<Option<Arc<Universe>>, JobError> {
        let read = async || {
            let Some(table) = &self.record.facts.universe else {
                return Ok(None);
            };
            let files: Vec<_> = table.files.iter().map(reopen).collect::<Result<_, _>>()?;
            let rule = self.record.spec.map.ticker_rule;
            Ok::<_, JobError>(Some(read_universe(&files, rule).await?.universe))
        };
        self.universe.get_or_try_init(read).await.cloned()
    }
}

/// The runs that a worker has met.
#[derive(Debug, Default)]
pub struct Runs {
    known: Mutex<HashMap<RunId, Arc<Run>>>,
}

impl Runs {
    /// A run, from memory or from the broker. `None` when the broker no longer has it.
    ///
    /// # Errors
    /// The broker, or a record of another version.
    pub async fn get(&self, broker: &dyn Broker, run: RunId) -> Result<Option<Arc<Run>>, JobError> {
        // Held across the fetch, so that a burst of claims of one run fetches and decodes its record once.
        let mut known = self.known.lock().await;
        if let Some(found) = known.get(&run) {
            return Ok(Some(found.clone()));
        }
        let Some(record) = broker.run(run).await? else {
            return Ok(None);
        };
        let decoded = Arc::new(Run::new(ScanRun::decode(record.payload)?));
        if known.len() >= RUNS_MAX {
            known.clear();
        }
        known.insert(run, decoded.clone());
        Ok(Some(decoded))
    }
}
