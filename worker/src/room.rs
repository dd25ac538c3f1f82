//! How many claims a worker may hold at once: as much work as keeps its lanes busy, and never a hoard.
//!
//! The size follows the measured time of jobs: tiny ones are claimed by the hundred, so that no lane waits for a round
//! trip; where jobs are long, a worker holds one for each lane and a few to read ahead, and others get the rest. It grows
//! with each measurement and shrinks at once. Read next: [`crate::claim`].

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tickfleet_protocol::limits::MAX_CLAIMS_PER_CALL;

use crate::held::Load;
use crate::jobs::Kind;

/// Work that is held for each lane, in nanoseconds: several round trips long, and little for others to wait for.
const HELD_WORK_NS: u64 = 40_000_000;
/// Work that is given to a lane in one piece, in nanoseconds: long beside what it costs to pass on.
const CHUNK_WORK_NS: u64 = 2_000_000;
/// The least that a job is taken to cost, in nanoseconds.
const JOB_NS_MIN: u64 = 100;
/// Jobs that wait to run alone before they take room from others: they need no lane, but each has a lease to renew.
const ALONE_MAX: usize = 16;
/// How long a measurement of a kind matters after its last job.
const REMEMBERED: Duration = Duration::from_secs(2);

/// The room for claims.
#[derive(Debug)]
pub struct Room {
    lanes: usize,
    read_ahead: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Lanes that may be used: fewer than there are while memory is short.
    lanes: usize,
    costs: BTreeMap<Kind, Cost>,
}

/// What a job of a kind costs a lane.
#[derive(Clone, Copy, Debug)]
struct Cost {
    job_ns: u64,
    at: Instant,
}

impl Room {
    /// Room for `lanes` lanes and `read_ahead` jobs beside them.
    pub const fn new(lanes: usize, read_ahead: usize) -> Self {
        let costs = BTreeMap::new();
        Self {
            lanes,
            read_ahead,
            state: Mutex::new(State { lanes, costs }),
        }
    }

    /// Lanes that there are.
    pub const fn lanes(&self) -> usize {
        self.lanes
    }

    /// Lets only so many lanes be used, at least one; gives whether that is a change.
    pub fn use_lanes(&self, lanes: usize) -> bool {
        let lanes = lanes.clamp(1, self.lanes);
        let mut state = self.lock();
        let is_change = lanes != state.lanes;
        state.lanes = lanes;
        is_change
    }

    /// Takes note that a lane spent `spent` on `jobs` jobs of a kind. More than was known counts at once, less by and by.
    pub fn measured(&self, kind: Kind, jobs: usize, spent: Duration) {
        if jobs == 0 {
            return;
        }
        let job_ns = u64::try_from(spent.as_nanos()).unwrap_or(u64::MAX) / jobs as u64;
        let mut state = self.lock();
        let at = Instant::now();
        let known = state.costs.get(&kind).map_or(job_ns, |cost| cost.job_ns);
        let job_ns = job_ns.max(known - known / 4 + job_ns / 4);
        state.costs.insert(kind, Cost { job_ns, at });
    }

    /// Claims that may be held whose outcome is not known.
    pub fn size(&self, load: &Load) -> usize {
        let state = self.lock();
        let lanes = state.lanes.min(self.lanes.saturating_sub(load.stuck));
        if lanes == 0 {
            return 0;
        }
        // Where memory is short, what is read ahead would take it from what computes.
        let read_ahead = if state.lanes < self.lanes { 0 } else { self.read_ahead };
        let recent = state.costs.values().filter(|cost| cost.at.elapsed() < REMEMBERED);
        let fits = recent.map(|cost| cost.job_ns).max().map_or(0, |job_ns| {
            let oldest = load.oldest.unwrap_or_default().as_nanos();
            let job_ns = job_ns.max(u64::try_from(oldest).unwrap_or(u64::MAX)).max(JOB_NS_MIN);
            usize::try_from(lanes as u64 * HELD_WORK_NS / job_ns).unwrap_or(usize::MAX)
        });
        fits.min(MAX_CLAIMS_PER_CALL).max(lanes + read_ahead)
    }

    /// Claims to ask for now; none while so few would fit that they are not worth a round trip.
    pub fn wanted(&self, load: &Load) -> usize {
        let size = self.size(load);
        let taken = load.waiting + load.computing + load.alone_waiting.saturating_sub(ALONE_MAX);
        let free = size.saturating_sub(taken);
        let is_grown = size > self.lanes + self.read_ahead;
        let worth = if is_grown { size / 2 } else { 1 };
        if free < worth { 0 } else { free.min(MAX_CLAIMS_PER_CALL) }
    }

    /// Claims that may go on waiting behind jobs that turned out to be long, where there are more: those are better off
    /// with another worker.
    pub fn may_wait(&self, load: &Load) -> Option<usize> {
        let is_long = load
            .oldest
            .is_some_and(|oldest| oldest >= Duration::from_nanos(HELD_WORK_NS));
        let may_wait = self.size(load).saturating_sub(load.computing);
        (is_long && load.waiting > may_wait).then_some(may_wait)
    }

