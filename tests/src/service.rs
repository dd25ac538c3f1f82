//! A program that runs beside a test until it is told to end: a coordinator that serves, a worker.
//!
//! It sees nothing of the caller's settings, writes what it says to files that the test can read meanwhile, and is
//! killed when the test lets go of it. Every wait is bounded. Read [`crate::program`] for programs that end by
//! themselves.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use wait_timeout::ChildExt;

use crate::program::kept_environment;

/// How long something may take that a test waits for: far beyond any honest time, so that only a failure meets it.
pub const BOUND: Duration = Duration::from_secs(90);

/// Between two looks at something that a test waits for.
const LOOK: Duration = Duration::from_millis(20);

/// A program on its way.
#[derive(Debug)]
pub struct Service {
    child: Child,
    name: String,
    scratch: TempDir,
}

impl Service {
    /// Starts a program with arguments and variables.
    ///
    /// # Panics
    /// When it can't be started.
    #[track_caller]
    pub fn start<S: AsRef<OsStr>>(program: &Path, args: &[S], variables: &[(&str, &str)]) -> Self {
        let scratch = tempfile::tempdir().expect("a temporary folder can be made");
        let output = |name| File::create(scratch.path().join(name)).expect("a fresh folder takes a file");
        let mut command = Command::new(program);
        command
            .args(args)
            .env_clear()
            .envs(kept_environment())
            .env("HOME", scratch.path())
            .envs(variables.iter().copied())
            .current_dir(scratch.path())
            .stdin(Stdio::null())
            .stdout(output("stdout"))
            .stderr(output("stderr"));
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("can't start {command:?}: {error}"));
        let name = program.file_name().unwrap_or_default().display().to_string();
        Self { child, name, scratch }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed on standard output so far.
    pub fn stdout(&self) -> String {
        self.read("stdout")
    }

    /// What it has printed on standard error so far.
    pub fn stderr(&self) -> String {
        self.read("stderr")
    }

    /// Waits until what it prints, on either stream, contains a text.
    ///
    /// # Panics
    /// When it ends first, or does not say so in time.
    #[track_caller]
    pub fn wait_for_text(&mut self, text: &str) {
        let started = Instant::now();
        while !self.stdout().contains(text) && !self.stderr().contains(text) {
            let ended = self.child.try_wait().expect("a child can be looked at");
            assert!(
                ended.is_none() && started.elapsed() < BOUND,
                "no {text:?} from {} ({ended:?})\n{}",
                self.name,
                self.output()
            );
            std::thread::sleep(LOOK);
        }
    }

    /// Sends it a signal by name, such as `TERM`.
    ///
    /// # Panics
    /// When it has ended.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// Ends it without a chance to do anything more.
    ///
    /// # Panics
    /// When it can't be waited for.
    pub fn kill(&mut self) {
        // It may have ended already: then there is nothing to end.
        let _ = self.child.kill();
        self.child.wait().expect("a killed child can be waited for");
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not come in time.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        let ended = self.child.wait_timeout(BOUND).expect("a child can be waited for");
        ended.unwrap_or_else(|| panic!("{} does not end\n{}", self.name, self.output()))
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child can be looked at").is_none()
    }

    /// All that it has printed, for a panic's message.
    pub fn output(&self) -> String {
        format!("stdout:\n{}\nstderr:\n{}", self.stdout(), self.stderr())
    }

    fn read(&self, name: &str) -> String {
        let bytes = std::fs::read(self.scratch.path().join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // A stopped process takes no part in its own end, a killed one need not.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a process a signal by name.
///
/// # Panics
/// When there is no such process.
#[track_caller]
pub fn signal(pid: u32, name: &str) {
    let sent = Command::new("/bin/sh")
        .args(["-c", "kill -s \"$0\" \"$1\"", name, &pid.to_string()])
        .status();
    assert!(
        sent.is_ok_and(|status| status.success()),
        "SIG{name} reaches process {pid}"
    );
}

/// Waits until something holds.
///
/// # Panics
/// When it does not come about in time.
#[track_caller]
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < BOUND, "it does not come about that {what}");
        std::thread::sleep(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_says_what_it_does_and_ends_when_told() {
        let mut service = Service::start(
            Path::new("/bin/sh"),
            &[
                "-c",
                "trap 'echo bye; exit 3' TERM; echo \"$A\"; while :; do sleep 0.01; done",
            ],
            &[("A", "ready")],
        );
        service.wait_for_text("ready");
        service.signal("TERM");
        assert_eq!(service.wait().code(), Some(3));
        assert!(service.stdout().ends_with("bye\n"));
    }
}
