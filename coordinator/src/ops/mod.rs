//! What the verbs of an operator do: each takes a cluster, plain arguments and an [`Output`], and knows no command line.
//!
//! One file a verb, named as it. [`find`] turns what a user names (the beginning of a run's id, `latest`, `map/17`, a
//! worker) into what there is; [`record`] is the JSON of every verb. Nothing here waits without a bound or changes
//! anything that its verb does not say. Tested through the command line, by whole sessions, in `cli/sessions`.

pub mod cache;
pub mod cancel;
pub mod compare;
pub mod dlq;
pub mod doctor;
pub mod drain;
pub mod explain;
pub mod find;
pub mod get;
pub mod job;
pub mod list;
pub mod logs;
pub mod output;
pub mod record;
pub mod results;
pub mod status;
pub mod tables;
pub mod watch;
pub mod workers;

pub use output::Output;
