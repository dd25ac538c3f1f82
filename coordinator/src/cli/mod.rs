//! The command line: one file a verb. Parses, builds and runs; decides nothing about a result.
//!
//! Bad usage ends with status 2 before anything runs. Every other error reaches [`main`] as a [`Failure`] and is printed
//! there, once. The options of a job come from [`tickfleet_runtime::settings::registry`] by way of [`tickfleet_runtime::settings::flags`].

mod bench;
mod completions;
mod config;
mod data;
mod serve;
mod stdout;
mod submit;
mod suggest;
mod takes;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use tickfleet_runtime::failure::{ExitStatus, Failure};

const EXAMPLES: &str = "\
EXAMPLES
  Rank the built-in sample:
    coordinator submit scan --sample
  Rank your own bars, as of a day, into a file:
    coordinator submit scan --bars b.parquet --as-of 2016-06-30 --out r.csv
  See which settings hold, and why:
    coordinator config";

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
    Data(data::Data),
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
            Verb::Data(data) => data.run(),
            Verb::Bench(bench) => bench.run(),
            Verb::Config(config) => config.run(),
            Verb::Completions(completions) => completions.run(),
        }
    }
}

#[cfg(test)]
mod tests;
