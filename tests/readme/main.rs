//! The commands of README.md that start the coordinator, run as written, in order, by the built program.
//!
//! They run in a scratch folder that shows the checkout's entries, so that what they write stays out of it. A block
//! under `<!-- not run: REASON -->` is checked for its form only, by the architecture suite.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use tickfleet_tests::binary::coordinator_binary;
use tickfleet_tests::markdown::{Kind, snippets};
use tickfleet_tests::program::Invocation;
use tickfleet_tests::shell::with_bare_coordinator;
use tickfleet_tests::workspace_root;

const BOUND: Duration = Duration::from_secs(300);

/// The commands to run, with their lines: those of shell blocks that start the coordinator.
fn runnable(document: &str) -> Vec<(usize, String)> {
    let found = snippets(document).into_iter().filter_map(|snippet| match snippet.kind {
        Kind::Block {
            language,
            not_run: false,
        } if matches!(language.as_str(), "sh" | "bash" | "console") => {
            Some((snippet.line, with_bare_coordinator(&snippet.text)?))
        }
        _ => None,
    });
    found.collect()
}

/// Shows the checkout's visible entries in `folder`.
fn show_checkout(folder: &Path) {
    for entry in fs::read_dir(workspace_root()).expect("the checkout can be listed") {
        let entry = entry.expect("the checkout can be listed");
        let name = entry.file_name();
        if name != "target" && !name.to_string_lossy().starts_with('.') {
            symlink(entry.path(), folder.join(name)).expect("a fresh folder takes a link");
        }
    }
}

#[test]
fn the_readmes_commands_succeed() {
    let readme = fs::read_to_string(workspace_root().join("README.md")).expect("the project has a README.md");
    let commands = runnable(&readme);
    assert!(
        !commands.is_empty(),
        "README.md shows no command that starts the coordinator"
    );
    let scratch = tempfile::tempdir().expect("a temporary folder can be made");
    show_checkout(scratch.path());
    let programs = coordinator_binary().parent().expect("a program lies in a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    for (line, command) in commands {
        let script = format!("set -euo pipefail; {command}");
        let run = Invocation::new(Path::new("/bin/bash"), ["-c", &script])
            .env("PATH", format!("{}:{path}", programs.display()))
            .current_dir(scratch.path())
            .within(BOUND);
        let outcome = run.run();
        assert_eq!(
            outcome.status,
            Some(0),
            "README.md:{line}: `{command}` fails: {outcome:#?}"
        );
    }
}

#[test]
fn commands_are_taken_from_shell_blocks_only() {
    let document = "`coordinator status`\n\n```sh\ncargo run --release -- submit scan\nls\n```\n\n\
                    ```text\ncoordinator get x\n```\n\n<!-- not run: serves for ever -->\n```sh\ncoordinator serve\n```\n";
    assert_eq!(runnable(document), [(4, "coordinator submit scan".to_owned())]);
}
