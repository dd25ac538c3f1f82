//! What happens to a worker, told at each change: joined, cut off, joined again, draining, ended.

use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tickfleet_runtime::shutdown::{Shutdown, Stop, reached};

use crate::registry::ANNOUNCE_INTERVAL;
use crate::say::{Event, Say};
use crate::status::Observer;

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(100);

/// Tells whether the queue answers, until it is dropped.
pub(super) async fn queue(worker: Observer, queue: String, say: Say) {
    let id = worker.id().to_string();
    let mut is_joined = false;
    loop {
        let touch = worker.is_in_touch(ANNOUNCE_INTERVAL);
        let was_joined = std::mem::replace(&mut is_joined, touch.is_ok());
        match touch {
            Ok(()) if !was_joined => say.say(&Event::Joined {
                worker: &id,
                lanes: worker.lanes(),
                queue: &queue,
            }),
            Err(why) if was_joined => say.say(&Event::Waiting {
                worker: &id,
                queue: &queue,
                why,
            }),
            _ => {}
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits until the worker is asked to drain, tells so, and never returns.
pub(super) async fn draining(worker: &Observer, stop: &Stop, say: Say) -> Infallible {
    reached(&mut stop.asked(), Shutdown::Draining).await;
    say.say(&Event::Draining {
        worker: worker.id().as_str(),
        computing: worker.load().progressing(),
    });
    std::future::pending().await
}

/// Tells what it has done.
pub(super) fn ended(worker: &Observer, say: Say) {
    let status = worker.status();
    say.say(&Event::Ended {
        worker: worker.id().as_str(),
        done: status.committed.load(Ordering::Relaxed),
        failed: status.failed.load(Ordering::Relaxed),
        handed_back: status.handed_back.load(Ordering::Relaxed),
    });
}
