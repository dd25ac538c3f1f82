//! CSV text as columns: one pass over a block's records, no allocation per row.

use std::collections::HashMap;

use arrow::buffer::ScalarBuffer;
use tickfleet_kernels::scan::options::TickerRule;
use tickfleet_kernels::scan::{cells, ticker};

use super::block::{Keys, Prices, RunBuilder};
use super::text::{Place, TextFile};

/// Bytes of a typical record of bars; only sizes the first allocation.
const RECORD_BYTES: usize = 48;

/// Parses a block of daily bars.
///
/// Short records have missing cells at their end; surplus cells are ignored.
pub fn bars(file: &TextFile, text: &[u8], rule: TickerRule) -> (Keys, Prices) {
    let rows = text.len() / RECORD_BYTES;
    let place = |wanted: usize| file.place(wanted);
    let mut symbols = SymbolCells {
        rule,
        runs: RunBuilder::default(),
        seen: HashMap::new(),
        last: None,
    };
    let (mut days, mut lines) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
    let mut numbers: [Vec<f64>; 6] = std::array::from_fn(|_| Vec::with_capacity(rows));
    let mut row = 0u32;
    records(text, |line, record| {
        let day = cell(record, place(1)).and_then(cells::date);
        let name = cell_bytes(record, place(0)).and_then(|bytes| symbols.ordinal(bytes));
        symbols.runs.push(name.filter(|_| day.is_some()), row, row + 1);
        days.push(day.unwrap_or_default());
        for (values, wanted) in numbers.iter_mut().zip(2..) {
            let value = cell(record, place(wanted))
                .and_then(cells::number)
                .filter(|value| value.is_finite());
            values.push(value.unwrap_or(f64::NAN));
        }
        lines.push(line);
        row += 1;
    });
    let [open, high, low, close, volume, adj_close] = numbers.map(ScalarBuffer::from);
    let adj_close = (place(7) != Place::Absent).then_some(adj_close);
    (
        symbols.runs.finish(days, volume, lines),
        Prices {
            open,
            high,
            low,
            close,
            adj_close,
        },
    )
}

/// Calls `each` with every record and its line, counted from the text's first line, which is 0.
pub fn records(text: &[u8], mut each: impl FnMut(u32, &csv::ByteRecord)) {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text);
    let mut record = csv::ByteRecord::new();
    // A flexible reader of bytes in memory has nothing to fail on; an error would end the text.
    while reader.read_byte_record(&mut record).unwrap_or(false) {
        let line = record.position().map_or(0, |at| at.line() - 1);
        each(u32::try_from(line).unwrap_or(u32::MAX), &record);
    }
}

/// A cell's text; bytes that are no UTF-8 are no value.
pub fn cell<'a>(record: &'a csv::ByteRecord, place: Place<'a>) -> Option<&'a str> {
    std::str::from_utf8(cell_bytes(record, place)?).ok()
}

fn cell_bytes<'a>(record: &'a csv::ByteRecord, place: Place<'a>) -> Option<&'a [u8]> {
    match place {
        Place::Absent => None,
        Place::Field(field) => record.get(field),
        Place::Constant(value) => Some(value.as_bytes()),
    }
}

/// Symbol cells as ordinals; each distinct spelling is made canonical once.
struct SymbolCells {
    rule: TickerRule,
    runs: RunBuilder,
    seen: HashMap<Vec<u8>, Option<u32>>,
    last: Option<(Vec<u8>, Option<u32>)>,
}

impl SymbolCells {
    fn ordinal(&mut self, bytes: &[u8]) -> Option<u32> {
        if let Some((last, ordinal)) = &self.last
            && last == bytes
        {
            return *ordinal;
        }
        let ordinal = match self.seen.get(bytes) {
            Some(&ordinal) => ordinal,
            None => {
                let ordinal = self.canonical(bytes);
                self.seen.insert(bytes.to_vec(), ordinal);
                ordinal
            }
        };
        let (mut buffer, _) = self.last.take().unwrap_or_default();
        buffer.clear();
        buffer.extend_from_slice(bytes);
        self.last = Some((buffer, ordinal));
        ordinal
    }

    fn canonical(&mut self, bytes: &[u8]) -> Option<u32> {
        let text = String::from_utf8_lossy(bytes);
        let text = cells::symbol_text(&text)?;
        let symbol = ticker::canonical(&text, self.rule);
        (!symbol.is_empty()).then(|| self.runs.name(&symbol))
    }
}
