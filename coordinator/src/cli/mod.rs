//! The command line: one file a verb. Parses, builds and runs; decides nothing about a result.
//!
//! Bad usage ends with status 2 before anything runs. Every other error reaches [`main`] as a [`Failure`] and is printed
//! there, once. The options of a job come from [`tickfleet_runtime::settings::registry`] by way of [`tickfleet_runtime::settings::flags`].

mod ask;
mod bench;
mod cache;
mod cancel;
mod compare;
mod completions;
mod config;
mod data;
mod dlq;
mod doctor;
mod drain;
mod explain;
mod get;
mod list;
mod logs;
mod reach;
mod results;
mod retry;
mod serve;
mod status;
mod stdout;
mod submit;
mod suggest;
mod takes;
mod watch;
mod workers;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use reach::OnCluster as _;
use tickfleet_runtime::failure::{ExitStatus, Failure};

const EXAMPLES: &str = "\
EXAMPLES
  Rank the built-in sample:
    coordinator submit scan --sample
  Rank your own bars, as of a day, into a file:
    coordinator submit scan --bars b.parquet --as-of 2016-06-30 --out r.csv
  See which settings hold, and why:
    coordinator config
  Serve a fleet, submit to it, look at it:
    coordinator serve
    coordinator submit scan --sample --coordinator http://127.0.0.1:50051
    coordinator list

WHICH CLUSTER
  submit runs in this process unless --coordinator names a cluster. The other
  verbs go to --coordinator, else straight to --redis where it is named, else
  to http://127.0.0.1:50051. Both may stand in the environment
  (TICKFLEET_COORDINATOR, TICKFLEET_REDIS) or in a settings file.";

/// Turns market-data work into jobs and gives back one ordered answer
#[derive(Debug, Parser)]
#[command(name = "coordinator", bin_name = "coordinator", version, after_help = EXAMPLES, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Submit(submit::Submit),
    Serve(serve::Serve),
    List(list::List),
    Get(get::Get),
    Watch(watch::Watch),
    Results(results::Results),
    Explain(explain::Explain),
    Compare(compare::Compare),
    Cancel(cancel::Cancel),
    Retry(retry::Retry),
    Logs(logs::Logs),
    Workers(workers::Workers),
    Drain(drain::Drain),
    Dlq(dlq::Dlq),
    Status(status::Status),
    Doctor(doctor::Doctor),
    Data(data::Data),
    Cache(cache::Cache),
    Bench(bench::Bench),
    Config(config::Config),
    Completions(completions::Completions),
}

/// The definition of the command line, for completions and for checks of documents.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Parses the arguments of this process, runs the verb, prints what went wrong.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let error = suggest::flag(error, std::env::args_os().skip(1));
            // With the terminal closed there is nobody left to tell; the status still says it.
            let _ = error.print();
            return u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    match cli.run() {
        Ok(status) => status.into(),
        Err(failure) => {
            failure.print();
            failure.status.into()
        }
    }
}

impl Cli {
    fn run(self) -> Result<ExitStatus, Failure> {
        match self.verb {
            Verb::Submit(submit) => submit.run(),
            Verb::Serve(serve) => serve.run(),
            Verb::List(list) => list.run(),
            Verb::Get(get) => get.run(),
            Verb::Watch(watch) => watch.run(),
            Verb::Results(results) => results.run(),
            Verb::Explain(explain) => explain.run(),
            Verb::Compare(compare) => compare.run(),
            Verb::Cancel(cancel) => cancel.run(),
            Verb::Retry(retry) => retry.run(),
            Verb::Logs(logs) => logs.run(),
            Verb::Workers(workers) => workers.run(),
            Verb::Drain(drain) => drain.run(),
            Verb::Dlq(dlq) => dlq.run(),
            Verb::Status(status) => status.run(),
            Verb::Doctor(doctor) => doctor.run(),
            Verb::Data(data) => data.run(),
            Verb::Cache(cache) => cache.run(),
            Verb::Bench(bench) => bench.run(),
            Verb::Config(config) => config.run(),
            Verb::Completions(completions) => completions.run(),
        }
    }
}

#[cfg(test)]
mod sessions;
#[cfg(test)]
mod tests;
