//! `coordinator serve`: the control plane of a fleet, over gRPC, with HTTP for probes beside it.
//!
//! It holds no state: any number of them may run side by side, and each may stop at any instant. Everything it knows is in
//! the queue or follows from it. Read next: [`crate::grpc::server`], [`crate::http`], `accept`, `readiness`.

pub mod accept;
pub mod readiness;
mod stop;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tickfleet_runtime::data::survey::OPENING;
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_runtime::objects;
use tickfleet_runtime::settings::registry::{self, Setting};
use tickfleet_runtime::settings::{InForce, mask};
use tickfleet_runtime::telemetry;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::accept::{Door, Manners};
use self::readiness::Readiness;
use crate::cluster::{self, Cluster, Local};
use crate::grpc;
use crate::grpc::server::stopped;
use crate::http::{self, Pages};

/// Threads that read files: those of the submissions that are opened side by side, and as many again to feed them.
const BLOCKING_THREADS: usize = 8 * OPENING;
/// How long calls that are under way may go on when the server stops: below what service managers wait before they kill.
const GRACE: Duration = Duration::from_secs(10);
/// How long the process waits for async tasks when it ends.
const SHUTDOWN: Duration = Duration::from_millis(200);

/// What is asked of a gRPC connection: HTTP/2's preface and the head of its first frame at once, and then some word
/// every minute, which it is asked for more often than that.
const MANNERS: Manners = Manners {
    connections_max: 1_024,
    opening_bytes: 24 + 9,
    opening: Duration::from_secs(10),
    idle: Duration::from_secs(60),
};

/// Where a server listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listening {
    /// gRPC.
    pub grpc: SocketAddr,
    /// HTTP.
    pub http: SocketAddr,
}

/// Serves as the settings say until the process is told to end. `announce` hears where, once it listens; `note` what an
/// operator should know.
///
/// # Errors
/// The queue can't be reached or would lose jobs; an address can't be listened on.
pub fn serve(
    settings: &InForce,
    announce: impl FnOnce(Listening) -> Result<(), Failure>,
    note: impl Fn(&str),
) -> Result<ExitStatus, Failure> {
    let telemetry = telemetry::start(&telemetry::Options {
        serves_metrics: true,
        ..telemetry::Options::from_settings(telemetry::Program::Coordinator, settings)
    })?;
    objects::configure(settings);
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.max_blocking_threads(BLOCKING_THREADS).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(ExitStatus::Failed, "no threads").because(&error))?;
    let ended = runtime.block_on(async {
        let stop = stop::on_signals();
        let local = cluster::direct(settings).await?;
        local.about().advice.iter().for_each(|advice| note(advice));
        let grpc = listen(settings, &registry::LISTEN).await?;
        let http = listen(settings, &registry::HTTP).await?;
        let listening = Listening {
            grpc: address(&grpc)?,
            http: address(&http)?,
        };
        if !is_private(listening.grpc.ip()) {
            note("gRPC is open to other machines without encryption or passwords: let only a private network reach it");
        }
        announce(listening)?;
        run(local, grpc, http, stop).await
    });
    runtime.shutdown_timeout(SHUTDOWN);
    telemetry.shutdown(telemetry::SHUTDOWN_MAX);
    ended
}

/// Serves a cluster on two listeners until `stop` turns true, and a little longer for the calls that are under way.
///
/// # Errors
/// A server broke down.
pub async fn run(
    local: Local,
    grpc: TcpListener,
    http: TcpListener,
    stop: watch::Receiver<bool>,
) -> Result<ExitStatus, Failure> {
    let cluster: Arc<dyn Cluster> = Arc::new(local);
    let (told, readiness) = watch::channel(Readiness::ready());
    let (reporter, health) = tonic_health::server::health_reporter();
    let probe = tokio::spawn(readiness::probe(cluster.clone(), told, reporter, stop.clone()));
    let metrics = http::of_cluster(cluster.clone());
    if telemetry::is_exporting() {
        // It ends with the server.
        tokio::spawn(http::keep_looking(metrics.clone(), stop.clone()));
    }
    let pages = Pages { readiness, metrics };
    let http = Door::new(http, http::MANNERS);
    let http = tokio::spawn(http::serve(http, pages, stopped(stop.clone())));
    let grpc = Door::new(grpc, MANNERS).incoming();
    let mut grpc = tokio::spawn(grpc::server::serve(grpc, cluster, health, stop.clone()));
    let ended = tokio::select! {
        ended = &mut grpc => Some(ended),
        () = stopped(stop) => match tokio::time::timeout(GRACE, &mut grpc).await {
            Ok(ended) => Some(ended),
            Err(_) => {
                tracing::warn!("calls were cut off: they took longer than {} s to end", GRACE.as_secs());
                None
            }
        },
    };
    abort(&grpc);
    abort(&http);
    abort(&probe);
    match ended {
        None | Some(Ok(Ok(()))) => Ok(ExitStatus::Succeeded),
        Some(Ok(Err(error))) => Err(broken(&error)),
        Some(Err(error)) => Err(broken(&error)),
    }
}

fn abort<T>(task: &JoinHandle<T>) {
    task.abort();
}

fn broken(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new(ExitStatus::Failed, "the gRPC server broke down").because(error)
}

async fn listen(settings: &InForce, setting: &Setting) -> Result<TcpListener, Failure> {
    let text = settings.text(setting).expect("addresses have defaults");
    TcpListener::bind(text).await.map_err(|error| {
        Failure::new(ExitStatus::Failed, format!("cannot listen on {}", mask(text)))
            .at_place(settings.origin(setting).place())
            .because(&error)
            .help(format!(
                "another process may have the port: choose another with {} HOST:PORT; port 0 takes any that is free",
                setting.flag()
            ))
    })
}

fn address(listener: &TcpListener) -> Result<SocketAddr, Failure> {
    let address = listener.local_addr();
    address.map_err(|error| Failure::new(ExitStatus::Failed, "a listener has no address").because(&error))
}

fn is_private(address: IpAddr) -> bool {
    address.is_loopback()
}
