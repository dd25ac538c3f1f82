//! The events of one run: the last [`MAX_EVENTS_KEPT`], and a signal for those who wait for more.

use std::collections::VecDeque;

use tickfleet_protocol::{
    ids::EventId,
    limits::{MAX_BATCH, MAX_EVENTS_KEPT},
    state::Progress,
};
use tokio::sync::watch;

/// Events with consecutive ids.
#[derive(Debug, Default)]
pub(super) struct History {
    events: VecDeque<Progress>,
    last: watch::Sender<EventId>,
}

impl History {
    /// Appends an event.
    pub(super) fn push(&mut self, event: Progress) {
        if self.events.len() == MAX_EVENTS_KEPT {
            self.events.pop_front();
        }
        self.events.push_back(event);
        self.last.send_modify(|last| *last = last.next());
    }

    /// The events kept that follow `after`, at most [`MAX_BATCH`].
    pub(super) fn after(&self, after: EventId) -> Vec<(EventId, Progress)> {
        let dropped = self.last.borrow().0 - self.events.len() as u64;
        let ids = (dropped + 1..).map(EventId);
        let skip = usize::try_from(after.0.saturating_sub(dropped)).unwrap_or(usize::MAX);
        ids.zip(&self.events)
            .skip(skip)
            .take(MAX_BATCH)
            .map(|(id, event)| (id, event.clone()))
            .collect()
    }

    /// Tells of events from now on; ends when the run is forgotten.
    pub(super) fn watch(&self) -> watch::Receiver<EventId> {
        self.last.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use tickfleet_protocol::{
        ids::Millis,
        state::{Counts, ProgressKind},
    };

    use super::*;

    #[test]
    fn the_oldest_events_go_first_and_ids_stay() {
        let mut history = History::default();
        assert!(history.after(EventId::START).is_empty());
        let event = |at| Progress {
            at: Millis(at),
            counts: Counts::default(),
            kind: ProgressKind::Submitted,
        };
        let pushed = MAX_EVENTS_KEPT as u64 + 10;
        (1..=pushed).for_each(|at| history.push(event(at)));
        let check = |after, first, len| {
            let events = history.after(EventId(after));
            assert_eq!(
                (events.first().map(|(id, _)| id.0), events.len()),
                (first, len),
                "after {after}"
            );
            assert!(events.iter().all(|(id, event)| id.0 == event.at.0));
        };
        check(0, Some(11), MAX_BATCH);
        check(11, Some(12), MAX_BATCH);
        check(pushed - 3, Some(pushed - 2), 3);
        check(pushed, None, 0);
        check(u64::MAX, None, 0);
    }
}
