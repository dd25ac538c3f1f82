//! What scripts answer, read into the types of the protocol; text that does not fit is an error, never a guess.

use std::{str::FromStr, time::Duration};

use bytes::Bytes;
use redis::Value;
use tickfleet_protocol::{
    ids::{Digest, EventId, IdempotencyKey, JobIndex, JobKind, JobRef, Millis, RunId, StageIndex, WorkerId},
    state::{Counts, DeadCause, DeadLetter, Progress, ProgressKind, RunState, RunSummary, StageCounts},
};

use super::fault::malformed;
use crate::broker::Result;

/// A list of words, read one by one.
pub(super) struct Words<'a> {
    operation: &'static str,
    words: Box<dyn Iterator<Item = &'a str> + Send + 'a>,
    next: Option<&'a str>,
}

impl<'a> Words<'a> {
    /// The words of a reply.
    pub(super) fn new(operation: &'static str, reply: &'a [String]) -> Self {
        Self::of(operation, reply.iter().map(String::as_str))
    }

    /// The first `count` words of a text; the last of them takes all the rest, spaces included.
    fn split(operation: &'static str, text: &'a str, count: usize) -> Self {
        Self::of(operation, text.splitn(count, ' '))
    }

    fn of(operation: &'static str, words: impl Iterator<Item = &'a str> + Send + 'a) -> Self {
        let mut words: Box<dyn Iterator<Item = &'a str> + Send + 'a> = Box::new(words);
        Self {
            operation,
            next: words.next(),
            words,
        }
    }

    /// Whether no word is left.
    pub(super) fn is_empty(&self) -> bool {
        self.next.is_none()
    }

    /// The next word.
    pub(super) fn word(&mut self) -> Result<&'a str> {
        let word = self
            .next
            .ok_or_else(|| malformed(self.operation, "something is missing"))?;
        self.next = self.words.next();
        Ok(word)
    }

    /// The next word as a number.
    pub(super) fn number<N: FromStr>(&mut self) -> Result<N> {
        self.parse()
    }

    /// The next word as what its type reads.
    pub(super) fn parse<T: FromStr>(&mut self) -> Result<T> {
        let word = self.word()?;
        word.parse().map_err(|_| malformed(self.operation, word))
    }

    /// The next word as a moment, or none where it is empty.
    fn moment(&mut self) -> Result<Option<Millis>> {
        let word = self.word()?;
        if word.is_empty() {
            return Ok(None);
        }
        let ms = word.parse().map_err(|_| malformed(self.operation, word))?;
        Ok(Some(Millis(ms)))
    }

    fn job(&mut self, run: RunId) -> Result<JobRef> {
        Ok(JobRef {
            run,
            stage: StageIndex(self.number()?),
            index: JobIndex(self.number()?),
        })
    }
}

/// A run and its payload from the fields of `view.lua`.
pub(super) fn summary(operation: &'static str, run: RunId, fields: Vec<Vec<u8>>) -> Result<(RunSummary, Bytes)> {
    let mut fields = fields;
    let payload = fields
        .pop()
        .ok_or_else(|| malformed(operation, "the payload is missing"))?;
    let fields: std::result::Result<Vec<String>, _> = fields.into_iter().map(String::from_utf8).collect();
    let fields = fields.map_err(|_| malformed(operation, "a field that is not text"))?;
    let mut words = Words::new(operation, &fields);
    let key = words.parse::<IdempotencyKey>()?;
    let digest = words.parse::<Digest>()?;
    let state = run_state(operation, words.word()?)?;
    let open_stage = StageIndex(words.number()?);
    let totals = words.word()?;
    let open = StageCounts {
        total: 0,
        fed: words.number()?,
        done: words.number()?,
        failed: words.number()?,
    };
    let (weight, deadline) = (words.number()?, words.moment()?);
    let (submitted_at, ended_at) = (Millis(words.number()?), words.moment()?);
    let summary = RunSummary {
        run,
        key,
        digest,
        kind: words.parse::<JobKind>()?,
        trace: Some(words.word()?).filter(|trace| !trace.is_empty()).map(str::to_owned),
        state,
        open_stage,
        stages: stages(operation, totals, open_stage, open)?,
        weight,
        deadline,
        submitted_at,
        ended_at,
    };
    Ok((summary, Bytes::from(payload)))
}

/// The counts of all stages: those before the open one are complete, those after it untouched.
fn stages(
    operation: &'static str,
    totals: &str,
    open_stage: StageIndex,
    open: StageCounts,
) -> Result<Vec<StageCounts>> {
    let stage = |(nth, total): (usize, &str)| {
        let total = total.parse().map_err(|_| malformed(operation, total))?;
        let counts = match nth.cmp(&usize::from(open_stage.0)) {
            std::cmp::Ordering::Less => StageCounts {
                total,
                fed: total,
                done: total,
                failed: 0,
            },
            std::cmp::Ordering::Equal => StageCounts { total, ..open },
            std::cmp::Ordering::Greater => StageCounts {
                total,
                ..StageCounts::default()
            },
        };
        Ok(counts)
    };
    totals.split(',').enumerate().map(stage).collect()
}

