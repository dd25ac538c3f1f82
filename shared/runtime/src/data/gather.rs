//! A job's symbols out of its blocks: rows of one symbol, sorted by date and then input order, without a copy where the
//! file already has them so.

use tickfleet_kernels::scan::hygiene::SymbolRows;
use tickfleet_protocol::facts::RowPlace;

use super::select::{LoadedBlock, Wanted};

/// Rows of one symbol as kernels take them, and where each stands in the input.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// Sorted by (date, input order).
    pub columns: SymbolRows<'a>,
    places: Places<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Places<'a> {
    /// Rows follow each other in one block.
    From(RowPlace),
    /// Rows of one block, by their place in it.
    Of(u32, &'a [u32]),
    Each(&'a [RowPlace]),
}

impl Rows<'_> {
    /// Where a row stands in the input.
    pub fn place(&self, row: usize) -> RowPlace {
        match self.places {
            Places::From(first) => RowPlace {
                block: first.block,
                row: first.row + u32::try_from(row).expect("rows of one block"),
            },
            Places::Of(block, rows) => RowPlace { block, row: rows[row] },
            Places::Each(places) => places[row],
        }
    }
}

/// Where each symbol's rows lie.
#[derive(Debug)]
pub struct Gathered<'a> {
    blocks: &'a [LoadedBlock],
    /// (symbol, block, start, end), by symbol, then input order.
    pieces: Vec<(u32, u32, u32, u32)>,
    /// For each symbol, the end of its pieces.
    ends: Vec<usize>,
    has_adj_close: bool,
}

/// Finds the rows of the symbols asked for in blocks that are in input order.
pub fn gather<'a>(blocks: &'a [LoadedBlock], symbols: &Wanted) -> Gathered<'a> {
    let mut pieces = Vec::new();
    for (at, loaded) in (0u32..).zip(blocks) {
        for run in &loaded.block.keys.runs {
            if let Some(symbol) = symbols.index(run.name) {
                pieces.push((symbol, at, run.start, run.end));
            }
        }
    }
    pieces.sort_by_key(|piece| piece.0);
    let ends = (0u32..)
        .take(symbols.count)
        .map(|symbol| pieces.partition_point(|piece| piece.0 <= symbol))
        .collect();
    let adjusted = |loaded: &LoadedBlock| {
        loaded
            .block
            .prices
            .as_ref()
            .is_some_and(|prices| prices.adj_close.is_some())
    };
    Gathered {
        blocks,
        pieces,
        ends,
        has_adj_close: blocks.iter().any(adjusted),
    }
}

/// Room for the rows of a symbol that lie scattered; reused from symbol to symbol.
#[derive(Debug, Default)]
pub struct Scratch {
    order: Vec<u32>,
    unsorted: Columns,
    sorted: Columns,
}

#[derive(Debug, Default)]
struct Columns {
    date: Vec<i32>,
    values: [Vec<f64>; 6],
    places: Vec<RowPlace>,
}

impl Gathered<'_> {
    /// The rows of a symbol (its index among the symbols asked for).
    pub fn rows<'s>(&'s self, symbol: usize, scratch: &'s mut Scratch) -> Rows<'s> {
        let start = if symbol == 0 { 0 } else { self.ends[symbol - 1] };
        let pieces = &self.pieces[start..self.ends[symbol]];
        if let &[(_, block, start, end)] = pieces {
            let rows = self.in_place(block as usize, start, end);
            if rows.columns.date.is_sorted() {
                return rows;
            }
        }
        self.copied(pieces, scratch)
    }

    fn in_place(&self, at: usize, start: u32, end: u32) -> Rows<'_> {
        let LoadedBlock { ordinal, block, rows } = &self.blocks[at];
        let prices = block.prices.as_ref().expect("a job's blocks are read with prices");
        let range = start as usize..end as usize;
        let places = match rows {
            None => Places::From(RowPlace {
                block: *ordinal,
                row: start,
            }),
            Some(rows) => Places::Of(*ordinal, &rows[range.clone()]),
        };
        let columns = SymbolRows {
            date: &block.keys.days[range.clone()],
            open: &prices.open[range.clone()],
            high: &prices.high[range.clone()],
            low: &prices.low[range.clone()],
            close: &prices.close[range.clone()],
            volume: &block.keys.volume[range.clone()],
            adj_close: prices.adj_close.as_ref().map(|values| &values[range]),
        };
        Rows { columns, places }
    }

    fn copied<'s>(&self, pieces: &[(u32, u32, u32, u32)], scratch: &'s mut Scratch) -> Rows<'s> {
        scratch.unsorted.clear();
        for &(_, block, start, end) in pieces {
            scratch.unsorted.extend(&self.in_place(block as usize, start, end));
        }
        let copies = if scratch.unsorted.date.is_sorted() {
            &scratch.unsorted
        } else {
            let Scratch {
                order,
                unsorted,
                sorted,
            } = scratch;
            order.clear();
            order.extend((0u32..).take(unsorted.date.len()));
            order.sort_by_key(|&row| unsorted.date[row as usize]);
            sorted.pick(unsorted, order);
            &*sorted
        };
        let [open, high, low, close, volume, adj_close] = &copies.values;
        let columns = SymbolRows {
            date: &copies.date,
            open,
            high,
            low,
            close,
            volume,
            adj_close: self.has_adj_close.then_some(adj_close),
        };
        let places = Places::Each(&copies.places);
        Rows { columns, places }
    }
}

impl Columns {
    fn clear(&mut self) {
        self.date.clear();
        self.values.iter_mut().for_each(Vec::clear);
        self.places.clear();
    }

