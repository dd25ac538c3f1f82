//! `coordinator data load`: bars into a table of PostgreSQL or TimescaleDB.

use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use tickfleet_runtime::data::DataError;
use tickfleet_runtime::data::inputs::Inputs;
use tickfleet_runtime::data::locate::locate;
use tickfleet_runtime::database::load::{Loaded, load};
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_runtime::objects;
use tickfleet_runtime::pool::Pool;
use tickfleet_runtime::settings::InForce;
use tickfleet_runtime::settings::flags::{SettingFlags, Takes};
use tickfleet_runtime::settings::registry::{self, Setting};

use crate::cli::stdout;
use crate::cluster::local::bad_input;
use crate::events::Events;
use crate::view::number::plural;
use crate::view::progress::Snapshot;
use crate::view::streams::OfProcess;

/// Lanes that decode files; the database is slower.
const LANES: usize = 2;

const EXAMPLES: &str = "\
EXAMPLES
  Make the table daily_bars where it is not there, and fill it:
    coordinator data load --bars bars.parquet --to postgres://me@db/market
  Another table, from a folder in object storage:
    coordinator data load --bars s3://lake/bars/ \\
      --to 'postgres://me@db/market?table=stocks.daily'

  The password comes from PGPASSWORD or the password file (~/.pgpass).
  A load that was interrupted goes on when the same command is run again; one
  that is run twice changes nothing. docs/data.md gives the table's columns.

EXIT STATUS
  0 all rows were loaded or rejected for a reason; 1 the load broke off; 2 bad
  usage or bad input; 3 the database cannot be reached";

/// Load bars into a table of PostgreSQL or TimescaleDB
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Load {
    /// Database and table: postgres://USER@HOST:PORT/DATABASE?table=NAME
    #[arg(long, value_name = "URI")]
    to: String,
    /// Print what was loaded as a JSON object
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// No progress
    #[arg(long, help_heading = "Output")]
    quiet: bool,
    #[command(flatten)]
    settings: SettingFlags<OfALoad>,
}

/// What decides how a load reads and waits.
#[derive(Debug, Clone)]
struct OfALoad;

impl Takes for OfALoad {
    fn takes(setting: &Setting) -> bool {
        let taken = [&registry::BARS, &registry::SOURCE_TIMEOUT_S, &registry::SOURCE_RETRIES];
        taken.iter().any(|taken| taken.key == setting.key)
    }
}

impl Load {
    pub(super) fn run(&self) -> Result<ExitStatus, Failure> {
        let settings = InForce::merge(&self.settings.layers()?);
        objects::configure(&settings);
        let bars = settings.text(&registry::BARS).ok_or_else(|| {
            Failure::new(ExitStatus::BadInput, "no daily bars are named").help("--bars PATH names what is loaded")
        })?;
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).enable_all().build();
        let runtime = runtime.map_err(|error| Failure::new(ExitStatus::Failed, "no threads").because(&error))?;
        let mut events = Events::on(&OfProcess, false, self.quiet || self.json);
        let loaded = runtime.block_on(async {
            tokio::select! {
                loaded = self.load(bars, &mut events) => loaded,
                Ok(()) = tokio::signal::ctrl_c() => Err(interrupted()),
            }
        });
        events.end();
        let loaded = loaded?;
        let text = if self.json {
            serde_json::to_string(&loaded).expect("counts are plain data") + "\n"
        } else {
            summary(&loaded)
        };
        stdout::write(text.as_bytes())
    }

    async fn load(&self, bars: &str, events: &mut Events) -> Result<Loaded, Failure> {
        let files = locate("bars", bars).await.map_err(|error| bad_input(&error))?;
        let (inputs, started) = (Arc::new(Inputs::new(0)), Instant::now());
        let pool = Pool::new(LANES).map_err(|error| Failure::from_error(ExitStatus::Failed, &error))?;
        let mut has_begun = false;
        let mut progress = |done, total| {
            has_begun = true;
            events.progress(&Snapshot {
                stage: "loading rows".to_owned(),
                done,
                total,
                retries: 0,
                lanes: LANES as u64,
                elapsed: started.elapsed(),
            });
        };
        let loaded = load(&inputs, &pool, files, &self.to, &mut progress).await;
        loaded.map_err(|error| broken_off(&error, has_begun))
    }
}

/// What kept a load from its end.
fn broken_off(error: &DataError, has_begun: bool) -> Failure {
    let failure = bad_input(error);
    if !has_begun {
        return failure;
    }
    let failure = Failure {
        status: if error.is_outage() {
            failure.status
        } else {
            ExitStatus::Failed
        },
        ..failure
    };
    failure.help("run the same command again: it goes on where this one broke off")
}

fn interrupted() -> Failure {
    Failure::new(ExitStatus::Detached, "interrupted: blocks that were loaded stay")
        .help("run the same command again: it goes on where this one broke off")
}

fn summary(loaded: &Loaded) -> String {
    let rows = &loaded.rows;
    let kind = if loaded.is_hypertable { " (hypertable)" } else { "" };
    let mut text = format!("{}{kind}\n{} read\n", loaded.table, plural(rows.read, "row", "rows"));
    let loaded_rows = [
        ("inserted", rows.inserted),
        ("updated", rows.updated),
        ("unchanged", rows.unchanged),
    ];
    let rejected = [
        ("rejected: unplaced", rows.unplaced),
        ("rejected: bad_price", rows.bad_price),
        ("rejected: bad_volume", rows.bad_volume),
        ("rejected: duplicate", rows.duplicate),
    ];
    for (what, count) in loaded_rows
        .into_iter()
        .chain(rejected.into_iter().filter(|(_, count)| *count > 0))
    {
        text += &format!("  {count:>12}  {what}\n");
    }
    if loaded.resumed_blocks > 0 {
        let blocks = plural(loaded.resumed_blocks, "block", "blocks");
        text += &format!("{blocks} of these had been loaded before\n");
    }
    text
}
