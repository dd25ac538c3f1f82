//! Whether a coordinator can work: the queue has answered a moment ago. It gets over any outage by itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tickfleet_protocol::ids::{Millis, RunId};
use tickfleet_runtime::failure::ExitStatus;
use tokio::sync::watch;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::cluster::Cluster;
use crate::grpc::server::{COORDINATOR, FLIGHT};

/// How often the queue is asked.
const PROBE_EVERY: Duration = Duration::from_secs(2);
/// How long an answer may take.
const PROBE_PATIENCE: Duration = Duration::from_secs(3);
/// How long after its last answer the queue counts as there.
const AGE_MAX: Duration = Duration::from_secs(10);

/// What the last probes found.
#[derive(Clone, Debug)]
pub struct Readiness {
    answered: Instant,
    /// Why the last probe failed, if it did.
    why: Option<String>,
    is_stopping: bool,
}

impl Readiness {
    /// Of a queue that has just answered.
    #[must_use]
    pub fn ready() -> Self {
        Self {
            answered: Instant::now(),
            why: None,
            is_stopping: false,
        }
    }

    /// Why the coordinator can't work; `None` where it can.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        if self.is_stopping {
            return Some("the coordinator is stopping".to_owned());
        }
        let age = self.answered.elapsed();
        (age > AGE_MAX).then(|| {
            let why = self.why.as_deref().unwrap_or("no answer yet");
            format!("the queue has not answered for {} s: {why}", age.as_secs())
        })
    }
}

/// Asks the queue again and again, until `stop` turns true, and tells what it finds.
pub async fn probe(
    cluster: Arc<dyn Cluster>,
    told: watch::Sender<Readiness>,
    health: HealthReporter,
    mut stop: watch::Receiver<bool>,
) {
    let mut ticks = tokio::time::interval(PROBE_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stop.wait_for(|is_stopping| *is_stopping) => break,
        }
        let found = ask(cluster.as_ref()).await;
        told.send_modify(|readiness| match found {
            Ok(()) => *readiness = Readiness::ready(),
            Err(why) => readiness.why = Some(why),
        });
        let is_ready = told.borrow().fault().is_none();
        tell(&health, is_ready).await;
    }
    told.send_modify(|readiness| readiness.is_stopping = true);
    tell(&health, false).await;
}

async fn tell(health: &HealthReporter, is_ready: bool) {
    let status = if is_ready {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    };
    for service in ["", COORDINATOR, FLIGHT] {
        health.set_service_status(service, status).await;
    }
}

/// Asks for a run that there can't be: any answer but silence will do.
async fn ask(cluster: &dyn Cluster) -> Result<(), String> {
    let nobody = RunId::from_parts(Millis(0), [0; 10]);
    match tokio::time::timeout(PROBE_PATIENCE, cluster.get(nobody)).await {
        Err(_) => Err(format!("no answer in {} s", PROBE_PATIENCE.as_secs())),
        Ok(Err(failure)) if failure.status == ExitStatus::Unreachable => {
            Err(failure.why.last().unwrap_or(&failure.what).clone())
        }
        Ok(_) => Ok(()),
    }
}
