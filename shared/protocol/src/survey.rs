//! Blocks' summaries, one after the other, into the facts of an input: which symbols and dates there are, and how many
//! symbols traded on each date.
//!
//! Memory grows with symbols, dates and blocks, never with rows. Any cut of the same rows into blocks gives the same
//! symbols, dates and counts. Read next: [`crate::facts`].

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::digest::Digest;
use crate::facts::{BlockFacts, BlockPart, FileFacts, RowPlace, SymbolFacts};
use crate::spec::scan::Day;

/// One symbol in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SymbolSummary {
    /// The symbol's number, by the reader's count.
    pub symbol: u32,
    /// Placed rows.
    pub rows: u32,
    /// Day of the earliest.
    pub first_day: Day,
}

/// What a block holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockSummary {
    /// Rows, placed or not.
    pub rows: u32,
    /// Rows without a readable symbol or date.
    pub unplaced: u32,
    /// The first of them.
    pub first_unplaced: Option<u32>,
    /// Digest of the block's bytes.
    pub digest: Digest,
    /// Distinct days of placed rows, ascending.
    pub days: Vec<Day>,
    /// Symbols with placed rows, each once.
    pub symbols: Vec<SymbolSummary>,
    /// For each symbol, `days.len().div_ceil(64)` words: bit `d` is set if it has a row of positive volume on `days[d]`.
    pub traded: Vec<u64>,
}

/// An input as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// Files, in input order.
    pub files: Vec<FileFacts>,
    /// Blocks, in input order.
    pub blocks: Vec<BlockFacts>,
    /// Distinct days of placed rows, ascending.
    pub dates: Vec<Day>,
    /// For each of `dates`: distinct symbols with a row of positive volume.
    pub traded: Vec<u32>,
    /// Symbols with placed rows, sorted by UTF-8 bytes.
    pub symbols: Vec<SymbolFacts>,
    /// Rows in all.
    pub rows: u64,
    /// Rows without a readable symbol or date.
    pub unplaced_rows: u64,
    /// The first of them.
    pub first_unplaced: Option<RowPlace>,
}

/// Takes in the blocks of an input, in input order.
#[derive(Debug, Default)]
pub struct SurveyBuilder {
    /// Blocks, their symbols by number until all are known.
    blocks: Vec<(BlockFacts, Vec<u32>)>,
    /// By the symbol's number: rows, first day, first block.
    symbols: Vec<Option<(u32, Day, u32)>>,
    /// For each day, one bit a symbol: it has a row of positive volume.
    traded: BTreeMap<Day, Vec<u64>>,
    rows: u64,
    unplaced_rows: u64,
    first_unplaced: Option<RowPlace>,
}

/// Symbols that stand for a block until the order of all is known: no more of them are kept, whatever a block holds.
const KEPT_OF_BLOCK: usize = 2;

impl SurveyBuilder {
    /// Takes in the next block. `names` are the symbols by their numbers.
    ///
    /// # Panics
    /// When a number is of no name.
    pub fn add(&mut self, file: u32, part: BlockPart, summary: &BlockSummary, names: &[Arc<str>]) {
        let block = u32::try_from(self.blocks.len()).expect("fewer than 2^32 blocks");
        self.rows += u64::from(summary.rows);
        self.unplaced_rows += u64::from(summary.unplaced);
        if let (None, Some(row)) = (self.first_unplaced, summary.first_unplaced) {
            self.first_unplaced = Some(RowPlace { block, row });
        }
        self.symbols.resize(self.symbols.len().max(names.len()), None);
        for found in &summary.symbols {
            let known = self.symbols[found.symbol as usize].get_or_insert((0, found.first_day, block));
            known.0 = known.0.saturating_add(found.rows);
            known.1 = known.1.min(found.first_day);
        }
        self.add_trading(summary);
        let by_name = |a: &&SymbolSummary, b: &&SymbolSummary| names[a.symbol as usize].cmp(&names[b.symbol as usize]);
        let ends = [
            summary.symbols.iter().min_by(by_name),
            summary.symbols.iter().max_by(by_name),
        ];
        let mut kept = Vec::with_capacity(KEPT_OF_BLOCK);
        kept.extend(ends.into_iter().flatten().map(|found| found.symbol));
        let facts = BlockFacts {
            file,
            part,
            rows: summary.rows,
            symbols: None,
            days: summary.days.first().copied().zip(summary.days.last().copied()),
            digest: summary.digest,
        };
        self.blocks.push((facts, kept));
    }

    /// Distinct days so far.
    pub fn dates(&self) -> usize {
        self.traded.len()
    }

