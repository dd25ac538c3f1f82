//! The history of a run, a line an event: when, how grave, which job, and what happened to it.
//!
//! Moments are UTC and whole, because such lines are read beside the logs of other machines.

use tickfleet_protocol::plan::stage_name;
use tickfleet_protocol::state::{Progress, ProgressKind, RunState};

use super::colour::Tone;
use super::frame::Frame;
use super::letters::{cause_name, job};
use super::number::{count, plural};
use super::runs::state_name;
use super::text::printable;
use super::unit::{until, utc};

/// How grave an event is, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something is lost until someone acts: a dead letter, a run that failed.
    Error,
    /// Something went wrong and the queue deals with it: a retry, an expired lease; and a cancelled run.
    Warn,
    /// The run's own steps: submitted, stages, replays, the end.
    Info,
    /// Every commit.
    Debug,
}

impl Level {
    /// All levels, the gravest first.
    pub const ALL: [Self; 4] = [Self::Error, Self::Warn, Self::Info, Self::Debug];

    /// The level of an event.
    #[must_use]
    pub const fn of(event: &ProgressKind) -> Self {
        match event {
            ProgressKind::DeadLettered { .. } => Self::Error,
            ProgressKind::Ended { state } => match state {
                RunState::Failed | RunState::DeadlineExceeded => Self::Error,
                RunState::Cancelled => Self::Warn,
                RunState::Running | RunState::Succeeded => Self::Info,
            },
            ProgressKind::Retried { .. } | ProgressKind::LeaseExpired { .. } => Self::Warn,
            ProgressKind::Submitted | ProgressKind::StageOpened { .. } | ProgressKind::Replayed { .. } => Self::Info,
            ProgressKind::Committed { .. } => Self::Debug,
        }
    }

    /// Its name, on the terminal as in JSON and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }

    const fn tone(self) -> Tone {
        match self {
            Self::Error => Tone::Bad,
            Self::Warn => Tone::Notice,
            Self::Info => Tone::Plain,
            Self::Debug => Tone::Faint,
        }
    }
}

/// An event in one line, with a newline at its end. It may be wider than the terminal: a reason is told whole.
#[must_use]
pub fn event(event: &Progress, frame: &Frame) -> String {
    let level = Level::of(&event.kind);
    let at = Tone::Faint.paint(&utc(event.at), frame.colours);
    let name = level.tone().paint(&format!("{:<5}", level.name()), frame.colours);
    let words = in_words(event);
    let words: Vec<_> = words.lines().map(printable).collect();
    format!("{at}  {name}  {}\n", words.join("; "))
}

fn in_words(event: &Progress) -> String {
    let stage = |stage: u16| stage_name(u32::from(stage));
    match &event.kind {
        ProgressKind::Submitted => format!("submitted, {}", plural(event.counts.total, "job", "jobs")),
        ProgressKind::StageOpened { stage: at, jobs } => {
            format!("stage {} opened, {}", stage(at.0), plural(*jobs, "job", "jobs"))
        }
        ProgressKind::Committed { stage: at, jobs } => {
            let counts = event.counts;
            let (done, total) = (count(counts.done), count(counts.total));
            format!(
                "{} of {} done, {done}/{total} in all",
                plural(*jobs, "job", "jobs"),
                stage(at.0)
            )
        }
        ProgressKind::Retried {
            job: which,
            attempts,
            retry_at,
            reason,
        } => {
            let again = until(event.at, *retry_at);
            format!("{} failed at attempt {attempts}, again {again}: {reason}", job(which))
        }
        ProgressKind::LeaseExpired { job: which, kills } => {
            let lost = plural(u64::from(*kills), "worker", "workers");
            format!("{} lost its worker, {lost} so far: it runs again", job(which))
        }
        ProgressKind::DeadLettered {
            job: which,
            cause,
            reason,
        } => format!("{} given up, {}: {reason}", job(which), cause_name(*cause)),
        ProgressKind::Replayed { jobs } => format!("{} made ready again", plural(*jobs, "dead job", "dead jobs")),
        ProgressKind::Ended { state } => format!("the run has ended: {}", state_name(*state)),
    }
}
