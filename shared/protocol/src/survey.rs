//! Blocks' summaries merged into the facts of an input: which symbols and dates there are, and how many traded on each.
//!
//! Any cut of the same rows into blocks gives the same symbols, dates and counts. Read next: [`crate::facts`].

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::digest::Digest;
use crate::facts::{BlockFacts, BlockPart, FileFacts, RowPlace, SymbolFacts};
use crate::spec::scan::Day;

/// One symbol in a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SymbolSummary {
    /// Canonical symbol.
    pub symbol: Arc<str>,
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

/// A block's place and summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurveyedBlock {
    /// Ordinal of its file.
    pub file: u32,
    /// Place in the file.
    pub part: BlockPart,
    /// What it holds.
    pub summary: BlockSummary,
}

/// Merges the blocks of an input, given in input order.
pub fn merge(files: Vec<FileFacts>, parts: &[SurveyedBlock]) -> Survey {
    let dates = distinct_days(parts);
    let (symbols, ordinals) = merge_symbols(parts);
    let traded = count_traded(parts, &dates, &ordinals, symbols.len());
    let blocks = parts
        .iter()
        .zip(&ordinals)
        .map(|(part, ordinals)| block_facts(part, ordinals))
        .collect();
    let first_unplaced = (0u32..)
        .zip(parts)
        .find_map(|(block, part)| part.summary.first_unplaced.map(|row| RowPlace { block, row }));
    Survey {
        files,
        blocks,
        dates,
        traded,
        symbols,
        rows: parts.iter().map(|part| u64::from(part.summary.rows)).sum(),
        unplaced_rows: parts.iter().map(|part| u64::from(part.summary.unplaced)).sum(),
        first_unplaced,
    }
}

fn distinct_days(parts: &[SurveyedBlock]) -> Vec<Day> {
    let mut days: Vec<Day> = Vec::new();
    for part in parts {
        // Blocks of one input mostly share their days: only what is new makes the list grow.
        let known = days.len();
        for day in &part.summary.days {
            if days[..known].binary_search(day).is_err() {
                days.push(*day);
            }
        }
        if days.len() > known {
            days.sort_unstable();
        }
    }
    days
}

/// The symbols in order, and for each block the ordinals of its symbols.
fn merge_symbols(parts: &[SurveyedBlock]) -> (Vec<SymbolFacts>, Vec<Vec<u32>>) {
    let mut merged: BTreeMap<Arc<str>, SymbolFacts> = BTreeMap::new();
    for (block, part) in (0u32..).zip(parts) {
        for found in &part.summary.symbols {
            let facts = merged.entry(found.symbol.clone()).or_insert_with(|| SymbolFacts {
                symbol: found.symbol.to_string(),
                first_day: found.first_day,
                rows: 0,
                block,
            });
            facts.first_day = facts.first_day.min(found.first_day);
            facts.rows = facts.rows.saturating_add(found.rows);
        }
    }
    let symbols: Vec<SymbolFacts> = merged.into_values().collect();
    let ordinal = |symbol: &str| {
        let at = symbols
            .binary_search_by(|known| known.symbol.as_str().cmp(symbol))
            .expect("every symbol was merged");
        u32::try_from(at).expect("fewer than 2^32 symbols")
    };
    let ordinals = parts
        .iter()
        .map(|part| {
            part.summary
                .symbols
                .iter()
                .map(|found| ordinal(&found.symbol))
                .collect()
        })
        .collect();
    (symbols, ordinals)
}

/// Distinct symbols traded on each date: a symbol counts once, however many blocks hold its rows of that date.
fn count_traded(parts: &[SurveyedBlock], dates: &[Day], ordinals: &[Vec<u32>], symbols: usize) -> Vec<u32> {
    let words = dates.len().div_ceil(64);
    let mut seen: Vec<u64> = vec![0; symbols * words];
    let mut counts = vec![0u32; dates.len()];
    for (part, ordinals) in parts.iter().zip(ordinals) {
        let summary = &part.summary;
        let at: Vec<usize> = summary
            .days
            .iter()
            .map(|day| dates.partition_point(|date| date < day))
            .collect();
        let width = summary.days.len().div_ceil(64);
        for (symbol, bits) in ordinals.iter().zip(summary.traded.chunks(width.max(1))) {
            let seen = &mut seen[*symbol as usize * words..][..words];
            for day in set_bits(bits) {
                let date = at[day];
                let (word, bit) = (date / 64, 1u64 << (date % 64));
                if seen[word] & bit == 0 {
                    seen[word] |= bit;
                    counts[date] += 1;
                }
            }
        }
    }
    counts
}

fn set_bits(words: &[u64]) -> impl Iterator<Item = usize> + '_ {
    words.iter().enumerate().flat_map(|(at, &word)| {
        let mut rest = word;
        std::iter::from_fn(move || {
            (rest != 0).then(|| {
                let bit = rest.trailing_zeros() as usize;
                rest &= rest - 1;
                at * 64 + bit
            })
        })
    })
}

fn block_facts(part: &SurveyedBlock, ordinals: &[u32]) -> BlockFacts {
    let summary = &part.summary;
    BlockFacts {
        file: part.file,
        part: part.part,
        rows: summary.rows,
        symbols: ordinals.iter().min().copied().zip(ordinals.iter().max().copied()),
        days: summary.days.first().copied().zip(summary.days.last().copied()),
        digest: summary.digest,
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
        let mut names: Vec<u8> = Vec::new();
        rows.iter().for_each(|row| {
            if !names.contains(&row.0) {
                names.push(row.0);
            }
        });
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
            symbols.push(SymbolSummary {
                symbol: format!("S{name:03}").into(),
                rows,
                first_day,
            });
        }
        let rows = u32::try_from(rows.len()).unwrap();
        BlockSummary {
            rows,
            unplaced: 0,
            first_unplaced: None,
            digest: Digest([0; 32]),
            days,
            symbols,
            traded,
        }
    }

    fn merged(rows: &[(u8, Day, bool)], cut: usize) -> Survey {
        let parts: Vec<SurveyedBlock> = (0..)
            .zip(rows.chunks(cut))
            .map(|(at, rows)| SurveyedBlock {
                file: 0,
                part: BlockPart::RowGroup(at),
                summary: summary(rows),
            })
            .collect();
        merge(Vec::new(), &parts)
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
            for (at, day) in whole.dates.iter().enumerate() {
                let mut names: Vec<u8> = rows.iter().filter(|row| row.1 == *day && row.2).map(|row| row.0).collect();
                names.sort_unstable();
                names.dedup();
                prop_assert_eq!(whole.traded[at] as usize, names.len());
            }
        }
    }
}
