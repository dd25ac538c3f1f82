//! The numbers of a coordinator: what its process counts, and what the queue looks like, asked for when they are wanted.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::FutureExt;
use futures::future::BoxFuture;
use tickfleet_protocol::ids::Millis;
use tickfleet_runtime::telemetry::{self, metrics};
use tokio::sync::{Mutex, watch};

use crate::cluster::Cluster;
use crate::grpc::server::stopped;

/// Gives the text of `/metrics`.
pub type Metrics = Arc<dyn Fn() -> BoxFuture<'static, String> + Send + Sync>;

/// How old numbers may be: a crowd of scrapers asks the queue once.
const AGE_MAX: Duration = Duration::from_secs(1);
/// How long the queue may take to give them.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often the queue is asked where numbers are sent to a collector, which takes them as they are.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// The numbers of a cluster, and of this process with them.
pub fn of_cluster(cluster: Arc<dyn Cluster>) -> Metrics {
    let last: Arc<Mutex<Option<Instant>>> = Arc::default();
    Arc::new(move || {
        let (cluster, last) = (cluster.clone(), last.clone());
        async move {
            let mut last = last.lock().await;
            if last.is_none_or(|at| at.elapsed() >= AGE_MAX) {
                look(cluster.as_ref()).await;
                *last = Some(Instant::now());
            }
            telemetry::metrics_text()
        }
        .boxed()
    })
}

/// Looks at the cluster now and then, until `stop` turns true.
pub(crate) async fn keep_looking(metrics: Metrics, stop: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let looking = async {
        loop {
            ticks.tick().await;
            metrics().await;
        }
    };
    tokio::select! {
        () = looking => {}
        () = stopped(stop) => {}
    }
}

async fn look(cluster: &dyn Cluster) {
    let levels = &metrics::shared().cluster;
    let asked = async { futures::try_join!(cluster.list(), cluster.workers()) };
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok((runs, workers))) => levels.set(&runs, &workers, now()),
        Ok(Err(_)) | Err(_) => levels.unknown(),
    }
}

fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
