//! Wake-up without polling: waiting claims listen to the shards' ready streams, through the group `workers`.
//!
//! A script that makes work available appends an entry, and the group hands each entry to one listener among all
//! processes, so a crowd does not wake for one job; who finds more work than it takes asks the next. An entry stays
//! until someone listens, so none is missed in between, and goes when it was read. It carries no job and no right:
//! those come from the claim. What gets lost with a dying listener is made up for by [`LOOK_AGAIN`].

use std::{sync::Arc, time::Duration};

use redis::Cmd;
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
};

use super::{
    blocking::{BlockingPool, SLICE},
    fault::Fault,
    server::Server,
};

/// Longest time that a waiting call goes without a look of its own.
pub(super) const LOOK_AGAIN: Duration = SLICE;

/// The pause after a listener's failure: short against any outage, long against a loop.
const RELISTEN: Duration = Duration::from_millis(200);

/// How far apart waiting claims look when something is due, so that the first can take it.
const STAGGER_MS: u64 = 3;

/// The group that shares the entries out.
const GROUP: &str = "workers";

/// The waiting claims of one process, and who listens for them.
pub(super) struct Bell {
    waiting: Arc<Waiting>,
    listeners: std::sync::Mutex<JoinSet<()>>,
    server: Arc<Server>,
    blocking: Arc<BlockingPool>,
}

struct Waiting {
    count: watch::Sender<u64>,
    rung: Notify,
}

/// A claim that waits; it is counted until it is dropped.
pub(super) struct Waiter {
    waiting: Arc<Waiting>,
    place: u64,
}

impl Bell {
    /// A bell to which nobody listens yet.
    pub(super) fn new(server: Arc<Server>, blocking: Arc<BlockingPool>) -> Self {
        let waiting = Waiting {
            count: watch::Sender::new(0),
            rung: Notify::new(),
        };
        Self {
            waiting: Arc::new(waiting),
            listeners: std::sync::Mutex::default(),
            server,
            blocking,
        }
    }

    /// Counts a claim among those that wait; the first one starts the listeners, which then last as long as the bell.
    pub(super) fn join(&self) -> Waiter {
        let mut listeners = self.listeners.lock().expect("nothing panics under this lock");
        if listeners.is_empty() {
            for shard in self.server.layout.shards() {
                let (server, blocking) = (Arc::clone(&self.server), Arc::clone(&self.blocking));
                listeners.spawn(listen(server, blocking, Arc::clone(&self.waiting), shard));
            }
        }
        let mut place = 0;
        self.waiting.count.send_modify(|count| {
            place = *count;
            *count += 1;
        });
        Waiter {
            waiting: Arc::clone(&self.waiting),
            place,
        }
    }
}

impl Waiter {
    /// Returns when the bell rings for this claim, or after `at_most`. Where that is something due, which is due for
    /// all, claims look one after the other.
    pub(super) async fn rest(&self, at_most: Duration) {
        let stagger = Duration::from_millis(self.place.min(20) * STAGGER_MS);
        tokio::select! {
            () = self.waiting.rung.notified() => {}
            () = tokio::time::sleep(at_most + stagger) => {}
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.waiting.count.send_modify(|count| *count -= 1);
    }
}

/// Listens to one shard while claims wait, and hands each entry to one of them, or back where they have gone.
async fn listen(server: Arc<Server>, blocking: Arc<BlockingPool>, waiting: Arc<Waiting>, shard: u16) {
    let stream = server.layout.ready(shard);
    let read = read_command(&stream);
    let mut count = waiting.count.subscribe();
    while count.wait_for(|&count| count > 0).await.is_ok() {
        match blocking.run::<redis::Value>(&[&read]).await {
            Ok(redis::Value::Nil) => clear(&server, &stream).await,
            Ok(entry) => {
                let is_wanted = *waiting.count.borrow() > 0;
                if is_wanted {
                    waiting.rung.notify_one();
                }
                finish(&server, &stream, entry_id(&entry), is_wanted).await;
            }
            Err(fault) => recover(&server, &stream, &fault).await,
        }
    }
}

fn read_command(stream: &str) -> Cmd {
    let mut read = redis::cmd("XREADGROUP");
    let slice_ms = u64::try_from(SLICE.as_millis()).expect("a slice is short");
    read.arg("GROUP")
        .arg(GROUP)
        .arg("listener")
        .arg("COUNT")
        .arg(1)
        .arg("BLOCK")
        .arg(slice_ms);
    read.arg("NOACK").arg("STREAMS").arg(stream).arg(">");
    read
}

/// The id in the answer to a read of one entry of one stream.
fn entry_id(answer: &redis::Value) -> Option<String> {
    type Entries = Vec<(String, redis::Value)>;
    let streams: Vec<(String, Entries)> = redis::from_redis_value_ref(answer).ok()?;
    Some(streams.first()?.1.first()?.0.clone())
}

/// Removes an entry that was read; where no claim waits here any more, rings for one of another process.
async fn finish(server: &Server, stream: &str, id: Option<String>, is_wanted: bool) {
    let mut done = redis::cmd("XDEL");
    done.arg(stream).arg(id.unwrap_or_else(|| "0-0".to_owned()));
    send(server, stream, &done).await;
    if !is_wanted {
        let mut ring = redis::cmd("XADD");
        ring.arg(stream).arg("*").arg("w").arg(1);
        send(server, stream, &ring).await;
    }
}

/// Removes what is left after a slice in which no entry came: entries whose readers died before they removed them.
async fn clear(server: &Server, stream: &str) {
    let mut trim = redis::cmd("XTRIM");
    trim.arg(stream).arg("MAXLEN").arg(0);
    send(server, stream, &trim).await;
}

async fn send(server: &Server, stream: &str, command: &Cmd) {
    if let Err(fault) = server.query::<redis::Value>(command).await {
        tracing::debug!(stream, %fault, "the ready stream was not tidied");
    }
}

/// Makes the group where it is gone: at the first start, and after a loss of data.
async fn recover(server: &Server, stream: &str, fault: &Fault) {
    let mut create = redis::cmd("XGROUP");
    create.arg("CREATE").arg(stream).arg(GROUP).arg(0).arg("MKSTREAM");
    if server.query::<redis::Value>(&create).await.is_err() {
        tracing::debug!(stream, %fault, "listening to the ready stream failed");
        tokio::time::sleep(RELISTEN).await;
    }
}
