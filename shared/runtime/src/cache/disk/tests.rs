//! The disk tier against torn files, full disks, dead and living neighbours, and its bound.

use std::fs::{self, File};
use std::sync::atomic::{AtomicBool, AtomicUsize};

use tempfile::TempDir;

use super::files::Listed;
use super::folder::writing_path;
use super::*;

const MB: u64 = 1_000_000;

fn key(n: u64) -> Key {
    Key::range("x", "1", &(0..n))
}

fn bytes(n: u8) -> Bytes {
    Bytes::from(vec![n; 100_000])
}

fn tier(folder: &TempDir) -> DiskTier {
    DiskTier::start(folder.path(), 10 * MB).unwrap()
}

/// Files of the folder, the unfinished ones included.
fn files(folder: &TempDir) -> Vec<Listed> {
    SystemFiles.list(&folder.path().join("entries")).unwrap()
}

#[tokio::test]
async fn entries_outlive_their_process() {
    let folder = tempfile::tempdir().unwrap();
    {
        let tier = tier(&folder);
        assert_eq!(tier.get(key(1)).await, None);
        tier.put(key(1), bytes(1));
        tier.put(key(2), Bytes::new());
        tier.flush();
        assert_eq!(tier.get(key(1)).await, Some(bytes(1)));
        let counts = tier.counts();
        assert_eq!((counts.hits, counts.misses, counts.bytes_read), (1, 1, 100_000));
        assert_eq!((counts.bytes_written, counts.errors, counts.dropped), (100_000, 0, 0));
    }
    let tier = tier(&folder);
    assert_eq!(tier.get(key(1)).await, Some(bytes(1)));
    assert_eq!(tier.get(key(2)).await, Some(Bytes::new()));
    tier.flush();
    assert_eq!(tier.known().0, 2, "the first scan found both");
    assert_eq!(DiskUsage::of(folder.path()).unwrap().entries, 2);
    assert_eq!(clear(folder.path()).unwrap().entries, 2);
    assert_eq!(tier.get(key(1)).await, None, "a file that vanished is a miss");
    assert_eq!(DiskUsage::of(folder.path()).unwrap(), DiskUsage::default());
    assert_eq!(tier.counts().errors, 0);
}

#[tokio::test]
async fn a_damaged_file_is_a_miss_and_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let tier = tier(&folder);
    let path = entry_path(folder.path(), &key(1));
    let damages: [&dyn Fn(Vec<u8>) -> Vec<u8>; 4] = [
        &|file| file[..file.len() / 2].to_vec(),
        &|_| Vec::new(),
        &|mut file| {
            file[50_000] ^= 1;
            file
        },
        &|_| vec![0; 2_000],
    ];
    for (n, damage) in (1..).zip(damages) {
        tier.put(key(1), bytes(1));
        tier.flush();
        fs::write(&path, damage(fs::read(&path).unwrap())).unwrap();
        assert_eq!(tier.get(key(1)).await, None, "damage {n}");
        assert!(!path.exists(), "damage {n}");
        assert_eq!(tier.counts().errors, n);
    }
    tier.put(key(1), bytes(1));
    tier.flush();
    assert_eq!(tier.get(key(1)).await, Some(bytes(1)), "and it is written again");
}

#[tokio::test]
async fn what_a_dead_writer_left_is_no_entry_and_goes_when_it_is_old() {
    let folder = tempfile::tempdir().unwrap();
    let [old, young] = ["1-0-1", "2-0-1"].map(|name| writing_path(folder.path(), name));
    for path in [&old, &young] {
        SystemFiles.write(path, &[b"half an ent"]).unwrap();
    }
    let long_ago = SystemTime::now() - Duration::from_secs(3_600);
    File::options()
        .write(true)
        .open(&old)
        .unwrap()
        .set_modified(long_ago)
        .unwrap();
    let notes = folder.path().join("entries/notes.txt");
    fs::write(&notes, "mine").unwrap();
    let tier = tier(&folder);
    tier.flush();
    assert_eq!((old.exists(), young.exists(), notes.exists()), (false, true, true));
    assert_eq!(tier.known(), (0, 0));
    assert_eq!(DiskUsage::of(folder.path()).unwrap().unfinished, 1);
    clear(folder.path()).unwrap();
    assert_eq!((young.exists(), notes.exists()), (false, true));
}

