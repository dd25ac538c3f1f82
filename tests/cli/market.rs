//! Small markets: five symbols with names that trap readers of CSV, 84 sessions.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use parquet::arrow::ArrowWriter;

/// Names of the columns of bars.
pub(crate) const HEADER: &str = "symbol,date,open,high,low,close,volume";
/// Symbols, of which three look like missing values, a truth value and a number.
pub(crate) const SYMBOLS: [&str; 5] = ["AAA", "BBB", "NAN", "TRUE", "INF"];

/// A daily bar.
#[derive(Clone)]
pub(crate) struct Bar {
    pub(crate) symbol: &'static str,
    pub(crate) date: String,
    /// Days since 1970-01-01.
    pub(crate) day: i32,
    /// Open, high, low, close.
    pub(crate) prices: [f64; 4],
    pub(crate) volume: i64,
}

/// Rising prices with a ripple, by symbol and date: January to March 2016, 28 days each.
pub(crate) fn bars() -> Vec<Bar> {
    let first_days = [16_801, 16_832, 16_861];
    let mut bars = Vec::new();
    for (at, symbol) in (0i32..).zip(SYMBOLS) {
        for row in 0i32..84 {
            let (month, of_month) = (row / 28, row % 28 + 1);
            let close = f64::from(5_000 + 1_000 * at + 30 * row + 20 * ((row * 7 + at) % 5)) / 100.0;
            bars.push(Bar {
                symbol,
                date: format!("2016-{:02}-{of_month:02}", month + 1),
                day: first_days[usize::try_from(month).expect("0 to 2")] + of_month - 1,
                prices: [close - 0.1, close + 0.5, close - 0.5, close],
                volume: 1_000_000 + 10 * i64::from(row),
            });
        }
    }
    bars
}

/// A bar as a line of CSV.
pub(crate) fn line(bar: &Bar) -> String {
    let [open, high, low, close] = bar.prices;
    format!(
        "{},{},{open:.2},{high:.2},{low:.2},{close:.2},{}",
        bar.symbol, bar.date, bar.volume
    )
}

/// The lines of [`bars`] after the header; the bar on line N of the file is at N - 2.
pub(crate) fn lines() -> Vec<String> {
    bars().iter().map(line).collect()
}

/// Lines under a header, each ended by `end`.
pub(crate) fn text(header: &str, lines: &[String], end: &str) -> String {
    let all = std::iter::once(header).chain(lines.iter().map(String::as_str));
    all.map(|line| format!("{line}{end}")).collect()
}

/// [`bars`] as CSV.
pub(crate) fn csv() -> String {
    text(HEADER, &lines(), "\n")
}

/// [`csv`] with one line changed; `number` counts from 1, the header.
pub(crate) fn csv_with(number: usize, change: impl Fn(&str) -> String) -> String {
    let mut lines = lines();
    lines[number - 2] = change(&lines[number - 2]);
    text(HEADER, &lines, "\n")
}

/// How a Parquet file holds dates.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Dates {
    Date,
    Timestamp,
    Digits,
    Text,
}

/// [`bars`] as Parquet.
pub(crate) fn parquet(dates: Dates) -> Vec<u8> {
    let bars = bars();
    let date: ArrayRef = match dates {
        Dates::Date => Arc::new(Date32Array::from_iter_values(bars.iter().map(|bar| bar.day))),
        Dates::Timestamp => {
            let evening = |bar: &Bar| (i64::from(bar.day) * 86_400 + 79_200) * 1_000_000;
            Arc::new(TimestampMicrosecondArray::from_iter_values(bars.iter().map(evening)))
        }
        Dates::Digits => {
            let digits = |bar: &Bar| bar.date.replace('-', "").parse::<i64>().expect("eight digits");
            Arc::new(Int64Array::from_iter_values(bars.iter().map(digits)))
        }
        Dates::Text => Arc::new(StringArray::from_iter_values(bars.iter().map(|bar| &bar.date))),
    };
    // Prices as CSV has them: in two decimals.
    let rounded = |price: f64| format!("{price:.2}").parse::<f64>().expect("a number");
    let price = |at: usize| {
        Arc::new(Float64Array::from_iter_values(
            bars.iter().map(|bar| rounded(bar.prices[at])),
        )) as ArrayRef
    };
    let symbol: ArrayRef = Arc::new(StringArray::from_iter_values(bars.iter().map(|bar| bar.symbol)));
    let volume: ArrayRef = Arc::new(Int64Array::from_iter_values(bars.iter().map(|bar| bar.volume)));
    write(&[
        ("symbol", symbol),
        ("date", date),
        ("open", price(0)),
        ("high", price(1)),
        ("low", price(2)),
        ("close", price(3)),
        ("volume", volume),
    ])
}

/// Columns as a Parquet file.
pub(crate) fn write(columns: &[(&str, ArrayRef)]) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns.iter().cloned()).expect("columns of one length");
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).expect("memory can be written");
    writer.write(&batch).expect("memory can be written");
    writer.close().expect("memory can be written");
    bytes
}
