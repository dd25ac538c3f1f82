//! The jobs that a user names: `map/17`, `0/17`, `17` where the stage is plain, or `RUN/0/17` as programs get it.

use std::fmt;
use std::str::FromStr;

use tickfleet_protocol::ids::{JobIndex, JobRef, RunId, StageIndex};
use tickfleet_protocol::plan::{MAP, REDUCE, stage_name};
use tickfleet_protocol::state::DeadLetter;
use tickfleet_runtime::failure::{ExitStatus, Failure};

use crate::cluster::Result;
use crate::view::letters::job;

/// Jobs named in a refusal.
const CANDIDATES: usize = 5;

/// A job of a run, as a user names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobName {
    run: Option<RunId>,
    stage: Option<StageIndex>,
    index: JobIndex,
}

impl JobName {
    /// Whether this is the job that is meant.
    #[must_use]
    pub fn means(self, job: &JobRef) -> bool {
        let fits = self.run.is_none_or(|run| run == job.run) && self.stage.is_none_or(|stage| stage == job.stage);
        fits && self.index == job.index
    }
}

impl FromStr for JobName {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        if let Ok(JobRef { run, stage, index }) = text.parse() {
            let (run, stage) = (Some(run), Some(stage));
            return Ok(Self { run, stage, index });
        }
        let expected = || format!("`{text}` names no job: expected STAGE/INDEX, such as map/17, or INDEX");
        let (stage, index) = match text.split_once('/') {
            Some((stage, index)) => (Some(stage_index(stage).ok_or_else(expected)?), index),
            None => (None, text),
        };
        let is_number = !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit());
        let index = index
            .parse()
            .ok()
            .filter(|_| is_number)
            .map(JobIndex)
            .ok_or_else(expected)?;
        let run = None;
        Ok(Self { run, stage, index })
    }
}

impl fmt::Display for JobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(run) = self.run {
            write!(f, "{run}/")?;
        }
        match self.stage {
            Some(stage) if stage_name(u32::from(stage.0)) == "stage" => write!(f, "{}/{}", stage.0, self.index.0),
            Some(stage) => write!(f, "{}/{}", stage_name(u32::from(stage.0)), self.index.0),
            None => write!(f, "{}", self.index.0),
        }
    }
}

/// The dead letters that are named, each once; with no names given, all of them.
///
/// # Errors
/// A name fits none of the letters.
pub fn choose<'a>(names: &[JobName], letters: &'a [DeadLetter]) -> Result<Vec<&'a DeadLetter>> {
    for name in names {
        if !letters.iter().any(|letter| name.means(&letter.job)) {
            return Err(not_dead(*name, letters));
        }
    }
    let is_meant = |letter: &&DeadLetter| names.is_empty() || names.iter().any(|name| name.means(&letter.job));
    Ok(letters.iter().filter(is_meant).collect())
}

fn stage_index(text: &str) -> Option<StageIndex> {
    let named = [MAP, REDUCE].into_iter().find(|&stage| stage_name(stage) == text);
    let stage = named.map_or_else(|| text.parse().ok(), |stage| u16::try_from(stage).ok())?;
    Some(StageIndex(stage))
}

fn not_dead(name: JobName, letters: &[DeadLetter]) -> Failure {
    let refusal = Failure::new(ExitStatus::BadInput, format!("job {name} has no dead letter"));
    if letters.is_empty() {
        return refusal
            .why("the run has none")
            .help("coordinator dlq list lists those of all runs");
    }
    let listed: Vec<String> = letters.iter().take(CANDIDATES).map(|letter| job(&letter.job)).collect();
    let more = match letters.len().saturating_sub(CANDIDATES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    refusal.why(format!("those with one: {}{more}", listed.join(", ")))
}