#[tokio::test]
async fn the_least_recently_used_entries_leave_when_the_folder_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let tier = DiskTier::start(folder.path(), MB).unwrap();
    for n in 1..=9 {
        tier.put(key(n), bytes(1));
        tier.flush();
        // Moments are milliseconds: entries of one moment are alike.
        let written = Instant::now();
        while written.elapsed() < Duration::from_millis(2) {
            std::thread::yield_now();
        }
    }
    assert!(tier.get(key(1)).await.is_some(), "used: now 2 is the oldest");
    tier.put(key(10), bytes(1));
    tier.flush();
    assert!(tier.get(key(2)).await.is_none());
    assert!(tier.get(key(1)).await.is_some() && tier.get(key(10)).await.is_some());
    assert_eq!(tier.counts().evictions, 1);
    for n in 11..40 {
        tier.put(key(n), bytes(1));
        tier.flush();
        assert!(DiskUsage::of(folder.path()).unwrap().bytes <= MB);
    }
    tier.put(key(99), Bytes::from(vec![0; 200_000]));
    tier.flush();
    assert_eq!(
        tier.get(key(99)).await,
        None,
        "an entry that would drive out too many is not kept"
    );
    assert_eq!(tier.counts().dropped, 1);
}

#[tokio::test]
async fn processes_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (tier(&folder), tier(&folder));
    one.put(key(1), bytes(1));
    one.flush();
    assert_eq!(other.get(key(1)).await, Some(bytes(1)), "found without being known");
    assert_eq!(other.known().0, 1);
    // Both write the same entry: the same bytes, whoever comes last.
    let third = tier(&folder);
    third.flush();
    for tier in [&one, &other, &third] {
        tier.put(key(2), bytes(2));
    }
    [&one, &other, &third].into_iter().for_each(DiskTier::flush);
    assert_eq!(third.get(key(2)).await, Some(bytes(2)));
    fs::remove_file(entry_path(folder.path(), &key(2))).unwrap();
    assert_eq!(one.get(key(2)).await, None);
    one.put(key(2), bytes(2));
    one.flush();
    assert_eq!(
        other.get(key(2)).await,
        Some(bytes(2)),
        "what vanished is written again"
    );
    let errors = [&one, &other, &third].map(|tier| tier.counts().errors);
    assert_eq!(errors, [0; 3]);
    assert!(
        files(&folder)
            .iter()
            .all(|file| !file.path.to_string_lossy().contains("writing-"))
    );
}

#[tokio::test]
async fn a_folder_that_others_filled_is_brought_within_the_bound() {
    let folder = tempfile::tempdir().unwrap();
    {
        let generous = tier(&folder);
        for n in 0..30 {
            generous.put(key(n), bytes(1));
        }
        generous.flush();
    }
    assert_eq!(DiskUsage::of(folder.path()).unwrap().entries, 30);
    let tier = DiskTier::start(folder.path(), MB).unwrap();
    tier.flush();
    let usage = DiskUsage::of(folder.path()).unwrap();
    assert_eq!((usage.entries, tier.counts().evictions), (9, 21));
}

/// A file system that fails as told.
#[derive(Debug, Default)]
struct Failing {
    /// Bytes that still fit; then the disk is full.
    room: AtomicU64,
    /// Writes that fail from now on, before the file has its name.
    kills: AtomicUsize,
    cannot_read: AtomicBool,
}

impl Files for Arc<Failing> {
    fn read(&self, path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
        if self.cannot_read.load(Ordering::Relaxed) {
            return Err(io::Error::from_raw_os_error(5));
        }
        SystemFiles.read(path, bytes_max)
    }

