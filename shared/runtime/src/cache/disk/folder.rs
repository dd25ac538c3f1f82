//! Where things lie in the cache's folder, and the looks at it that need no running cache: how much is there, and
//! removing all of it.
//!
//! `entries/ab/ab…` holds an entry, its key in hex; `entries/writing-…` is one that is being written, or was when its
//! process died. Nothing else of the folder is touched.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::files::{Files, Listed, SystemFiles, millis};
use crate::cache::Key;

const ENTRIES: &str = "entries";
const WRITING: &str = "writing-";
/// A file that is still being written after this time belongs to a process that died.
const LEFT_OVER_AFTER: Duration = Duration::from_secs(15 * 60);

/// What a folder holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DiskUsage {
    /// Entries.
    pub entries: u64,
    /// Bytes of their files.
    pub bytes: u64,
    /// Files that are being written, or were when their process died.
    pub unfinished: u64,
}

impl DiskUsage {
    /// What the cache's folder holds, whichever processes use it.
    ///
    /// # Errors
    /// The folder cannot be read; one that is not there holds nothing.
    pub fn of(folder: &Path) -> io::Result<Self> {
        let found = Found::scan(&SystemFiles, folder)?;
        Ok(found.usage())
    }
}

/// Removes every entry, and what was left unfinished; gives what there was. Processes that use the folder go on.
///
/// # Errors
/// The folder cannot be read, or a file not removed; others may be gone by then.
pub fn clear(folder: &Path) -> io::Result<DiskUsage> {
    let found = Found::scan(&SystemFiles, folder)?;
    let usage = found.usage();
    let entries = found.entries.into_iter().map(|(key, _)| entry_path(folder, &key));
    for path in entries.chain(found.unfinished.into_iter().map(|file| file.path)) {
        match SystemFiles.remove(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(usage)
}

/// The file of an entry.
pub(super) fn entry_path(folder: &Path, key: &Key) -> PathBuf {
    let name = key.to_string();
    folder.join(ENTRIES).join(&name[..2]).join(name)
}

/// The file that an entry is written to first; `name` is unique in the folder.
pub(super) fn writing_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(ENTRIES).join(format!("{WRITING}{name}"))
}

/// What a scan of the folder found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) entries: Vec<(Key, Listed)>,
    unfinished: Vec<Listed>,
}

impl Found {
    pub(super) fn scan(files: &dyn Files, folder: &Path) -> io::Result<Self> {
        let mut found = Self::default();
        for file in files.list(&folder.join(ENTRIES))? {
            let name = file.path.file_name().map(|name| name.to_string_lossy().into_owned());
            let name = name.unwrap_or_default();
            if let Some(key) = Key::of_name(&name) {
                found.entries.push((key, file));
            } else if name.starts_with(WRITING) {
                found.unfinished.push(file);
            }
        }
        Ok(found)
    }

    /// Files whose writers died.
    pub(super) fn left_over(&self, now: SystemTime) -> impl Iterator<Item = &Path> {
        let limit = millis(now).saturating_sub(u64::try_from(LEFT_OVER_AFTER.as_millis()).unwrap_or(u64::MAX));
        let old = self.unfinished.iter().filter(move |file| file.written_ms < limit);
        old.map(|file| file.path.as_path())
    }

    fn usage(&self) -> DiskUsage {
        DiskUsage {
            entries: self.entries.len() as u64,
            bytes: self.entries.iter().map(|(_, file)| file.bytes).sum(),
            unfinished: self.unfinished.len() as u64,
        }
    }
}
