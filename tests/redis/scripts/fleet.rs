//! Announce, retire, drain, and the list of workers.

use tickfleet_protocol::limits::{CARD_LIFE_MS, MAX_WORKERS, ORDER_LIFE_MS};
use tickfleet_runtime::broker::redis::scripts;

use super::{Bench, ROOT};
use crate::kit::query;

async fn announce(bench: &Bench, worker: &str) -> Option<String> {
    bench.call(&scripts::ANNOUNCE, &[worker, "{}"]).await
}

/// Members of the three keys about workers.
async fn sizes(bench: &Bench) -> [u64; 3] {
    let key = |part: &str| format!("{ROOT}:{part}");
    [
        query(&bench.server, &["HLEN", &key("cards")]).await,
        query(&bench.server, &["ZCARD", &key("seen")]).await,
        query(&bench.server, &["ZCARD", &key("drains")]).await,
    ]
}

#[tokio::test]
async fn announce_keeps_a_card_and_tells_the_orders() {
    let mut bench = Bench::with_run("1").await;
    assert_eq!(bench.call::<u64>(&scripts::DRAIN, &["w1", "1"]).await, 0);
    assert_eq!(announce(&bench, "w1").await.as_deref(), Some("0"));
    assert_eq!(bench.call::<u64>(&scripts::DRAIN, &["w1", "1"]).await, 1);
    assert_eq!(announce(&bench, "w1").await.as_deref(), Some("1"));
    assert_eq!(sizes(&bench).await, [1, 1, 1]);
    let listed: Vec<String> = bench.call(&scripts::WORKERS, &["0", "10"]).await;
    assert_eq!(
        (&*listed[0], &listed[2..]),
        ("0", &["1".to_owned(), "{}".to_owned()][..])
    );
    assert_eq!(bench.call::<u64>(&scripts::RETIRE, &["w1"]).await, 1);
    assert_eq!(sizes(&bench).await, [0, 0, 0]);
    announce(&bench, "w2").await;
    bench.call::<u64>(&scripts::DRAIN, &["w2", "1"]).await;
    bench.offset_ms = CARD_LIFE_MS + 1;
    assert_eq!(bench.call::<Vec<String>>(&scripts::WORKERS, &["0", "10"]).await, ["0"]);
    assert_eq!(sizes(&bench).await, [0, 0, 1], "the order waits for its worker");
    bench.offset_ms = ORDER_LIFE_MS + 1;
    bench.call::<Vec<String>>(&scripts::WORKERS, &["0", "10"]).await;
    assert_eq!(sizes(&bench).await, [0, 0, 0]);
}

#[tokio::test]
async fn announce_refuses_more_workers_than_are_listed() {
    let mut bench = Bench::with_run("1").await;
    announce(&bench, "known").await;
    let now: Vec<u64> = query(&bench.server, &["TIME"]).await;
    let (seen, now_ms) = (format!("{ROOT}:seen"), (now[0] * 1_000).to_string());
    let names: Vec<String> = (1..MAX_WORKERS).map(|n| format!("w{n}")).collect();
    let mut add = vec!["ZADD", &seen];
    for name in &names {
        add.extend([&*now_ms, name]);
    }
    let _: u64 = query(&bench.server, &add).await;
    assert_eq!(announce(&bench, "new").await, None);
    assert_eq!(
        announce(&bench, "known").await.as_deref(),
        Some("0"),
        "it has its place"
    );
    bench.offset_ms = CARD_LIFE_MS + 2_000;
    assert_eq!(announce(&bench, "new").await.as_deref(), Some("0"), "others are gone");
}
