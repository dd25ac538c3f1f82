//! Who is there, and who was told to drain: the rules of the list of workers, with time from outside.
//!
//! A card counts for [`CARD_LIFE_MS`] after it was shown. An order outlives the card it was given to by
//! [`ORDER_LIFE_MS`], so that a worker that was cut off obeys when it is back; it ends with the worker, or when it is
//! taken back.

use std::collections::BTreeMap;

use super::{Orders, WorkerCard, WorkerEntry};
use crate::{
    ids::{Millis, WorkerId},
    limits::{CARD_LIFE_MS, MAX_WORKERS, ORDER_LIFE_MS, OutOfBounds, check_bounds},
};

/// The cards that were shown, and the orders that were given.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// The newest card of each worker, and when it came.
    cards: BTreeMap<WorkerId, (WorkerCard, Millis)>,
    /// The workers that were told to drain, and when that lapses.
    drains: BTreeMap<WorkerId, Millis>,
}

impl Registry {
    /// Takes a worker's card, and gives its orders. A new worker beyond [`MAX_WORKERS`] is refused.
    pub fn announce(&mut self, card: &WorkerCard, now: Millis) -> Result<Orders, OutOfBounds> {
        card.check()?;
        self.pass_time(now);
        if !self.cards.contains_key(&card.id) {
            let workers = self.cards.len() as u64 + 1;
            check_bounds("the number of workers", workers, 0, MAX_WORKERS as u64)?;
        }
        self.cards.insert(card.id.clone(), (card.clone(), now));
        let order = self.drains.get_mut(&card.id);
        let drain = order.map(|lapses_at| *lapses_at = now.plus_ms(ORDER_LIFE_MS)).is_some();
        Ok(Orders { drain })
    }

    /// Takes a worker's card and its orders away.
    pub fn retire(&mut self, worker: &WorkerId) {
        self.cards.remove(worker);
        self.drains.remove(worker);
    }

    /// Tells a worker to drain, or no longer to. Gives whether there is such a worker; where there is none, it is told
    /// nothing.
    pub fn drain(&mut self, worker: &WorkerId, is_draining: bool, now: Millis) -> bool {
        self.pass_time(now);
        let is_there = self.cards.contains_key(worker);
        if !is_draining {
            self.drains.remove(worker);
        } else if is_there {
            self.drains.insert(worker.clone(), now.plus_ms(ORDER_LIFE_MS));
            self.drop_oldest_order();
        }
        is_there
    }

    /// Every worker that is there, by id.
    pub fn workers(&mut self, now: Millis) -> Vec<WorkerEntry> {
        self.pass_time(now);
        let entry = |(id, (card, seen_at)): (&WorkerId, &(WorkerCard, Millis))| WorkerEntry {
            card: card.clone(),
            seen_at: *seen_at,
            is_told_to_drain: self.drains.contains_key(id),
        };
        self.cards.iter().map(entry).collect()
    }

    fn pass_time(&mut self, now: Millis) {
        self.cards.retain(|_, (_, seen_at)| now < seen_at.plus_ms(CARD_LIFE_MS));
        self.drains.retain(|_, lapses_at| now < *lapses_at);
    }

