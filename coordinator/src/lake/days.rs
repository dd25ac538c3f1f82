//! Which days a lake lacks: weekdays of a range without a file that are not known to be no sessions.
//!
//! Days that were asked for and had no bars are remembered in a file of the lake, so that no holiday costs a call twice.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use tickfleet_kernels::scan::cells::{date, format_date};
use tickfleet_protocol::spec::scan::Day;

/// Days without bars, one a line. Readers of the folder pass over names that begin so.
const EMPTY_DAYS: &str = "_empty_days.txt";

/// A folder of daily bars.
#[derive(Debug)]
pub struct Lake {
    folder: PathBuf,
    empty: BTreeSet<Day>,
}

impl Lake {
    /// A lake in a folder, which need not exist yet.
    ///
    /// # Errors
    /// Its list of empty days cannot be read.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let text = match fs::read_to_string(folder.join(EMPTY_DAYS)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        Ok(Self {
            folder: folder.to_owned(),
            empty: text.lines().filter_map(date).collect(),
        })
    }

    /// The file of a day.
    #[must_use]
    pub fn file(&self, day: Day) -> PathBuf {
        let date = format_date(day);
        let year = date.split('-').next().unwrap_or_default();
        self.folder.join(format!("year={year}")).join(format!("{date}.parquet"))
    }

    /// The last day that has a file.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn last(&self) -> io::Result<Option<Day>> {
        let mut last = None;
        for folder in entries(&self.folder)?.iter().filter(|path| path.is_dir()) {
            for path in entries(folder)? {
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                last = last.max(name.strip_suffix(".parquet").and_then(date));
            }
        }
        Ok(last)
    }

    /// The days of a range to ask for, oldest first, and how many are there already.
    #[must_use]
    pub fn missing(&self, from: Day, until: Day) -> (Vec<Day>, u64) {
        let mut there = 0;
        let weekdays = (from..=until).filter(|&day| is_weekday(day) && !self.empty.contains(&day));
        let missing = weekdays.filter(|&day| {
            let is_there = self.file(day).is_file();
            there += u64::from(is_there);
            !is_there
        });
        let missing = missing.collect();
        (missing, there)
    }

    /// Remembers that a day has no bars.
    ///
    /// # Errors
    /// The list cannot be written; it is then as it was.
    pub fn remember_empty(&mut self, day: Day) -> io::Result<()> {
        self.empty.insert(day);
        fs::create_dir_all(&self.folder)?;
        let mut list = NamedTempFile::with_prefix_in(".tickfleet-", &self.folder)?;
        for day in &self.empty {
            writeln!(list, "{}", format_date(*day))?;
        }
        list.as_file().sync_all()?;
        list.persist(self.folder.join(EMPTY_DAYS))?;
        Ok(())
    }
}

/// Monday to Friday; 1970-01-01 was a Thursday.
fn is_weekday(day: Day) -> bool {
    (day + 3).rem_euclid(7) < 5
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2016-01-01, a Friday.
    const FRIDAY: Day = 16_801;

    #[test]
    fn weekends_files_and_empty_days_are_not_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let mut lake = Lake::open(folder.path()).unwrap();
        assert_eq!(
            lake.missing(FRIDAY, FRIDAY + 6),
            ([0, 3, 4, 5, 6].map(|n| FRIDAY + n).to_vec(), 0)
        );
        assert_eq!(lake.last().unwrap(), None);
        lake.remember_empty(FRIDAY).unwrap();
        let file = lake.file(FRIDAY + 4);
        assert!(file.ends_with("year=2016/2016-01-05.parquet"));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "x").unwrap();
        let lake = Lake::open(folder.path()).unwrap();
        assert_eq!(
            lake.missing(FRIDAY, FRIDAY + 6),
            ([3, 5, 6].map(|n| FRIDAY + n).to_vec(), 1)
        );
        assert_eq!(lake.last().unwrap(), Some(FRIDAY + 4));
    }
}
