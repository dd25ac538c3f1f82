//! Laws of the scan that hold for any input: how work is cut, stored or cached never changes a byte of a result, and
//! what comes later never changes what was known before.
//!
//! The input is made up from seeds, dirt included; `TICKFLEET_TEST_SEED` replaces them with one. Read next: `invariance`.

mod invariance;
mod joined;
mod layout;
mod look_ahead;
mod market;
mod sample;
mod scan;

use std::path::{Path, PathBuf};

use scan::Scan;

/// The usual seeds.
const SEEDS: [u64; 2] = [1, 20_160_630];

/// Options under which a small market has rows in every table, and every scored row is ranked: those of one table then
/// show everything that was computed.
const SMALL: [&str; 15] = [
    "--side",
    "all",
    "--max-per-sector",
    "0",
    "--sectors",
    "all",
    "--min-bars",
    "30",
    "--lookback",
    "60",
    "--min-price",
    "1",
    "--min-dollar-volume",
    "100000",
    "--unlisted=keep",
];

/// A scan of a small market with the universe and the joined tables of its seed, which are written beside the bars.
fn small_scan(bars: &Path, folder: &Path, seed: u64) -> Scan {
    let universe: PathBuf = folder.join("universe.csv");
    if !universe.exists() {
        std::fs::write(&universe, market::universe(seed)).expect("a temporary folder takes a file");
    }
    let scan = bare_scan(bars).with(["--universe".into(), universe.into_os_string()]);
    joined_scan(scan, folder, &joined::tables(seed))
}

/// A scan of a small market, of its bars alone.
fn bare_scan(bars: &Path) -> Scan {
    Scan::of(bars).with(SMALL)
}

/// The scan with these tables, which are written into the folder.
fn joined_scan(scan: Scan, folder: &Path, tables: &[joined::Joined]) -> Scan {
    tables.iter().fold(scan, |scan, table| {
        let path = table.write_csv(folder);
        scan.with([format!("--{}", table.name).into(), path.into_os_string()])
    })
}

/// The `at`-th day of the small market as an option takes it.
fn day(at: usize) -> String {
    tickfleet_kernels::scan::cells::format_date(market::days()[at])
}
