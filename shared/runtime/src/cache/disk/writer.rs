//! The thread that writes: jobs hand their bytes over and go on; when it can't keep up, bytes are dropped.
//!
//! A file is written beside its place and renamed, so that a reader finds all of it or nothing. It is not synced: what
//! a power cut tears does not agree with its header. The thread also keeps the folder within its bound, scans it for
//! what other processes wrote, and removes what dead ones left unfinished.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;

use super::Shared;
use super::entry::{HEADER_BYTES, header};
use super::files::millis;
use super::folder::{Found, entry_path, writing_path};
use crate::cache::Key;

/// The folder is scanned this often, in case others write to it.
const SCAN_EVERY: Duration = Duration::from_secs(60);
/// It is also scanned when this part of the bound was written: others have then written about as much.
const SCAN_PART: u64 = 16;

/// A task of the thread.
pub(super) enum Task {
    /// Write an entry.
    Write(Key, Bytes),
    /// Say when all tasks before this one are done.
    Flush(SyncSender<()>),
}

/// Carries out tasks until there is nobody left who could send one; `_alive` tells of the end by being dropped.
pub(super) fn run(shared: &Arc<Shared>, tasks: &Receiver<Task>, _alive: SyncSender<()>) {
    let mut writer = Writer {
        shared,
        written: 0,
        scanned_at: Instant::now(),
        files: 0,
    };
    writer.scan();
    loop {
        match tasks.recv_timeout(SCAN_EVERY) {
            Ok(Task::Write(key, bytes)) => {
                if !shared.is_closed() {
                    writer.take(&key, &bytes);
                }
                shared.queued_bytes.fetch_sub(bytes.len() as u64, Ordering::Relaxed);
            }
            Ok(Task::Flush(done)) => {
                // Whoever asked may have gone.
                let _ = done.send(());
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if writer.scanned_at.elapsed() >= SCAN_EVERY || writer.written > shared.bytes_max / SCAN_PART {
            writer.scan();
        }
    }
}

struct Writer<'a> {
    shared: &'a Arc<Shared>,
    /// Bytes written since the last scan.
    written: u64,
    scanned_at: Instant,
    /// Files begun so far.
    files: u64,
}

impl Writer<'_> {
    fn take(&mut self, key: &Key, bytes: &Bytes) {
        let shared = self.shared;
        if shared.index().has(key) {
            return;
        }
        if shared.writing.is_on(Instant::now()) {
            shared.counters.dropped();
            return;
        }
        match self.write(key, bytes) {
            Ok(()) => {
                shared.writing.succeeded();
                shared.counters.written(bytes.len());
            }
            Err(error) => {
                shared.counters.error();
                if shared.writing.failed(Instant::now()) {
                    let folder = shared.folder.display();
                    tracing::warn!(%folder, %error, "the disk cache cannot be written; trying again in a while");
                }
            }
        }
    }

    fn write(&mut self, key: &Key, bytes: &Bytes) -> io::Result<()> {
        let shared = self.shared;
        let length = (HEADER_BYTES + bytes.len()) as u64;
        self.make_room(length);
        self.files += 1;
        let writing = writing_path(
            &shared.folder,
            &format!("{}-{}-{}", std::process::id(), shared.instance, self.files),
        );
        let written = shared.files.write(&writing, &[&header(key, bytes), bytes]);
        let placed = written.and_then(|()| shared.files.rename(&writing, &entry_path(&shared.folder, key)));
        if let Err(error) = placed {
            // What cannot be removed now is removed as a left-over.
            let _ = shared.files.remove(&writing);
            return Err(error);
        }
        self.written += length;
        shared.index().used(*key, length, millis(SystemTime::now()));
        Ok(())
    }

    /// Removes entries until `length` bytes more are within the bound.
    fn make_room(&self, length: u64) {
        let shared = self.shared;
        loop {
            let oldest = {
                let mut index = shared.index();
                if index.bytes() + length <= shared.bytes_max {
                    return;
                }
                index.take_oldest()
            };
            let Some(oldest) = oldest else { return };
            match shared.files.remove(&entry_path(&shared.folder, &oldest)) {
                Ok(()) => shared.counters.evicted(),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(_) => shared.counters.error(),
            }
        }
    }

    fn scan(&mut self) {
        let shared = self.shared;
        let began = SystemTime::now();
        (self.written, self.scanned_at) = (0, Instant::now());
        let found = match Found::scan(shared.files.as_ref(), &shared.folder) {
            Ok(found) => found,
            Err(error) => {
                shared.counters.error();
                tracing::warn!(folder = %shared.folder.display(), %error, "the disk cache cannot be scanned");
                return;
            }
        };
        for path in found.left_over(began) {
            // Another process may have removed it; otherwise the next scan tries again.
            let _ = shared.files.remove(path);
        }
        let entries = found
            .entries
            .iter()
            .map(|(key, file)| (*key, file.bytes, file.written_ms));
        shared.index().refresh(entries, millis(began));
        self.make_room(0);
    }
}
