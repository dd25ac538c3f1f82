//! Runs the program over a golden's options, those keys left out that this version refuses.

use std::path::Path;

use tickfleet_runtime::settings::registry::{Setting, Table};
use tickfleet_tests::program::coordinator;

/// The options of a golden as this version takes them.
#[derive(Debug)]
pub(crate) struct Options {
    /// The `[scan]` table, paths made absolute.
    scan: toml::Table,
    /// Keys that were left out, because this version does not compute what they decide.
    pub(crate) left_out: Vec<String>,
}

/// The options in `golden/options.toml`.
pub(crate) fn read(golden: &Path) -> Options {
    let path = golden.join("options.toml");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("can't read {}: {error}", path.display()));
    let mut file: toml::Table = text.parse().expect("a golden's options are TOML");
    let Some(toml::Value::Table(mut scan)) = file.remove("scan") else {
        panic!("{} has no table [scan]", path.display());
    };
    let is_computed = |key: &str| {
        Setting::find(Table::Scan, key)
            .unwrap_or_else(|| panic!("{key} of {} is no setting", path.display()))
            .is_computed()
    };
    let left_out: Vec<String> = scan.keys().filter(|key| !is_computed(key)).cloned().collect();
    for key in &left_out {
        scan.remove(key);
    }
    for key in ["bars", "universe", "fundamentals", "events", "predictions", "model"] {
        if let Some(value) = scan.get_mut(key) {
            let relative = value.as_str().expect("a path is text").to_owned();
            *value = golden.join(relative).display().to_string().into();
        }
    }
    Options { scan, left_out }
}

/// Scans by these options into `out`, a folder.
pub(crate) fn scan(options: &Options, out: &Path) {
    let config = out.join("options.toml");
    let file: toml::Table = [("scan".to_owned(), toml::Value::Table(options.scan.clone()))]
        .into_iter()
        .collect();
    std::fs::write(&config, file.to_string()).expect("a fresh folder takes a file");
    scan_config(&config, out);
}

/// Scans by a settings file into `out`, a folder.
pub(crate) fn scan_config(config: &Path, out: &Path) {
    let (config, out) = (config.display().to_string(), format!("{}/", out.display()));
    let _ = coordinator(["submit", "scan", "--quiet", "--config", &config, "--out", &out])
        .run()
        .success();
}
