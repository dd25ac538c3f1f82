//! Finds the built programs: those that `tests/run` names, else those that cargo builds on demand.
//!
//! The suites live in another crate than the programs, so cargo tells them no path of these. Read [`crate::program`]
//! and [`crate::running`] next.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::workspace_root;

/// The variable that names a built `coordinator`, beside which the `worker` lies; `tests/run` sets it. Without it cargo
/// builds both.
pub const BINARY_VARIABLE: &str = "TICKFLEET_TEST_BIN";

/// The built `coordinator`: the one that [`BINARY_VARIABLE`] names, else a release build made once per process.
///
/// # Panics
/// When the variable names no file, or the build fails.
pub fn coordinator_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| beside(coordinator(), "coordinator"))
}

/// The built `worker`: the one beside the `coordinator`.
///
/// # Panics
/// When there is none, or the build fails.
pub fn worker_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| beside(coordinator(), "worker"))
}

fn beside(coordinator: &Path, name: &str) -> PathBuf {
    let path = coordinator.with_file_name(name);
    assert!(
        path.is_file(),
        "there is no program {}: build it, or unset {BINARY_VARIABLE}",
        path.display()
    );
    path
}

fn coordinator() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os(BINARY_VARIABLE) {
        Some(path) => workspace_root().join(path),
        None => build(),
    })
}

fn build() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args([
            "build",
            "--release",
            "--locked",
            "--bin",
            "coordinator",
            "--bin",
            "worker",
        ])
        .args(["--message-format", "json-render-diagnostics"])
        .current_dir(workspace_root())
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo can be started");
    assert!(
        output.status.success(),
        "cargo could not build the programs: see its messages above"
    );
    let messages = String::from_utf8(output.stdout).expect("cargo's messages are UTF-8");
    executable_in(&messages).expect("cargo names the executables that it built")
}

/// An executable in cargo's stream of JSON messages: all lie in one folder.
fn executable_in(messages: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .find_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_found_in_cargos_messages() {
        let messages = "{\"executable\":null}\nnot json\n{\"executable\":\"/t/coordinator\"}\n";
        assert_eq!(executable_in(messages), Some(PathBuf::from("/t/coordinator")));
        assert_eq!(executable_in("{}"), None);
    }
}
