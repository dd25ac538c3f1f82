//! Finds the built programs: those that `tests/run` names, else such that cargo builds on demand.
//!
//! The suites live in another crate than the programs, so cargo tells them no path of them. Read [`crate::program`] next.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::workspace_root;

/// The variable that names a built `coordinator`, with a `worker` beside it; `tests/run` sets it. Without it cargo builds
/// both.
pub const BINARY_VARIABLE: &str = "TICKFLEET_TEST_BIN";

/// The built `coordinator`: the one that [`BINARY_VARIABLE`] names, else a release build made once per process.
///
/// # Panics
/// When the variable names no file, or the build fails.
pub fn coordinator_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os(BINARY_VARIABLE) {
        Some(path) => {
            let path = workspace_root().join(path);
            assert!(
                path.is_file(),
                "{BINARY_VARIABLE} names {}, which is not a file",
                path.display()
            );
            path
        }
        None => build_programs(),
    })
}

/// The built `worker`: the one beside the `coordinator`.
///
/// # Panics
/// As [`coordinator_binary`], and when there is no such file.
pub fn worker_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let path = coordinator_binary().with_file_name("worker");
        assert!(
            path.is_file(),
            "there is no worker beside the coordinator: {}",
            path.display()
        );
        path
    })
}

fn build_programs() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args([
            "build",
            "--release",
            "--locked",
            "--bin",
            "coordinator",
            "--bin",
            "worker",
            "--message-format",
            "json-render-diagnostics",
        ])
        .current_dir(workspace_root())
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo can be started");
    assert!(
        output.status.success(),
        "cargo could not build the programs: see its messages above"
    );
    let messages = String::from_utf8(output.stdout).expect("cargo's messages are UTF-8");
    executable_in(&messages, "coordinator").expect("cargo names the executables that it built")
}

/// The executable of a name in cargo's stream of JSON messages.
fn executable_in(messages: &str, name: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
        .find(|path| path.file_name().is_some_and(|file| file == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_found_in_cargos_messages() {
        let messages =
            "{\"executable\":null}\nnot json\n{\"executable\":\"/t/worker\"}\n{\"executable\":\"/t/coordinator\"}\n";
        assert_eq!(
            executable_in(messages, "coordinator"),
            Some(PathBuf::from("/t/coordinator"))
        );
        assert_eq!(executable_in("{}", "coordinator"), None);
    }
}
