//! The second tier: entries as files in a folder of this machine, bounded in bytes, the least recently used leaving
//! first.
//!
//! Several processes may use one folder: each knows what it wrote and what its scans found, and a file that vanishes is
//! a miss. Together they may exceed the bound by what they wrote since their last scans, a sixteenth each. A job never
//! waits for a write, and not long for a read. Read next: `writer`, `entry`.

mod entry;
mod files;
mod folder;
mod index;
#[cfg(test)]
mod tests;
mod writer;

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use tokio::sync::Semaphore;

use self::entry::HEADER_BYTES;
use self::files::{Files, SystemFiles, millis};
use self::folder::entry_path;
pub use self::folder::{DiskUsage, clear};
use self::index::Index;
use self::writer::Task;
use super::Key;
use super::counts::{Counters, Tier, TierCounts};
use super::pause::Pause;

/// An entry may take this part of the bound: a larger one would drive out too many others.
const ENTRY_PART: u64 = 8;
/// Longest time that a read may take; a disk that is slower than computing is no help.
const PATIENCE: Duration = Duration::from_secs(2);
/// Reads side by side: enough to keep a disk busy, few enough that a hanging one holds few threads.
const READS_MAX: usize = 8;
/// How long what waits may be written at the end.
const CLOSING: Duration = Duration::from_secs(1);
/// Entries that wait to be written, and their bytes: a burst of results, not a backlog.
const QUEUED_MAX: usize = 256;
const QUEUED_BYTES_MAX: u64 = 64 << 20;

/// Entries on disk.
#[derive(Debug)]
pub struct DiskTier {
    shared: Arc<Shared>,
    reads: Arc<Semaphore>,
    tasks: Option<SyncSender<Task>>,
    /// The thread, and what hears of its end.
    writer: Mutex<Option<(JoinHandle<()>, Receiver<()>)>>,
}

/// What the tier and its threads share.
#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    bytes_max: u64,
    files: Box<dyn Files>,
    /// Tells the instances of one process apart.
    instance: u64,
    index: Mutex<Index>,
    counters: Counters,
    reading: Pause,
    writing: Pause,
    queued_bytes: AtomicU64,
    /// When what still waits is given up.
    closes_at: Mutex<Option<Instant>>,
}