    /// Orders to workers that are gone are kept as far as there is room.
    fn drop_oldest_order(&mut self) {
        if self.drains.len() <= MAX_WORKERS {
            return;
        }
        let oldest = self
            .drains
            .iter()
            .min_by_key(|&(id, lapses_at)| (*lapses_at, id.clone()));
        if let Some(id) = oldest.map(|(id, _)| id.clone()) {
            self.drains.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::{JobIndex, JobKind, JobRef, RunId, StageIndex},
        limits::{MAX_CARD_JOBS, MAX_KINDS, MAX_NAME_BYTES},
    };

    fn id(name: &str) -> WorkerId {
        WorkerId::new(name).unwrap()
    }

    fn card(name: &str) -> WorkerCard {
        WorkerCard {
            id: id(name),
            kinds: vec![JobKind::new("test/1").unwrap()],
            host: "host".to_owned(),
            pid: 1,
            version: "0.1.0".to_owned(),
            cores: 2,
            performance_cores: None,
            efficiency_cores: None,
            lanes: 2,
            memory_bytes: 1 << 30,
            started_at: Millis(5),
            is_draining: false,
            jobs: Vec::new(),
            held: 0,
            done: 0,
            failed: 0,
        }
    }

    fn names(registry: &mut Registry, now: u64) -> Vec<String> {
        let workers = registry.workers(Millis(now));
        workers.iter().map(|entry| entry.card.id.to_string()).collect()
    }

    #[test]
    fn a_card_counts_until_it_is_not_renewed() {
        let mut registry = Registry::default();
        for (name, at) in [("b", 0), ("a", 0), ("b", 15_000)] {
            registry.announce(&card(name), Millis(at)).unwrap();
        }
        assert_eq!(names(&mut registry, 19_999), ["a", "b"]);
        assert_eq!(names(&mut registry, 20_000), ["b"]);
        assert_eq!(registry.workers(Millis(20_000))[0].seen_at, Millis(15_000));
        registry.retire(&id("b"));
        assert!(names(&mut registry, 20_000).is_empty());
    }

    #[test]
    fn an_order_lasts_until_it_is_taken_back_or_its_worker_ends() {
        let mut registry = Registry::default();
        let drains = |registry: &mut Registry, at| registry.announce(&card("a"), Millis(at)).unwrap().drain;
        assert!(!registry.drain(&id("a"), true, Millis(0)), "nobody is there");
        assert!(!drains(&mut registry, 0));
        assert!(registry.drain(&id("a"), true, Millis(1)));
        assert!(drains(&mut registry, 2) && drains(&mut registry, 15_000));
        assert!(registry.workers(Millis(15_000))[0].is_told_to_drain);
        assert!(registry.drain(&id("a"), false, Millis(15_000)));
        assert!(!drains(&mut registry, 15_001));
        registry.drain(&id("a"), true, Millis(15_002));
        registry.retire(&id("a"));
        assert!(!drains(&mut registry, 15_003));
    }

    #[test]
    fn who_was_cut_off_obeys_when_it_is_back() {
        let mut registry = Registry::default();
        registry.announce(&card("a"), Millis(0)).unwrap();
        registry.drain(&id("a"), true, Millis(0));
        let back_at = ORDER_LIFE_MS - 1;
        assert!(names(&mut registry, back_at).is_empty());
        assert!(registry.announce(&card("a"), Millis(back_at)).unwrap().drain);
        let late = Millis(back_at + ORDER_LIFE_MS);
        assert!(!registry.announce(&card("a"), late).unwrap().drain);
    }

    #[test]
    fn the_number_of_workers_and_orders_is_bounded() {
        let mut registry = Registry::default();
        for n in 0..MAX_WORKERS {
            registry.cards.insert(id(&format!("w{n}")), (card("w"), Millis(0)));
            registry
                .drains
                .insert(id(&format!("gone{n}")), Millis(1_000 + n as u64));
        }
        assert!(registry.announce(&card("new"), Millis(0)).is_err());
        assert!(registry.announce(&card("w7"), Millis(0)).is_ok(), "it has its place");
        registry.drain(&id("w7"), true, Millis(0));
        assert_eq!(registry.drains.len(), MAX_WORKERS);
        assert!(!registry.drains.contains_key(&id("gone0")));
    }

    #[test]
    fn long_cards_are_refused() {
        let job = JobRef {
            run: RunId::from_parts(Millis(0), [0; 10]),
            stage: StageIndex(0),
            index: JobIndex(0),
        };
        for bad in [
            WorkerCard {
                host: "h".repeat(MAX_NAME_BYTES + 1),
                ..card("w1")
            },
            WorkerCard {
                version: "v".repeat(MAX_NAME_BYTES + 1),
                ..card("w1")
            },
            WorkerCard {
                kinds: vec![JobKind::new("k").unwrap(); MAX_KINDS + 1],
                ..card("w1")
            },
            WorkerCard {
                jobs: vec![job; MAX_CARD_JOBS + 1],
                ..card("w1")
            },
        ] {
            assert!(Registry::default().announce(&bad, Millis(0)).is_err());
        }
    }
}