    fn extend(&mut self, rows: &Rows<'_>) {
        let added = &rows.columns;
        self.date.extend_from_slice(added.date);
        let sources = [added.open, added.high, added.low, added.close, added.volume];
        for (values, source) in self.values.iter_mut().zip(sources) {
            values.extend_from_slice(source);
        }
        match added.adj_close {
            Some(source) => self.values[5].extend_from_slice(source),
            None => self.values[5].resize(self.date.len(), f64::NAN),
        }
        self.places.extend((0..added.date.len()).map(|row| rows.place(row)));
    }

    fn pick(&mut self, from: &Self, order: &[u32]) {
        self.clear();
        let rows = || order.iter().map(|&row| row as usize);
        self.date.extend(rows().map(|row| from.date[row]));
        for (values, source) in self.values.iter_mut().zip(&from.values) {
            values.extend(rows().map(|row| source[row]));
        }
        self.places.extend(rows().map(|row| from.places[row]));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::buffer::ScalarBuffer;

    use super::*;
    use crate::data::block::{Prices, RunBuilder};
    use crate::data::inputs::Block;
    use crate::data::names::Names;

    /// A block of (symbol, day, close).
    fn block(names: &Names, ordinal: u32, rows: &[(&str, i32, f64)], adjusted: bool) -> LoadedBlock {
        let mut runs = RunBuilder::default();
        for (row, (name, ..)) in (0u32..).zip(rows) {
            let name = names.id(name);
            runs.push(Some(name), row, row + 1);
        }
        let close: ScalarBuffer<f64> = rows.iter().map(|row| row.2).collect();
        let keys = runs.finish(rows.iter().map(|row| row.1).collect(), close.clone(), Vec::new());
        let prices = Prices {
            open: close.clone(),
            high: close.clone(),
            low: close.clone(),
            adj_close: adjusted.then(|| close.clone()),
            close,
        };
        let block = Block {
            keys: Arc::new(keys),
            prices: Some(Arc::new(prices)),
        };
        LoadedBlock::whole(ordinal, block)
    }

    fn closes(names: &Names, blocks: &[LoadedBlock], symbols: &[&str], symbol: usize) -> Vec<(i32, f64, u32, u32)> {
        let gathered = gather(blocks, &Wanted::new(names, symbols));
        let mut scratch = Scratch::default();
        let rows = gathered.rows(symbol, &mut scratch);
        let place = |row| rows.place(row);
        (0..rows.columns.date.len())
            .map(|row| {
                (
                    rows.columns.date[row],
                    rows.columns.close[row],
                    place(row).block,
                    place(row).row,
                )
            })
            .collect()
    }

    #[test]
    fn scattered_rows_come_in_date_then_input_order() {
        let names = Names::default();
        let blocks = [
            block(
                &names,
                4,
                &[("B", 2, 1.0), ("A", 3, 2.0), ("A", 1, 3.0), ("B", 3, 4.0)],
                false,
            ),
            block(&names, 7, &[("A", 3, 5.0), ("C", 1, 6.0), ("A", 2, 7.0)], true),
        ];
        let symbols = ["A", "B", "D"];
        let expect = [(1, 3.0, 4, 2), (2, 7.0, 7, 2), (3, 2.0, 4, 1), (3, 5.0, 7, 0)];
        assert_eq!(closes(&names, &blocks, &symbols, 0), expect);
        assert_eq!(closes(&names, &blocks, &symbols, 1), [(2, 1.0, 4, 0), (3, 4.0, 4, 3)]);
        assert_eq!(closes(&names, &blocks, &symbols, 2), []);
        let gathered = gather(&blocks, &Wanted::new(&names, &symbols));
        let mut scratch = Scratch::default();
        let adjusted = gathered
            .rows(0, &mut scratch)
            .columns
            .adj_close
            .expect("one file has the column")
            .to_vec();
        assert!(adjusted[0].is_nan());
        assert_eq!(adjusted[3..], [5.0]);
    }

    #[test]
    fn selected_rows_are_those_of_the_whole_block() {
        let names = Names::default();
        let rows = [
            ("B", 2, 1.0),
            ("A", 3, 2.0),
            ("C", 1, 3.0),
            ("A", 1, 4.0),
            ("C", 2, 5.0),
            ("B", 9, 6.0),
        ];
        let whole = [block(&names, 4, &rows, true)];
        for symbols in [&["A"][..], &["A", "C"], &["C", "D"], &["D"]] {
            let Block { keys, prices } = whole[0].block.clone();
            let some = [LoadedBlock::select(
                4,
                Block { keys, prices },
                &Wanted::new(&names, symbols),
            )];
            assert_eq!(
                some[0].rows.is_some(),
                symbols.len() == 1 || symbols[1] == "D",
                "copied when under half"
            );
            for symbol in 0..symbols.len() {
                assert_eq!(
                    closes(&names, &some, symbols, symbol),
                    closes(&names, &whole, symbols, symbol),
                    "{symbols:?}"
                );
            }
        }
    }

    #[test]
    fn sorted_rows_of_one_block_are_not_copied() {
        let names = Names::default();
        let blocks = [block(&names, 0, &[("A", 1, 1.0), ("A", 1, 2.0), ("B", 1, 3.0)], false)];
        let gathered = gather(&blocks, &Wanted::new(&names, &["A", "B"]));
        let mut scratch = Scratch::default();
        assert_eq!(
            gathered.rows(0, &mut scratch).columns.close.as_ptr(),
            blocks[0].block.prices.as_ref().unwrap().close.as_ptr()
        );
        assert!(scratch.unsorted.date.is_empty());
    }
}
