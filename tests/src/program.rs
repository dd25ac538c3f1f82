//! Runs the built `coordinator` as a user would: arguments, environment, folder, standard input, and a time bound.
//!
//! A run sees nothing of the caller's settings: the environment is emptied and the home and working folders are fresh,
//! so that no `TICKFLEET_…` variable and no settings file of the machine reaches a test. It must never wait for
//! ever: past its bound the program is killed with everything that it started.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tempfile::TempDir;
use wait_timeout::ChildExt;

use crate::binary::coordinator_binary;

/// How long a run may take when the test says nothing else: far beyond any honest run, so that only a hang meets it.
pub const DEFAULT_BOUND: Duration = Duration::from_secs(120);

/// One run of a program, to be completed and then [run](Invocation::run).
#[derive(Debug)]
pub struct Invocation {
    command: Command,
    stdin: Vec<u8>,
    bound: Duration,
    scratch: TempDir,
}

/// What a finished run left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The exit status; none when a signal ended the program.
    pub status: Option<i32>,
    /// Standard output, read as UTF-8.
    pub stdout: String,
    /// Standard error, read as UTF-8.
    pub stderr: String,
}

/// Starts a run of the built `coordinator` with these arguments.
pub fn coordinator<I, S>(args: I) -> Invocation
where
    I: IntoIterator<Item = S>,
    S: AsRef<OsStr>,
{
    Invocation::new(coordinator_binary(), args)
}

/// Holds a refused run to its contract: this exit status, nothing on standard output, and every one of `needles` in
/// the message.
///
/// # Panics
/// When the run does not hold to it; the panic shows the whole outcome.
#[track_caller]
pub fn assert_error(outcome: &Outcome, status: i32, needles: &[&str]) {
    assert_eq!(outcome.status, Some(status), "exit status of {outcome:#?}");
    assert_eq!(outcome.stdout, "", "a refused run prints no result: {outcome:#?}");
    for needle in needles {
        assert!(
            outcome.stderr.contains(needle),
            "the message lacks {needle:?}: {outcome:#?}"
        );
    }
}

impl Invocation {
    /// A run of `program` in a fresh working folder, with an empty home and the default bound.
    ///
    /// # Panics
    /// When no temporary folder can be made.
    pub fn new<I, S>(program: &Path, args: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let scratch = tempfile::tempdir().expect("a temporary folder can be made");
        let home = scratch.path().join("home");
        let cwd = scratch.path().join("cwd");
        std::fs::create_dir(&home).expect("a fresh folder takes a subfolder");
        std::fs::create_dir(&cwd).expect("a fresh folder takes a subfolder");
        let mut command = Command::new(program);
        command
            .args(args)
            .env_clear()
            .envs(kept_environment())
            .env("HOME", home)
            .current_dir(cwd)
            .process_group(0);
        Self {
            command,
            stdin: Vec::new(),
            bound: DEFAULT_BOUND,
            scratch,
        }
    }

    /// Adds one variable to the run's environment.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs in this folder instead of a fresh one.
    #[must_use]
    pub fn current_dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// What the program reads on its standard input; empty by default.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// The time after which the run is killed and the test fails.
    #[must_use]
    pub fn within(mut self, bound: Duration) -> Self {
        self.bound = bound;
        self
    }

    /// Runs the program to its end.
    ///
    /// # Panics
    /// When it can't be started, prints what is not UTF-8, or outlives its bound.
    #[track_caller]
    pub fn run(mut self) -> Outcome {
        self.command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = self
            .command
            .spawn()
            .unwrap_or_else(|error| panic!("can't start {:?}: {error}", self.command));
        let writer = feed(&mut child, std::mem::take(&mut self.stdin));
        let stdout = collect(child.stdout.take());
        let stderr = collect(child.stderr.take());
        let status = child
            .wait_timeout(self.bound)
            .expect("a child of this process can be waited for");
        if status.is_none() {
            kill_group(&child);
            child.wait().expect("a killed child can be waited for");
        }
        writer.join().expect("the writer does not panic");
        let (stdout, stderr) = (finish(stdout), finish(stderr));
        let Some(status) = status else {
            panic!(
                "{:?} ran past {:?}\nstdout: {stdout}\nstderr: {stderr}",
                self.command, self.bound
            );
        };
        self.scratch.close().expect("the scratch folder can be removed");
        Outcome {
            status: status.code(),
            stdout,
            stderr,
        }
    }
}

