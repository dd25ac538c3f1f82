//! The law of a plan: every mapped symbol on every as-of date is covered exactly once, whatever the cut.

use proptest::prelude::*;

use super::*;
use crate::digest::digest_of;
use crate::facts::{BlockFacts, BlockPart, JoinedFacts, SymbolFacts};

/// Facts of `rows.len()` symbols, every other of them mapped, in blocks of `per_block` symbols, on `dates` dates.
fn facts(rows: &[u32], per_block: usize, dates: usize, interleaved: bool) -> ScanFacts {
    let ordinal = |symbol: usize| u32::try_from(symbol).expect("few symbols");
    let last = ordinal(rows.len().saturating_sub(1));
    let block = |first: usize| BlockFacts {
        file: 0,
        part: BlockPart::RowGroup(ordinal(first)),
        rows: rows[first..].iter().take(per_block).sum(),
        symbols: Some(if interleaved {
            (0, last)
        } else {
            (ordinal(first), ordinal(first + per_block).min(last))
        }),
        days: Some((0, 1_000)),
        digest: digest_of(&[0]),
    };
    ScanFacts {
        files: Vec::new(),
        blocks: (0..rows.len()).step_by(per_block).map(block).collect(),
        dates: Vec::new(),
        traded: Vec::new(),
        as_of: (0..).take(dates).collect(),
        symbols: (0..)
            .zip(rows)
            .map(|(at, &rows)| SymbolFacts {
                symbol: format!("S{at:05}"),
                first_day: 0,
                rows,
                block: at / ordinal(per_block),
            })
            .collect(),
        mapped: (0..=last).step_by(2).take(rows.len()).collect(),
        unplaced_rows: 0,
        first_unplaced: None,
        universe: None,
        joined: JoinedFacts::default(),
    }
}

proptest! {
    #[test]
    fn covers_everything_exactly_once(
        rows in prop::collection::vec(0u32..5_000, 0..300),
        per_block in 1usize..50,
        dates in 0usize..2_500,
        interleaved in any::<bool>(),
        symbols in prop::option::of(0u32..400),
        dates_per_job in prop::option::of(0u32..3_000),
    ) {
        let facts = facts(&rows, per_block, dates, interleaved);
        let mapped = if rows.is_empty() { 0 } else { facts.mapped.len() };
        let plan = Plan::new(&facts, Sharding { symbols, dates: dates_per_job });
        let stages = plan.stages();
        let mut covered = vec![0u8; mapped * dates];
        for index in 0..stages[0] {
            let Some(Job::Map { symbols, dates: days }) = plan.job(MAP, index) else { panic!("map job {index}") };
            prop_assert!(!symbols.is_empty() && !days.is_empty(), "no empty job");
            for symbol in symbols {
                for day in days.clone() {
                    covered[symbol * dates + day] += 1;
                    prop_assert!(plan.maps_of(day).contains(&index), "maps_of finds the job");
                }
            }
        }
        prop_assert!(covered.iter().all(|&times| times == 1));
        prop_assert_eq!(plan.job(MAP, stages[0]), None);
        prop_assert_eq!(stages[1], dates as u64);
        for index in 0..stages[1] {
            prop_assert_eq!(plan.job(REDUCE, index), Some(Job::Reduce { date: usize::try_from(index).unwrap() }));
        }
        prop_assert_eq!(plan.job(REDUCE, stages[1]), None);
        prop_assert_eq!(plan.job(REDUCE + 1, 0), None);
    }

    #[test]
    fn rows_of_a_symbol_cut_no_shard_but_its_own(
        rows in prop::collection::vec(0u32..5_000, 600..3_000),
        changed in any::<prop::sample::Index>(),
        now in 0u32..200_000,
        per_block in 20usize..600,
    ) {
        let symbol = changed.index(rows.len()) & !1;
        let shards = |rows: &[u32]| -> Vec<(usize, usize)> {
            let plan = Plan::new(&facts(rows, per_block, 1, false), Sharding::default());
            let job = |index| match plan.job(MAP, index) {
                Some(Job::Map { symbols, .. }) => (symbols.start, symbols.end),
                job => panic!("{job:?} is no map job"),
            };
            (0..plan.stages()[0]).map(job).collect()
        };
        let before = shards(&rows);
        let mut rows = rows;
        rows[symbol] = now;
        let after = shards(&rows);
        let mapped = symbol / 2;
        let others = |shards: &[(usize, usize)], own: (usize, usize)| -> Vec<_> {
            shards.iter().copied().filter(|&(start, end)| end <= own.0 || own.1 <= start).collect()
        };
        // One of the two is the other with the shard of the symbol cut further: the wider shard tells which.
        let own = |shards: &[(usize, usize)]| shards.iter().copied().find(|&(start, end)| (start..end).contains(&mapped));
        let widest = [own(&before), own(&after)].into_iter().flatten().max_by_key(|(start, end)| end - start);
        let widest = widest.expect("every mapped symbol is in a shard");
        prop_assert_eq!(others(&before, widest), others(&after, widest));
    }
}

