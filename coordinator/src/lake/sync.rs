//! Fetches the days that a lake lacks, one call and one file each, oldest first.

use std::fs;
use std::io;

use serde::Serialize;
use thiserror::Error;
use tickfleet_kernels::scan::cells::format_date;
use tickfleet_protocol::spec::scan::Day;
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_runtime::polygon::Client;
use tickfleet_runtime::polygon::bars::{DayBars, schema};
use tickfleet_runtime::polygon::fault::PolygonError;
use tickfleet_runtime::sink::{FileSink, Format, Metadata, SinkError};

use super::days::Lake;

/// Days for which a service may still be late: an empty answer about them is not remembered.
const LATE_DAYS: Day = 5;

/// What a sync has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Synced {
    /// Files written.
    pub days: u64,
    /// Their rows.
    pub rows: u64,
    /// Days that had no bars.
    pub empty: u64,
    /// Days that were there.
    pub there: u64,
}

/// A sync that broke off; what it wrote stays.
#[derive(Debug, Error)]
pub enum SyncError {
    /// The service.
    #[error(transparent)]
    Service(#[from] PolygonError),
    /// A file.
    #[error(transparent)]
    File(#[from] SinkError),
    /// The lake's folder.
    #[error("the lake cannot be written")]
    Folder(#[source] io::Error),
}

impl SyncError {
    /// The error as the user reads it.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Service(error) if error.is_outage() => {
                Failure::from_error(ExitStatus::Unreachable, self).help(error.help())
            }
            Self::Service(error) => Failure::from_error(ExitStatus::BadInput, self).help(error.help()),
            Self::File(error) => error.failure(ExitStatus::Failed),
            Self::Folder(_) => Failure::from_error(ExitStatus::Failed, self).help("check the folder that --to names"),
        }
    }
}

/// Fetches days in their order. `today` is the day on which this happens; `progress` hears of what is done.
///
/// # Errors
/// [`SyncError`]; the days before are in the lake.
pub async fn sync(
    client: &Client,
    lake: &mut Lake,
    days: &[Day],
    today: Day,
    mut progress: impl FnMut(&Synced),
) -> Result<Synced, SyncError> {
    let mut synced = Synced::default();
    for &day in days {
        let bars = client.day(day).await?;
        if bars.is_empty() {
            synced.empty += 1;
            if day + LATE_DAYS <= today {
                tokio::task::block_in_place(|| lake.remember_empty(day)).map_err(SyncError::Folder)?;
            }
        } else {
            tokio::task::block_in_place(|| write(lake, day, &bars))?;
            synced.days += 1;
            synced.rows += bars.len() as u64;
        }
        progress(&synced);
    }
    Ok(synced)
}

fn write(lake: &Lake, day: Day, bars: &DayBars) -> Result<(), SyncError> {
    let path = lake.file(day);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(SyncError::Folder)?;
    }
    let source = format!("grouped daily bars of {}", format_date(day));
    let metadata: Metadata = [("tickfleet.source".to_owned(), source)].into_iter().collect();
    let mut sink = FileSink::create(&path, schema(), Format::Parquet, &metadata)?;
    sink.write(&bars.table())?;
    Ok(sink.finish()?)
}
