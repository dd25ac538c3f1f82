//! The command line of `worker`: parses, resolves the settings, and hands over to `program`.

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_runtime::settings::InForce;
use tickfleet_runtime::settings::flags::{SettingFlags, Takes};
use tickfleet_runtime::settings::registry::{
    CACHE_DIR, CACHE_DISK, HEALTH, INLINE_RESULT, JOB_MAX_S, JOB_MEMORY, JOB_SPANS, JOB_SPANS_RATIO, KINDS, LANES,
    LEASE_MS, LOG, LOG_FORMAT, MEMORY, NAME, OTLP, REDIS, REDIS_PREFIX, SOURCE_RETRIES, SOURCE_TIMEOUT_S, STORE,
    Setting,
};

use crate::say::{Event, Say};
use crate::{program, solo};

const EXAMPLES: &str = "\
EXAMPLES
  Work for the queue on this machine:
    worker
  For the queue of a cluster, with four lanes:
    worker --redis rediss://:$PASSWORD@redis.internal:6379 --lanes 4
  With probes and metrics for an orchestrator:
    worker --health 0.0.0.0:9090
  See what it is doing:
    worker --log info

ENDING
  SIGTERM or Ctrl-C: it claims nothing more, hands back what has not begun,
  finishes what computes within 20 s, and ends. Once more: it ends at once.

EXIT STATUS
  0 it was told to end; 1 it could not go on; 2 bad usage or settings;
  3 the queue refused it, or did not answer while it ended";

/// The flags of a worker.
#[derive(Debug, Clone)]
pub struct WorkerFlags;

/// What a worker takes as flags.
static FLAGS: [&Setting; 21] = [
    &REDIS,
    &REDIS_PREFIX,
    &STORE,
    &INLINE_RESULT,
    &LANES,
    &MEMORY,
    &NAME,
    &KINDS,
    &LEASE_MS,
    &JOB_MAX_S,
    &JOB_MEMORY,
    &HEALTH,
    &CACHE_DIR,
    &CACHE_DISK,
    &SOURCE_TIMEOUT_S,
    &SOURCE_RETRIES,
    &LOG,
    &LOG_FORMAT,
    &OTLP,
    &JOB_SPANS,
    &JOB_SPANS_RATIO,
];

impl Takes for WorkerFlags {
    fn takes(setting: &Setting) -> bool {
        FLAGS.iter().any(|flag| flag.key == setting.key)
    }
}

/// Claims jobs from a queue and computes them
#[derive(Debug, Parser)]
#[command(name = "worker", bin_name = "worker", version, after_help = EXAMPLES)]
pub struct Cli {
    /// Print what happens as JSON, one event a line, on standard output
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// Run the one job that is on standard input
    #[arg(long, hide = true)]
    solo: bool,
    #[command(flatten)]
    settings: SettingFlags<WorkerFlags>,
}

/// The definition of the command line, for completions and for checks of documents.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Parses the arguments of this process, works, and says what went wrong.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // With the terminal closed there is nobody left to tell; the status still says it.
            let _ = error.print();
            return u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    if cli.solo {
        return solo::child::main();
    }
    let say = Say { json: cli.json };
    match cli.run(say) {
        Ok(()) => ExitStatus::Succeeded.into(),
        Err(failure) => {
            say.say(&Event::Failed { failure: &failure });
            failure.status.into()
        }
    }
}

impl Cli {
    fn run(&self, say: Say) -> Result<(), Failure> {
        program::run(&InForce::merge(&self.settings.layers()?), say)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound_and_names_its_settings() {
        command().debug_assert();
        let help = command().render_help().to_string();
        for flag in FLAGS {
            assert!(help.contains(&flag.flag()), "{} in {help}", flag.flag());
        }
        assert!(help.contains("EXAMPLES") && !help.contains("--solo") && !help.contains("--bars"));
    }
}
