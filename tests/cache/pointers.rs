//! Results by way of the store: the same bytes, whoever wrote them, and healed where the store lost them.

use std::fs;
use std::path::{Path, PathBuf};

use tickfleet_runtime::broker::redis::{RedisBroker, RedisOptions};
use tickfleet_runtime::cache::ResultStore;
use tickfleet_worker::jobs::WorkCounts;

use crate::bars::market;
use crate::fleet::{Bench, Caching, DATES, MAPS, ONE_GROUP, SYMBOLS, alone};

/// Every result of these scans is larger.
const INLINE: u64 = 500;

fn stored_in(folder: &Path) -> Caching {
    Caching {
        store: Some((folder.to_owned(), INLINE)),
        ..Caching::default()
    }
}

fn objects(store: &Path) -> Vec<PathBuf> {
    let folders = fs::read_dir(store.join("results")).expect("the store was written");
    let files = folders.flat_map(|folder| fs::read_dir(folder.expect("listed").path()).expect("a folder"));
    files.map(|file| file.expect("listed").path()).collect()
}

#[tokio::test]
async fn large_results_lie_in_the_store_and_redis_has_pointers() {
    let bench = Bench::new();
    let store = bench.folder.path().join("store");
    let run = bench.plan(&market(SYMBOLS), ONE_GROUP).await;
    let cold = bench.scan(&run, "cold", &stored_in(&store)).await;
    assert!(cold.tables == alone(&run).await);
    assert_eq!(objects(&store).len() as u64, MAPS + DATES);
    let url = bench.server.url().parse().expect("a server's address is well formed");
    let broker = RedisBroker::connect(&RedisOptions::new(url))
        .await
        .expect("the server is fit");
    let kept = broker.kept_results().await.expect("the server answers");
    assert!(kept.is_whole && kept.results >= MAPS + DATES);
    assert!(
        kept.bytes < kept.results * 1_000,
        "{kept:?}: a pointer, or a record of a few dropped rows"
    );
    let warm = bench.scan(&run, "warm", &stored_in(&store)).await;
    assert_eq!((warm.work, warm.found), (WorkCounts::default(), MAPS + DATES));
    assert!(warm.tables == cold.tables);
}

#[tokio::test]
async fn results_that_the_store_lost_or_damaged_are_computed_again() {
    let bench = Bench::new();
    let store = bench.folder.path().join("store");
    let run = bench.plan(&market(SYMBOLS), ONE_GROUP).await;
    let cold = bench.scan(&run, "cold", &stored_in(&store)).await;
    let all = objects(&store);
    for (number, object) in all.iter().enumerate() {
        match number % 2 {
            0 => fs::remove_file(object).expect("an object"),
            _ => fs::write(object, b"torn").expect("an object"),
        }
    }
    let again = bench.scan(&run, "again", &stored_in(&store)).await;
    assert!(again.tables == cold.tables);
    assert_eq!(again.work.maps + again.work.copied, MAPS);
    assert_eq!(again.work.reduces, DATES);
    let warm = bench.scan(&run, "warm", &stored_in(&store)).await;
    assert_eq!(
        (warm.work, warm.found),
        (WorkCounts::default(), MAPS + DATES),
        "the store has them again"
    );
}

#[tokio::test]
async fn clearing_results_empties_redis_and_store_and_nothing_breaks() {
    let bench = Bench::new();
    let store = bench.folder.path().join("store");
    let run = bench.plan(&market(SYMBOLS), ONE_GROUP).await;
    let cold = bench.scan(&run, "cold", &stored_in(&store)).await;
    let url = bench.server.url().parse().expect("a server's address is well formed");
    let broker = RedisBroker::connect(&RedisOptions::new(url))
        .await
        .expect("the server is fit");
    let dropped = broker.drop_results().await.expect("the server answers");
    assert!(dropped.results >= MAPS + DATES);
    assert_eq!(broker.kept_results().await.expect("the server answers").results, 0);
    let opened = ResultStore::open(&store.display().to_string()).await.expect("a store");
    assert_eq!(
        opened.clear().await.expect("a folder can be cleared").results,
        MAPS + DATES
    );
    assert!(objects(&store).is_empty());
    let again = bench.scan(&run, "again", &stored_in(&store)).await;
    assert!(again.tables == cold.tables);
    assert_eq!((again.work.maps, again.work.reduces), (MAPS, DATES));
}
