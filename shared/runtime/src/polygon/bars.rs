//! The service's answers as a table of bars, and what one of its files holds.
//!
//! Pure: bytes in, columns out. What the answer lacks is null; which rows make bars is the scan's to say.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Float64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde::Deserialize;

use super::fault::Fault;

/// A page of an answer: only what is used.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    status: Option<String>,
    #[serde(default, rename = "resultsCount")]
    count: Option<u64>,
    #[serde(default)]
    results: Option<Vec<Bar>>,
    /// Where the answer goes on.
    #[serde(default)]
    pub(super) next_url: Option<String>,
}

/// A bar: symbol, open, high, low, close, volume.
#[derive(Debug, Clone, Deserialize)]
struct Bar {
    #[serde(rename = "T")]
    symbol: String,
    o: Option<f64>,
    h: Option<f64>,
    l: Option<f64>,
    c: Option<f64>,
    v: Option<f64>,
}

impl Answer {
    /// Reads a page.
    pub(super) fn read(body: &[u8]) -> Result<Self, Fault> {
        let unreadable = |why: String| Fault::Unreadable { why };
        let answer: Self = serde_json::from_slice(body).map_err(|error| unreadable(error.to_string()))?;
        match answer.status.as_deref() {
            Some("OK" | "DELAYED") => {}
            Some(_) | None => return Err(unreadable("its status is not OK".to_owned())),
        }
        let found = answer.results.as_ref().map_or(0, Vec::len) as u64;
        match answer.count {
            Some(count) if count != found => Err(unreadable(format!(
                "it says that it has {count} results and has {found}"
            ))),
            _ => Ok(answer),
        }
    }
}

/// The bars of a day, by symbol; of two with one symbol the later counts.
#[derive(Debug)]
pub struct DayBars {
    day: i32,
    bars: BTreeMap<String, Bar>,
}

impl DayBars {
    pub(super) fn new(day: i32) -> Self {
        Self {
            day,
            bars: BTreeMap::new(),
        }
    }

    pub(super) fn take(&mut self, answer: &Answer) {
        for bar in answer.results.iter().flatten() {
            self.bars.insert(bar.symbol.clone(), bar.clone());
        }
    }

    /// Whether the day was no session.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bars.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bars.len()
    }

    /// As a table with the columns of daily bars.
    ///
    /// # Panics
    /// Never: its columns have one length.
    #[must_use]
    pub fn table(&self) -> RecordBatch {
        let bars = || self.bars.values();
        let number = |of: fn(&Bar) -> Option<f64>| -> ArrayRef { Arc::new(bars().map(of).collect::<Float64Array>()) };
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(bars().map(|bar| &bar.symbol))),
            Arc::new(Date32Array::from_value(self.day, self.bars.len())),
            number(|bar| bar.o),
            number(|bar| bar.h),
            number(|bar| bar.l),
            number(|bar| bar.c),
            number(|bar| bar.v),
        ];
        RecordBatch::try_new(schema(), columns).expect("the columns are those of the schema, of one length")
    }
}

/// The columns of [`DayBars::table`].
#[must_use]
pub fn schema() -> SchemaRef {
    let number = |name| Field::new(name, DataType::Float64, true);
    Arc::new(Schema::new(vec![
        Field::new("symbol", DataType::Utf8, false),
        Field::new("date", DataType::Date32, false),
        number("open"),
        number("high"),
        number("low"),
        number("close"),
        number("volume"),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_or_refused() {
        let body = br#"{"status":"OK","resultsCount":1,"results":[{"T":"A","o":1,"h":2.5,"l":0.5,"c":2,"v":1e6,"vw":1,"n":3}]}"#;
        let mut bars = DayBars::new(16_801);
        bars.take(&Answer::read(body).unwrap());
        let table = bars.table();
        assert_eq!((table.num_rows(), table.num_columns(), bars.len()), (1, 7, 1));
        let empty = Answer::read(br#"{"status":"OK","queryCount":0,"resultsCount":0,"adjusted":false}"#).unwrap();
        assert!(empty.results.is_none() && empty.next_url.is_none());
        for bad in [
            &b"{\"status\":\"OK\",\"resu"[..],
            b"[]",
            br#"{"status":"ERROR","error":"x"}"#,
            br#"{"status":"OK","resultsCount":2,"results":[]}"#,
            br#"{"status":"OK","results":[{"o":1}]}"#,
        ] {
            assert!(Answer::read(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }
}
