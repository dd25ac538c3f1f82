//! Puts a file's records into ascending (time, sequence, input order) with a buffer as long as the window in time.
//!
//! Feeds are nearly in order: a record sinks to its place from the back of the buffer. Read `bars` next.

use std::collections::VecDeque;
use std::fmt;

use super::record::Record;

/// A record came further behind an earlier one than the window allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LateRecord {
    /// The record's place in the input, from 0.
    pub place: u64,
    /// Its time, ns UTC.
    pub time: i64,
    /// The time it came after, ns UTC.
    pub after: i64,
}

impl fmt::Display for LateRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let behind = self.after.saturating_sub(self.time);
        write!(
            f,
            "record {} lies {behind} ns behind an earlier one (time {})",
            self.place, self.time
        )
    }
}

impl std::error::Error for LateRecord {}

/// The buffer, and what it has seen.
#[derive(Debug, Clone)]
pub struct Reorder {
    window_ns: i64,
    held: VecDeque<(i64, Record)>,
    /// Latest time of an event.
    latest: Option<i64>,
    /// Key of the record that came last.
    last: Option<(i64, u32)>,
    /// Key of the record that was given last.
    given: Option<(i64, u32)>,
    seen: u64,
    reordered: i64,
    undated: i64,
}

impl Reorder {
    /// An empty buffer for records that lie at most `window_ns` behind an earlier one.
    #[must_use]
    pub fn new(window_ns: i64) -> Self {
        Self {
            window_ns,
            held: VecDeque::new(),
            latest: None,
            last: None,
            given: None,
            seen: 0,
            reordered: 0,
            undated: 0,
        }
    }

    /// Takes a record; gives those to `sink` that no later one can precede. A record without a time is counted only.
    ///
    /// # Errors
    /// [`LateRecord`] when the record belongs before ones already given, or lies further back than the window.
    pub fn push(&mut self, record: &Record, mut sink: impl FnMut(&Record)) -> Result<(), LateRecord> {
        let place = self.seen;
        self.seen += 1;
        let Some(time) = record.time() else {
            self.undated += 1;
            return Ok(());
        };
        let key = (time, record.sequence);
        self.reordered += i64::from(self.last.is_some_and(|last| key < last));
        self.last = Some(key);
        let horizon = self.latest.map(|latest| latest.saturating_sub(self.window_ns));
        let too_late = !record.is_snapshot() && horizon.is_some_and(|horizon| time < horizon);
        if let Some(given) = self.given.filter(|given| too_late || key < *given) {
            return Err(LateRecord {
                place,
                time,
                after: self.latest.unwrap_or(given.0),
            });
        }
        if too_late {
            return Err(LateRecord {
                place,
                time,
                after: self.latest.unwrap_or(time),
            });
        }
        self.hold(key, record);
        if !record.is_snapshot() {
            self.latest = Some(self.latest.map_or(time, |latest| latest.max(time)));
        }
        let horizon = self.latest.map(|latest| latest.saturating_sub(self.window_ns));
        while self.held.front().is_some_and(|(first, _)| Some(*first) < horizon) {
            self.give(&mut sink);
        }
        Ok(())
    }

    /// Gives all that is left.
    pub fn finish(&mut self, mut sink: impl FnMut(&Record)) {
        while !self.held.is_empty() {
            self.give(&mut sink);
        }
    }

    /// Records whose (time, sequence) was below that of the record before them.
    #[must_use]
    pub fn reordered(&self) -> i64 {
        self.reordered
    }

    /// Records without a time.
    #[must_use]
    pub fn undated(&self) -> i64 {
        self.undated
    }

    fn hold(&mut self, key: (i64, u32), record: &Record) {
        let follows = |held: &(i64, Record)| (held.0, held.1.sequence) > key;
        let behind = self.held.iter().rev().take_while(|held| follows(held)).count();
        if behind == 0 {
            self.held.push_back((key.0, *record));
        } else {
            self.held.insert(self.held.len() - behind, (key.0, *record));
        }
    }

    fn give(&mut self, sink: &mut impl FnMut(&Record)) {
        if let Some((time, record)) = self.held.front() {
            self.given = Some((*time, record.sequence));
            sink(record);
        }
        self.held.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::features::record::{F_SNAPSHOT, UNDEF_TIME};
    use crate::features::testing::record;

    use super::*;

    fn ordered(records: &[Record], window_ns: i64) -> Result<Vec<(u64, u32)>, LateRecord> {
        let (mut reorder, mut given) = (Reorder::new(window_ns), Vec::new());
        for record in records {
            reorder.push(record, |it| given.push((it.ts_event, it.sequence)))?;
        }
        reorder.finish(|it| given.push((it.ts_event, it.sequence)));
        Ok(given)
    }

    fn at(time: u64, sequence: u32) -> Record {
        Record {
            sequence,
            ..record(time)
        }
    }

    #[test]
    fn a_record_may_lie_as_far_behind_as_the_window() {
        let check = |times: &[u64], expect: Result<Vec<u64>, i64>| {
            let records: Vec<_> = times.iter().map(|time| at(*time, 0)).collect();
            let given = ordered(&records, 10).map(|given| given.into_iter().map(|it| it.0).collect::<Vec<_>>());
            assert_eq!(given.map_err(|late| late.time), expect, "{times:?}");
        };
        check(&[100, 90, 101], Ok(vec![90, 100, 101]));
        check(&[100, 89], Err(89));
        check(&[100, 111, 99, 101], Err(99));
        check(&[5, 4, 3, 2, 1], Ok(vec![1, 2, 3, 4, 5]));
    }

    #[test]
    fn undated_records_are_counted_and_dropped_and_steps_back_are_counted() {
        let mut reorder = Reorder::new(10);
        for record in [at(5, 2), at(UNDEF_TIME, 0), at(5, 1), at(6, 0), at(6, 0)] {
            reorder.push(&record, |_| ()).unwrap();
        }
        assert_eq!((reorder.undated(), reorder.reordered()), (1, 1));
    }

    #[test]
    fn a_snapshot_neither_is_late_nor_makes_others_late() {
        let ahead = Record {
            flags: F_SNAPSHOT,
            ..at(1_000, 7)
        };
        let given = ordered(&[at(5, 0), ahead, at(6, 0)], 10).unwrap();
        assert_eq!(given, [(5, 0), (6, 0), (1_000, 7)]);
        let behind = Record {
            flags: F_SNAPSHOT,
            ..at(1, 7)
        };
        assert_eq!(ordered(&[at(5, 0), at(14, 0), behind], 10).unwrap()[0], (1, 7));
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_a_stable_sort(keys in prop::collection::vec((0..40_u64, 0..4_u32), 0..60)) {
            let records: Vec<_> = keys.iter().map(|(time, sequence)| at(*time, *sequence)).collect();
            let mut expect = keys;
            expect.sort();
            prop_assert_eq!(ordered(&records, 40).unwrap(), expect);
        }
    }
}
