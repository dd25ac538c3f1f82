//! A real redis-server of a test's own: a free port of this machine, a folder that goes with it, killed at the end.
//!
//! A machine without redis-server fails the test with how to get it; nothing is skipped.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a server may take to answer: far beyond any honest start, so that only a failure meets it.
const START_BOUND: Duration = Duration::from_secs(30);

/// Starts that are tried: another process may take the port between its choice and its use.
const STARTS_MAX: usize = 5;

/// A running redis-server.
#[derive(Debug)]
pub struct RedisServer {
    process: Child,
    port: u16,
    settings: Vec<String>,
    folder: TempDir,
}

impl RedisServer {
    /// Starts a server that keeps nothing on disk.
    ///
    /// # Panics
    /// When there is no redis-server on this machine, or it does not start.
    pub fn start() -> Self {
        Self::start_with(&["--save", "", "--appendonly", "no"])
    }

    /// Starts a server with an append-only file, written out every second.
    ///
    /// # Panics
    /// As [`RedisServer::start`].
    pub fn start_logged() -> Self {
        Self::start_with(&["--save", "", "--appendonly", "yes", "--appendfsync", "everysec"])
    }

    /// Starts a server with an append-only file, on disk before anything is answered.
    ///
    /// # Panics
    /// As [`RedisServer::start`].
    pub fn start_synced() -> Self {
        Self::start_with(&["--save", "", "--appendonly", "yes", "--appendfsync", "always"])
    }

    /// Starts a server with these settings, written as on its command line.
    ///
    /// # Panics
    /// As [`RedisServer::start`].
    pub fn start_with(settings: &[&str]) -> Self {
        Self::launch(settings, None)
    }

    /// Starts a server with these settings on a port that was found free before.
    ///
    /// # Panics
    /// As [`RedisServer::start`], and when the port is taken.
    pub fn start_on(port: u16, settings: &[&str]) -> Self {
        let settings: Vec<String> = settings.iter().map(|&setting| setting.to_owned()).collect();
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mut process = spawn(&settings, port, &folder);
        assert!(wait_until_up(&mut process, port), "redis-server starts on port {port}");
        Self {
            process,
            port,
            settings,
            folder,
        }
    }

    /// Starts a server, with a Sentinel's configuration in its folder where one is given.
    fn launch(settings: &[&str], sentinel: Option<&str>) -> Self {
        let settings: Vec<String> = settings.iter().map(|&setting| setting.to_owned()).collect();
        let mut folder = tempfile::tempdir().expect("a temporary folder can be made");
        for _ in 0..STARTS_MAX {
            let port = free_port();
            if let Some(text) = sentinel {
                std::fs::write(folder.path().join("sentinel.conf"), text).expect("a fresh folder takes a file");
            }
            let mut process = spawn(&settings, port, &folder);
            if wait_until_up(&mut process, port) {
                return Self {
                    process,
                    port,
                    settings,
                    folder,
                };
            }
            folder = tempfile::tempdir().expect("a temporary folder can be made");
        }
        panic!("redis-server did not start in {STARTS_MAX} tries with {settings:?}");
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// Its process id, for signals.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Kills it without a chance to write anything more, and starts it again on the same port and folder.
    ///
    /// # Panics
    /// When it does not come back.
    pub fn kill_and_restart(&mut self) {
        self.kill();
        self.restart();
    }

    /// Starts a server that was killed again, on the same port and folder.
    ///
    /// # Panics
    /// When it does not come back.
    pub fn restart(&mut self) {
        self.process = spawn(&self.settings, self.port, &self.folder);
        assert!(
            wait_until_up(&mut self.process, self.port),
            "redis-server comes back on its port"
        );
    }

    /// Kills it without a chance to write anything more.
    pub fn kill(&mut self) {
        self.process.kill().expect("a child of this process can be killed");
        self.process.wait().expect("a killed child can be waited for");
    }

    /// Sends one command in the inline form and gives the first line of the answer.
    ///
    /// # Panics
    /// When the server does not answer.
    pub fn command(&self, line: &str) -> String {
        ask(self.port, line).expect("a running server answers")
    }

    /// Sends one command in the inline form and gives the text that it answers.
    fn bulk(&self, line: &str) -> String {
        let stream = connect(self.port).expect("a running server can be reached");
        (&stream)
            .write_all(format!("{line}\r\n").as_bytes())
            .expect("a running server listens");
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        reader.read_line(&mut head).expect("a running server answers");
        let bytes = head.trim_end().strip_prefix('$').and_then(|bytes| bytes.parse().ok());
        let mut text = vec![0; bytes.unwrap_or_else(|| panic!("{line} answers {head}"))];
        reader.read_exact(&mut text).expect("a running server answers");
        String::from_utf8(text).expect("the server answers in UTF-8")
    }

    /// The port over which the nodes of a cluster talk.
    fn bus_port(&self) -> &str {
        let is_bus = |pair: &&[String]| pair[0] == "--cluster-port";
        &self
            .settings
            .windows(2)
            .find(is_bus)
            .expect("a node of a cluster has a bus")[1]
    }
}

/// A Redis Cluster of this machine: primaries without replicas, the slots shared out among them.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts a cluster of so many nodes, and returns when it serves.
    ///
    /// # Panics
    /// When it does not come about.
    pub fn start(nodes: u16) -> Self {
        let nodes: Vec<RedisServer> = (0..nodes).map(|_| start_node()).collect();
        let slots_each = SLOTS.div_ceil(nodes.len());
        for (n, node) in nodes.iter().enumerate() {
            let last = (n + 1) * slots_each - 1;
            let slots = format!("CLUSTER ADDSLOTSRANGE {} {}", n * slots_each, last.min(SLOTS - 1));
            assert_eq!(node.command(&slots), "+OK");
            let (first, bus) = (&nodes[0], nodes[0].bus_port());
            assert_eq!(
                node.command(&format!("CLUSTER MEET 127.0.0.1 {} {bus}", first.port)),
                "+OK"
            );
        }
        let cluster = Self { nodes };
        let started = Instant::now();
        while !cluster.serves() {
            assert!(started.elapsed() < START_BOUND, "the cluster comes about");
            std::thread::sleep(Duration::from_millis(20));
        }
        cluster
    }

