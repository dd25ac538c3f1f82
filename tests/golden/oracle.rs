//! The scan held against the goldens: every cell of every table, and the columns against the registry.

use arrow::array::RecordBatch;
use arrow::compute::{filter_record_batch, is_not_null};
use tickfleet_kernels::scan::result::result_columns;
use tickfleet_tests::beside::data;
use tickfleet_tests::onnx::{LIBRARY_VARIABLE, library};
use tickfleet_tests::program::coordinator;
use tickfleet_tests::tables::{TABLES, column_names, floats, integers, read_parquet};

use crate::compare::differences;

/// The columns that name a row of each table, in the order of [`TABLES`].
const KEYS: [&[&str]; 4] = [
    &["as_of", "symbol"],
    &["as_of", "symbol"],
    &["as_of", "symbol"],
    &["as_of", "stage", "reason"],
];

#[test]
fn the_base_golden_is_held() {
    hold("base");
}

#[test]
fn the_factors_golden_is_held() {
    hold("factors");
}

/// It needs ONNX Runtime, which `tests/run` fetches; without it the test fails and says how to get it.
#[test]
fn the_model_golden_is_held() {
    hold("model");
}

#[track_caller]
fn hold(name: &str) {
    let Some(golden) = data(&format!("scan/golden/{name}")) else {
        return;
    };
    let out = tempfile::tempdir().expect("a temporary folder can be made");
    let config = golden.join("options.toml").display().to_string();
    let folder = format!("{}/", out.path().display());
    let scan = coordinator(["submit", "scan", "--quiet", "--config", &config, "--out", &folder]);
    let scan = match name {
        "model" => scan.env(LIBRARY_VARIABLE, library()),
        _ => scan,
    };
    let _ = scan.run().success();
    let mut found = Vec::new();
    for (table, key) in TABLES.iter().zip(KEYS) {
        let got = read_parquet(&out.path().join(format!("{table}.parquet")));
        let expected = read_parquet(&golden.join(format!("expected/{table}.parquet")));
        let differing = differences(&got, &expected, key).into_iter();
        found.extend(differing.map(|difference| format!("{table}: {difference}")));
        assert_finite(table, &got);
    }
    assert!(found.is_empty(), "{name} differs:\n{}", found.join("\n"));
    let scored = read_parquet(&out.path().join("scored.parquet"));
    let ranked = read_parquet(&out.path().join("ranked.parquet"));
    assert_eq!(ranked, ranked_rows(&scored), "ranked is scored by rank");
    let listed: Vec<&str> = result_columns().map(|column| column.name).collect();
    assert_eq!(column_names(&scored), listed, "the columns are those of the registry");
}

/// The rows of a scored table that have a rank, in its order.
fn ranked_rows(scored: &RecordBatch) -> RecordBatch {
    let ranks = scored.column_by_name("rank").expect("a scored table has ranks");
    let kept = filter_record_batch(scored, &is_not_null(ranks).expect("a column has validity")).expect("a mask fits");
    let mut order: Vec<(i64, u32)> = integers(&kept, "rank")
        .into_iter()
        .map(|rank| rank.expect("kept"))
        .zip(0..)
        .collect();
    order.sort_unstable();
    assert!(
        order
            .iter()
            .map(|(rank, _)| *rank)
            .eq(1..=i64::try_from(order.len()).expect("few rows")),
        "ranks run from 1"
    );
    let order = arrow::array::UInt32Array::from_iter_values(order.into_iter().map(|(_, row)| row));
    arrow::compute::take_record_batch(&kept, &order).expect("rows of the table")
}

/// No cell is NaN or infinite.
fn assert_finite(table: &str, batch: &RecordBatch) {
    for (field, name) in batch.schema().fields().iter().zip(column_names(batch)) {
        if field.data_type() == &arrow::datatypes::DataType::Float64 {
            let values = floats(batch, &name);
            assert!(
                values.into_iter().flatten().all(f64::is_finite),
                "{table}.{name} has a number that is not finite"
            );
        }
    }
}
