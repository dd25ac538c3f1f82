//! What a worker knows of a scan: its record, decoded once, and what follows from it.

use std::ops::Range;
use std::sync::Arc;

use tickfleet_kernels::scan::session::Calendar;
use tickfleet_kernels::scan::universe::Universe;
use tickfleet_proto::convert::ScanRun;
use tickfleet_protocol::identity::Identities;
use tickfleet_protocol::ids::JobRef;
use tickfleet_protocol::plan::{Job, Plan};
use tickfleet_runtime::data::joined::Joined;
use tickfleet_runtime::data::locate::reopen;
use tickfleet_runtime::data::universe::read_universe;
use tickfleet_runtime::pool::Pool;
use tokio::sync::OnceCell;

use crate::error::JobError;
use crate::model::{self, Model};

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
    joined: OnceCell<Joined>,
    model: OnceCell<Option<Arc<Model>>>,
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
            joined: OnceCell::new(),
            model: OnceCell::new(),
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
            Ok::<_, JobError>(Some(read_universe(&files, rule).await?.rows))
        };
        self.universe.get_or_try_init(read).await.cloned()
    }
    /// The tables that are joined to the scored rows, read once.
    ///
    /// # Errors
    /// They can no longer be read.
    pub async fn joined(&self) -> Result<Joined, JobError> {
        let (facts, rule) = (&self.record.facts.joined, self.record.spec.map.ticker_rule);
        let read = async || Ok::<_, JobError>(Joined::reread(facts, rule).await?);
        self.joined.get_or_try_init(read).await.cloned()
    }

    /// The model, opened once.
    ///
    /// # Errors
    /// It can no longer be read, or this machine cannot run it.
    pub async fn model(&self, pool: &Pool) -> Result<Option<Arc<Model>>, JobError> {
        let open = async || {
            let Some(facts) = &self.record.facts.joined.model else {
                return Ok(None);
            };
            let bytes = reopen(&facts.file)?.read_all(model::BYTES_MAX).await?;
            let (uri, device) = (facts.file.uri.clone(), self.record.spec.joined.model_device);
            let opened = pool.run(move || Model::open(&uri, &bytes, device)).await??;
            Ok::<_, JobError>(Some(Arc::new(opened)))
        };
        self.model.get_or_try_init(open).await.cloned()
    }
}
