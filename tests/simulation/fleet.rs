//! Workers of a simulation, and a watchdog over all of it.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;
use tickfleet_worker::jobs::Kind;

use tickfleet_protocol::ids::{EventId, RunId, WorkerId};
use tickfleet_runtime::broker::{Broker, Progress, ProgressKind, RunState};
use tickfleet_runtime::data::inputs::Inputs;
use tickfleet_runtime::pool::Pool;
use tickfleet_runtime::shutdown::{Shutdown, Stop};
use tickfleet_worker::error::WorkerError;
use tickfleet_worker::{Worker, WorkerOptions};
use tokio::task::JoinHandle;

use crate::faulty::LEASE;

/// Longest time a simulation may take: far beyond any honest one, so that only a hang meets it.
const BOUND: Duration = Duration::from_secs(120);
const LANES: usize = 2;
const CACHE_BYTES: u64 = 64 << 20;

/// Runs a simulation on a thread of its own and fails when it does not end.
#[track_caller]
pub(crate) fn watched(simulation: impl Future<Output = ()> + Send + 'static) {
    let (ended, end) = channel();
    let thread = std::thread::spawn(move || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("threads can be started");
        runtime.block_on(simulation);
        // The watchdog may have given up; then nobody listens.
        let _ = ended.send(());
    });
    match end.recv_timeout(BOUND) {
        Err(RecvTimeoutError::Timeout) => panic!("the simulation hangs"),
        Ok(()) | Err(RecvTimeoutError::Disconnected) => {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
    }
}

/// A worker at work.
pub(crate) struct Working {
    drain: Stop,
    task: JoinHandle<Result<(), WorkerError>>,
}

impl Working {
    /// Starts a worker of two lanes.
    pub(crate) fn start(broker: Arc<dyn Broker>, name: &str) -> Self {
        let pool = Pool::new(LANES).expect("threads can be started");
        let options = WorkerOptions {
            id: WorkerId::new(name).expect("a valid name"),
            read_ahead: LANES,
            lease: LEASE,
            job_max: BOUND,
            drain_max: BOUND,
            kinds: Kind::ALL.map(Kind::job_kind).to_vec(),
            solo: None,
        };
        let drain = Stop::default();
        let worker = Worker::new(broker, Arc::new(Inputs::new(CACHE_BYTES)), pool, options);
        Self {
            task: tokio::spawn(worker.run(drain.asked())),
            drain,
        }
    }

    /// Drains it and waits for its end.
    pub(crate) async fn drained(self) {
        self.drain.ask(Shutdown::Draining);
        let ended = self.task.await.expect("a worker does not panic");
        ended.expect("a worker that has started works");
    }
}

/// Every event of a run, up to its end, and how it ended.
pub(crate) async fn history(broker: &dyn Broker, run: RunId) -> (RunState, Vec<Progress>) {
    let (mut after, mut seen) = (EventId::START, Vec::new());
    loop {
        let wait = Duration::from_secs(30);
        let news = broker
            .events(run, after, wait)
            .await
            .expect("a broker in memory has the run");
        for (id, progress) in news {
            assert_eq!(id, after.next(), "no event is dropped");
            after = id;
            seen.push(progress.clone());
            if let ProgressKind::Ended { state } = progress.kind {
                return (state, seen);
            }
        }
    }
}

/// Jobs that the events of a run count as done.
pub(crate) fn jobs_committed(history: &[Progress]) -> u64 {
    let counts = history.iter().map(|progress| match progress.kind {
        ProgressKind::Committed { jobs, .. } => jobs,
        _ => 0,
    });
    counts.sum()
}