    /// How many of `ready` jobs of a kind are given to a lane in one piece.
    pub fn chunk(&self, kind: Kind, ready: usize) -> usize {
        let job_ns = self.lock().costs.get(&kind).map_or(u64::MAX, |cost| cost.job_ns);
        let fits = usize::try_from(CHUNK_WORK_NS / job_ns.max(JOB_NS_MIN)).unwrap_or(usize::MAX);
        fits.clamp(1, ready.div_ceil(self.lanes).max(1))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is plain data, valid after any panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Load = Load {
        waiting: 0,
        computing: 0,
        stuck: 0,
        alone_waiting: 0,
        alone_computing: 0,
        oldest: None,
    };

    fn micros(us: u64) -> Duration {
        Duration::from_micros(us)
    }

    #[test]
    fn the_room_follows_the_time_of_jobs() {
        let check = |job_us: u64, expect: usize| {
            let room = Room::new(2, 2);
            assert_eq!(room.size(&IDLE), 4, "before anything is known");
            room.measured(Kind::Noop, 10, micros(10 * job_us));
            assert_eq!(room.size(&IDLE), expect, "{job_us} us a job");
        };
        check(0, MAX_CLAIMS_PER_CALL);
        check(10, MAX_CLAIMS_PER_CALL);
        check(1_000, 80);
        check(10_000, 8);
        check(20_000, 4);
        check(60_000_000, 4);
    }

    #[test]
    fn it_shrinks_at_once_and_grows_by_and_by() {
        let room = Room::new(2, 2);
        room.measured(Kind::Noop, 100, micros(100));
        room.measured(Kind::Scan, 1, micros(200_000));
        assert_eq!(room.size(&IDLE), 4, "the longest kind decides");
        let room = Room::new(2, 2);
        room.measured(Kind::Noop, 1, micros(200_000));
        room.measured(Kind::Noop, 1, micros(1));
        assert_eq!(room.size(&IDLE), 4);
        (0..40).for_each(|_| room.measured(Kind::Noop, 1, micros(1)));
        assert_eq!(room.size(&IDLE), MAX_CLAIMS_PER_CALL);
        let long = Load {
            computing: 1,
            oldest: Some(Duration::from_secs(3)),
            ..IDLE
        };
        assert_eq!(room.size(&long), 4, "a job that has not ended yet is long already");
    }

    #[test]
    fn claims_are_asked_for_when_they_are_worth_a_round_trip() {
        let check = |job_us: Option<u64>, waiting: usize, computing: usize, expect: usize| {
            let room = Room::new(2, 2);
            job_us
                .into_iter()
                .for_each(|us| room.measured(Kind::Noop, 1, micros(us)));
            let load = Load {
                waiting,
                computing,
                ..IDLE
            };
            assert_eq!(room.wanted(&load), expect, "{job_us:?}, {load:?}");
        };
        check(None, 0, 0, 4);
        check(None, 1, 2, 1);
        check(None, 2, 2, 0);
        check(Some(1), 100, 2, 154);
        check(Some(1), 130, 2, 0);
        check(Some(1_000_000), 1, 2, 1);
        let alone = |alone_waiting| Load { alone_waiting, ..IDLE };
        let room = Room::new(2, 2);
        assert_eq!([0, 16, 18, 20].map(|count| room.wanted(&alone(count))), [4, 4, 2, 0]);
    }

    #[test]
    fn what_waits_behind_a_long_job_is_for_others() {
        let check = |waiting: usize, oldest_ms: u64, expect: Option<usize>| {
            let room = Room::new(2, 2);
            room.measured(Kind::Noop, 1, micros(1));
            let load = Load {
                waiting,
                computing: 1,
                oldest: Some(Duration::from_millis(oldest_ms)),
                ..IDLE
            };
            assert_eq!(room.may_wait(&load), expect, "{load:?}");
        };
        check(200, 1, None);
        check(200, 50, Some(3));
        check(3, 50, None);
    }

    #[test]
    fn stuck_lanes_and_short_memory_take_room() {
        let room = Room::new(4, 4);
        let stuck = |stuck| Load {
            stuck,
            computing: stuck,
            ..IDLE
        };
        assert_eq!([0, 1, 4].map(|count| room.size(&stuck(count))), [8, 7, 0]);
        assert!(room.use_lanes(1) && !room.use_lanes(0));
        assert_eq!(room.size(&IDLE), 1);
        assert!(room.use_lanes(9));
        assert_eq!((room.size(&IDLE), room.lanes()), (8, 4));
    }

    #[test]
    fn tiny_jobs_go_to_a_lane_in_pieces_and_every_lane_gets_some() {
        let check = |job_us: Option<u64>, ready: usize, expect: usize| {
            let room = Room::new(2, 2);
            job_us
                .into_iter()
                .for_each(|us| room.measured(Kind::Noop, 1, micros(us)));
            assert_eq!(room.chunk(Kind::Noop, ready), expect, "{job_us:?}, {ready} ready");
        };
        check(None, 100, 1);
        check(Some(1), 256, 128);
        check(Some(1), 1, 1);
        check(Some(100), 256, 20);
        check(Some(5_000), 256, 1);
    }
}