/// The dead letters of `dead.lua`.
pub(super) fn dead_letters(run: RunId, reply: &[String]) -> Result<Vec<DeadLetter>> {
    let mut words = Words::new("dead letters", reply);
    let stage = StageIndex(words.number()?);
    let mut letters = Vec::new();
    while !words.is_empty() {
        let job = JobRef {
            run,
            stage,
            index: JobIndex(words.number()?),
        };
        letters.push(dead_letter(job, words.word()?)?);
    }
    letters.sort_by_key(|letter| letter.job);
    Ok(letters)
}

fn dead_letter(job: JobRef, text: &str) -> Result<DeadLetter> {
    let mut words = Words::split("dead letters", text, 6);
    let at = Millis(words.number()?);
    let cause = dead_cause("dead letters", words.word()?)?;
    let (attempts, kills) = (words.number()?, words.number()?);
    let worker = words.parse::<WorkerId>()?;
    Ok(DeadLetter {
        job,
        cause,
        reason: words.word()?.to_owned(),
        worker,
        attempts,
        kills,
        at,
    })
}

/// A piece of a run's history.
pub(super) struct Piece {
    /// The events, oldest first.
    pub(super) events: Vec<(EventId, Progress)>,
    /// Whether the run has ended.
    pub(super) has_ended: bool,
    /// In how long time next changes something.
    pub(super) due: Option<Duration>,
}

/// The answer of `events.lua`.
pub(super) fn events(run: RunId, reply: &[Value]) -> Result<Piece> {
    let bad = || malformed("events", "the reply");
    let text = |value: &Value| redis::from_redis_value_ref::<String>(value).map_err(|_| bad());
    let [has_ended, due_ms, entries @ ..] = reply else {
        return Err(bad());
    };
    let due_ms: i64 = text(due_ms)?.parse().map_err(|_| bad())?;
    let event = |entry: &Value| {
        let (id, fields): (String, Vec<String>) = redis::from_redis_value_ref(entry).map_err(|_| bad())?;
        let id = id
            .split('-')
            .next()
            .and_then(|number| number.parse().ok())
            .ok_or_else(bad)?;
        Ok((EventId(id), progress(run, fields.get(1).ok_or_else(bad)?)?))
    };
    let events: Result<Vec<_>> = entries.iter().map(event).collect();
    Ok(Piece {
        events: events?,
        has_ended: text(has_ended)? == "1",
        due: due_in(due_ms),
    })
}

/// The time until something is due, from a script's answer: to the end of its millisecond; none where that is never.
pub(super) fn due_in(due_ms: i64) -> Option<Duration> {
    u64::try_from(due_ms).ok().map(|ms| Duration::from_millis(ms + 1))
}

/// An event from `at total done failed kind …`.
fn progress(run: RunId, text: &str) -> Result<Progress> {
    let mut words = Words::split("events", text, 6);
    let at = Millis(words.number()?);
    let counts = Counts {
        total: words.number()?,
        done: words.number()?,
        failed: words.number()?,
    };
    let kind = words.word()?;
    let rest = if words.is_empty() { "" } else { words.word()? };
    let kind = progress_kind(run, kind, rest)?;
    Ok(Progress { at, counts, kind })
}

fn progress_kind(run: RunId, kind: &str, rest: &str) -> Result<ProgressKind> {
    // The one that has most: stage, index, attempts, moment and reason.
    let mut words = Words::split("events", rest, if kind == "dead" { 4 } else { 5 });
    Ok(match kind {
        "submitted" => ProgressKind::Submitted,
        "opened" => ProgressKind::StageOpened {
            stage: StageIndex(words.number()?),
            jobs: words.number()?,
        },
        "committed" => ProgressKind::Committed {
            stage: StageIndex(words.number()?),
            jobs: words.number()?,
        },
        "retried" => ProgressKind::Retried {
            job: words.job(run)?,
            attempts: words.number()?,
            retry_at: Millis(words.number()?),
            reason: words.word()?.to_owned(),
        },
        "expired" => ProgressKind::LeaseExpired {
            job: words.job(run)?,
            kills: words.number()?,
        },
        "dead" => ProgressKind::DeadLettered {
            job: words.job(run)?,
            cause: dead_cause("events", words.word()?)?,
            reason: words.word()?.to_owned(),
        },
        "replayed" => ProgressKind::Replayed { jobs: words.number()? },
        "ended" => ProgressKind::Ended {
            state: run_state("events", words.word()?)?,
        },
        _ => return Err(malformed("events", kind)),
    })
}

fn run_state(operation: &'static str, word: &str) -> Result<RunState> {
    Ok(match word {
        "running" => RunState::Running,
        "succeeded" => RunState::Succeeded,
        "failed" => RunState::Failed,
        "cancelled" => RunState::Cancelled,
        "deadline_exceeded" => RunState::DeadlineExceeded,
        _ => return Err(malformed(operation, word)),
    })
}

fn dead_cause(operation: &'static str, word: &str) -> Result<DeadCause> {
    Ok(match word {
        "attempts_exhausted" => DeadCause::AttemptsExhausted,
        "not_retryable" => DeadCause::NotRetryable,
        "workers_lost" => DeadCause::WorkersLost,
        _ => return Err(malformed(operation, word)),
    })
}
