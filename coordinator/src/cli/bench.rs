//! `coordinator bench`: measurements to repeat on a machine of one's own.

use clap::{Args, Subcommand};
use tickfleet_runtime::failure::{ExitStatus, Failure};

use super::stdout;
use crate::bench::queue::{Options, measure};

const EXAMPLES: &str = "\
EXAMPLES
  Start a redis-server of its own and measure the queue on it:
    coordinator bench queue
  Measure on a Redis that is there; keys begin with tf-bench- and are
  removed at the end:
    coordinator bench queue --redis redis://127.0.0.1:6379
  For a program:
    coordinator bench queue --json";

/// Measure what this machine can do
#[derive(Debug, Args)]
pub(super) struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Queue(Queue),
}

/// Jobs a second through the queue, dispatch latency, and what a job costs Redis
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct Queue {
    /// Measure on this Redis [default: start one]
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
    /// No-op jobs
    #[arg(long, default_value_t = 300_000, value_parser = clap::value_parser!(u64).range(1_000..=10_000_000))]
    jobs: u64,
    /// Bytes of each result
    #[arg(long, value_name = "BYTES", default_value_t = 64, value_parser = clap::value_parser!(u64).range(0..=65_536))]
    result_bytes: u64,
    /// Workers, all in this process
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    workers: u16,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Bench {
    pub(super) fn run(self) -> Result<ExitStatus, Failure> {
        let What::Queue(queue) = self.what;
        queue.run()
    }
}

impl Queue {
    fn run(self) -> Result<ExitStatus, Failure> {
        let options = Options {
            redis: self.redis,
            jobs: self.jobs,
            result_bytes: self.result_bytes,
            workers: usize::from(self.workers),
            lanes: 1,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| Failure::new(ExitStatus::Failed, "no threads").because(&error))?;
        let report = runtime.block_on(measure(&options, &mut |step| eprintln!("measuring: {step}")))?;
        let text = if self.json {
            serde_json::to_string(&report).expect("a report is plain data") + "\n"
        } else {
            report.text()
        };
        stdout::write(text.as_bytes())
    }
}
