//! `--sample`: the built-in synthetic data set, made once in the user's cache folder.

use std::path::PathBuf;

use etcetera::BaseStrategy;
use tickfleet_protocol::spec::scan::ScanSpec;

use crate::error::{ExitStatus, Failure};
use crate::events::Events;
use crate::sample::{folder_name, open, write_sample};
use crate::settings::{RunOptions, SAMPLE_BARS, SAMPLE_UNIVERSE};
use crate::view::progress::Snapshot;

/// The spec with the sample's files in place of their names; other specs as they are.
pub(super) fn materialise(spec: &ScanSpec, options: &RunOptions, events: &mut Events) -> Result<ScanSpec, Failure> {
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
            let started = std::time::Instant::now();
            let made = write_sample(&folder, |done, total| {
                let (done, total) = (done as u64, total as u64);
                let elapsed = started.elapsed();
                events.progress(&Snapshot {
                    stage: "sample".to_owned(),
                    done,
                    total,
                    retries: 0,
                    lanes: 1,
                    elapsed,
                });
            });
            made.map_err(|error| {
                Failure::from_error(ExitStatus::Failed, &error)
                    .help("coordinator data sample DIR writes it elsewhere; then scan with --bars and --universe")
            })?
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

fn cache_folder() -> Result<PathBuf, Failure> {
    let strategy = etcetera::choose_base_strategy().map_err(|error| {
        Failure::new(ExitStatus::Failed, "no cache folder for the sample")
            .because(&error)
            .help("set HOME or XDG_CACHE_HOME, or use: coordinator data sample DIR")
    })?;
    Ok(strategy.cache_dir().join("tickfleet"))
}
