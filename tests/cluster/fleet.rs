//! A fleet of a test's own: redis-server, coordinators, workers, a small market, and the answer to compare with.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;
use tickfleet_tests::binary::{coordinator_binary, worker_binary};
use tickfleet_tests::program::{Outcome, coordinator};
use tickfleet_tests::random::Random;
use tickfleet_tests::redis_server::{RedisServer, free_port};
use tickfleet_tests::service::{Service, wait_until};
use tickfleet_tests::tables::{TABLES, read_parquet};

/// The variable that says how often each scenario is repeated.
const ROUNDS_VARIABLE: &str = "TICKFLEET_TEST_ROUNDS";

/// The shortest lease there is: a dead worker's jobs run again after a second.
pub(crate) const LEASE: [&str; 2] = ["--lease-ms", "1000"];

/// Symbols of the market, three to a job.
const SYMBOLS: usize = 60;
/// Map jobs of the run, in its one chunk of dates.
pub(crate) const MAP_JOBS: u64 = 20;

/// Repeats a scenario as often as asked.
pub(crate) fn rounds(scenario: impl Fn()) {
    let rounds = std::env::var(ROUNDS_VARIABLE).map_or(1, |text| text.parse().expect("a number of rounds"));
    for _ in 0..rounds {
        scenario();
    }
}

/// A redis-server and one coordinator.
pub(crate) struct Fleet {
    pub(crate) redis: RedisServer,
    pub(crate) coordinator: Service,
    port: u16,
}

impl Fleet {
    /// Over a server with an append-only file.
    pub(crate) fn start() -> Self {
        Self::over(RedisServer::start_logged())
    }

    pub(crate) fn over(redis: RedisServer) -> Self {
        let port = free_port();
        let coordinator = serve(&redis.url(), port, &[]);
        Self {
            redis,
            coordinator,
            port,
        }
    }

    /// The address of its coordinator.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Ends the coordinator, if it runs, and starts another one in its place.
    pub(crate) fn replace_coordinator(&mut self, variables: &[(&str, &str)]) {
        self.coordinator.kill();
        self.coordinator = serve(&self.redis.url(), self.port, variables);
    }

    /// A worker of this fleet.
    pub(crate) fn worker(&self, name: &str) -> Service {
        self.worker_with(name, &[], &[])
    }

    /// A worker that meets a fault.
    pub(crate) fn faulty_worker(&self, name: &str, fault: &str) -> Service {
        self.worker_with(name, &[], &[("TICKFLEET_FAULT", fault)])
    }

    pub(crate) fn worker_with(&self, name: &str, args: &[&str], variables: &[(&str, &str)]) -> Service {
        worker(&self.redis.url(), name, args, variables)
    }

    /// Submits the market's scan and follows it into a folder.
    pub(crate) fn submit(&self, args: &[&str]) -> (Outcome, TempDir) {
        let out = tempfile::tempdir().expect("a temporary folder can be made");
        let outcome = coordinator(self.submit_args(out.path(), args)).run();
        (outcome, out)
    }

    /// Submits the market's scan and follows it beside the test.
    pub(crate) fn submit_beside(&self, args: &[&str]) -> Submission {
        let out = tempfile::tempdir().expect("a temporary folder can be made");
        let service = Service::start(coordinator_binary(), &self.submit_args(out.path(), args), &[]);
        Submission { service, out }
    }

    fn submit_args(&self, out: &Path, args: &[&str]) -> Vec<String> {
        let mut all = scan_args(market());
        all.extend(["--coordinator".to_owned(), self.url(), "--json".to_owned()]);
        all.extend(["--out".to_owned(), format!("{}/", out.display())]);
        all.extend(args.iter().map(|&arg| arg.to_owned()));
        all
    }

    /// Runs a verb against the coordinator and gives the JSON objects that it prints.
    #[track_caller]
    pub(crate) fn ask(&self, args: &[&str]) -> Vec<Value> {
        let url = self.url();
        let with_place = args.iter().copied().chain(["--json", "--coordinator", &url]);
        json_lines(&coordinator(with_place).run().success().stdout)
    }

    /// The newest run.
    #[track_caller]
    pub(crate) fn newest(&self) -> Value {
        self.ask(&["list"]).into_iter().next().expect("there is a run")
    }

    /// Waits until the newest run has so many jobs done.
    #[track_caller]
    pub(crate) fn wait_for_done(&self, jobs: u64) {
        wait_until("jobs are done", || {
            self.ask(&["list"]).first().is_some_and(|run| done(run) >= jobs)
        });
    }

    /// Every job of every run is in exactly one state.
    #[track_caller]
    pub(crate) fn assert_sound(&self) {
        let outcome = coordinator(["doctor", "--coordinator", &self.url()]).run();
        assert_eq!(outcome.status, Some(0), "doctor is not content: {outcome:#?}");
    }
}

/// A submission that is followed beside the test.
pub(crate) struct Submission {
    pub(crate) service: Service,
    pub(crate) out: TempDir,
}

impl Submission {
    /// Waits until the run is accepted.
    #[track_caller]
    pub(crate) fn wait_until_accepted(&mut self) {
        self.service.wait_for_text("\"submitted\"");
    }

