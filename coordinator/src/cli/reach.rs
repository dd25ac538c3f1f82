//! What every verb that talks to a cluster has in common: which cluster, `--json`, a runtime, an end by Ctrl-C.
//!
//! A verb says in [`OnCluster::on`] what it does; it is the same with a cluster that a test made up. Read next: `list`,
//! the shortest verb.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use tickfleet_protocol::ids::Millis;
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_runtime::objects;
use tickfleet_runtime::settings::flags::{SettingFlags, Takes};
use tickfleet_runtime::settings::{InForce, Origin, mask, registry};
use tickfleet_runtime::telemetry::{self, Options, Program};

use super::takes::OfACluster;
use crate::cluster::{self, Cluster, Result};
use crate::ops::Output;

/// How long the process waits for async tasks when it ends.
const SHUTDOWN: Duration = Duration::from_millis(200);

/// Which cluster, and in which form it is answered.
#[derive(Debug, Args)]
pub(super) struct Reach<V: Takes = OfACluster> {
    #[command(flatten)]
    settings: SettingFlags<V>,
    /// Print JSON, one object a line
    #[arg(long, help_heading = "Output")]
    json: bool,
}

/// A verb that talks to a cluster.
pub(super) trait OnCluster<V: Takes = OfACluster> {
    /// Which cluster.
    fn reach(&self) -> &Reach<V>;

    /// What the verb does.
    async fn on(&self, cluster: &dyn Cluster, out: &mut Output) -> Result<ExitStatus>;

    /// Whether all that it needs lies in files here, so that no cluster is reached for.
    fn is_alone(&self) -> bool {
        false
    }

    /// What is told to whoever interrupts it; `same` are the flags that name the cluster again.
    fn detached(&self, _same: &str) -> Failure {
        Failure::new(ExitStatus::Detached, "interrupted").why("what was asked of the cluster may have been done")
    }

    /// Reaches the cluster and does it.
    fn run(&self) -> Result<ExitStatus> {
        let mut out = Output::of_process(self.reach().json, now());
        let ended = self.run_with(&mut out);
        if let Err(failure) = &ended {
            out.failed(failure);
        }
        ended
    }

    /// Reaches the cluster and does it, telling an output.
    fn run_with(&self, out: &mut Output) -> Result<ExitStatus> {
        let settings = InForce::merge(&self.reach().settings.layers()?);
        log(&settings)?;
        objects::configure(&settings);
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).enable_all().build();
        let runtime = runtime.map_err(|error| Failure::new(ExitStatus::Failed, "no threads").because(&error))?;
        let ended = runtime.block_on(async {
            let done = async {
                let cluster: Arc<dyn Cluster> = match self.is_alone() {
                    true => Arc::new(cluster::nowhere()?),
                    false => cluster::connect(&settings).await?,
                };
                self.on(cluster.as_ref(), out).await
            };
            tokio::select! {
                ended = done => ended,
                Ok(()) = tokio::signal::ctrl_c() => Err(self.detached(&same_cluster(&settings))),
            }
        });
        runtime.shutdown_timeout(SHUTDOWN);
        ended
    }
}

/// The flags that name the cluster, each with a space before it, where flags named it: for commands that are shown.
fn same_cluster(settings: &InForce) -> String {
    let named = [&registry::COORDINATOR, &registry::REDIS, &registry::REDIS_PREFIX];
    let flags = named.into_iter().filter_map(|setting| match settings.origin(setting) {
        Origin::Flag(_) => Some(format!(" {} {}", setting.flag(), mask(settings.text(setting)?))),
        _ => None,
    });
    flags.collect()
}

/// Starts to log. A verb exports nothing: it is over before a collector has heard of it.
fn log(settings: &InForce) -> Result<()> {
    let options = Options {
        otlp: None,
        ..Options::from_settings(Program::Coordinator, settings)
    };
    // Without an exporter there is nothing to shut down.
    telemetry::start(&options).map_err(|error| Failure::from_error(ExitStatus::BadInput, &error))?;
    Ok(())
}

/// This moment by this machine's clock.
fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
