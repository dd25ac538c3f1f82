//! What computes: nothing twice, by identity or by content, and the bytes are those of computing.

use tickfleet_proto::convert::ReduceOutput;
use tickfleet_worker::jobs::WorkCounts;

use crate::bars::{Bar, last_of, market};
use crate::fleet::{Bench, Caching, DATES, MAPS, ONE_GROUP, SYMBOLS, alone};

const ALL: WorkCounts = WorkCounts {
    maps: MAPS,
    reduces: DATES,
    copied: 0,
};
const NONE: WorkCounts = WorkCounts {
    maps: 0,
    reduces: 0,
    copied: 0,
};

/// All but one shard are found by content; the reduce reads other maps, so it runs.
const ONE_SHARD: WorkCounts = WorkCounts {
    maps: 1,
    reduces: DATES,
    copied: MAPS - 1,
};

#[tokio::test]
async fn a_warm_run_of_an_unchanged_scan_computes_nothing() {
    let bench = Bench::new();
    let run = bench.plan(&market(SYMBOLS), ONE_GROUP).await;
    let expect = alone(&run).await;
    let cold = bench.scan(&run, "cold", &Caching::default()).await;
    assert_eq!((cold.work, cold.found), (ALL, 0));
    assert!(cold.tables == expect, "the tables are those of a worker alone");
    let warm = bench.scan(&run, "warm", &Caching::default()).await;
    assert_eq!((warm.work, warm.found), (NONE, MAPS + DATES));
    assert!(warm.tables == expect);
}

/// A scan, then the same after a change to the bars: what the second one computed. Its bytes must be those of a worker
/// that knows nothing of the first.
async fn after(change: impl FnOnce(&mut Vec<Bar>), group: usize) -> WorkCounts {
    let bench = Bench::new();
    let mut bars = market(SYMBOLS);
    let before = bench.plan(&bars, ONE_GROUP).await;
    bench.scan(&before, "before", &Caching::default()).await;
    change(&mut bars);
    let run = bench.plan(&bars, group).await;
    let after = bench.scan(&run, "after", &Caching::default()).await;
    assert!(
        after.tables == alone(&run).await,
        "the tables are those of a worker alone"
    );
    assert_eq!(
        after.found, after.work.copied,
        "every block has changed, so no identity is known"
    );
    after.work
}

#[tokio::test]
async fn a_changed_price_computes_one_shard_and_the_reduce() {
    let work = after(|bars| last_of(bars, "S013").close *= 1.01, ONE_GROUP).await;
    assert_eq!(work, ONE_SHARD);
}

#[tokio::test]
async fn a_row_more_computes_one_shard_and_the_reduce() {
    let append = |bars: &mut Vec<Bar>| {
        let late = last_of(bars, "S002").clone();
        let place = bars.iter().rposition(|bar| bar.symbol == "S002").expect("it is there");
        bars.insert(
            place + 1,
            Bar {
                close: late.close + 1.0,
                ..late
            },
        );
    };
    assert_eq!(after(append, ONE_GROUP).await, ONE_SHARD);
}

#[tokio::test]
async fn a_row_less_computes_one_shard_and_the_reduce() {
    let remove = |bars: &mut Vec<Bar>| {
        let place = bars.iter().rposition(|bar| bar.symbol == "S021").expect("it is there");
        bars.remove(place - 10);
    };
    assert_eq!(after(remove, ONE_GROUP).await, ONE_SHARD);
}

/// The dropped rows of a result lie elsewhere in another layout; everything else is the same.
#[tokio::test]
async fn another_layout_of_the_same_rows_computes_only_the_reduce() {
    let only_reduce = WorkCounts {
        maps: 0,
        reduces: DATES,
        copied: MAPS,
    };
    assert_eq!(
        after(|_| {}, 100).await,
        only_reduce,
        "in small groups, symbols split over them"
    );
    let by_date = |bars: &mut Vec<Bar>| bars.sort_by_key(|bar| bar.date);
    assert_eq!(after(by_date, 150).await, only_reduce, "by date");
    let backwards = |bars: &mut Vec<Bar>| bars.sort_by_key(|bar| -bar.date);
    assert_eq!(
        after(backwards, ONE_GROUP).await,
        only_reduce,
        "by date, the last first"
    );
}

/// Of two rows of one date the later one counts: their order is content.
#[tokio::test]
async fn the_order_of_rows_of_one_date_is_content() {
    let bench = Bench::new();
    let mut bars = market(SYMBOLS);
    let last = last_of(&mut bars, "S007").clone();
    let place = bars.iter().rposition(|bar| *bar == last).expect("it is there");
    bars.insert(place, Bar { close: 3.0, ..last });
    let run = bench.plan(&bars, ONE_GROUP).await;
    bench.scan(&run, "before", &Caching::default()).await;
    bars.swap(place, place + 1);
    let swapped = bench.plan(&bars, ONE_GROUP).await;
    let after = bench.scan(&swapped, "after", &Caching::default()).await;
    assert_eq!(after.work, ONE_SHARD);
    assert!(after.tables == alone(&swapped).await);
}

/// The test's layouts would prove nothing if no row were dropped, or if each were dropped at the same place.
#[tokio::test]
async fn the_market_is_dirty_and_layouts_move_its_dirt() {
    let bench = Bench::new();
    let mut bars = market(SYMBOLS);
    let mut firsts = Vec::new();
    for group in [ONE_GROUP, 100] {
        let run = bench.plan(&bars, group).await;
        let table = alone(&run).await.swap_remove(0);
        firsts.push(ReduceOutput::decode(table).expect("a reduce result").first_rejects);
        bars.sort_by_key(|bar| -bar.date);
    }
    for first in &firsts {
        assert!(first.bad_price.is_some() && first.bad_volume.is_some());
        assert!(first.ghost_session.is_some() && first.duplicate.is_some());
    }
    assert_ne!(firsts[0], firsts[1]);
}