    /// Its address, by one of its nodes.
    pub fn url(&self) -> String {
        format!("redis+cluster://{}", self.nodes[0].address())
    }

    /// Its nodes.
    pub fn nodes(&self) -> &[RedisServer] {
        &self.nodes
    }

    /// Whether each node knows an owner of every slot.
    fn serves(&self) -> bool {
        let knows_all = |node: &RedisServer| {
            let info = node.bulk("CLUSTER INFO");
            let all = format!("cluster_known_nodes:{}", self.nodes.len());
            info.contains("cluster_state:ok") && info.contains(&all) && info.contains("cluster_slots_assigned:16384")
        };
        self.nodes.iter().all(knows_all)
    }
}

/// Slots of a cluster.
const SLOTS: usize = 16_384;

fn start_node() -> RedisServer {
    let bus = free_port().to_string();
    RedisServer::start_with(&["--save", "", "--cluster-enabled", "yes", "--cluster-port", &bus])
}

/// A Sentinel that watches one primary.
#[derive(Debug)]
pub struct Sentinel {
    server: RedisServer,
    service: String,
}

impl Sentinel {
    /// Starts a Sentinel that knows `primary` by the name `service`.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(primary: &RedisServer, service: &str) -> Self {
        let monitor = format!("sentinel monitor {service} 127.0.0.1 {} 1\n", primary.port);
        let server = RedisServer::launch(&["sentinel.conf", "--sentinel"], Some(&monitor));
        Self {
            server,
            service: service.to_owned(),
        }
    }

    /// The address of its service.
    pub fn url(&self) -> String {
        format!("redis+sentinel://{}/{}", self.server.address(), self.service)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It may be gone already: then there is nothing to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A port of this machine that nobody uses at the moment.
///
/// # Panics
/// When there is none.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port can be bound");
    listener.local_addr().expect("a bound socket has an address").port()
}

fn spawn(settings: &[String], port: u16, folder: &TempDir) -> Child {
    let spawned = Command::new("redis-server")
        .args(settings)
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--daemonize", "no"])
        .args(["--dir", &folder.path().display().to_string()])
        .args(["--logfile", "redis.log"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    spawned.unwrap_or_else(|error| {
        panic!(
            "this test needs redis-server 7.0 or later ({error}): \
             `sudo apt-get install redis-server` on Debian, `brew install redis` on macOS; tests/run does it"
        )
    })
}

/// Whether the server answers in time; not so when it ends first.
fn wait_until_up(process: &mut Child, port: u16) -> bool {
    let started = Instant::now();
    while started.elapsed() < START_BOUND {
        if process
            .try_wait()
            .expect("a child of this process can be looked at")
            .is_some()
        {
            return false;
        }
        if ask(port, "PING").is_ok_and(|answer| answer == "+PONG" || answer.starts_with("-NOAUTH")) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}

fn connect(port: u16) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(START_BOUND))?;
    Ok(stream)
}

fn ask(port: u16, line: &str) -> std::io::Result<String> {
    let stream = connect(port)?;
    (&stream).write_all(format!("{line}\r\n").as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    Ok(answer.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_answers_and_is_gone_with_its_handle() {
        let server = RedisServer::start();
        assert_eq!(server.command("PING"), "+PONG");
        let port = server.port;
        drop(server);
        assert!(ask(port, "PING").is_err());
    }

    #[test]
    fn a_synced_server_keeps_what_it_was_told_over_a_restart() {
        let mut server = RedisServer::start_synced();
        assert_eq!(server.command("SET key value"), "+OK");
        server.kill_and_restart();
        assert_eq!(server.command("STRLEN key"), ":5");
    }
}
