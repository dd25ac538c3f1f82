//! `coordinator data sync`: a lake of daily bars from a Polygon-compatible service.

use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use clap::Args;
use serde_json::json;
use tickfleet_kernels::scan::cells::{date, format_date};
use tickfleet_protocol::spec::scan::Day;
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_runtime::objects::Limits;
use tickfleet_runtime::polygon::{Client, KEY_VARIABLE};
use tickfleet_runtime::settings::InForce;
use tickfleet_runtime::settings::flags::{SettingFlags, Takes};
use tickfleet_runtime::settings::registry::{self, Setting};

use crate::cli::stdout;
use crate::events::Events;
use crate::lake::days::Lake;
use crate::lake::sync::{Synced, sync};
use crate::view::number::plural;
use crate::view::progress::Snapshot;
use crate::view::streams::OfProcess;

/// Seconds of a day.
const DAY_S: u64 = 86_400;

const EXAMPLES: &str = "\
EXAMPLES
  A year of daily bars of all US stocks, one call and one file a session:
    POLYGON_API_KEY=… coordinator data sync --to lake --from 2024-01-01 \\
      --until 2024-12-31
  Every evening, what has come since:
    coordinator data sync --to lake
  How many calls that would be:
    coordinator data sync --to lake --dry-run
  Scan it:
    coordinator submit scan --bars lake

  Prices are as traded, without splits and dividends; there is no adj_close.
  A sync that was interrupted goes on when it is run again. The key is read from
  POLYGON_API_KEY and travels in a header, to --polygon-url alone.

EXIT STATUS
  0 the lake is complete; 1 it cannot be written; 2 bad usage, no key, or a key
  that is refused; 3 the service cannot be reached; 130 interrupted";

/// Bring daily bars from a Polygon-compatible service into a folder
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Sync {
    /// Folder of the lake, with a Parquet file a session
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// First day [default: the day after the last one in the lake]
    #[arg(long, value_name = "DATE", value_parser = day)]
    from: Option<Day>,
    /// Last day; yesterday at most [default: yesterday]
    #[arg(long, value_name = "DATE", value_parser = day)]
    until: Option<Day>,
    /// Print how many calls it takes, and make none
    #[arg(long)]
    dry_run: bool,
    /// Print what was done as a JSON object
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// No progress
    #[arg(long, help_heading = "Output")]
    quiet: bool,
    #[command(flatten)]
    settings: SettingFlags<OfASync>,
}

/// What decides how a service is asked.
#[derive(Debug, Clone)]
struct OfASync;

impl Takes for OfASync {
    fn takes(setting: &Setting) -> bool {
        let taken = [
            &registry::POLYGON_URL,
            &registry::POLYGON_RATE,
            &registry::SOURCE_TIMEOUT_S,
            &registry::SOURCE_RETRIES,
        ];
        taken.iter().any(|taken| taken.key == setting.key)
    }
}

fn day(text: &str) -> Result<Day, String> {
    date(text).ok_or_else(|| "expected a date, YYYY-MM-DD".to_owned())
}