impl Outcome {
    /// Hands the outcome back when the run succeeded.
    ///
    /// # Panics
    /// When it did not; the panic shows the whole outcome.
    #[track_caller]
    #[must_use]
    pub fn success(self) -> Self {
        assert_eq!(self.status, Some(0), "the run failed: {self:#?}");
        self
    }
}

/// What a program needs of the caller's environment to run at all.
pub(crate) fn kept_environment() -> impl Iterator<Item = (OsString, OsString)> {
    ["PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"]
        .into_iter()
        .filter_map(|name| std::env::var_os(name).map(|value| (name.into(), value)))
}

/// Kills the program and what it started: a grandchild that held the pipes open would keep their readers waiting.
fn kill_group(leader: &Child) {
    let status = Command::new("/bin/sh")
        .args(["-c", "kill -s KILL -- \"-$0\"", &leader.id().to_string()])
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "a running group of processes can be killed"
    );
}

fn feed(child: &mut Child, bytes: Vec<u8>) -> JoinHandle<()> {
    let mut stdin = child.stdin.take().expect("standard input was piped");
    // A program may end without reading its input: the broken pipe is no fault of the test.
    thread::spawn(move || drop(stdin.write_all(&bytes)))
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    let mut pipe = pipe.expect("the output was piped");
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("a pipe can be read to its end");
        bytes
    })
}

fn finish(reader: JoinHandle<Vec<u8>>) -> String {
    let bytes = reader.join().expect("the reader does not panic");
    String::from_utf8(bytes).expect("the program prints UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Invocation {
        Invocation::new(Path::new("/bin/sh"), ["-c", script])
    }

    #[test]
    fn a_run_gives_its_status_and_both_outputs() {
        let outcome = shell("cat; echo \"$COLOUR\" >&2; exit 7")
            .stdin("in")
            .env("COLOUR", "blue")
            .run();
        assert_eq!(
            outcome,
            Outcome {
                status: Some(7),
                stdout: "in".into(),
                stderr: "blue\n".into()
            }
        );
    }

    #[test]
    fn a_run_sees_nothing_of_the_callers_settings() {
        assert!(
            std::env::var_os("CARGO_MANIFEST_DIR").is_some(),
            "cargo sets a variable that must not pass"
        );
        let outcome =
            shell("echo \"${CARGO_MANIFEST_DIR-unset}\"; ls -A . \"$HOME\" | grep -v ':$' | tr -d '\\n'").run();
        assert_eq!(outcome.stdout, "unset\n", "{outcome:?}");
    }

    #[test]
    fn input_that_nobody_reads_is_no_failure() {
        let outcome = shell("exit 0").stdin(vec![b'x'; 1 << 20]).run();
        assert_eq!(outcome.status, Some(0));
    }

    #[test]
    #[should_panic(expected = "ran past")]
    fn a_hanging_run_is_killed_with_what_it_started() {
        shell("sleep 60 & sleep 60").within(Duration::from_millis(50)).run();
    }

    #[test]
    #[should_panic(expected = "the message lacks \"row 3\"")]
    fn an_error_without_its_facts_is_refused() {
        let outcome = Outcome {
            status: Some(2),
            stdout: String::new(),
            stderr: "bad file".into(),
        };
        assert_error(&outcome, 2, &["bad file", "row 3"]);
    }

    #[test]
    #[should_panic(expected = "the run failed")]
    fn success_refuses_another_status() {
        let _ = shell("exit 1").run().success();
    }
}
