//! What one run is asked for by flag alone: it would make no sense in a file.

use clap::Args;
use tickfleet_protocol::ids::IdempotencyKey;
use tickfleet_protocol::limits::MAX_WEIGHT;

const INPUT: &str = "Input";
const OUTPUT: &str = "Output";
const CLUSTER: &str = "Cluster";

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
    /// Show the best rows while the run goes, until the final ranking replaces them
    #[arg(long, conflicts_with_all = ["dry_run", "no_wait"], help_heading = OUTPUT)]
    pub stream: bool,
    /// Print the run's id and end; needs a cluster
    #[arg(long, help_heading = OUTPUT)]
    pub no_wait: bool,
    /// Name of the submission, printable ASCII: given again with the same scan it means the same run; needs a cluster
    /// [default: a new one]
    #[arg(long, value_name = "KEY", help_heading = CLUSTER)]
    pub key: Option<IdempotencyKey>,
    /// Share of the workers against other runs; needs a cluster [1 to 100; default: 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_WEIGHT)), help_heading = CLUSTER)]
    pub weight: Option<u32>,
    /// Print no progress, no notices and no summary
    #[arg(long, short, help_heading = OUTPUT)]
    pub quiet: bool,
}
