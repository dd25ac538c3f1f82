//! What happens to a worker, told at each change: joined, cut off, joined again, draining, ended.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tickfleet_runtime::shutdown::{Shutdown, Stop};

use crate::registry::ANNOUNCE_INTERVAL;
use crate::say::{Event, Say};
use crate::status::Observer;

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(100);

/// Tells until it is dropped.
pub(super) async fn tell(worker: Observer, queue: String, stop: Stop, say: Say) {
    let id = worker.id().to_string();
    let (mut is_joined, mut is_draining) = (false, false);
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
        if !is_draining && *stop.asked().borrow() > Shutdown::Running {
            is_draining = true;
            let computing = worker.load().computing;
            say.say(&Event::Draining { worker: &id, computing });
        }
        tokio::time::sleep(LOOK).await;
    }
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
