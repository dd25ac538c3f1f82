//! The folder of a case: its files, its runs, and what must hold of whatever a run prints.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tickfleet_tests::program::{Invocation, Outcome, assert_error, coordinator};

/// A fresh folder in which the program runs.
pub(crate) struct Place(TempDir);

impl Place {
    /// A folder with these files.
    pub(crate) fn with(files: &[(&str, &[u8])]) -> Self {
        let place = Self(tempfile::tempdir().expect("a temporary folder can be made"));
        for (name, bytes) in files {
            place.write(name, bytes);
        }
        place
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file, in new folders if its name has some.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        let folder = path.parent().expect("a file lies in a folder");
        fs::create_dir_all(folder).expect("a fresh folder takes folders");
        fs::write(path, bytes).expect("a fresh folder takes files");
    }

    /// The bytes of a file.
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// What lies in a folder, sorted, hidden files too.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).expect("the folder can be listed");
        let mut names: Vec<String> = entries
            .map(|entry| {
                entry
                    .expect("the folder can be listed")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        names.sort();
        names
    }

    /// A run of the program in this folder, its arguments split at spaces.
    pub(crate) fn coordinator(&self, line: &str) -> Invocation {
        coordinator(line.split_whitespace()).current_dir(self.0.path())
    }

    /// A run of `submit scan` that must succeed.
    #[track_caller]
    pub(crate) fn scan(&self, options: &str) -> Outcome {
        let outcome = self.coordinator(&format!("submit scan {options}")).run().success();
        assert_readable(&outcome);
        outcome
    }

    /// A run of `submit scan` that must be refused with this status and message.
    #[track_caller]
    pub(crate) fn refuses(&self, options: &str, status: i32, needles: &[&str]) -> Outcome {
        let outcome = self.coordinator(&format!("submit scan {options}")).run();
        assert_error(&outcome, status, needles);
        assert_readable(&outcome);
        outcome
    }

    /// A run of a shell script in this folder: `$0` is the program.
    pub(crate) fn shell(&self, script: &str) -> Outcome {
        let program = tickfleet_tests::binary::coordinator_binary().to_string_lossy();
        let outcome = Invocation::new(Path::new("/bin/sh"), ["-c", script, &program]).current_dir(self.0.path());
        let outcome = outcome.run();
        assert_readable(&outcome);
        outcome
    }
}

/// Holds a message to be for people: no panic, no dump of a value, no escape, no line twice.
#[track_caller]
pub(crate) fn assert_readable(outcome: &Outcome) {
    let text = &outcome.stderr;
    for needle in [
        "panicked",
        "RUST_BACKTRACE",
        "Some(",
        "None,",
        "Error {",
        "Err(",
        "Os {",
        " { ",
        "::",
        ".tickfleet-",
        "External",
        "\u{1b}",
    ] {
        assert!(!text.contains(needle), "the message shows {needle:?}: {outcome:#?}");
    }
    let mut lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    let all = lines.len();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), all, "a line is said twice: {outcome:#?}");
    assert!(
        text.is_empty() || text.ends_with('\n'),
        "the last line is open: {outcome:#?}"
    );
}
