//! `coordinator compare OLD NEW`: what differs between two rankings, and which term moved whom.

use clap::Args;
use tickfleet_kernels::scan::cells;
use tickfleet_protocol::spec::scan::Day;
use tickfleet_runtime::failure::{ExitStatus, Failure};

use super::reach::{OnCluster, Reach};
use super::takes::OfResults;
use crate::cluster::{Cluster, Result};
use crate::ops::compare::Wish;
use crate::ops::tables::is_path;
use crate::ops::{self, Output};

const EXAMPLES: &str = "\
EXAMPLES
  Today's ranking against yesterday's, runs by the beginnings of their ids:
    coordinator compare 018bcfe5-6801 latest
  Results in folders that --out wrote, without a cluster:
    coordinator compare may/ june/
  The same date of two runs, into a file:
    coordinator compare may/ june/ --as-of 2016-05-31 --out moved.csv

A file of the ranking alone says of a symbol that left only that it is in no
table: a folder holds the reasons.

EXIT STATUS
  0 compared, whatever differs; 1 a run has no results; 2 bad usage, a name
  that fits no run or several, no such file or date; 3 no cluster reached";

/// Compare two rankings: who entered, who left, who moved, and by which term
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Compare {
    /// The ranking before: id of a run, the beginning of one, latest, a result folder, or a .parquet file
    old: String,
    /// The ranking after
    new: String,
    /// The date of both [default: the last one of each]
    #[arg(long, value_name = "DATE", value_parser = day)]
    as_of: Option<Day>,
    /// Write the differences to this .parquet, .csv, .json, .jsonl or .arrow file, or into a folder (DIR/)
    /// [default: a table on the terminal]
    #[arg(long, value_name = "PATH", help_heading = "Output")]
    out: Option<String>,
    #[command(flatten)]
    reach: Reach<OfResults>,
}

/// A date as the options of a scan write it.
pub(super) fn day(text: &str) -> std::result::Result<Day, String> {
    cells::date(text).ok_or_else(|| "write a date such as 2016-06-30".to_owned())
}

impl OnCluster<OfResults> for Compare {
    fn reach(&self) -> &Reach<OfResults> {
        &self.reach
    }

    fn is_alone(&self) -> bool {
        is_path(&self.old) && is_path(&self.new)
    }

    async fn on(&self, cluster: &dyn Cluster, out: &mut Output) -> Result<ExitStatus> {
        let wish = Wish {
            old: self.old.clone(),
            new: self.new.clone(),
            as_of: self.as_of,
            out: self.out.clone(),
        };
        ops::compare::compare(cluster, &wish, out).await
    }

    fn detached(&self, same: &str) -> Failure {
        Failure::new(ExitStatus::Detached, "interrupted: nothing was written")
            .help(format!("coordinator compare {} {}{same}", self.old, self.new))
    }
}