    /// The survey of all blocks. `names` are the symbols by their numbers.
    ///
    /// # Panics
    /// When a number is of no name.
    pub fn finish(self, files: Vec<FileFacts>, names: &[Arc<str>]) -> Survey {
        let mut order: Vec<usize> = (0..self.symbols.len())
            .filter(|&number| self.symbols[number].is_some())
            .collect();
        order.sort_unstable_by_key(|&number| &names[number]);
        let mut ordinals = vec![0u32; self.symbols.len()];
        for (ordinal, &number) in (0u32..).zip(&order) {
            ordinals[number] = ordinal;
        }
        let symbol = |&number: &usize| {
            let (rows, first_day, block) = self.symbols[number].expect("the order lists symbols with rows");
            let symbol = names[number].to_string();
            SymbolFacts {
                symbol,
                first_day,
                rows,
                block,
            }
        };
        let with_ends = |(facts, kept): (BlockFacts, Vec<u32>)| {
            let ordinal = |number: Option<&u32>| number.map(|&number| ordinals[number as usize]);
            let symbols = ordinal(kept.first()).zip(ordinal(kept.last()));
            BlockFacts { symbols, ..facts }
        };
        let count = |bits: &Vec<u64>| bits.iter().map(|word| word.count_ones()).sum();
        Survey {
            files,
            symbols: order.iter().map(symbol).collect(),
            blocks: self.blocks.into_iter().map(with_ends).collect(),
            traded: self.traded.values().map(count).collect(),
            dates: self.traded.into_keys().collect(),
            rows: self.rows,
            unplaced_rows: self.unplaced_rows,
            first_unplaced: self.first_unplaced,
        }
    }

    /// A symbol counts once a day, however many blocks hold its rows of that day.
    fn add_trading(&mut self, summary: &BlockSummary) {
        let width = summary.days.len().div_ceil(64);
        let words = self.symbols.len().div_ceil(64);
        for (at, day) in summary.days.iter().enumerate() {
            let seen = self.traded.entry(*day).or_default();
            seen.resize(words.max(seen.len()), 0);
            for (found, bits) in summary.symbols.iter().zip(summary.traded.chunks(width)) {
                let bit = bits[at / 64] >> (at % 64) & 1;
                seen[found.symbol as usize / 64] |= bit << (found.symbol % 64);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Summary of rows (symbol, day, traded), as a reader makes it.
    fn summary(rows: &[(u8, Day, bool)]) -> BlockSummary {
        let mut days: Vec<Day> = rows.iter().map(|row| row.1).collect();
        days.sort_unstable();
        days.dedup();
        let mut names: Vec<u8> = rows.iter().map(|row| row.0).collect();
        names.sort_unstable();
        names.dedup();
        let words = days.len().div_ceil(64);
        let mut traded = vec![0u64; names.len() * words];
        let mut symbols = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let own: Vec<_> = rows.iter().filter(|row| row.0 == *name).collect();
            for row in own.iter().filter(|row| row.2) {
                let day = days.binary_search(&row.1).unwrap();
                traded[at * words + day / 64] |= 1 << (day % 64);
            }
            let first_day = own.iter().map(|row| row.1).min().unwrap();
            let rows = u32::try_from(own.len()).unwrap();
            let symbol = u32::from(*name);
            symbols.push(SymbolSummary {
                symbol,
                rows,
                first_day,
            });
        }
        let rows = u32::try_from(rows.len()).unwrap();
        let digest = Digest([0; 32]);
        BlockSummary {
            rows,
            unplaced: 0,
            first_unplaced: None,
            digest,
            days,
            symbols,
            traded,
        }
    }

    /// The numbers run against the names' order, as they may.
    fn names() -> Vec<Arc<str>> {
        (0..12).map(|number| format!("S{:02}", 11 - number).into()).collect()
    }

    fn merged(rows: &[(u8, Day, bool)], cut: usize) -> Survey {
        let mut builder = SurveyBuilder::default();
        for (at, rows) in (0..).zip(rows.chunks(cut)) {
            builder.add(0, BlockPart::RowGroup(at), &summary(rows), &names());
        }
        builder.finish(Vec::new(), &names())
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_survey(
            rows in prop::collection::vec((0u8..12, -3i32..150, any::<bool>()), 1..200),
            cut in 1usize..200,
        ) {
            let (whole, parts) = (merged(&rows, rows.len()), merged(&rows, cut));
            prop_assert_eq!(&whole.dates, &parts.dates);
            prop_assert_eq!(&whole.traded, &parts.traded);
            prop_assert_eq!(whole.rows, parts.rows);
            let plain = |survey: &Survey| -> Vec<_> {
                survey.symbols.iter().map(|facts| (facts.symbol.clone(), facts.first_day, facts.rows)).collect()
            };
            prop_assert_eq!(plain(&whole), plain(&parts));
            prop_assert!(whole.symbols.is_sorted_by(|a, b| a.symbol < b.symbol));
            let last = whole.symbols.len() - 1;
            prop_assert_eq!(whole.blocks[0].symbols.map(|(low, high)| (low as usize, high as usize)), Some((0, last)));
            for (at, day) in whole.dates.iter().enumerate() {
                let mut names: Vec<u8> = rows.iter().filter(|row| row.1 == *day && row.2).map(|row| row.0).collect();
                names.sort_unstable();
                names.dedup();
                prop_assert_eq!(whole.traded[at] as usize, names.len());
            }
        }
    }
}
