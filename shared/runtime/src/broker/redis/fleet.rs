//! Workers: the cards they show, and what they are told. All of it is on the first shard.

use std::collections::BTreeMap;

use tickfleet_protocol::{
    fleet::{Orders, WorkerCard, WorkerEntry},
    ids::{Millis, WorkerId},
    limits::{MAX_WORKERS, OutOfBounds},
};

use super::{RedisBroker, fault::malformed, scripts};
use crate::broker::{Result, bounds};

/// The shard that has the cards.
const SHARD: u16 = 0;

/// Workers in one piece of the list: a few milliseconds of the server's time, and about a megabyte.
const WORKERS_AT_ONCE: usize = 500;

/// Most pieces: far more than the workers that there can be fill, so that a list ends whatever the server answers.
const PIECES_MAX: usize = 16 * MAX_WORKERS / WORKERS_AT_ONCE;

impl RedisBroker {
    /// Shows a worker's card, and gives its orders.
    pub(super) async fn show_card(&self, card: &WorkerCard) -> Result<Orders> {
        card.check().map_err(bounds::refuse("announce"))?;
        let text = serde_json::to_string(card).expect("a card is plain data");
        let mut call = self.server.call(&scripts::ANNOUNCE, SHARD);
        call.arg(card.id.as_str()).arg(text);
        let orders: Option<String> = self.server.run("announce", &scripts::ANNOUNCE, &call).await?;
        let orders = orders.ok_or_else(|| {
            bounds::refuse("announce")(OutOfBounds {
                what: "the number of workers",
                value: MAX_WORKERS as u64 + 1,
                min: 0,
                max: MAX_WORKERS as u64,
            })
        })?;
        Ok(Orders { drain: orders == "1" })
    }

    /// Takes a worker's card away.
    pub(super) async fn take_card(&self, worker: &WorkerId) -> Result<()> {
        let mut call = self.server.call(&scripts::RETIRE, SHARD);
        call.arg(worker.as_str());
        self.server.run::<u64>("retire", &scripts::RETIRE, &call).await?;
        Ok(())
    }

    /// Tells a worker to drain, or no longer to; says whether it is there.
    pub(super) async fn tell_to_drain(&self, worker: &WorkerId, is_draining: bool) -> Result<bool> {
        let mut call = self.server.call(&scripts::DRAIN, SHARD);
        call.arg(worker.as_str()).arg(u8::from(is_draining));
        let is_there: u64 = self.server.run("drain", &scripts::DRAIN, &call).await?;
        Ok(is_there == 1)
    }

    /// Every worker that is there, in the order of their ids.
    pub(super) async fn read_workers(&self) -> Result<Vec<WorkerEntry>> {
        let mut workers = BTreeMap::new();
        let mut cursor = "0".to_owned();
        for _ in 0..PIECES_MAX {
            let mut call = self.server.call(&scripts::WORKERS, SHARD);
            call.arg(&cursor).arg(WORKERS_AT_ONCE);
            let piece: Vec<String> = self.server.run("workers", &scripts::WORKERS, &call).await?;
            let (next, cards) = piece.split_first().ok_or_else(|| malformed("workers", "the reply"))?;
            for words in cards.chunks(3) {
                let entry = entry(words).ok_or_else(|| malformed("workers", "a card"))?;
                workers.insert(entry.card.id.clone(), entry);
            }
            if next == "0" {
                break;
            }
            next.clone_into(&mut cursor);
        }
        Ok(workers.into_values().collect())
    }
}

fn entry(words: &[String]) -> Option<WorkerEntry> {
    let [seen_at, is_told_to_drain, card] = words else {
        return None;
    };
    Some(WorkerEntry {
        card: serde_json::from_str(card).ok()?,
        seen_at: Millis(seen_at.parse().ok()?),
        is_told_to_drain: is_told_to_drain == "1",
    })
}