impl Sync {
    pub(super) fn run(&self) -> Result<ExitStatus, Failure> {
        let settings = InForce::merge(&self.settings.layers()?);
        let today = today();
        let mut lake = Lake::open(&self.to).map_err(|error| self.unreadable(&error))?;
        let (from, until) = self.range(&lake, today)?;
        let (days, there) = lake.missing(from, until);
        let rate = settings
            .count(&registry::POLYGON_RATE)
            .expect("the setting has a default");
        if self.dry_run {
            return self.planned(&days, there, rate);
        }
        let url = settings
            .text(&registry::POLYGON_URL)
            .expect("the setting has a default");
        let key = std::env::var(KEY_VARIABLE).map_err(|_| no_key())?;
        let client = Client::new(url, &key, rate, Limits::of(&settings)).map_err(|error| {
            Failure::from_error(ExitStatus::BadInput, &error)
                .at_place(settings.origin(&registry::POLYGON_URL).place())
                .help(error.help())
        })?;
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| Failure::new(ExitStatus::Failed, "no threads").because(&error))?;
        let mut events = Events::on(&OfProcess, false, self.quiet || self.json);
        let (started, total) = (Instant::now(), days.len() as u64);
        let progress = |synced: &Synced| {
            events.progress(&Snapshot {
                stage: "fetching days".to_owned(),
                done: synced.days + synced.empty,
                total,
                retries: 0,
                lanes: 1,
                elapsed: started.elapsed(),
            });
        };
        let synced = runtime.block_on(async {
            tokio::select! {
                synced = sync(&client, &mut lake, &days, today, progress) => synced.map_err(|error| error.failure()),
                Ok(()) = tokio::signal::ctrl_c() => Err(interrupted()),
            }
        });
        events.end();
        self.report(&Synced { there, ..synced? })
    }

    /// The days that are wanted.
    fn range(&self, lake: &Lake, today: Day) -> Result<(Day, Day), Failure> {
        let last = lake.last().map_err(|error| self.unreadable(&error))?;
        let from = self.from.or(last.map(|last| last + 1)).ok_or_else(|| {
            Failure::new(
                ExitStatus::BadInput,
                "the lake is empty, and nothing says where it begins",
            )
            .at(self.to.display().to_string())
            .help("--from DATE names its first day")
        })?;
        let until = self.until.unwrap_or(today - 1).min(today - 1);
        if self.from.is_some() && self.until.is_some_and(|until| from > until) {
            return Err(Failure::new(ExitStatus::BadInput, "from is after until").help("swap them"));
        }
        Ok((from, until))
    }

    fn planned(&self, days: &[Day], there: u64, rate: u64) -> Result<ExitStatus, Failure> {
        let calls = days.len() as u64;
        let minutes = calls.div_ceil(rate);
        let ends = days
            .first()
            .zip(days.last())
            .map(|(first, last)| (format_date(*first), format_date(*last)));
        let text = if self.json {
            let (first, last) = ends.unzip();
            format!(
                "{}\n",
                json!({ "calls": calls, "first": first, "last": last, "there": there, "minutes": minutes })
            )
        } else {
            let range = ends
                .map(|(first, last)| format!(", {first} to {last}"))
                .unwrap_or_default();
            let (calls, minutes) = (plural(calls, "call", "calls"), plural(minutes, "minute", "minutes"));
            format!(
                "{calls}{range}: about {minutes} at {rate} a minute; {} there\n",
                plural(there, "day", "days")
            )
        };
        stdout::write(text.as_bytes())
    }

    fn report(&self, synced: &Synced) -> Result<ExitStatus, Failure> {
        let text = if self.json {
            serde_json::to_string(synced).expect("counts are plain data") + "\n"
        } else {
            let (days, rows) = (plural(synced.days, "day", "days"), plural(synced.rows, "row", "rows"));
            format!(
                "{days} written with {rows}, {} without bars, {} there\n",
                synced.empty, synced.there
            )
        };
        stdout::write(text.as_bytes())
    }

    fn unreadable(&self, error: &std::io::Error) -> Failure {
        Failure::new(ExitStatus::BadInput, "the lake cannot be read")
            .at(self.to.display().to_string())
            .because(error)
    }
}

fn no_key() -> Failure {
    Failure::new(ExitStatus::BadInput, "no key to the service")
        .at(format!("environment variable {KEY_VARIABLE}"))
        .help(format!("{KEY_VARIABLE}=KEY coordinator data sync …"))
}

fn interrupted() -> Failure {
    Failure::new(ExitStatus::Detached, "interrupted: the days that were fetched stay")
        .help("run the same command again: it goes on where this one broke off")
}

/// This day by this machine's clock, in UTC.
fn today() -> Day {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Day::try_from(since.as_secs() / DAY_S).unwrap_or(Day::MAX)
}