    /// Waits for the run's end, which is a success with the right answer.
    #[track_caller]
    pub(crate) fn assert_right(mut self) {
        let status = self.service.wait();
        assert_eq!(status.code(), Some(0), "the run fails: {}", self.service.output());
        assert_right(self.out.path());
    }
}

/// A listed run's done jobs.
pub(crate) fn done(run: &Value) -> u64 {
    run["done"].as_u64().expect("a run has a count of done jobs")
}

/// The number of events of a kind in what `--json` printed.
pub(crate) fn events_of(stdout: &str, what: &str) -> usize {
    json_lines(stdout).iter().filter(|event| event["what"] == what).count()
}

/// The arguments of the market's scan.
pub(crate) fn scan_args(market: &Path) -> Vec<String> {
    let fixed =
        "submit scan --ticker-rule any --side all --top 1000 --max-per-sector 0 --min-dollar-volume 0 --shard-size 3";
    let dates = "--from 2024-04-01 --to 2024-04-03";
    let mut args: Vec<String> = fixed.split(' ').chain(dates.split(' ')).map(str::to_owned).collect();
    args.extend(["--bars".to_owned(), market.display().to_string()]);
    args
}

/// Starts a coordinator on a port and waits until it listens.
#[track_caller]
pub(crate) fn serve(redis: &str, port: u16, variables: &[(&str, &str)]) -> Service {
    let listen = format!("127.0.0.1:{port}");
    let args = [
        "serve",
        "--redis",
        redis,
        "--listen",
        &listen,
        "--http",
        "127.0.0.1:0",
        "--log",
        "info",
    ];
    let mut service = Service::start(coordinator_binary(), &args, variables);
    service.wait_for_text("gRPC");
    service
}

/// Starts a worker with one lane and waits until it polls.
#[track_caller]
pub(crate) fn worker(redis: &str, name: &str, args: &[&str], variables: &[(&str, &str)]) -> Service {
    let mut service = doomed_worker(redis, name, args, variables);
    service.wait_for_text(&format!("worker {name}:"));
    service
}

/// Starts a worker with one lane that may end before it says a word.
#[track_caller]
pub(crate) fn doomed_worker(redis: &str, name: &str, args: &[&str], variables: &[(&str, &str)]) -> Service {
    let mut all = vec![
        "--redis",
        redis,
        "--name",
        name,
        "--lanes",
        "1",
        "--cache-disk",
        "0",
        "--log",
        "info",
    ];
    if !args.contains(&LEASE[0]) {
        all.extend(LEASE);
    }
    all.extend(args);
    Service::start(worker_binary(), &all, variables)
}

/// Compares a folder of result tables with the fault-free answer, cell by cell; the run id in the metadata differs.
///
/// # Panics
/// When they differ.
#[track_caller]
pub(crate) fn assert_right(out: &Path) {
    for table in TABLES {
        let file = format!("{table}.parquet");
        let (found, right) = (read_parquet(&out.join(&file)), read_parquet(&answer().join(&file)));
        assert!(right.num_rows() > 0, "{table} of the answer has rows");
        assert_eq!(found.columns(), right.columns(), "{table} is another table");
    }
}

/// The tables of a fault-free run in one process.
fn answer() -> &'static Path {
    static ANSWER: OnceLock<TempDir> = OnceLock::new();
    let answer = ANSWER.get_or_init(|| {
        let out = tempfile::tempdir().expect("a temporary folder can be made");
        let mut args = scan_args(market());
        args.extend(["--out".to_owned(), format!("{}/", out.path().display())]);
        let _ = coordinator(args).run().success();
        out
    });
    answer.path()
}

/// A small market in one file: random walks of 60 symbols over 90 sessions.
pub(crate) fn market() -> &'static Path {
    static MARKET: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let market = MARKET.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("bars.csv");
        std::fs::write(&path, bars(SYMBOLS)).expect("a fresh folder takes a file");
        (folder, path)
    });
    &market.1
}

/// Bars as CSV.
pub(crate) fn bars(symbols: usize) -> String {
    let mut random = Random::new(20_240_401);
    let mut text = String::from("symbol,date,open,high,low,close,volume\n");
    for symbol in 0..symbols {
        // The first one is below the least price, and so rejected.
        let mut close = if symbol == 0 { 2.0 } else { 20.0 + 100.0 * random.unit() };
        for day in 0..95 {
            let open = close;
            close *= 1.0 + 0.04 * (random.unit() - 0.495);
            let (high, low) = (open.max(close) * 1.005, open.min(close) * 0.995);
            let volume = 100_000 + random.below(1_000_000);
            let date = date_of(day);
            text += &format!("SYM{symbol:02},{date},{open:.2},{high:.2},{low:.2},{close:.2},{volume}\n");
        }
    }
    text
}

/// The n-th day of 2024, every day a session.
fn date_of(day: usize) -> String {
    const MONTHS: [usize; 4] = [31, 29, 31, 30];
    let (mut month, mut rest) = (0, day);
    while rest >= MONTHS[month] {
        rest -= MONTHS[month];
        month += 1;
    }
    format!("2024-{:02}-{:02}", month + 1, rest + 1)
}

/// The JSON objects of a text, one a line.
pub(crate) fn json_lines(text: &str) -> Vec<Value> {
    let lines = text.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line} is no JSON: {error}")))
        .collect()
}
