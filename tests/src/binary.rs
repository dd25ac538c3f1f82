//! Finds the built `coordinator`: the one that `tests/run` names, else one that cargo builds on demand.
//!
//! The suites live in another crate than the program, so cargo tells them no path of it. Read [`crate::program`] next.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::workspace_root;

/// The variable that names a built `coordinator`; `tests/run` sets it. Without it cargo builds one.
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
        None => build_coordinator(),
    })
}

fn build_coordinator() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args([
            "build",
            "--release",
            "--locked",
            "--bin",
            "coordinator",
            "--message-format",
            "json-render-diagnostics",
        ])
        .current_dir(workspace_root())
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo can be started");
    assert!(
        output.status.success(),
        "cargo could not build the coordinator: see its messages above"
    );
    let messages = String::from_utf8(output.stdout).expect("cargo's messages are UTF-8");
    executable_in(&messages).expect("cargo names the executable that it built")
}

/// The executable in cargo's stream of JSON messages.
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
