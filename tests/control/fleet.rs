//! What a case starts and ends: a queue, coordinators in processes of their own, a worker in this one.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tickfleet_worker::jobs::Kind;

use tempfile::TempDir;
use tickfleet_coordinator::cluster::{Cluster, connect};
use tickfleet_protocol::ids::WorkerId;
use tickfleet_runtime::broker::Broker;
use tickfleet_runtime::broker::redis::{RedisBroker, RedisOptions};
use tickfleet_runtime::data::inputs::Inputs;
use tickfleet_runtime::pool::Pool;
use tickfleet_runtime::settings::{InForce, Layer, registry};
use tickfleet_runtime::shutdown::{Shutdown, Stop};
use tickfleet_tests::binary::coordinator_binary;
use tickfleet_tests::program::{Invocation, coordinator};
use tickfleet_tests::redis_server::RedisServer;
use tickfleet_worker::{Worker, WorkerOptions};
use tonic::transport::{Channel, Endpoint};

/// How long anything is waited for: far beyond any honest time, so that only a hang meets it.
pub(crate) const BOUND: Duration = Duration::from_secs(60);

/// A running `coordinator serve`.
pub(crate) struct Server {
    process: Child,
    /// Address of its gRPC, `HOST:PORT`.
    pub(crate) grpc: String,
    /// Address of its HTTP, `HOST:PORT`.
    pub(crate) http: String,
    _folder: TempDir,
}

impl Server {
    /// Starts one on any free ports, and returns when it listens.
    pub(crate) fn start(redis: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mut command = Command::new(coordinator_binary());
        command
            .args(["serve", "--redis", redis, "--json"])
            .args(["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"])
            .env_clear()
            .env("HOME", folder.path())
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut process = command.spawn().expect("the coordinator can be started");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("standard output was piped");
        let read = BufReader::new(stdout).read_line(&mut line);
        read.expect("the coordinator says where it listens");
        let event: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
        assert_eq!(event["event"], "listening");
        let address = |key: &str| event[key].as_str().expect("an address").to_owned();
        Self {
            process,
            grpc: address("grpc"),
            http: address("http"),
            _folder: folder,
        }
    }

