//! A real PostgreSQL of a test's own: a fresh cluster in a folder that goes with it, a free port, killed at the end.
//!
//! PostgreSQL refuses root, so under root it runs as the system's `postgres` or `nobody`. A machine without it fails the
//! test with how to get it; nothing is skipped.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

/// How long a server may take to answer: far beyond any honest start, so that only a failure meets it.
const START_BOUND: Duration = Duration::from_secs(60);
/// Starts that are tried: another process may take the port between its choice and its use.
const STARTS_MAX: usize = 5;
/// The user that owns everything.
pub const USER: &str = "fleet";
/// Its password: no output may hold it.
pub const PASSWORD: &str = "hush hush/of:tests";
/// The database.
const DATABASE: &str = "postgres";

/// A running server.
#[derive(Debug)]
pub struct PostgresServer {
    process: Child,
    port: u16,
    _folder: TempDir,
}

/// A connection of the test's own.
pub struct Sql {
    client: Client,
    runtime: Runtime,
}

impl PostgresServer {
    /// Starts a server with an empty database.
    ///
    /// # Panics
    /// When there is no PostgreSQL on this machine, or it does not start.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let data = folder.path().join("data");
        let password = folder.path().join("password");
        std::fs::write(&password, PASSWORD).expect("a fresh folder takes a file");
        give_away(folder.path());
        let made = as_other("initdb")
            .args([
                "--username",
                USER,
                "--auth",
                "scram-sha-256",
                "--no-locale",
                "--encoding",
                "UTF8",
                "--no-sync",
            ])
            .arg("--pwfile")
            .arg(&password)
            .arg("--pgdata")
            .arg(&data)
            .output()
            .expect("initdb can be run");
        assert!(
            made.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        for _ in 0..STARTS_MAX {
            let port = free_port();
            let mut process = spawn(&data, port);
            if wait_until_up(&mut process, port) {
                return Self {
                    process,
                    port,
                    _folder: folder,
                };
            }
        }
        panic!("PostgreSQL did not start in {STARTS_MAX} tries");
    }

    /// Its database with a table, without the password.
    pub fn uri(&self, table: &str) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{DATABASE}?table={table}", self.port)
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Connects.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn sql(&self) -> Sql {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build();
        let runtime = runtime.expect("a runtime can be made");
        let client = runtime.block_on(connect(self.port)).expect("the server answers");
        Sql { client, runtime }
    }
}

impl Sql {
    /// Runs statements and gives the rows as text.
    ///
    /// # Panics
    /// When the server refuses them.
    #[track_caller]
    pub fn run(&self, statements: &str) -> Vec<Vec<Option<String>>> {
        let done = self.runtime.block_on(self.client.simple_query(statements));
        let messages = done.unwrap_or_else(|error| panic!("{statements}: {error:?}"));
        let row = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect()),
            _ => None,
        };
        messages.iter().filter_map(row).collect()
    }

    /// The one value that a query gives.
    ///
    /// # Panics
    /// As [`Sql::run`], and when it gives another number of rows.
    #[track_caller]
    pub fn value(&self, query: &str) -> String {
        let rows = self.run(query);
        assert_eq!(rows.len(), 1, "{query}: {rows:?}");
        rows[0][0].clone().unwrap_or_default()
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        // An immediate shutdown takes the server's own processes along.
        let quit = Command::new("kill")
            .args(["-s", "QUIT", &self.process.id().to_string()])
            .status();
        if !quit.is_ok_and(|status| status.success()) {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
    }
}

async fn connect(port: u16) -> Result<Client, tokio_postgres::Error> {
    let mut config = Config::new();
    config
        .host("127.0.0.1")
        .port(port)
        .user(USER)
        .password(PASSWORD)
        .dbname(DATABASE);
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(async move {
        // It ends with the client, or with the server that the test ends.
        let _ = connection.await;
    });
    Ok(client)
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port can be bound");
    listener.local_addr().expect("a bound socket has an address").port()
}

fn spawn(data: &Path, port: u16) -> Child {
    as_other("postgres")
        .arg("-D")
        .arg(data)
        .args([
            "-p",
            &port.to_string(),
            "-h",
            "127.0.0.1",
            "-k",
            "",
            "-c",
            "fsync=off",
            "-c",
            "log_min_messages=fatal",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("postgres can be run")
}

/// Whether the server answers in time; not so when it ends first.
fn wait_until_up(process: &mut Child, port: u16) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime can be made");
    let started = Instant::now();
    while started.elapsed() < START_BOUND {
        if process
            .try_wait()
            .expect("a child of this process can be looked at")
            .is_some()
        {
            return false;
        }
        if runtime.block_on(connect(port)).is_ok() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

/// A program of PostgreSQL, run as somebody who is not root.
fn as_other(program: &str) -> Command {
    let program = find(program);
    let Some(user) = other() else {
        return Command::new(program);
    };
    let mut command = Command::new("setpriv");
    let user = [
        format!("--reuid={user}"),
        format!("--regid={}", group(user)),
        "--clear-groups".to_owned(),
    ];
    command.args(user).arg(program).current_dir("/");
    command
}

/// Whom to run as; nobody else where this is not root already.
fn other() -> Option<&'static str> {
    if answer("id", &["-u"]) != "0" {
        return None;
    }
    let users = ["postgres", "nobody"];
    users.into_iter().find(|user| !answer("id", &["-u", user]).is_empty())
}

fn group(user: &str) -> String {
    answer("id", &["-g", user])
}

fn give_away(folder: &Path) {
    if let Some(user) = other() {
        let given = Command::new("chown").args(["-R", user]).arg(folder).status();
        assert!(
            given.is_ok_and(|status| status.success()),
            "a folder can be given to {user}"
        );
    }
}

fn answer(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).stderr(Stdio::null()).output();
    output.map_or_else(
        |_| String::new(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

/// A program of PostgreSQL: on the path, or where Debian puts it.
fn find(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let of_versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut of_versions: Vec<PathBuf> = of_versions.map(|version| version.path().join("bin")).collect();
    of_versions.sort();
    let folders = std::env::split_paths(&path).chain(of_versions.into_iter().rev());
    let mut programs = folders.map(|folder| folder.join(program));
    programs.find(|path| path.is_file()).unwrap_or_else(|| {
        panic!(
            "this test needs {program} of PostgreSQL: `sudo apt-get install postgresql` on Debian, \
             `brew install postgresql` on macOS; tests/run does it"
        )
    })
}
