//! The few things that the disk tier asks of a file system, behind a trait, so that tests can make one fail.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// A file of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    /// Milliseconds since the Unix epoch.
    pub(super) written_ms: u64,
}

/// A file system.
pub(super) trait Files: fmt::Debug + Send + Sync {
    /// The content of a file of at most `bytes_max` bytes.
    fn read(&self, path: &Path, bytes_max: u64) -> io::Result<Vec<u8>>;

    /// Makes a new file of these parts, and the folder that it lies in.
    fn write(&self, path: &Path, parts: &[&[u8]]) -> io::Result<()>;

    /// Gives a file another name, in place of whatever has that, and makes the folder of that name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// The files in a folder and in its folders, in no order; none where there is no folder.
    fn list(&self, folder: &Path) -> io::Result<Vec<Listed>>;
}

/// The system's.
#[derive(Debug)]
pub(super) struct SystemFiles;

impl Files for SystemFiles {
    fn read(&self, path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        if bytes > bytes_max {
            return Err(ErrorKind::InvalidData.into());
        }
        let mut content = Vec::with_capacity(usize::try_from(bytes).map_err(io::Error::other)?);
        file.take(bytes_max).read_to_end(&mut content)?;
        Ok(content)
    }

    fn write(&self, path: &Path, parts: &[&[u8]]) -> io::Result<()> {
        make_parent(path)?;
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        parts.iter().try_for_each(|part| file.write_all(part))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        make_parent(to)?;
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<Listed>> {
        let mut found = Vec::new();
        match list_into(folder, 1, &mut found) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            listed => listed.map(|()| found),
        }
    }
}

fn make_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

/// Files that vanish meanwhile are left out: others use the folder too.
fn list_into(folder: &Path, deeper: u32, found: &mut Vec<Listed>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = match entry.metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            metadata => metadata?,
        };
        if metadata.is_file() {
            found.push(Listed {
                path: entry.path(),
                bytes: metadata.len(),
                written_ms: metadata.modified().map_or(0, millis),
            });
        } else if metadata.is_dir() && deeper > 0 {
            match list_into(&entry.path(), deeper - 1, found) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                listed => listed?,
            }
        }
    }
    Ok(())
}

/// Milliseconds since the Unix epoch; 0 before it.
pub(super) fn millis(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