#[test]
fn a_new_symbol_moves_few_cuts() {
    let plan = |facts: &ScanFacts| -> Vec<Vec<String>> {
        let plan = Plan::new(facts, Sharding::default());
        let names = |symbols: std::ops::Range<usize>| {
            let symbols = facts.mapped[symbols].iter();
            symbols
                .map(|&ordinal| facts.symbols[ordinal as usize].symbol.clone())
                .collect()
        };
        let job = |index| match plan.job(MAP, index) {
            Some(Job::Map { symbols, .. }) => names(symbols),
            job => panic!("{job:?} is no map job"),
        };
        (0..plan.stages()[0]).map(job).collect()
    };
    let (mut kept, mut all) = (0, 0);
    for left_out in (0..10_000).step_by(500) {
        let whole = facts(&[2_500; 10_000], 10_000, 1, false);
        let before = plan(&whole);
        let mut fewer = whole;
        fewer.mapped.remove(left_out / 2);
        let after = plan(&fewer);
        kept += before.iter().filter(|shard| after.contains(shard)).count();
        all += before.len();
    }
    assert!(kept * 10 >= all * 9, "{kept} of {all} shards stay as they are");
}

#[test]
fn shards_are_balanced() {
    let plan = Plan::new(&facts(&[2_500; 10_000], 10_000, 1, false), Sharding::default());
    let sizes = (0..plan.stages()[0]).map(|index| match plan.job(MAP, index) {
        Some(Job::Map { symbols, .. }) => symbols.len() as u64,
        job => panic!("{job:?} is no map job"),
    });
    let cost_ns = 2_500 * COST_PER_ROW_NS + COST_PER_WINDOW_NS;
    let sizes: Vec<u64> = sizes.collect();
    assert!(sizes.iter().all(|size| size * cost_ns <= SHARD_TARGET_NS));
    assert!(
        sizes.iter().all(|size| size * cost_ns * 3 >= SHARD_TARGET_NS),
        "{sizes:?}"
    );
}

#[test]
fn automatic_shards_cut_at_blocks() {
    let facts = facts(&[300; 4_000], 500, 1, false);
    let plan = Plan::new(&facts, Sharding::default());
    assert!(plan.stages()[0] >= 2, "a large scan is more than one job");
    let cut_inside = (0..plan.stages()[0])
        .filter_map(|index| plan.job(MAP, index))
        .filter(|job| matches!(job, Job::Map { symbols, .. } if symbols.start % 250 != 0))
        .count();
    assert!(
        cut_inside * 2 <= plan.stages()[0] as usize,
        "most cuts lie at block boundaries"
    );
}

#[test]
fn blocks_ordered_by_date_make_fewer_jobs() {
    let by_symbol = Plan::new(&facts(&[300; 4_000], 500, 1, false), Sharding::default());
    let by_date = Plan::new(&facts(&[300; 4_000], 500, 1, true), Sharding::default());
    assert!(by_date.stages()[0] < by_symbol.stages()[0]);
}
