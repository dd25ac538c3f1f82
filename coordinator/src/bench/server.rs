//! The Redis that is measured: one of the measurement's own, or one that is given; and what it says of itself.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use tempfile::TempDir;
use tickfleet_runtime::failure::{ExitStatus, Failure};

/// How long a server may take to start.
const START_BOUND: Duration = Duration::from_secs(20);
/// How the limit is measured: requests, pipeline, connections.
const BENCHMARK_ARGS: [&str; 8] = ["-n", "300000", "-P", "32", "-c", "20", "-q", "XADD"];

/// A Redis to measure.
pub(super) struct Server {
    /// Its address.
    pub(super) url: String,
    port: u16,
    connection: MultiplexedConnection,
    /// Ends with the measurement.
    own: Option<Own>,
}

struct Own {
    process: Child,
    _folder: TempDir,
}

impl Drop for Own {
    fn drop(&mut self) {
        // It may be gone already: then there is nothing to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    /// Starts a server with an append-only file that is written every second.
    ///
    /// # Errors
    /// There is no redis-server here, or it does not come up.
    pub(super) async fn start() -> Result<Self, Failure> {
        let folder = tempfile::tempdir().map_err(|error| failed("no temporary folder for a Redis").because(&error))?;
        let port = free_port().map_err(|error| failed("no free port for a Redis").because(&error))?;
        let process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(["--appendonly", "yes", "--appendfsync", "everysec", "--daemonize", "no"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let process = process.map_err(|error| {
            failed("redis-server can't be started")
                .because(&error)
                .help("install redis-server 7.0 or later, or name a running one with --redis URL")
        })?;
        let own = Own {
            process,
            _folder: folder,
        };
        let url = format!("redis://127.0.0.1:{port}");
        let started = Instant::now();
        loop {
            match connect(&url).await {
                Ok(connection) => {
                    return Ok(Self {
                        url,
                        port,
                        connection,
                        own: Some(own),
                    });
                }
                Err(error) if started.elapsed() > START_BOUND => {
                    return Err(failed("redis-server does not come up").because(&error));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// A server that is there already.
    ///
    /// # Errors
    /// It can't be reached, or is no single server.
    pub(super) async fn given(url: &str) -> Result<Self, Failure> {
        let client = redis::Client::open(url).map_err(|error| {
            Failure::new(
                ExitStatus::BadInput,
                "the queue is measured on a single Redis: redis://HOST:PORT",
            )
            .because(&error)
        })?;
        let port = match client.get_connection_info().addr() {
            redis::ConnectionAddr::Tcp(_, port) => *port,
            _ => 0,
        };
        let connection = connect(url)
            .await
            .map_err(|error| Failure::new(ExitStatus::Unreachable, "Redis can't be reached").because(&error))?;
        Ok(Self {
            url: url.to_owned(),
            port,
            connection,
            own: None,
        })
    }

    /// Processor time that the server has used, seconds.
    pub(super) async fn cpu_seconds(&mut self) -> Result<f64, Failure> {
        let info = self.info("cpu").await?;
        let seconds = |name| number::<f64>(&info, name).unwrap_or(0.0);
        Ok(seconds("used_cpu_user:") + seconds("used_cpu_sys:"))
    }

    /// Memory of all its keys and their overhead, bytes.
    pub(super) async fn memory_bytes(&mut self) -> Result<u64, Failure> {
        Ok(number(&self.info("memory").await?, "used_memory:").unwrap_or(0))
    }

    /// `XADD`s a second that redis-benchmark drives through it, pipelined: the limit of a queue on streams. None where
    /// there is no redis-benchmark.
    pub(super) fn limit(&self) -> Option<f64> {
        let output = Command::new("redis-benchmark")
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string()])
            .args(BENCHMARK_ARGS)
            .args(["tf-bench-limit", "*", "d", "0123456789012345678901234567890123456789"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&output.stdout).replace('\r', "\n");
        let line = text.lines().rfind(|line| line.contains("requests per second"))?;
        let before = line.split("requests per second").next()?;
        before.split_whitespace().next_back()?.parse().ok()
    }

    /// Removes every key that begins with a prefix.
    pub(super) async fn clear(&mut self, prefix: &str) -> Result<(), Failure> {
        let mut cursor = 0_u64;
        loop {
            let scan = redis::cmd("SCAN")
                .arg(cursor)
                .arg("MATCH")
                .arg(format!("{prefix}*"))
                .arg("COUNT")
                .arg(1_000)
                .to_owned();
            let (next, keys): (u64, Vec<Vec<u8>>) = scan
                .query_async(&mut self.connection)
                .await
                .map_err(|error| unanswered(&error))?;
            if !keys.is_empty() {
                let unlink = redis::cmd("UNLINK").arg(keys).to_owned();
                let _: u64 = unlink
                    .query_async(&mut self.connection)
                    .await
                    .map_err(|error| unanswered(&error))?;
            }
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }

    /// Whether the measurement started it.
    pub(super) fn is_own(&self) -> bool {
        self.own.is_some()
    }

    async fn info(&mut self, section: &str) -> Result<String, Failure> {
        let info = redis::cmd("INFO").arg(section).to_owned();
        info.query_async(&mut self.connection)
            .await
            .map_err(|error| unanswered(&error))
    }
}

async fn connect(url: &str) -> redis::RedisResult<MultiplexedConnection> {
    let mut connection = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
    let _: String = redis::cmd("PING").query_async(&mut connection).await?;
    connection.set_response_timeout(Duration::from_secs(60));
    Ok(connection)
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// The number after a name in an INFO text, where it is told.
fn number<N: FromStr>(info: &str, name: &str) -> Option<N> {
    let line = info.lines().find_map(|line| line.strip_prefix(name));
    line?.trim().parse().ok()
}

fn failed(what: &str) -> Failure {
    Failure::new(ExitStatus::Failed, what)
}

fn unanswered(error: &redis::RedisError) -> Failure {
    Failure::new(ExitStatus::Unreachable, "Redis does not answer").because(error)
}
