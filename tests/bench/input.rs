//! What is scanned: the data beside the checkout, else the built-in sample, made for this run.

use std::path::PathBuf;

use tempfile::TempDir;
use tickfleet_coordinator::sample::write_sample;
use tickfleet_tests::beside::{DATA_VARIABLE, data};
use tickfleet_tests::workspace_root;

/// The input of every measurement.
pub(crate) struct Input {
    /// What it is, in words.
    pub(crate) name: &'static str,
    /// Daily bars, Parquet.
    pub(crate) bars: PathBuf,
    /// The universe table.
    pub(crate) universe: PathBuf,
    _folder: Option<TempDir>,
}

/// Finds the input, or makes it.
pub(crate) fn find() -> Input {
    let is_beside = std::env::var_os(DATA_VARIABLE).is_some() || workspace_root().join("../shared/data").is_dir();
    let found = is_beside.then(|| {
        (
            data("scan/us_daily_2015_2016h1.parquet"),
            data("scan/universe_technic.csv"),
        )
    });
    if let Some((Some(bars), Some(universe))) = found {
        return Input {
            name: "the data beside the checkout",
            bars,
            universe,
            _folder: None,
        };
    }
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let files = write_sample(
        &folder.path().join("sample"),
        |_, _| std::ops::ControlFlow::Continue(()),
    )
    .expect("a temporary folder takes the sample");
    Input {
        name: "the built-in sample (synthetic)",
        bars: files.bars,
        universe: files.universe,
        _folder: Some(folder),
    }
}
