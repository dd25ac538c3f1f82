//! What one run is asked for by flag alone: it would make no sense in a file.

use clap::Args;

const INPUT: &str = "Input";
const OUTPUT: &str = "Output";

/// What only a flag can ask of one run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Request {
    /// Scan the built-in sample, with its own bars and universe
    #[arg(long, help_heading = INPUT)]
    pub sample: bool,
    /// Write the ranking to this .parquet, .csv, .json, .jsonl or .arrow file, or all tables into a folder (DIR/)
    /// [default: a table on the terminal]
    #[arg(long, value_name = "PATH", help_heading = OUTPUT)]
    pub out: Option<String>,
    /// Print machine-readable events, one a line
    #[arg(long, help_heading = OUTPUT)]
    pub json: bool,
    /// Print the plan of shards and run nothing
    #[arg(long, help_heading = OUTPUT)]
    pub dry_run: bool,
    /// Print the run's id and end; needs a cluster, so this version refuses it
    #[arg(long, help_heading = OUTPUT)]
    pub no_wait: bool,
    /// Print no progress, no notices and no summary
    #[arg(long, short, help_heading = OUTPUT)]
    pub quiet: bool,
}
