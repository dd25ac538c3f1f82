//! Where results go: every format, and disks that refuse. A file is there whole, or as it was before.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::market::csv;
use crate::place::{Place, assert_readable};
use tickfleet_tests::program::assert_error;

/// `--out` for every format, and for the folder of all tables.
const OUTS: [&str; 6] = ["r.parquet", "r.csv", "r.json", "r.jsonl", "r.arrow", "r/"];

#[test]
fn every_format_is_written() {
    let place = Place::with(&[("b.csv", csv().as_bytes())]);
    for out in OUTS {
        let outcome = place.scan(&format!("--bars b.csv --side all --out {out}"));
        assert_eq!(outcome.stdout, "", "with files there is no table");
        assert!(
            outcome.stderr.contains("wrote r") && outcome.stderr.contains(": 5 rows"),
            "{outcome:#?}"
        );
    }
    assert_eq!(
        place.names("."),
        ["b.csv", "r", "r.arrow", "r.csv", "r.json", "r.jsonl", "r.parquet"]
    );
    assert_eq!(
        place.names("r"),
        ["funnel.parquet", "ranked.parquet", "rejected.parquet", "scored.parquet"]
    );
    assert_eq!(place.read("r/ranked.parquet").get(..4), Some(&b"PAR1"[..]));
    assert_eq!(place.read("r.arrow").get(..6), Some(&b"ARROW1"[..]));
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&place.read("r.json")).expect("one JSON array");
    let text = String::from_utf8(place.read("r.jsonl")).expect("JSON is UTF-8");
    let lines: Result<Vec<serde_json::Value>, _> = text.lines().map(serde_json::from_str).collect();
    assert_eq!(lines.expect("JSON in each line"), rows);
    assert_eq!(rows.len(), 5);
    let csv = String::from_utf8(place.read("r.csv")).expect("CSV is UTF-8");
    assert_eq!(csv.lines().count(), 6);
    assert!(csv.starts_with("as_of,symbol,rank,status,"), "{csv}");
}

#[test]
fn a_full_disk_leaves_what_was_there() {
    for out in OUTS {
        let place = Place::with(&[("b.csv", csv().as_bytes()), ("o/r.txt", b"before")]);
        let file = if out == "r/" { "r/ranked.parquet" } else { out };
        place.write(&format!("o/{file}"), "before");
        let before = place.names("o");
        // A limit on file sizes stands for a full disk: it needs neither root nor a mount.
        let script = format!("ulimit -f 1; exec \"$0\" submit scan --bars b.csv --side all --out o/{out}");
        let outcome = place.shell(&script);
        assert_error(
            &outcome,
            1,
            &[
                &format!("cannot write o/{file}: "),
                "raise the limit (ulimit -f)",
                "File too large",
            ],
        );
        assert_eq!(place.read(&format!("o/{file}")), b"before", "{out}");
        assert_eq!(place.names("o"), before, "{out}");
        if out == "r/" {
            assert_eq!(place.names("o/r"), ["ranked.parquet"]);
        }
    }
}

#[test]
fn a_read_only_folder_is_refused_before_the_run() {
    let place = Place::with(&[("b.csv", csv().as_bytes()), ("ro/keep", b"")]);
    let folder = place.path("ro");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).expect("an own folder can be closed");
    // Root writes where it may not; there is a file system that refuses even root.
    let is_closed = fs::write(folder.join("probe"), "").is_err();
    let refused = if is_closed {
        folder.display().to_string()
    } else {
        "/sys".to_owned()
    };
    let needles = [
        refused.as_str(),
        "read-only for this user",
        "change its permissions",
        "ermi",
    ];
    place.refuses(&format!("--bars b.csv --out {refused}/r.csv"), 2, &needles);
    place.refuses(&format!("--bars b.csv --out {refused}/"), 2, &needles);
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("an own folder can be opened");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_behind_standard_output_is_an_error() {
    let place = Place::with(&[("b.csv", csv().as_bytes())]);
    for options in ["--side all", "--json", "--dry-run"] {
        let outcome = place.shell(&format!("exec \"$0\" submit scan --bars b.csv {options} >/dev/full"));
        assert_error(&outcome, 1, &["standard output can't be written", "No space left"]);
        assert_readable(&outcome);
    }
}
