//! CSV text as columns: one pass over a block's records, no allocation per row.

use std::collections::HashMap;

use arrow::buffer::ScalarBuffer;
use memchr::memchr_iter;
use tickfleet_kernels::scan::options::TickerRule;
use tickfleet_kernels::scan::{cells, ticker};

use super::block::{Keys, Prices, RunBuilder};
use super::names::Names;
use super::text::{Place, TextFile};

/// Bytes of a typical record of bars; only sizes the first allocation.
const RECORD_BYTES: usize = 48;

/// Parses a block of daily bars.
///
/// Short records have missing cells at their end; surplus cells are ignored.
pub fn bars(file: &TextFile, text: &[u8], names: &Names, rule: TickerRule) -> (Keys, Prices) {
    let rows = text.len() / RECORD_BYTES;
    let place = |wanted: usize| file.place(wanted);
    let mut symbols = SymbolCells {
        rule,
        names,
        seen: HashMap::new(),
        last: None,
    };
    let mut runs = RunBuilder::default();
    let (mut days, mut lines) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
    let mut numbers: [Vec<f64>; 6] = std::array::from_fn(|_| Vec::with_capacity(rows));
    let mut row = 0u32;
    records(text, |line, record| {
        let day = cell(record, place(1)).and_then(cells::date);
        let name = cell_bytes(record, place(0)).and_then(|bytes| symbols.ordinal(bytes));
        runs.push(name.filter(|_| day.is_some()), row, row + 1);
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
        runs.finish(days, volume, lines),
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
    let mut reader = reader(text);
    let mut record = csv::ByteRecord::new();
    // A flexible reader of bytes in memory has nothing to fail on; an error would end the text.
    while reader.read_byte_record(&mut record).unwrap_or(false) {
        let line = record.position().map_or(0, |at| first_line(text, at));
        each(u32::try_from(line).unwrap_or(u32::MAX), &record);
    }
}

/// The line on which the last record begins if an opening quote without a partner makes that record of several lines.
///
/// Such a quote takes every row after it for one cell, so the text is refused rather than read.
pub fn unclosed_quote(text: &[u8]) -> Option<u64> {
    if memchr_iter(b'"', text).count().is_multiple_of(2) {
        return None;
    }
    let mut reader = reader(text);
    let (mut record, mut last) = (csv::ByteRecord::new(), csv::Position::new());
    while reader.read_byte_record(&mut record).unwrap_or(false) {
        last = record.position().cloned().unwrap_or(last);
    }
    let rest = trimmed(&text[offset(&last).min(text.len())..]);
    let is_open = !memchr_iter(b'"', rest).count().is_multiple_of(2) && memchr_iter(b'\n', rest).count() > 0;
    is_open.then(|| first_line(text, &last))
}

fn reader(text: &[u8]) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text)
}

/// Line of a record's first byte, counted from 0. The reader's own count is that of the line end before the record, or
/// of the blank lines before it.
fn first_line(text: &[u8], at: &csv::Position) -> u64 {
    let before = text[offset(at).min(text.len())..].iter();
    let line_ends = before
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .filter(|&&byte| byte == b'\n');
    at.line() - 1 + line_ends.count() as u64
}

fn offset(at: &csv::Position) -> usize {
    usize::try_from(at.byte()).expect("a place in memory")
}

/// Without the line ends around it.
fn trimmed(text: &[u8]) -> &[u8] {
    let is_line_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let start = text.iter().position(|byte| !is_line_end(byte)).unwrap_or(text.len());
    let end = text
        .iter()
        .rposition(|byte| !is_line_end(byte))
        .map_or(start, |at| at + 1);
    &text[start..end]
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
struct SymbolCells<'a> {
    rule: TickerRule,
    names: &'a Names,
    seen: HashMap<Vec<u8>, Option<u32>>,
    last: Option<(Vec<u8>, Option<u32>)>,
}

impl SymbolCells<'_> {
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

    fn canonical(&self, bytes: &[u8]) -> Option<u32> {
        let text = String::from_utf8_lossy(bytes);
        let text = cells::symbol_text(&text)?;
        let symbol = ticker::canonical(&text, self.rule);
        (!symbol.is_empty()).then(|| self.names.id(&symbol))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<u32> {
        let mut lines = Vec::new();
        records(text.as_bytes(), |line, _| lines.push(line));
        lines
    }

    #[test]
    fn a_record_is_on_the_line_of_its_first_byte() {
        for (text, expect) in [
            ("a,1\nb,2\nc,3", vec![0, 1, 2]),
            ("a,1\r\nb,2\r\nc,3\r\n", vec![0, 1, 2]),
            ("\n\na,1\n\nb,2\n\n\n", vec![2, 4]),
            ("\r\na,1\r\n\r\nb,2", vec![1, 3]),
            ("\"a\nb\",1\nc,2\n", vec![0, 2]),
        ] {
            assert_eq!(lines(text), expect, "{text:?}");
        }
    }

    #[test]
    fn a_quote_that_swallows_lines_is_found() {
        for (text, expect) in [
            ("a,1\n\"b,2\nc,3\n", Some(1)),
            ("a,1\r\n\r\n\"b,2\r\nc,3", Some(2)),
            ("a,1\nb,\"2\n", None),
            ("a,5\" pipe\nb,2\n", None),
            ("\"a\nb\",1\n", None),
            ("\"a\"\"\nb\",1\n\"c\n", None),
            ("", None),
        ] {
            assert_eq!(unclosed_quote(text.as_bytes()), expect, "{text:?}");
        }
    }
}
