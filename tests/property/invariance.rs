//! Lanes, shards, memory, file formats, the order of rows and the cut into files: none of them reaches a result.

use std::io::Cursor;
use std::path::Path;

use arrow::ipc::reader::FileReader;
use tickfleet_tests::random::seeds;
use tickfleet_tests::tables::floats;

use crate::layout::{self, Lacks, ParquetForm};
use crate::scan::{Scan, blanked, file_parts};
use crate::{SEEDS, bare_scan, day, joined, market, small_scan};

/// How work may be cut: lanes, shard size (none: planned), memory.
const CUTS: [(&str, Option<&str>, &str); 14] = [
    ("1", Some("1"), "256MB"),
    ("1", Some("50"), "256MB"),
    ("1", Some("5000"), "256MB"),
    ("1", None, "256MB"),
    ("2", Some("1"), "256MB"),
    ("2", Some("50"), "256MB"),
    ("2", Some("5000"), "256MB"),
    ("2", None, "256MB"),
    ("7", Some("1"), "256MB"),
    ("7", Some("50"), "256MB"),
    ("7", Some("5000"), "256MB"),
    ("7", None, "256MB"),
    ("2", Some("3"), "1MB"),
    ("7", None, "1MB"),
];

/// A scan whose work is cut in one of these ways.
fn cut(scan: &Scan, (lanes, shard, memory): (&str, Option<&str>, &str)) -> Scan {
    let scan = scan.clone().with(["--lanes", lanes, "--memory", memory]);
    match shard {
        Some(size) => scan.with(["--shard-size", size]),
        None => scan,
    }
}

/// Holds a scan to the same bytes however its work is cut: the run's id is all that may differ in a file.
#[track_caller]
fn assert_same_however_cut(scan: &Scan, cuts: &[(&str, Option<&str>, &str)]) {
    let expected = cut(scan, cuts[0]).tables();
    let (rows, bytes) = (expected.rows(), expected.bytes());
    assert!(
        rows[0].num_rows() > 5 && rows[2].num_rows() > 5,
        "ranked and rejected hold rows: {rows:?}"
    );
    for &how in &cuts[1..] {
        assert!(
            cut(scan, how).tables().bytes() == bytes,
            "the tables of {how:?} differ from those of {:?}",
            cuts[0]
        );
    }
}

#[test]
fn tables_are_the_same_however_the_work_is_cut() {
    for seed in seeds(&SEEDS) {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let bars = folder.path().join("bars.parquet");
        let form = ParquetForm {
            row_group: 200,
            ..ParquetForm::default()
        };
        layout::write_parquet(
            &bars,
            &market::shuffled(&market::rows(seed), seed),
            &form,
            Lacks::Nothing,
        );
        let scan = small_scan(&bars, folder.path(), seed).with(["--from", &day(80), "--to", &day(88)]);
        assert_same_however_cut(&scan, &CUTS);
    }
}

#[test]
fn every_format_of_a_file_is_the_same_however_the_work_is_cut() {
    let seed = seeds(&SEEDS)[0];
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let bars = folder.path().join("bars.parquet");
    layout::write_parquet(&bars, &market::rows(seed), &ParquetForm::default(), Lacks::Nothing);
    let scan = small_scan(&bars, folder.path(), seed);
    let cuts = [CUTS[3], CUTS[4], CUTS[13]].map(|how| cut(&scan, how));
    for ending in ["csv", "json", "jsonl"] {
        let outputs = cuts.each_ref().map(|scan| scan.file(ending));
        assert!(
            outputs.iter().all(|output| *output == outputs[0]),
            "{ending} of seed {seed} differs"
        );
    }
    let outputs = cuts.each_ref().map(|scan| scan.file("arrow"));
    let outputs = outputs.map(|bytes| blanked(&bytes, &arrow_run_id(&bytes)));
    assert!(
        outputs.iter().all(|output| *output == outputs[0]),
        "arrow of seed {seed} differs"
    );
    let outputs = cuts.each_ref().map(|scan| file_parts(&scan.file("parquet")));
    assert!(
        outputs.iter().all(|output| *output == outputs[0]),
        "parquet of seed {seed} differs"
    );
}

fn arrow_run_id(bytes: &[u8]) -> String {
    let reader = FileReader::try_new(Cursor::new(bytes), None).expect("an Arrow file");
    reader.schema().metadata()["tickfleet.run_id"].clone()
}

#[test]
fn results_are_the_same_however_the_bars_are_stored() {
    for seed in seeds(&SEEDS) {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let layouts = layout::all(&market::rows(seed), &folder.path().join("bars"));
        let scan = |bars: &Path| small_scan(bars, folder.path(), seed).with(["--as-of", &day(100)]);
        let (first, expected) = (&layouts[0].0, scan(&layouts[0].1));
        let (rows, text) = (expected.tables().rows(), expected.file("jsonl"));
        assert!(
            rows.iter().all(|table| table.num_rows() > 5),
            "every table holds rows: {rows:?}"
        );
        for (name, bars) in &layouts[1..] {
            let scan = scan(bars);
            assert!(
                scan.file("jsonl") == text,
                "seed {seed}: the ranking of {name} differs from that of {first}"
            );
            for (got, expected) in scan.tables().rows().iter().zip(&rows) {
                assert_eq!(
                    got, expected,
                    "seed {seed}: a table of {name} differs from that of {first}"
                );
            }
        }
    }
}

#[test]
fn results_are_the_same_however_the_joined_tables_are_stored() {
    for seed in seeds(&SEEDS) {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let bars = folder.path().join("bars.parquet");
        layout::write_parquet(&bars, &market::rows(seed), &ParquetForm::default(), Lacks::Nothing);
        let expected = small_scan(&bars, folder.path(), seed).tables().rows();
        let known = |name: &str| floats(&expected[1], name).iter().flatten().count();
        for column in [
            "value_ep",
            "last_surprise",
            "pred_10d",
            "quality_score",
            "ml_z",
            "merit",
        ] {
            assert!(known(column) > 3, "seed {seed}: {column} has values");
        }
        for is_typed in [false, true] {
            let scan = joined::tables(seed).iter().fold(
                bare_scan(&bars).with(["--universe".into(), folder.path().join("universe.csv").into_os_string()]),
                |scan, table| {
                    let path = table.write_parquet(folder.path(), is_typed);
                    scan.with([format!("--{}", table.name).into(), path.into_os_string()])
                },
            );
            assert_eq!(scan.tables().rows(), expected, "seed {seed}, typed: {is_typed}");
        }
    }
}
