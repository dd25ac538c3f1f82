//! The embedded cluster: broker, worker and pool in this process, and nothing else different.
//!
//! It has no rule of its own: the same planner, queue, kernels and reducer as a fleet. Read next:
//! [`crate::cluster::local`].

use std::sync::Arc;
use std::time::Duration;
use tickfleet_worker::jobs::Kind;

use tickfleet_protocol::ids::WorkerId;
use tickfleet_protocol::limits::DEFAULT_LEASE_MS;
use tickfleet_runtime::broker::Broker;
use tickfleet_runtime::broker::memory::MemoryBroker;
use tickfleet_runtime::cache::ranges::{Ranges, Reach};
use tickfleet_runtime::cache::{self, DiskTier};
use tickfleet_runtime::data::inputs::Inputs;
use tickfleet_runtime::pool::{Machine, Pool};
use tickfleet_runtime::shutdown::{Shutdown, Stop};
use tickfleet_worker::claim::DRAIN_MAX;
use tickfleet_worker::error::WorkerError;
use tickfleet_worker::{Worker, WorkerOptions};
use tokio::task::JoinHandle;

use tickfleet_runtime::failure::{ExitStatus, Failure};

use crate::cluster::Local;
use crate::cluster::local::{About, Reading};

/// Memory that one job is taken to need, bytes: its blocks, its rows, its result.
const JOB_BYTES: u64 = 128 << 20;
/// Results are kept in at most this part of the machine's memory.
const RESULT_MEMORY_PART: u64 = 4;
/// Longest a job may compute before it counts as hung.
const JOB_MAX: Duration = Duration::from_secs(15 * 60);

/// A cluster of one process.
pub struct Embedded {
    /// What can be asked of it.
    pub cluster: Local,
    /// Jobs that it computes side by side.
    pub lanes: usize,
    inputs: Arc<Inputs>,
    drain: Stop,
    worker: JoinHandle<Result<(), WorkerError>>,
}

impl Embedded {
    /// Starts it with `lanes` lanes (default: what the machine offers), a cache of `cache_bytes` for inputs, and a disk
    /// tier for results where one is wanted.
    ///
    /// # Errors
    /// Threads cannot be started.
    pub fn start(lanes: Option<usize>, cache_bytes: u64, disk: Option<Arc<DiskTier>>) -> Result<Self, Failure> {
        let machine = Machine::detect();
        let lanes = lanes.unwrap_or_else(|| machine.lanes(JOB_BYTES));
        let pool = Pool::new(lanes).map_err(|error| Failure::from_error(ExitStatus::Failed, &error))?;
        let broker: Arc<dyn Broker> = Arc::new(MemoryBroker::new(machine.memory_bytes / RESULT_MEMORY_PART));
        let ranges = Ranges::new(disk.clone().map(|disk| (disk, Reach::Far)));
        let inputs = Arc::new(Inputs::over(cache_bytes, ranges));
        let options = WorkerOptions {
            id: WorkerId::new("embedded").expect("a valid name"),
            read_ahead: lanes,
            lease: Duration::from_millis(DEFAULT_LEASE_MS),
            job_max: JOB_MAX,
            drain_max: DRAIN_MAX,
            kinds: Kind::ALL.map(Kind::job_kind).to_vec(),
            solo: None,
        };
        let drain = Stop::default();
        // What is stored in the queue is in this process's memory already.
        let local = cache::Local::new(0, disk);
        let results = Arc::new(cache::Results::beside(broker.clone(), local));
        let worker = Worker::with_results(broker.clone(), results.clone(), inputs.clone(), pool.clone(), options);
        let worker = tokio::spawn(worker.run(drain.asked()));
        Ok(Self {
            cluster: Local::with_results(broker, results, Reading::Shared(inputs.clone()), pool, about()),
            lanes,
            inputs,
            drain,
            worker,
        })
    }

    /// Lets the decoded input go: writing what was computed needs the memory more.
    pub fn let_input_go(&self) {
        self.inputs.let_go();
    }

    /// Lets the worker finish what it computes, and ends it.
    ///
    /// # Errors
    /// The worker could not work at all.
    pub async fn stop(mut self) -> Result<(), Failure> {
        self.drain.ask(Shutdown::Draining);
        self.ended().await
    }

    /// Waits for the worker's end, which comes by [`Embedded::stop`] or by a fault of its own.
    ///
    /// # Errors
    /// The fault.
    pub async fn ended(&mut self) -> Result<(), Failure> {
        let ended = (&mut self.worker).await;
        let ended = ended.unwrap_or_else(|error| Err(WorkerError::Died(error)));
        ended.map_err(|error| Failure::new(ExitStatus::Failed, "the worker ended early").because(&error))
    }
}

fn about() -> About {
    About {
        broker: "memory of this process".to_owned(),
        advice: Vec::new(),
    }
}

impl Drop for Embedded {
    /// Left early, the worker ends with its jobs instead of reporting each of them as lost.
    fn drop(&mut self) {
        self.worker.abort();
    }
}
