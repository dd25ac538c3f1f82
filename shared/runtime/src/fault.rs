//! Fault points: named places where a test can have a real program die, stop, hang or fail, and nothing else.
//!
//! A point costs one relaxed load unless the environment variable [`VARIABLE`] armed one when the program started.
//! A program that is armed says so on standard error; what the variable says wrongly is refused before anything runs.
//! [`POINTS`] lists every point, so a test can go through all of them.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};
use thiserror::Error;
use tickfleet_protocol::ids::JobRef;

/// The environment variable that arms points: `POINT=ACTION[@N]`, several separated by commas. `POINT[STAGE/INDEX]=ACTION`
/// strikes at that job only, in whatever run.
pub const VARIABLE: &str = "TICKFLEET_FAULT";

/// Every point: those of a submission, those of a job in the order in which it passes them, that of a worker that ends.
pub const POINTS: &[&str] = &[
    "coordinator.before_enqueue",
    "coordinator.after_enqueue",
    "worker.after_claim",
    "worker.after_probe",
    "worker.after_fetch",
    "worker.in_compute",
    "worker.after_compute",
    "worker.before_commit",
    "worker.after_commit",
    "worker.before_fail",
    "worker.in_drain",
];

/// What the words of an action are, for messages and documents.
pub const ACTIONS: &str = "kill, stop, abort, panic, loop, exit, error, delay:MILLISECONDS";

/// The exit status of a program that a point ended by `exit`: none that a program gives by itself.
pub const EXIT_STATUS: i32 = 97;

/// Longest delay, in milliseconds: a day outlasts any test.
const DELAY_MS_MAX: u64 = 86_400_000;

static ARMED: AtomicBool = AtomicBool::new(false);
static FAULTS: OnceLock<Vec<Fault>> = OnceLock::new();

/// The failure that a point was told to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an injected fault at {point}")]
pub struct Injected {
    /// The point.
    pub point: &'static str,
}

/// A text that arms nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FaultError {
    /// An entry without `=`.
    #[error("`{entry}` is not POINT=ACTION or POINT[STAGE/INDEX]=ACTION")]
    Form {
        /// The entry.
        entry: String,
    },
    /// No such point.
    #[error("there is no fault point `{name}`; there are {}", POINTS.join(", "))]
    UnknownPoint {
        /// The name.
        name: String,
    },
    /// No such action.
    #[error("`{action}` is no action of a fault point; actions are {ACTIONS}, each with @N for the Nth time only")]
    UnknownAction {
        /// The action.
        action: String,
    },
}

/// A place where a fault may strike: nothing happens unless the program was started with this point armed.
///
/// # Errors
/// [`Injected`], where the action is `error`.
///
/// # Panics
/// Where the action is `panic`.
#[inline]
pub fn point(name: &'static str) -> Result<(), Injected> {
    if ARMED.load(Ordering::Relaxed) {
        strike(FAULTS.get().map_or(&[], Vec::as_slice), name, None)
    } else {
        Ok(())
    }
}

/// As [`point`], at a job: what is armed for another job passes it by.
///
/// # Errors
/// As [`point`].
///
/// # Panics
/// As [`point`].
#[inline]
pub fn point_at(name: &'static str, job: &JobRef) -> Result<(), Injected> {
    if ARMED.load(Ordering::Relaxed) {
        let job = format!("{}/{}", job.stage.0, job.index.0);
        strike(FAULTS.get().map_or(&[], Vec::as_slice), name, Some(&job))
    } else {
        Ok(())
    }
}

/// Arms the points that [`VARIABLE`] names, once for the process, and gives what was armed; `None` where it is unset or
/// empty. Call it first thing in a program, and tell the user what it gives.
///
/// # Errors
/// The variable names an unknown point or action.
pub fn arm() -> Result<Option<String>, FaultError> {
    let text = std::env::var(VARIABLE).unwrap_or_default();
    let faults = parse(&text)?;
    if faults.is_empty() {
        return Ok(None);
    }
    let shown: Vec<String> = faults.iter().map(Fault::to_string).collect();
    // A second call finds the same variable armed already.
    let _ = FAULTS.set(faults);
    ARMED.store(true, Ordering::Relaxed);
    Ok(Some(shown.join(",")))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Kill,
    Stop,
    Abort,
    Panic,
    Loop,
    Exit,
    Error,
    Delay(u64),
}

#[derive(Debug)]
struct Fault {
    point: &'static str,
    /// Strikes at this job only, `STAGE/INDEX`; at any where there is none.
    job: Option<String>,
    action: Action,
    /// Strikes this time only, from 1; every time where there is none.
    nth: Option<u64>,
    passed: AtomicU64,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.point)?;
        if let Some(job) = &self.job {
            write!(f, "[{job}]")?;
        }
        f.write_str("=")?;
        match self.action {
            Action::Delay(ms) => write!(f, "delay:{ms}")?,
            other => f.write_str(&format!("{other:?}").to_ascii_lowercase())?,
        }
        self.nth.map_or(Ok(()), |nth| write!(f, "@{nth}"))
    }
}

#[cold]
fn strike(faults: &[Fault], name: &'static str, job: Option<&str>) -> Result<(), Injected> {
    debug_assert!(POINTS.contains(&name), "{name} is on the list of points");
    let is_meant = |fault: &&Fault| fault.point == name && (fault.job.is_none() || fault.job.as_deref() == job);
    for fault in faults.iter().filter(is_meant) {
        let passed = fault.passed.fetch_add(1, Ordering::Relaxed) + 1;
        if fault.nth.is_none_or(|nth| nth == passed) {
            act(fault.action, name)?;
        }
    }
    Ok(())
}

