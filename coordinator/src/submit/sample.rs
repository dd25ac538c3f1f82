//! `--sample`: the built-in synthetic data set, made once in the user's cache folder.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use etcetera::BaseStrategy;
use tickfleet_protocol::spec::scan::ScanSpec;
use tokio::sync::watch;

use crate::events::Events;
use crate::sample::{SampleError, SampleFiles, folder_name, open, write_sample};
use crate::settings::{RunOptions, SAMPLE_BARS, SAMPLE_UNIVERSE};
use crate::view::progress::Snapshot;
use tickfleet_runtime::failure::{ExitStatus, Failure};

/// The spec with the sample's files in place of their names; other specs as they are.
///
/// Makes the sample off the async threads, so that `stop` is heard meanwhile; stopped, nothing of it is left.
pub(super) async fn materialise(
    spec: &ScanSpec,
    options: &RunOptions,
    events: &mut Events,
    stop: impl Future<Output = ()>,
) -> Result<ScanSpec, Failure> {
    let mut spec = spec.clone();
    if !options.sample {
        return Ok(spec);
    }
    events.note("SYNTHETIC DATA: made by tickfleet from a fixed seed; no real market, no real companies");
    let folder = cache_folder()?.join(folder_name());
    let files = match open(&folder) {
        Some(files) => files,
        None => {
            events.note(&format!("making the sample once, in {}", folder.display()));
            make(folder, events, stop).await?
        }
    };
    for (input, name, file) in [
        (&mut spec.bars, SAMPLE_BARS, &files.bars),
        (spec.universe.get_or_insert_default(), SAMPLE_UNIVERSE, &files.universe),
    ] {
        assert_eq!(input, name, "settings name the sample's tables");
        *input = file.display().to_string();
    }
    Ok(spec)
}

async fn make(folder: PathBuf, events: &mut Events, stop: impl Future<Output = ()>) -> Result<SampleFiles, Failure> {
    tokio::pin!(stop);
    let started = Instant::now();
    let (told, mut news) = watch::channel((0, 0));
    // Progress ends with its reader: the maker then breaks off by itself.
    let progress = move |done: usize, total: usize| match told.send((done as u64, total as u64)) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    };
    let making = tokio::task::spawn_blocking(move || write_sample(&folder, progress));
    loop {
        tokio::select! {
            changed = news.changed() => match changed {
                Ok(()) => {
                    let (done, total) = *news.borrow_and_update();
                    events.progress(&snapshot(done, total, started.elapsed()));
                }
                Err(_) => break,
            },
            () = &mut stop => break,
        }
    }
    drop(news);
    let made = making
        .await
        .map_err(|error| Failure::from_error(ExitStatus::Failed, &error))?;
    made.map_err(|error| match error {
        SampleError::BrokenOff => super::interrupted(),
        error => Failure::from_error(ExitStatus::Failed, &error)
            .help("coordinator data sample DIR writes it elsewhere; then scan with --bars and --universe"),
    })
}

fn snapshot(done: u64, total: u64, elapsed: Duration) -> Snapshot {
    Snapshot {
        stage: "sample".to_owned(),
        done,
        total,
        retries: 0,
        lanes: 1,
        elapsed,
    }
}

fn cache_folder() -> Result<PathBuf, Failure> {
    let strategy = etcetera::choose_base_strategy().map_err(|error| {
        Failure::new(ExitStatus::Failed, "no cache folder for the sample")
            .because(&error)
            .help("set HOME or XDG_CACHE_HOME, or use: coordinator data sample DIR")
    })?;
    Ok(strategy.cache_dir().join("tickfleet"))
}
