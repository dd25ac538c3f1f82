//! The worker's card: shown every few seconds, so that people see who is there; each time it brings back the orders.
//!
//! No job hangs on a card. It is taken away when the worker ends, and expires when it dies.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tickfleet_protocol::fleet::WorkerCard;
use tickfleet_protocol::ids::Millis;
use tickfleet_protocol::limits::MAX_CARD_JOBS;
use tickfleet_runtime::broker::Broker;
use tickfleet_runtime::pool::Machine;
use tickfleet_runtime::shutdown::{Shutdown, Stop};

use crate::backoff::within;
use crate::status::Observer;

/// How often the card is shown.
pub const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(5);
/// Longest that one announcement may take.
const ANNOUNCE_MAX: Duration = Duration::from_secs(5);
/// Longest that taking the card away may take: the process ends after it.
const RETIRE_MAX: Duration = Duration::from_secs(2);

/// Shows a worker's card.
pub struct Registry {
    broker: Arc<dyn Broker>,
    worker: Observer,
    stop: Stop,
    host: String,
    machine: Machine,
    started_at: Millis,
}

impl Registry {
    /// Of a worker on this machine, which is asked to drain through `stop`.
    pub fn new(broker: Arc<dyn Broker>, worker: Observer, machine: Machine, stop: Stop) -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            broker,
            worker,
            stop,
            host: host_name(),
            machine,
            started_at: Millis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)),
        }
    }

    /// Shows the card again and again, and passes orders on, until it is dropped.
    pub async fn announce(&self) {
        loop {
            let answer = within(ANNOUNCE_MAX, "announce", self.broker.announce(&self.card())).await;
            match answer {
                Ok(orders) => {
                    self.worker.status().answered();
                    if orders.drain && *self.stop.asked().borrow() == Shutdown::Running {
                        tracing::info!("told to drain");
                        self.stop.ask(Shutdown::Draining);
                    }
                }
                Err(error) => tracing::debug!(%error, "the card was not shown"),
            }
            tokio::time::sleep(ANNOUNCE_INTERVAL).await;
        }
    }

    /// Takes the card away.
    pub async fn retire(&self) {
        let answer = within(RETIRE_MAX, "retire", self.broker.retire(self.worker.id())).await;
        if let Err(error) = answer {
            tracing::debug!(%error, "the card was not taken away; it expires");
        }
    }

    fn card(&self) -> WorkerCard {
        let status = self.worker.status();
        let (jobs, held) = self.worker.jobs(MAX_CARD_JOBS);
        WorkerCard {
            id: self.worker.id().clone(),
            kinds: self.worker.kinds().to_vec(),
            host: self.host.clone(),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            cores: count(self.machine.cores),
            performance_cores: self.machine.performance_cores.map(count),
            efficiency_cores: self.machine.efficiency_cores.map(count),
            lanes: count(self.worker.lanes()),
            memory_bytes: self.machine.memory_bytes,
            started_at: self.started_at,
            is_draining: *self.stop.asked().borrow() > Shutdown::Running,
            jobs,
            held: held as u64,
            done: status.committed.load(Ordering::Relaxed),
            failed: status.failed.load(Ordering::Relaxed),
        }
    }
}

/// The name of this machine, as far as it has one.
pub fn host_name() -> String {
    sysinfo::System::host_name().unwrap_or_else(|_| "localhost".to_owned())
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