    /// As a user names it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.grpc)
    }

    /// Kills it without a chance to say goodbye.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("a child of this process can be killed");
        self.process.wait().expect("a killed child can be waited for");
    }

    /// Tells it to end, and gives the status with which it did.
    pub(crate) fn terminate(&mut self) -> Option<i32> {
        signal(self.process.id(), "TERM");
        let started = Instant::now();
        while started.elapsed() < BOUND {
            if let Some(status) = self.process.try_wait().expect("a child can be looked at") {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the coordinator does not end");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already: then there is nothing to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends a signal to a process.
pub(crate) fn signal(process: u32, name: &str) {
    let sent = Command::new("/bin/kill")
        .args(["-s", name, &process.to_string()])
        .status()
        .expect("kill can be started");
    assert!(sent.success(), "a running process can be signalled");
}

/// A worker of this process on a queue, drained when it is dropped.
pub(crate) struct Working {
    drain: Stop,
    thread: Option<JoinHandle<()>>,
}

impl Working {
    /// Starts one.
    pub(crate) fn start(redis: &str) -> Self {
        let drain = Stop::default();
        let asked = drain.asked();
        let (redis, (up, is_up)) = (redis.to_owned(), mpsc::channel());
        let thread = std::thread::spawn(move || {
            runtime().block_on(async move {
                let worker = Worker::new(
                    Arc::new(queue(&redis).await),
                    Arc::new(Inputs::new(64 << 20)),
                    Pool::new(2).expect("threads can be started"),
                    WorkerOptions {
                        id: WorkerId::new("control").expect("a valid name"),
                        read_ahead: 2,
                        lease: Duration::from_secs(15),
                        job_max: BOUND,
                        drain_max: BOUND,
                        kinds: Kind::ALL.map(Kind::job_kind).to_vec(),
                        solo: None,
                    },
                );
                up.send(()).expect("the test waits for it");
                worker.run(asked).await.expect("a worker that has started works");
            });
        });
        is_up.recv_timeout(BOUND).expect("the worker starts");
        Self {
            drain,
            thread: Some(thread),
        }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.drain.ask(Shutdown::Draining);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !std::thread::panicking()
        {
            panic!("the worker panicked");
        }
    }
}

/// A queue, one coordinator, a folder with a small market.
pub(crate) struct Fleet {
    pub(crate) redis: RedisServer,
    pub(crate) server: Server,
    pub(crate) folder: TempDir,
}

impl Fleet {
    /// Starts it, without a worker.
    pub(crate) fn start() -> Self {
        let redis = RedisServer::start_logged();
        let server = Server::start(&redis.url());
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        std::fs::write(folder.path().join("b.csv"), bars(24, 84)).expect("a fresh folder takes a file");
        Self { redis, server, folder }
    }

    /// A worker on its queue.
    pub(crate) fn worker(&self) -> Working {
        Working::start(&self.redis.url())
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A run of the program in the folder, its arguments split at spaces.
    pub(crate) fn coordinator(&self, line: &str) -> Invocation {
        coordinator(line.split_whitespace()).current_dir(self.folder.path())
    }

    /// A run of `submit scan` of the market on this cluster.
    pub(crate) fn submit(&self, options: &str) -> Invocation {
        let url = self.server.url();
        self.coordinator(&format!(
            "submit scan --bars b.csv --side all --coordinator {url} {options}"
        ))
    }

    /// The cluster, reached by its coordinator.
    pub(crate) async fn cluster(&self) -> Arc<dyn Cluster> {
        reach(&self.server.url()).await
    }

    /// Its queue.
    pub(crate) async fn queue(&self) -> impl Broker + use<> {
        queue(&self.redis.url()).await
    }
}

/// A client of the coordinators at these addresses.
pub(crate) async fn reach(urls: &str) -> Arc<dyn Cluster> {
    let settings = settings(&[(&registry::COORDINATOR, urls)]);
    let cluster = connect(&settings).await;
    cluster.unwrap_or_else(|failure| panic!("{}", failure.render(false)))
}

/// A plain connection to a server.
pub(crate) async fn channel(url: &str) -> Channel {
    let endpoint = Endpoint::from_shared(url.to_owned()).expect("a server's address");
    endpoint.connect().await.expect("a server")
}

/// Settings of which only these are set.
pub(crate) fn settings(flags: &[(&'static registry::Setting, &str)]) -> InForce {
    let flags: Vec<_> = flags
        .iter()
        .map(|(setting, text)| (*setting, vec![(*text).to_owned()]))
        .collect();
    let layer = Layer::from_flags(&flags).expect("settings that can be read");
    InForce::merge(&[layer])
}

/// The queue of a Redis.
pub(crate) async fn queue(redis: &str) -> RedisBroker {
    let options = RedisOptions::new(redis.parse().expect("the address of a Redis"));
    RedisBroker::connect(&options).await.expect("a fresh Redis is fit")
}

/// A runtime for a test that is not async itself.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let builder = builder.worker_threads(2).enable_all();
    builder.build().expect("threads can be started")
}

/// Runs a client's part of a test, which must end in time.
#[track_caller]
pub(crate) fn block_on<T>(client: impl Future<Output = T>) -> T {
    let bounded = async { tokio::time::timeout(BOUND, client).await };
    runtime().block_on(bounded).expect("the client's part of the test ends")
}

/// Looks until it is so; a test that waits in vain is a failure.
pub(crate) async fn patiently(mut is_so: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(BOUND, looking).await.expect("it comes to be so");
}

/// Rising prices with a ripple, as CSV: so many symbols, 28 days a month from January 2016 on.
pub(crate) fn bars(symbols: u32, days: u32) -> String {
    let mut text = "symbol,date,open,high,low,close,volume\n".to_owned();
    for symbol in 0..symbols {
        let name: String = [symbol / 26 % 26, symbol % 26]
            .map(|letter| char::from(b'A' + u8::try_from(letter).expect("below 26")))
            .iter()
            .collect();
        for day in 0..days {
            let (year, month, of_month) = (2016 + day / 336, day / 28 % 12 + 1, day % 28 + 1);
            let close = f64::from(5_000 + 100 * symbol + 30 * day + 20 * ((day * 7 + symbol) % 5)) / 100.0;
            let (open, high, low) = (close - 0.1, close + 0.5, close - 0.5);
            text += &format!(
                "{name},{year}-{month:02}-{of_month:02},{open:.2},{high:.2},{low:.2},{close:.2},{}\n",
                1_000_000 + 10 * day
            );
        }
    }
    text
}

/// What lies in a file.
pub(crate) fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
