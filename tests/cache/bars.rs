//! Daily bars of a made-up market, some of them dirty, and files of them in several layouts.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Float64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use tickfleet_tests::random::Random;

/// First day: a Monday.
const START: i32 = 18_267;
/// Bars of a symbol.
const DAYS: i32 = 90;
/// One row in so many is dirty.
const DIRTY_ONCE_IN: usize = 40;

/// A row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bar {
    pub(crate) symbol: String,
    pub(crate) date: i32,
    pub(crate) close: f64,
    pub(crate) volume: f64,
}

/// A market of so many symbols, by symbol and date: missing prices, negative volumes, weekend rows and duplicates are
/// strewn over all of them.
pub(crate) fn market(symbols: usize) -> Vec<Bar> {
    let mut random = Random::new(7);
    let mut bars = Vec::new();
    for number in 0..symbols {
        let mut close = 20.0 + 100.0 * random.unit();
        for day in (0..DAYS).filter(|day| day % 7 < 5) {
            close *= 1.0 + 0.04 * (random.unit() - 0.5);
            let bar = Bar {
                symbol: format!("S{number:03}"),
                date: START + day,
                close,
                volume: 100_000.0 + 1e6 * random.unit(),
            };
            if random.once_in(DIRTY_ONCE_IN) {
                bars.push(dirty(&bar, &mut random));
            }
            bars.push(bar);
        }
    }
    bars.sort_by(|a, b| (&a.symbol, a.date).cmp(&(&b.symbol, b.date)));
    bars
}

fn dirty(bar: &Bar, random: &mut Random) -> Bar {
    let mut dirty = bar.clone();
    match random.below(4) {
        0 => dirty.close = f64::NAN,
        1 => dirty.volume = -1.0,
        // The next Saturday.
        2 => dirty.date += 5 - (dirty.date - START) % 7,
        _ => dirty.close *= 1.5,
    }
    dirty
}

/// The last clean bar of a symbol.
pub(crate) fn last_of<'a>(bars: &'a mut [Bar], symbol: &str) -> &'a mut Bar {
    let last = bars.iter_mut().rfind(|bar| bar.symbol == symbol && bar.close > 0.0);
    last.expect("the market has the symbol")
}

/// Writes a Parquet file with so many rows in a group.
pub(crate) fn write(path: &Path, bars: &[Bar], group: usize) {
    let symbols = StringArray::from_iter_values(bars.iter().map(|bar| &bar.symbol));
    let dates = Date32Array::from_iter_values(bars.iter().map(|bar| bar.date));
    let column = |value: &dyn Fn(&Bar) -> f64| -> ArrayRef {
        let cell = |bar: &Bar| Some(value(bar)).filter(|value| !value.is_nan());
        Arc::new(bars.iter().map(cell).collect::<Float64Array>())
    };
    let batch = RecordBatch::try_from_iter([
        ("symbol", Arc::new(symbols) as ArrayRef),
        ("date", Arc::new(dates)),
        ("open", column(&|bar| bar.close * 0.99)),
        ("high", column(&|bar| bar.close * 1.02)),
        ("low", column(&|bar| bar.close * 0.97)),
        ("close", column(&|bar| bar.close)),
        ("volume", column(&|bar| bar.volume)),
    ]);
    let batch = batch.expect("columns are equally long");
    let file = File::create(path).expect("a temporary folder takes a file");
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(group))
        .build();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).expect("a plain schema");
    writer.write(&batch).expect("the disk has room");
    writer.close().expect("the disk has room");
}
