//! Symbol columns of Parquet files as runs: a dictionary's names are made canonical once, its keys only compared.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{DataType, Int32Type};
use tickfleet_kernels::scan::options::TickerRule;
use tickfleet_kernels::scan::{cells, ticker};

use super::block::{Keys, RunBuilder};
use super::convert::{Origin, as_text};
use super::error::DataError;
use super::names::Names;

/// Symbol columns, batch by batch, as runs.
pub(super) struct SymbolRows<'a> {
    rule: TickerRule,
    names: &'a Names,
    runs: RunBuilder,
    /// (ordinal of the name, first row, end), before undated rows are taken out.
    pending: Vec<(Option<u32>, u32, u32)>,
    rows: u32,
}

impl<'a> SymbolRows<'a> {
    pub(super) fn new(names: &'a Names, rule: TickerRule) -> Self {
        Self {
            rule,
            names,
            runs: RunBuilder::default(),
            pending: Vec::new(),
            rows: 0,
        }
    }

    pub(super) fn append(&mut self, array: &ArrayRef, origin: Origin<'_>) -> Result<(), DataError> {
        if let Some(dictionary) = array
            .as_dictionary_opt::<Int32Type>()
            .filter(|it| it.values().data_type() == &DataType::Utf8)
        {
            let names = dictionary.values().as_string::<i32>();
            let ordinals: Vec<Option<u32>> = names.iter().map(|cell| self.name(cell)).collect();
            let keys = dictionary.keys();
            if keys.null_count() == 0 {
                for run in keys.values().chunk_by(|a, b| a == b) {
                    let ordinal = usize::try_from(run[0])
                        .ok()
                        .and_then(|key| ordinals.get(key).copied())
                        .flatten();
                    self.push(ordinal, run.len());
                }
            } else {
                for key in keys {
                    self.push(
                        key.and_then(|key| ordinals.get(usize::try_from(key).ok()?).copied())
                            .flatten(),
                        1,
                    );
                }
            }
            return Ok(());
        }
        let text = as_text(array, origin)?;
        let mut last: (Option<&str>, Option<u32>) = (None, None);
        for cell in &text {
            if cell != last.0 || cell.is_none() {
                last = (cell, self.name(cell));
            }
            self.push(last.1, 1);
        }
        Ok(())
    }

    fn name(&self, cell: Option<&str>) -> Option<u32> {
        let text = cells::symbol_text(cell?)?;
        let symbol = ticker::canonical(&text, self.rule);
        (!symbol.is_empty()).then(|| self.names.id(&symbol))
    }

    fn push(&mut self, name: Option<u32>, rows: usize) {
        let end = self.rows + u32::try_from(rows).expect("a block has fewer than 2^32 rows");
        match self.pending.last_mut() {
            Some(last) if last.0 == name => last.2 = end,
            _ => self.pending.push((name, self.rows, end)),
        }
        self.rows = end;
    }

    /// Cuts the runs at rows without a date and builds the keys.
    pub(super) fn finish(mut self, days: Vec<i32>, undated: &[u32], volume: ScalarBuffer<f64>) -> Keys {
        let mut next = 0;
        for (name, start, end) in std::mem::take(&mut self.pending) {
            let mut from = start;
            while let Some(&row) = undated.get(next).filter(|&&row| row < end) {
                self.runs.push(name, from, row);
                self.runs.push(None, row, row + 1);
                from = row + 1;
                next += 1;
            }
            self.runs.push(name, from, end);
        }
        self.runs.finish(days, volume, Vec::new())
    }
}
