//! `coordinator cache`: what the cache holds, clearing it, filling it ahead of time.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{ArgGroup, Args, Subcommand};
use tickfleet_protocol::ids::Millis;
use tickfleet_runtime::cache::{ResultStore, open};
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_runtime::settings::flags::{SettingFlags, Takes};
use tickfleet_runtime::settings::registry::{self, Setting};
use tickfleet_runtime::settings::{InForce, Origin};

use super::takes::OfAScan;
use crate::cluster::queue;
use crate::events::Events;
use crate::ops::cache::{Parts, What, clear, stats};
use crate::ops::output::Output;
use crate::settings::{Request, Resolved, resolve};

const EXAMPLES: &str = "\
EXAMPLES
  What this machine's disk cache holds, and the queue's Redis:
    coordinator cache stats --redis redis://127.0.0.1:6379
  Empty this machine's disk cache:
    coordinator cache clear --disk
  Drop every result in Redis and in the store:
    coordinator cache clear --results --redis redis://127.0.0.1:6379
  Compute tomorrow's scan ahead of time, behind all other runs:
    coordinator cache warm scan --bars bars.parquet --side both

A cache decides no value: what is not there is computed again.

EXIT STATUS
  0 done; 1 it failed, runs need what was to be cleared, or nobody agreed to it;
  2 bad usage or bad input; 3 the cluster can't be reached; 130 interrupted";

/// How long the process waits for async tasks when it ends.
const SHUTDOWN: Duration = Duration::from_millis(200);

/// See what the cache holds, clear it, or fill it ahead of time
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Cache {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Stats(Stats),
    Clear(Clear),
    Warm(Warm),
}

/// Show what the disk cache, Redis and the store hold
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct Stats {
    /// Print one JSON object a tier
    #[arg(long, help_heading = "Output")]
    json: bool,
    #[command(flatten)]
    settings: SettingFlags<OfACache>,
}

/// Clear the disk cache of this machine, or the results of all
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("what").required(true).multiple(true).args(["disk", "results"]))]
struct Clear {
    /// The disk cache of this machine
    #[arg(long)]
    disk: bool,
    /// All results in Redis and in the store, those of ended runs among them
    #[arg(long)]
    results: bool,
    /// Ask nothing
    #[arg(long, short)]
    yes: bool,
    /// Print one JSON object for what was cleared
    #[arg(long, help_heading = "Output")]
    json: bool,
    #[command(flatten)]
    settings: SettingFlags<OfACache>,
}

/// Run a job for its cached results alone, behind all other runs
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct Warm {
    #[command(subcommand)]
    job: Job,
}

#[derive(Debug, Subcommand)]
enum Job {
    Scan(Box<Scan>),
}

/// Compute the results of a scan; later scans find them
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct Scan {
    /// Scan the built-in sample, with its own bars and universe
    #[arg(long, help_heading = "Input")]
    sample: bool,
    /// Print machine-readable events, one a line
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// Print no progress and no notices
    #[arg(long, short, help_heading = "Output")]
    quiet: bool,
    #[command(flatten)]
    settings: SettingFlags<OfAScan>,
}

/// What says where the parts of the cache are.
#[derive(Debug, Clone)]
struct OfACache;

impl Takes for OfACache {
    fn takes(setting: &Setting) -> bool {
        let taken = [
            &registry::CACHE_DIR,
            &registry::CACHE_DISK,
            &registry::REDIS,
            &registry::REDIS_PREFIX,
            &registry::STORE,
        ];
        taken.iter().any(|taken| taken.key == setting.key)
    }
}

impl Cache {
    pub(super) fn run(&self) -> Result<ExitStatus, Failure> {
        match &self.action {
            Action::Stats(it) => on_parts(&it.settings, it.json, async |parts, out| stats(parts, out).await),
            Action::Clear(it) => {
                let what = What {
                    disk: it.disk,
                    results: it.results,
                };
                on_parts(&it.settings, it.json, async |parts, out| {
                    let mut consent = |question: &str| if it.yes { Ok(true) } else { ask(question) };
                    clear(parts, what, &mut consent, out).await
                })
            }
            Action::Warm(Warm { job: Job::Scan(scan) }) => scan.run(),
        }
    }
}

impl Scan {
    fn run(&self) -> Result<ExitStatus, Failure> {
        let resolved = self.resolve().inspect_err(|failure| {
            if self.json {
                Events::json_only().failed(failure);
            }
        })?;
        crate::submit::warm(&resolved)
    }

    fn resolve(&self) -> Result<Resolved, Failure> {
        let request = Request {
            sample: self.sample,
            json: self.json,
            quiet: self.quiet,
            ..Request::default()
        };
        Ok(resolve(self.settings.layers()?, &request)?)
    }
}

/// Opens what can be reached of the cache and does something with it.
fn on_parts(
    settings: &SettingFlags<OfACache>,
    json: bool,
    action: impl AsyncFnOnce(&Parts, &mut Output) -> Result<ExitStatus, Failure>,
) -> Result<ExitStatus, Failure> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
    let mut out = Output::of_process(json, now);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(ExitStatus::Failed, "no threads").because(&error))?;
    let ended = runtime.block_on(async {
        let settings = InForce::merge(&settings.layers()?);
        let parts = parts(&settings).await?;
        action(&parts, &mut out).await
    });
    runtime.shutdown_timeout(SHUTDOWN);
    if let Err(failure) = &ended {
        out.failed(failure);
    }
    ended
}

async fn parts(settings: &InForce) -> Result<Parts, Failure> {
    let is_named = !matches!(settings.origin(&registry::REDIS), Origin::Default(_) | Origin::Unset);
    let queue = match is_named {
        true => {
            let (broker, url) = queue::connect(settings).await?;
            Some((broker, url.to_string()))
        }
        false => None,
    };
    let store = match settings.text(&registry::STORE) {
        None => None,
        Some(uri) => Some(ResultStore::open(uri).await.map_err(|error| {
            Failure::from_error(ExitStatus::BadInput, &error)
                .at_place(settings.origin(&registry::STORE).place())
                .help(error.help())
        })?),
    };
    Ok(Parts {
        disk: open::disk_folder(settings).map(|folder| (folder, open::disk_bytes(settings))),
        queue,
        store,
    })
}

/// Asks on the terminal; elsewhere nobody could answer.
fn ask(question: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(
            Failure::new(ExitStatus::BadInput, "dropped results have to be computed again")
                .why("nobody can be asked here: standard input is no terminal")
                .help("--yes drops them without asking"),
        );
    }
    let unasked = |error: io::Error| Failure::new(ExitStatus::Failed, "the question can't be asked").because(&error);
    let mut answer = String::new();
    write!(io::stderr().lock(), "{question} [y/N] ").map_err(unasked)?;
    io::stdin().read_line(&mut answer).map_err(unasked)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
