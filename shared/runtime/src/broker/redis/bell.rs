//! Wake-up without polling: waiting claims listen to the shards' ready streams, one for each kind of jobs, through the
//! group `workers`.
//!
//! A script that makes work available appends an entry to the stream of its kind, and the group hands each entry to one
//! listener among all processes, so a crowd does not wake for one job, nor anyone for what it can't compute; who finds
//! more work than it takes asks the next. An entry stays until someone listens, so none is missed in between, and goes
//! when it was read. It carries no job and no right: those come from the claim. What gets lost with a dying listener is
//! made up for by [`LOOK_AGAIN`].

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use redis::Cmd;
use tickfleet_protocol::{ids::JobKind, limits::RUN_RETENTION_MS};
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

/// Sets of kinds for which listeners are kept while no claim waits: a worker has one, for as long as it lives.
const IDLE_SETS_MAX: usize = 8;

/// The waiting claims of one process, by what they wait for, and who listens for them.
pub(super) struct Bell {
    by_kinds: std::sync::Mutex<BTreeMap<Vec<JobKind>, Listening>>,
    server: Arc<Server>,
    blocking: Arc<BlockingPool>,
}

/// The claims that wait for the same kinds. The listeners last as long as this.
struct Listening {
    waiting: Arc<Waiting>,
    _listeners: JoinSet<()>,
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
        Self {
            by_kinds: std::sync::Mutex::default(),
            server,
            blocking,
        }
    }

    /// Counts a claim among those that wait for jobs of these kinds, which are in order.
    pub(super) fn join(&self, kinds: &[JobKind]) -> Waiter {
        let mut by_kinds = self.by_kinds.lock().expect("nothing panics under this lock");
        if !by_kinds.contains_key(kinds) {
            if by_kinds.len() >= IDLE_SETS_MAX {
                by_kinds.retain(|_, listening| *listening.waiting.count.borrow() > 0);
            }
            by_kinds.insert(kinds.to_vec(), self.listen_for(kinds));
        }
        let waiting = Arc::clone(&by_kinds[kinds].waiting);
        let mut place = 0;
        waiting.count.send_modify(|count| {
            place = *count;
            *count += 1;
        });
        Waiter { waiting, place }
    }

    fn listen_for(&self, kinds: &[JobKind]) -> Listening {
        let waiting = Arc::new(Waiting {
            count: watch::Sender::new(0),
            rung: Notify::new(),
        });
        let mut listeners = JoinSet::new();
        for shard in self.server.layout.shards() {
            let (server, blocking) = (Arc::clone(&self.server), Arc::clone(&self.blocking));
            let streams = kinds.iter().map(|kind| server.layout.ready(shard, kind)).collect();
            listeners.spawn(listen(server, blocking, Arc::clone(&waiting), streams));
        }
        Listening {
            waiting,
            _listeners: listeners,
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

/// Listens to the streams of one shard while claims wait, and hands each entry to one of them, or back where they have
/// gone.
async fn listen(server: Arc<Server>, blocking: Arc<BlockingPool>, waiting: Arc<Waiting>, streams: Vec<String>) {
    let read = read_command(&streams);
    let mut count = waiting.count.subscribe();
    while count.wait_for(|&count| count > 0).await.is_ok() {
        match blocking.run::<redis::Value>(&[&read]).await {
            Ok(redis::Value::Nil) => clear(&server, &streams).await,
            Ok(answer) => {
                for (nth, (stream, id)) in (0..).zip(entries(&answer)) {
                    let is_wanted = *waiting.count.borrow() > nth;
                    if is_wanted {
                        waiting.rung.notify_one();
                    }
                    finish(&server, &stream, id, is_wanted).await;
                }
            }
            Err(fault) => recover(&server, &streams, &fault).await,
        }
    }
}

fn read_command(streams: &[String]) -> Cmd {
    let mut read = redis::cmd("XREADGROUP");
    let slice_ms = u64::try_from(SLICE.as_millis()).expect("a slice is short");
    read.arg("GROUP").arg(GROUP).arg("listener");
    read.arg("COUNT").arg(1).arg("BLOCK").arg(slice_ms);
    read.arg("NOACK").arg("STREAMS").arg(streams);
    read.arg(vec![">"; streams.len()]);
    read
}

/// The streams that answered a read of one entry of each, with the ids of their entries.
fn entries(answer: &redis::Value) -> Vec<(String, String)> {
    type Entries = Vec<(String, redis::Value)>;
    let streams: Vec<(String, Entries)> = redis::from_redis_value_ref(answer).unwrap_or_default();
    let first = |(stream, entries): (String, Entries)| Some((stream, entries.into_iter().next()?.0));
    streams.into_iter().filter_map(first).collect()
}

/// Removes an entry that was read; where no claim waits here any more, rings for one of another process.
async fn finish(server: &Server, stream: &str, id: String, is_wanted: bool) {
    let mut done = redis::cmd("XDEL");
    done.arg(stream).arg(id);
    send(server, stream, &done).await;
    if !is_wanted {
        let mut ring = redis::cmd("XADD");
        ring.arg(stream).arg("*").arg("w").arg(1);
        send(server, stream, &ring).await;
    }
}

/// Removes what is left after a slice in which no entry came: entries whose readers died before they removed them.
async fn clear(server: &Server, streams: &[String]) {
    for stream in streams {
        let mut trim = redis::cmd("XTRIM");
        trim.arg(stream).arg("MAXLEN").arg(0);
        send(server, stream, &trim).await;
    }
}

async fn send(server: &Server, stream: &str, command: &Cmd) {
    if let Err(fault) = server.query::<redis::Value>(command).await {
        tracing::debug!(stream, %fault, "the ready stream was not tidied");
    }
}

/// Makes the groups that are gone: at the first start, when a kind was not used for long, and after a loss of data.
async fn recover(server: &Server, streams: &[String], fault: &Fault) {
    let mut made = 0;
    for stream in streams {
        let mut create = redis::cmd("XGROUP");
        create.arg("CREATE").arg(stream).arg(GROUP).arg(0).arg("MKSTREAM");
        if server.query::<redis::Value>(&create).await.is_ok() {
            made += 1;
            let mut expire = redis::cmd("PEXPIRE");
            expire.arg(stream).arg(RUN_RETENTION_MS);
            send(server, stream, &expire).await;
        }
    }
    if made == 0 {
        tracing::debug!(?streams, %fault, "listening to the ready streams failed");
        tokio::time::sleep(RELISTEN).await;
    }
}