impl Shared {
    /// Whether what still waits is given up.
    fn is_closed(&self) -> bool {
        let closes_at = self.closes_at.lock().unwrap_or_else(PoisonError::into_inner);
        closes_at.is_some_and(|at| Instant::now() >= at)
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        // At worst a panic leaves an entry unknown, and the next scan finds it.
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DiskTier {
    /// A tier in a folder, which is made when it is first written to, of at most `bytes_max` bytes. What the folder
    /// holds already counts and is found.
    ///
    /// # Errors
    /// The writing thread cannot be started.
    pub fn start(folder: &Path, bytes_max: u64) -> io::Result<Self> {
        Self::start_on(Box::new(SystemFiles), folder, bytes_max)
    }

    fn start_on(files: Box<dyn Files>, folder: &Path, bytes_max: u64) -> io::Result<Self> {
        static INSTANCES: AtomicU64 = AtomicU64::new(0);
        let shared = Arc::new(Shared {
            folder: folder.to_owned(),
            bytes_max,
            files,
            instance: INSTANCES.fetch_add(1, Ordering::Relaxed),
            index: Mutex::default(),
            counters: Counters::new(Tier::Disk),
            reading: Pause::default(),
            writing: Pause::default(),
            queued_bytes: AtomicU64::new(0),
            closes_at: Mutex::default(),
        });
        let (tasks, received) = sync_channel(QUEUED_MAX);
        let (alive, ended) = sync_channel(1);
        let thread = std::thread::Builder::new().name("disk-cache".to_owned()).spawn({
            let shared = shared.clone();
            move || writer::run(&shared, &received, alive)
        })?;
        Ok(Self {
            shared,
            reads: Arc::new(Semaphore::new(READS_MAX)),
            tasks: Some(tasks),
            writer: Mutex::new(Some((thread, ended))),
        })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.shared.folder
    }

    /// Whether this process knows of an entry: it wrote or read it, or its last scan found it.
    #[must_use]
    pub fn knows(&self, key: &Key) -> bool {
        self.shared.index().has(key)
    }

    /// The entry of a key. A read that fails or takes too long is a miss, and the tier is left alone for a while.
    pub async fn get(&self, key: Key) -> Option<Bytes> {
        let shared = &self.shared;
        if shared.reading.is_on(Instant::now()) {
            shared.counters.miss();
            return None;
        }
        let reading = async {
            let permit = self.reads.clone().acquire_owned().await;
            let permit = permit.expect("the semaphore is never closed");
            let shared = shared.clone();
            let read = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                shared.read(&key)
            });
            read.await.map_err(io::Error::other)?
        };
        let read = tokio::time::timeout(PATIENCE, reading).await;
        let found = match read.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into())) {
            Ok(found) => {
                shared.reading.succeeded();
                found
            }
            Err(error) => {
                shared.counters.error();
                if shared.reading.failed(Instant::now()) {
                    let folder = shared.folder.display();
                    tracing::warn!(%folder, %error, "the disk cache cannot be read; trying again in a while");
                }
                None
            }
        };
        shared.counters.look_up(found.as_ref().map(Bytes::len));
        found
    }

    /// Hands an entry over to be written; returns at once. It is dropped where it is too large, where too much waits
    /// already, and while writing is paused.
    pub fn put(&self, key: Key, bytes: Bytes) {
        let shared = &self.shared;
        let length = bytes.len() as u64;
        let is_too_large = length + HEADER_BYTES as u64 > shared.entry_bytes_max();
        if shared.index().has(&key) {
            return;
        }
        if is_too_large || shared.writing.is_on(Instant::now()) {
            shared.counters.dropped();
            return;
        }
        if shared.queued_bytes.fetch_add(length, Ordering::Relaxed) + length > QUEUED_BYTES_MAX {
            shared.queued_bytes.fetch_sub(length, Ordering::Relaxed);
            shared.counters.dropped();
            return;
        }
        let tasks = self.tasks.as_ref().expect("the channel is open until the drop");
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = tasks.try_send(Task::Write(key, bytes)) {
            shared.queued_bytes.fetch_sub(length, Ordering::Relaxed);
            shared.counters.dropped();
        }
    }

    /// Waits until everything that was handed over so far is written or given up. Blocks: not for async code.
    pub fn flush(&self) {
        let (done, is_done) = sync_channel(1);
        let tasks = self.tasks.as_ref().expect("the channel is open until the drop");
        if tasks.send(Task::Flush(done)).is_ok() {
            // An error says that the thread has ended: nothing more is written.
            let _ = is_done.recv();
        }
    }

    /// Entries that this process knows of, and the bytes of their files.
    #[must_use]
    pub fn known(&self) -> (usize, u64) {
        let index = self.shared.index();
        (index.count(), index.bytes())
    }

    /// What it has done so far.
    #[must_use]
    pub fn counts(&self) -> TierCounts {
        self.shared.counters.counts()
    }
}

impl Drop for DiskTier {
    /// Ends the thread once it has written what waits, as far as a second goes. A disk that hangs does not hold up the
    /// process's end.
    fn drop(&mut self) {
        let closes_at = Instant::now() + CLOSING;
        *self.shared.closes_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(closes_at);
        self.tasks = None;
        let writer = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let Some((thread, ended)) = writer else { return };
        if ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!(folder = %self.shared.folder.display(), "the disk cache hangs and is left to itself");
        } else if thread.join().is_err() {
            tracing::error!("the disk cache's thread panicked");
        }
    }
}

impl Shared {
    fn entry_bytes_max(&self) -> u64 {
        self.bytes_max / ENTRY_PART
    }

    /// Reads an entry; one that is damaged is removed.
    fn read(&self, key: &Key) -> io::Result<Option<Bytes>> {
        let path = entry_path(&self.folder, key);
        let file = match self.files.read(&path, self.entry_bytes_max()) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.index().forget(key);
                return Ok(None);
            }
            // Longer than any entry: somebody else's bound, or no entry.
            Err(error) if error.kind() == ErrorKind::InvalidData => return Ok(None),
            Err(error) => return Err(error),
        };
        let length = file.len() as u64;
        let Some(bytes) = entry::open(key, file) else {
            self.counters.error();
            self.index().forget(key);
            tracing::warn!(file = %path.display(), "a damaged entry of the disk cache is removed");
            return match self.files.remove(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
                _ => Ok(None),
            };
        };
        self.index().used(*key, length, millis(SystemTime::now()));
        Ok(Some(bytes))
    }
}
