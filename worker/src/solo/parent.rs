//! A worker's side of a job that runs alone: start the process, hand it the job, wait for its answer or its death.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

use super::FLAG;
use super::frame::{Answer, Failed, Order};

/// How much of the end of its standard error is kept.
const SAID_BYTES_MAX: usize = 4 << 10;
/// The longest part of that which is repeated in a failure.
const QUOTE_BYTES_MAX: usize = 500;
/// How long a process may take to end once it has answered, or was killed.
const END_MAX: Duration = Duration::from_secs(5);
/// What the standard library says before it aborts because an allocation failed.
const OUT_OF_MEMORY: &str = "memory allocation of";

/// What came of a job.
#[derive(Debug)]
pub(super) enum Verdict {
    /// A result.
    Done(Bytes),
    /// A failure that the process lived to tell.
    Failed {
        /// Why.
        reason: String,
        /// Whether another attempt may succeed.
        is_retryable: bool,
    },
    /// No answer.
    Died(Death),
}

/// How a process ended without an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Death {
    /// Somebody told it to end: no fault of the job.
    Told,
    /// In words that follow `it`.
    Of(String),
}

/// Runs a job, for at most `job_max`. The process does not outlive the call.
pub(super) async fn run(program: &Path, order: &Order, job_max: Duration) -> io::Result<Verdict> {
    let mut child = Command::new(program)
        .arg(FLAG)
        // It reserves no memory ahead: what it may use is limited.
        .env("MIMALLOC_ARENA_RESERVE", "0")
        .env("MIMALLOC_ARENA_EAGER_COMMIT", "0")
        // Ctrl-C on a terminal is for the worker, which decides what becomes of the job.
        .process_group(0)
        .kill_on_drop(true)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let Ok((answer, said)) = tokio::time::timeout(job_max, talk(&mut child, order)).await else {
        let _ = tokio::time::timeout(END_MAX, child.kill()).await;
        let how = format!("it was killed after computing for {} s (job_max_s)", job_max.as_secs());
        return Ok(Verdict::Died(Death::Of(how)));
    };
    let status = ended(&mut child).await?;
    Ok(match answer {
        Ok(Answer::Result(result)) => Verdict::Done(result),
        Ok(Answer::Failure(Failed { reason, is_retryable })) => Verdict::Failed { reason, is_retryable },
        Err(_) => Verdict::Died(death(status, &said, order.head.memory_bytes)),
    })
}

/// Hands the order over and takes the answer and the end of what was said on standard error. The process's standard
/// input stays open until then: its end tells the process that nobody waits for it.
async fn talk(child: &mut Child, order: &Order) -> (io::Result<Answer>, String) {
    let mut stdin = child.stdin.take().expect("standard input was piped");
    let mut stdout = child.stdout.take().expect("standard output was piped");
    let stderr = child.stderr.take().expect("standard error was piped");
    let exchange = async {
        // A process that dies while it is told what to do is known by its status.
        let _ = order.send(&mut stdin).await;
        let answer = Answer::receive(&mut stdout).await;
        drop(stdin);
        answer
    };
    tokio::join!(exchange, tail(stderr))
}

async fn ended(child: &mut Child) -> io::Result<Option<ExitStatus>> {
    if let Ok(status) = tokio::time::timeout(END_MAX, child.wait()).await {
        return status.map(Some);
    }
    let _ = tokio::time::timeout(END_MAX, child.kill()).await;
    Ok(None)
}

/// The end of a text, read to its end.
async fn tail(mut from: impl AsyncRead + Unpin) -> String {
    let (mut said, mut piece) = (Vec::new(), [0; 1 << 10]);
    while let Ok(bytes @ 1..) = from.read(&mut piece).await {
        said.extend_from_slice(&piece[..bytes]);
        said.drain(..said.len().saturating_sub(SAID_BYTES_MAX));
    }
    String::from_utf8_lossy(&said).into_owned()
}

fn death(status: Option<ExitStatus>, said: &str, memory_bytes: u64) -> Death {
    let Some(status) = status else {
        return Death::Of("it gave no answer and did not end".to_owned());
    };
    let how = match (status.signal(), status.code()) {
        (Some(signal), _) if matches!(name(signal), Some("SIGTERM" | "SIGINT" | "SIGHUP")) => return Death::Told,
        _ if said.contains(OUT_OF_MEMORY) => {
            format!(
                "it needed more than its {} MB of memory (job_memory)",
                memory_bytes / 1_000_000
            )
        }
        (Some(signal), _) => {
            let name = name(signal).map(|name| format!(" ({name})")).unwrap_or_default();
            format!("it was killed by signal {signal}{name}")
        }
        (None, code) => format!("it ended with status {} and no answer", code.unwrap_or_default()),
    };
    match last_words(said) {
        "" => Death::Of(how),
        words => Death::Of(format!("{how}; it said: {words}")),
    }
}

/// The last line that says something, cut to a quote.
fn last_words(said: &str) -> &str {
    let line = said
        .lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty())
        .unwrap_or_default();
    &line[..line.floor_char_boundary(QUOTE_BYTES_MAX)]
}

/// Names of the signals that processes die of; the numbers are the same on Linux and macOS, but for SIGBUS.
fn name(signal: i32) -> Option<&'static str> {
    const SIGBUS: i32 = if cfg!(target_os = "macos") { 10 } else { 7 };
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        4 => "SIGILL",
        6 => "SIGABRT",
        SIGBUS => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL: by the system, where memory ran out",
        11 => "SIGSEGV",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_death_is_told_in_words() {
        let check = |raw: i32, said: &str, expect: Death| {
            assert_eq!(
                death(Some(ExitStatus::from_raw(raw)), said, 64_000_000),
                expect,
                "{raw} {said}"
            );
        };
        let of = |how: &str| Death::Of(how.to_owned());
        check(15, "", Death::Told);
        check(11, "", of("it was killed by signal 11 (SIGSEGV)"));
        check(
            6,
            "a\nstack overflow\n\n",
            of("it was killed by signal 6 (SIGABRT); it said: stack overflow"),
        );
        check(97 << 8, "", of("it ended with status 97 and no answer"));
        check(63, "", of("it was killed by signal 63"));
        check(
            6,
            "memory allocation of 9 bytes failed",
            of("it needed more than its 64 MB of memory (job_memory); it said: memory allocation of 9 bytes failed"),
        );
    }

    #[tokio::test]
    async fn only_the_end_of_what_is_said_is_kept() {
        let long = format!("{}end", "x".repeat(3 * SAID_BYTES_MAX));
        let said = tail(long.as_bytes()).await;
        assert!(said.ends_with("xend") && said.len() == SAID_BYTES_MAX);
        assert_eq!(last_words(&said).len(), QUOTE_BYTES_MAX);
    }
}
