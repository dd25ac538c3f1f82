//! `coordinator serve`: the control plane of a fleet.

use clap::Args;
use serde_json::json;

use super::stdout;
use crate::serve::Listening;
use crate::view::colour::{Stream, Tone, colours};
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_runtime::fault;
use tickfleet_runtime::settings::InForce;
use tickfleet_runtime::settings::flags::{SettingFlags, Takes};
use tickfleet_runtime::settings::registry::{self, Setting};

const EXAMPLES: &str = "\
EXAMPLES
  Serve a fleet whose queue is the Redis of this machine:
    coordinator serve
  Another Redis, other ports:
    coordinator serve --redis redis://queue:6379 --listen 0.0.0.0:50051 \\
      --http 0.0.0.0:8080
  Any free ports; which ones is told on standard output:
    coordinator serve --listen 127.0.0.1:0 --http 127.0.0.1:0 --json
  Submit to it, with workers running (worker --redis URL):
    coordinator submit scan --sample --coordinator http://127.0.0.1:50051

  Any number of coordinators may serve one queue: they keep no state.

EXIT STATUS
  0 it was told to end (SIGTERM, Ctrl-C); 1 a port is taken; 2 bad usage, or a
  Redis that would lose jobs; 3 Redis cannot be reached";

/// Serve a fleet: gRPC for clients, HTTP for probes
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Serve {
    /// Print where it listens as a JSON object
    #[arg(long, help_heading = "Output")]
    json: bool,
    #[command(flatten)]
    settings: SettingFlags<OfAServer>,
}

/// What decides how a coordinator serves.
#[derive(Debug, Clone)]
struct OfAServer;

impl Takes for OfAServer {
    fn takes(setting: &Setting) -> bool {
        let taken = [
            &registry::REDIS,
            &registry::REDIS_PREFIX,
            &registry::STORE,
            &registry::INLINE_RESULT,
            &registry::LISTEN,
            &registry::HTTP,
            &registry::LANES,
            &registry::SOURCE_TIMEOUT_S,
            &registry::SOURCE_RETRIES,
            &registry::LOG,
            &registry::LOG_FORMAT,
            &registry::OTLP,
        ];
        taken.iter().any(|taken| taken.key == setting.key)
    }
}

impl Serve {
    pub(super) fn run(&self) -> Result<ExitStatus, Failure> {
        let settings = InForce::merge(&self.settings.layers()?);
        arm_faults()?;
        let announce = |listening| stdout::write(self.line(listening).as_bytes()).map(drop);
        crate::serve::serve(&settings, announce, |text| {
            eprintln!("{}", Tone::Notice.paint(text, colours(Stream::Stderr)));
        })
    }

    fn line(&self, Listening { grpc, http }: Listening) -> String {
        if self.json {
            let event = json!({ "event": "listening", "grpc": grpc.to_string(), "http": http.to_string() });
            format!("{event}\n")
        } else {
            format!("gRPC http://{grpc}  HTTP http://{http}\n")
        }
    }
}

/// Arms the fault points that the environment names, and says so: nobody should meet them unawares.
fn arm_faults() -> Result<(), Failure> {
    let armed = fault::arm().map_err(|error| {
        Failure::from_error(ExitStatus::BadInput, &error).at(format!("environment variable {}", fault::VARIABLE))
    })?;
    if let Some(faults) = armed {
        eprintln!(
            "warning: {} has this coordinator fail on purpose: {faults}",
            fault::VARIABLE
        );
    }
    Ok(())
}
