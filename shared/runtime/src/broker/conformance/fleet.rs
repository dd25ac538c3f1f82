//! Workers: a card is listed while it is renewed, and an order to drain reaches its worker.

use tickfleet_protocol::{
    fleet::{Orders, WorkerCard, WorkerEntry},
    ids::Millis,
    limits::{CARD_LIFE_MS, MAX_CARD_JOBS, MAX_NAME_BYTES, ORDER_LIFE_MS},
};

use super::{
    Harness,
    kit::{advance_ms, claim_one, kind, submit, worker},
};
use crate::broker::{Broker, BrokerError};

/// Takes a broker through every law of this module.
pub async fn run_all(harness: &dyn Harness) {
    cards_are_listed_as_shown(harness).await;
    a_card_that_is_not_renewed_expires(harness).await;
    an_order_to_drain_lasts(harness).await;
    an_order_outlives_an_expired_card(harness).await;
    cards_out_of_bounds_are_refused(harness).await;
    a_long_list_is_whole(harness).await;
}

fn card(name: &str) -> WorkerCard {
    WorkerCard {
        id: worker(name),
        kinds: vec![kind("a"), kind("b")],
        host: "böse \\\"host\\\"".to_owned(),
        pid: 4_711,
        version: "0.1.0".to_owned(),
        cores: 8,
        performance_cores: Some(6),
        efficiency_cores: None,
        lanes: 6,
        memory_bytes: u64::MAX,
        started_at: Millis(1_700_000_000_000),
        is_draining: false,
        jobs: Vec::new(),
        held: 1,
        done: 2,
        failed: 3,
    }
}

async fn announce(broker: &dyn Broker, name: &str) -> Orders {
    broker.announce(&card(name)).await.expect("announce")
}

async fn workers(broker: &dyn Broker) -> Vec<WorkerEntry> {
    broker.workers().await.expect("workers")
}

async fn names(broker: &dyn Broker) -> Vec<String> {
    let workers = workers(broker).await;
    workers.iter().map(|entry| entry.card.id.to_string()).collect()
}

/// The newest card of each worker is listed whole, by id, until it retires.
pub async fn cards_are_listed_as_shown(harness: &dyn Harness) {
    let broker = harness.broker().await;
    assert!(workers(&*broker).await.is_empty());
    submit(&*broker, "a", &[1]).await;
    let busy = WorkerCard {
        jobs: vec![claim_one(&*broker).await.job],
        is_draining: true,
        ..card("w2")
    };
    for shown in [&card("w2"), &card("w1"), &busy] {
        assert_eq!(broker.announce(shown).await.expect("announce"), Orders { drain: false });
    }
    let listed = workers(&*broker).await;
    let cards: Vec<_> = listed.iter().map(|entry| entry.card.clone()).collect();
    assert_eq!(cards, [card("w1"), busy]);
    assert!(listed.iter().all(|entry| !entry.is_told_to_drain));
    assert!(listed[0].seen_at.0 > 1_600_000_000_000, "by the broker's clock");
    for _ in 0..2 {
        broker.retire(&worker("w2")).await.expect("retire");
        assert_eq!(names(&*broker).await, ["w1"]);
    }
}

/// A worker is listed while its card is renewed, and no longer.
pub async fn a_card_that_is_not_renewed_expires(harness: &dyn Harness) {
    let broker = harness.broker().await;
    announce(&*broker, "w1").await;
    announce(&*broker, "w2").await;
    advance_ms(harness, CARD_LIFE_MS - 5_000).await;
    announce(&*broker, "w2").await;
    advance_ms(harness, 5_001).await;
    assert_eq!(names(&*broker).await, ["w2"]);
    assert!(!broker.drain(&worker("w1"), true).await.expect("drain"), "it is gone");
    advance_ms(harness, CARD_LIFE_MS).await;
    assert!(workers(&*broker).await.is_empty());
}

/// A worker is told to drain with every card it shows, until that is taken back or it has ended.
pub async fn an_order_to_drain_lasts(harness: &dyn Harness) {
    let broker = harness.broker().await;
    assert!(!broker.drain(&worker("w1"), true).await.expect("drain"));
    assert_eq!(
        announce(&*broker, "w1").await,
        Orders { drain: false },
        "nobody was told"
    );
    announce(&*broker, "w2").await;
    assert!(broker.drain(&worker("w1"), true).await.expect("drain"));
    for _ in 0..2 {
        assert_eq!(announce(&*broker, "w1").await, Orders { drain: true });
        assert_eq!(announce(&*broker, "w2").await, Orders { drain: false });
        let listed = workers(&*broker).await;
        let told: Vec<bool> = listed.iter().map(|entry| entry.is_told_to_drain).collect();
        assert_eq!(told, [true, false]);
    }
    assert!(broker.drain(&worker("w1"), false).await.expect("drain"));
    assert_eq!(announce(&*broker, "w1").await, Orders { drain: false });
    broker.drain(&worker("w1"), true).await.expect("drain");
    broker.retire(&worker("w1")).await.expect("retire");
    assert_eq!(
        announce(&*broker, "w1").await,
        Orders { drain: false },
        "it is another process"
    );
}

/// A worker that was cut off for longer than its card lives still drains when it is back, but not for ever.
pub async fn an_order_outlives_an_expired_card(harness: &dyn Harness) {
    let broker = harness.broker().await;
    announce(&*broker, "w1").await;
    broker.drain(&worker("w1"), true).await.expect("drain");
    advance_ms(harness, 3 * CARD_LIFE_MS).await;
    assert!(workers(&*broker).await.is_empty());
    assert_eq!(announce(&*broker, "w1").await, Orders { drain: true });
    advance_ms(harness, ORDER_LIFE_MS + 1).await;
    assert_eq!(announce(&*broker, "w1").await, Orders { drain: false });
}

/// A card that is longer than a card may be is not kept.
pub async fn cards_out_of_bounds_are_refused(harness: &dyn Harness) {
    let broker = harness.broker().await;
    submit(&*broker, "a", &[1]).await;
    let job = claim_one(&*broker).await.job;
    for bad in [
        WorkerCard {
            host: "h".repeat(MAX_NAME_BYTES + 1),
            ..card("w1")
        },
        WorkerCard {
            jobs: vec![job; MAX_CARD_JOBS + 1],
            ..card("w1")
        },
    ] {
        let refused = broker.announce(&bad).await;
        assert!(
            matches!(
                refused,
                Err(BrokerError::OutOfBounds {
                    operation: "announce",
                    ..
                })
            ),
            "{refused:?}"
        );
    }
    assert!(workers(&*broker).await.is_empty());
}

/// More workers than fit into one reply are all listed, each once.
pub async fn a_long_list_is_whole(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let mut expected: Vec<String> = (0..1_200).map(|n| format!("w{n}")).collect();
    for name in &expected {
        announce(&*broker, name).await;
    }
    expected.sort_unstable();
    assert_eq!(names(&*broker).await, expected);
}