    fn write(&self, path: &Path, parts: &[&[u8]]) -> io::Result<()> {
        let length: u64 = parts.iter().map(|part| part.len() as u64).sum();
        let room = self.room.load(Ordering::Relaxed);
        if length > room {
            // As much as fits is on the disk when the system says that it is full.
            SystemFiles.write(path, &[&parts[0][..10]])?;
            return Err(ErrorKind::StorageFull.into());
        }
        self.room.store(room - length, Ordering::Relaxed);
        SystemFiles.write(path, parts)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.kills.load(Ordering::Relaxed) > 0 {
            self.kills.fetch_sub(1, Ordering::Relaxed);
            return Err(ErrorKind::Interrupted.into());
        }
        SystemFiles.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        SystemFiles.remove(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<Listed>> {
        SystemFiles.list(folder)
    }
}

#[tokio::test]
async fn a_full_disk_pauses_writing_and_reading_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let files = Arc::new(Failing::default());
    files.room.store(250_000, Ordering::Relaxed);
    let tier = DiskTier::start_on(Box::new(files.clone()), folder.path(), 10 * MB).unwrap();
    for n in 1..=3 {
        tier.put(key(n), bytes(1));
        tier.flush();
    }
    assert_eq!(tier.counts().errors, 1);
    files.room.store(10 * MB, Ordering::Relaxed);
    tier.put(key(4), bytes(1));
    tier.flush();
    assert_eq!(tier.counts().dropped, 1, "nothing is tried during the pause");
    for (n, is_there) in [(1, true), (2, true), (3, false), (4, false)] {
        assert_eq!(tier.get(key(n)).await.is_some(), is_there, "{n}");
    }
    let unfinished = DiskUsage::of(folder.path()).unwrap().unfinished;
    assert_eq!(unfinished, 0, "what did not fit leaves nothing behind");
    tier.shared.writing.succeeded();
    tier.put(key(3), bytes(1));
    tier.flush();
    assert_eq!(
        tier.get(key(3)).await,
        Some(bytes(1)),
        "after the pause it writes again"
    );
}

#[tokio::test]
async fn a_write_that_gets_no_name_is_no_entry() {
    let folder = tempfile::tempdir().unwrap();
    let files = Arc::new(Failing::default());
    files.room.store(MB, Ordering::Relaxed);
    files.kills.store(1, Ordering::Relaxed);
    let tier = DiskTier::start_on(Box::new(files), folder.path(), 10 * MB).unwrap();
    tier.put(key(1), bytes(1));
    tier.flush();
    assert_eq!(tier.get(key(1)).await, None);
    assert_eq!(tier.known(), (0, 0));
}

#[tokio::test]
async fn a_disk_that_cannot_be_read_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let files = Arc::new(Failing::default());
    files.room.store(MB, Ordering::Relaxed);
    let tier = DiskTier::start_on(Box::new(files.clone()), folder.path(), 10 * MB).unwrap();
    tier.put(key(1), bytes(1));
    tier.flush();
    files.cannot_read.store(true, Ordering::Relaxed);
    assert_eq!(tier.get(key(1)).await, None);
    files.cannot_read.store(false, Ordering::Relaxed);
    assert_eq!(tier.get(key(1)).await, None, "not asked during the pause");
    assert_eq!(tier.counts().errors, 1);
    tier.shared.reading.succeeded();
    assert_eq!(tier.get(key(1)).await, Some(bytes(1)));
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_costs_only_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let tier = DiskTier::start(&file.join("in"), MB).unwrap();
    tier.put(key(1), Bytes::from_static(b"x"));
    tier.flush();
    assert_eq!(tier.get(key(1)).await, None);
    assert!(tier.counts().errors > 0);
}

#[test]
fn a_burst_is_dropped_rather_than_kept_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let tier = DiskTier::start(folder.path(), 1_000 * MB).unwrap();
    let large = Bytes::from(vec![0; 30_000_000]);
    for n in 0..40 {
        tier.put(key(n), large.clone());
        assert!(tier.shared.queued_bytes.load(Ordering::Relaxed) <= QUEUED_BYTES_MAX);
    }
    tier.flush();
    let counts = tier.counts();
    assert_eq!(counts.dropped + counts.bytes_written / 30_000_000, 40);
    assert_eq!(tier.shared.queued_bytes.load(Ordering::Relaxed), 0);
}