fn act(action: Action, point: &'static str) -> Result<(), Injected> {
    match action {
        Action::Kill => signal_self(Signal::KILL),
        Action::Stop => signal_self(Signal::STOP),
        Action::Abort => std::process::abort(),
        Action::Panic => panic!("an injected panic at {point}"),
        Action::Loop => loop {
            std::hint::spin_loop();
        },
        Action::Exit => std::process::exit(EXIT_STATUS),
        Action::Error => return Err(Injected { point }),
        Action::Delay(ms) => std::thread::sleep(Duration::from_millis(ms)),
    }
    Ok(())
}

fn signal_self(signal: Signal) {
    kill_process(getpid(), signal).expect("a process may signal itself");
}

fn parse(text: &str) -> Result<Vec<Fault>, FaultError> {
    text.split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(entry)
        .collect()
}

fn entry(entry: &str) -> Result<Fault, FaultError> {
    let (name, action) = entry.split_once('=').ok_or_else(|| FaultError::Form {
        entry: entry.to_owned(),
    })?;
    let (name, job) = match name.trim().split_once('[') {
        Some((name, job)) => (name, Some(job.strip_suffix(']').filter(|job| is_job(job)))),
        None => (name.trim(), None),
    };
    let job = match job {
        Some(None) => {
            return Err(FaultError::Form {
                entry: entry.to_owned(),
            });
        }
        Some(Some(job)) => Some(job.to_owned()),
        None => None,
    };
    let point = POINTS.iter().find(|point| **point == name);
    let point = point.ok_or_else(|| FaultError::UnknownPoint { name: name.to_owned() })?;
    let unknown = || FaultError::UnknownAction {
        action: action.to_owned(),
    };
    let (word, nth) = match action.trim().split_once('@') {
        Some((word, nth)) => (word, Some(nth.parse().ok().filter(|&nth| nth > 0).ok_or_else(unknown)?)),
        None => (action.trim(), None),
    };
    Ok(Fault {
        point,
        job,
        action: action_of(word).ok_or_else(unknown)?,
        nth,
        passed: AtomicU64::new(0),
    })
}

/// Whether a text is `STAGE/INDEX`.
fn is_job(text: &str) -> bool {
    let parts = text.split_once('/');
    parts.is_some_and(|(stage, index)| stage.parse::<u16>().is_ok() && index.parse::<u64>().is_ok())
}

fn action_of(word: &str) -> Option<Action> {
    Some(match word {
        "kill" => Action::Kill,
        "stop" => Action::Stop,
        "abort" => Action::Abort,
        "panic" => Action::Panic,
        "loop" => Action::Loop,
        "exit" => Action::Exit,
        "error" => Action::Error,
        _ => {
            let ms: u64 = word.strip_prefix("delay:")?.parse().ok()?;
            Action::Delay(Some(ms).filter(|ms| *ms <= DELAY_MS_MAX)?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_armed_as_they_are_written() {
        let check = |text: &str, expect: &[&str]| {
            let faults = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let shown: Vec<String> = faults.iter().map(Fault::to_string).collect();
            assert_eq!(shown, expect, "{text}");
        };
        check("", &[]);
        check("worker.after_claim=kill", &["worker.after_claim=kill"]);
        check("worker.in_compute[0/3]=loop", &["worker.in_compute[0/3]=loop"]);
        check(
            " worker.before_commit=kill@3 , worker.in_compute=delay:250,",
            &["worker.before_commit=kill@3", "worker.in_compute=delay:250"],
        );
    }

    #[test]
    fn what_arms_nothing_is_refused_with_what_there_is() {
        let check = |text: &str, expect: &str| {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.contains(expect), "{text}: {error}");
        };
        check("worker.after_claim", "POINT=ACTION");
        check("worker.in_compute[map]=kill", "STAGE/INDEX");
        check("worker.after_lunch=kill", "worker.after_claim");
        for action in [
            "maim",
            "kill@0",
            "kill@x",
            "delay",
            "delay:-1",
            "delay:86400001",
            "panic:1",
        ] {
            check(&format!("worker.after_claim={action}"), "delay:MILLISECONDS");
        }
    }

    #[test]
    fn a_fault_strikes_at_its_point_and_time_only() {
        let faults = parse("worker.after_claim=error@2,worker.in_compute=error").unwrap();
        let at = |point| strike(&faults, point, None).is_err();
        assert!(!at("worker.after_claim") && at("worker.after_claim") && !at("worker.after_claim"));
        assert!(at("worker.in_compute") && at("worker.in_compute") && !at("worker.after_fetch"));
        assert_eq!(point("worker.after_claim"), Ok(()), "this process is not armed");
        let one_job = parse("worker.in_compute[0/3]=error").unwrap();
        let at = |job| strike(&one_job, "worker.in_compute", job).is_err();
        assert_eq!([None, Some("0/4"), Some("0/3")].map(at), [false, false, true]);
    }

    #[test]
    #[should_panic(expected = "an injected panic at worker.in_drain")]
    fn a_panic_names_its_point() {
        let faults = parse("worker.in_drain=panic").unwrap();
        strike(&faults, "worker.in_drain", None).unwrap();
    }
}
