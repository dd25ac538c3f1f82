//! A program that runs beside a test: started as a user would, watched line by line, signalled, and gone with its handle.
//!
//! As in [`crate::program`], it sees nothing of the caller's settings, and no wait is without a bound.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use wait_timeout::ChildExt;

use crate::program::kept_environment;

/// How long a line or an end may be waited for: far beyond any honest wait, so that only a failure meets it.
pub const BOUND: Duration = Duration::from_secs(60);

/// A running program.
#[derive(Debug)]
pub struct Running {
    child: Child,
    said: Arc<Said>,
    _scratch: TempDir,
}

/// What it has printed so far, both outputs in the order of their lines.
#[derive(Debug, Default)]
struct Said {
    lines: Mutex<Vec<String>>,
    more: Condvar,
}

impl Running {
    /// Starts `program` in a fresh folder, with these variables beside what any program needs.
    ///
    /// # Panics
    /// When it can't be started.
    pub fn start<I, S>(program: &Path, args: I, variables: &[(&str, &str)]) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let scratch = tempfile::tempdir().expect("a temporary folder can be made");
        let mut child = Command::new(program)
            .args(args)
            .env_clear()
            .envs(kept_environment())
            .env("HOME", scratch.path())
            .envs(variables.iter().copied())
            .current_dir(scratch.path())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("can't start {}: {error}", program.display()));
        let said = Arc::<Said>::default();
        listen(child.stdout.take().expect("it was piped"), &said);
        listen(child.stderr.take().expect("it was piped"), &said);
        Self {
            child,
            said,
            _scratch: scratch,
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line that holds `needle`, and gives it.
    ///
    /// # Panics
    /// When none comes; the panic shows all that was printed.
    #[track_caller]
    pub fn line(&self, needle: &str) -> String {
        self.nth_line(needle, 1)
    }

    /// Waits for the `nth` line, from 1, that holds `needle`, and gives it.
    ///
    /// # Panics
    /// When none comes; the panic shows all that was printed.
    #[track_caller]
    pub fn nth_line(&self, needle: &str, nth: usize) -> String {
        let find = |lines: &Vec<String>| lines.iter().filter(|line| line.contains(needle)).nth(nth - 1).cloned();
        let lines = self.said.lines.lock().expect("no reader panics");
        let waited = self
            .said
            .more
            .wait_timeout_while(lines, BOUND, |lines| find(lines).is_none());
        let (lines, _) = waited.expect("no reader panics");
        find(&lines).unwrap_or_else(|| panic!("no line {nth} with {needle:?} in {lines:#?}"))
    }

    /// All that was printed so far.
    pub fn said(&self) -> String {
        self.said.lines.lock().expect("no reader panics").join("\n")
    }

    /// Sends a signal by its name, such as `TERM`.
    ///
    /// # Panics
    /// When the program is gone.
    pub fn signal(&self, name: &str) {
        let status = Command::new("/bin/sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", name, &self.pid().to_string()])
            .status();
        assert!(status.is_ok_and(|status| status.success()), "a child can be signalled");
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        let status = self.child.try_wait();
        status.expect("a child of this process can be looked at").is_none()
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end; the panic shows all that was printed.
    #[track_caller]
    pub fn ended(&mut self) -> ExitStatus {
        let status = self.child.wait_timeout(BOUND);
        let status = status.expect("a child of this process can be waited for");
        status.unwrap_or_else(|| panic!("it does not end; it said: {}", self.said()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already: then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listen(output: impl Read + Send + 'static, said: &Arc<Said>) {
    let said = Arc::clone(said);
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines() {
            let Ok(line) = line else { return };
            said.lines.lock().expect("no reader panics").push(line);
            said.more.notify_all();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Running {
        Running::start(Path::new("/bin/sh"), ["-c", script], &[("COLOUR", "blue")])
    }

    #[test]
    fn lines_are_waited_for_and_the_end_is_told() {
        let mut running = shell("echo one; echo \"two $COLOUR\" >&2; read line; exit 3");
        assert_eq!(running.line("two"), "two blue");
        assert_eq!(running.line("one"), "one");
        assert_eq!(running.ended().code(), Some(3));
    }

    #[test]
    fn a_signal_reaches_it() {
        let mut running = shell("trap 'echo caught; exit 5' TERM; echo up; while :; do sleep 0.01; done");
        running.line("up");
        assert!(running.is_running());
        running.signal("TERM");
        running.line("caught");
        assert_eq!(running.ended().code(), Some(5));
        assert!(!running.is_running());
    }
}
