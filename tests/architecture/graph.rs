//! What cargo knows of the workspace: its members, all resolved packages, and what one member alone would link.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::OnceLock;

use cargo_metadata::{Metadata, MetadataCommand};
use tickfleet_tests::workspace_root;

/// The platforms that users run: what a crate links is the union over them.
const PLATFORMS: [&str; 3] = [
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "aarch64-apple-darwin",
];

/// The whole resolved workspace, all platforms; cargo is asked once per process.
pub(crate) fn metadata() -> &'static Metadata {
    static METADATA: OnceLock<Metadata> = OnceLock::new();
    METADATA.get_or_init(|| {
        MetadataCommand::new()
            .manifest_path(workspace_root().join("Cargo.toml"))
            .other_options(vec!["--locked".to_owned()])
            .exec()
            .unwrap_or_else(|error| panic!("cargo metadata fails: {error}"))
    })
}

/// The packages that a program links because of `package` alone: normal dependencies, however deep, with the features
/// that it asks for itself; compile-time macros and the package left out.
#[track_caller]
pub(crate) fn linked_by(package: &str) -> BTreeSet<String> {
    let trees = PLATFORMS
        .into_iter()
        .flat_map(|platform| packages_in(&tree(package, platform)));
    trees.filter(|name| name != package).collect()
}

fn tree(package: &str, platform: &str) -> String {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "-e",
            "normal,no-proc-macro",
        ])
        .args(["-p", package, "--target", platform])
        .current_dir(workspace_root())
        .output()
        .expect("cargo can be started");
    assert!(
        output.status.success(),
        "cargo tree fails: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("names of packages are UTF-8")
}

/// The names in cargo's list, one `NAME vVERSION …` a line.
fn packages_in(tree: &str) -> BTreeSet<String> {
    tree.lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn packages_are_read_from_cargos_list() {
    let tree = "a v0.1.0 (/x)\nserde v1.0.0\nserde v1.0.0 (*)\n\n";
    assert_eq!(packages_in(tree).into_iter().collect::<Vec<_>>(), ["a", "serde"]);
}

#[test]
fn linked_packages_are_found_through_others_and_macros_are_not() {
    let linked = linked_by("tickfleet-tests");
    assert!(
        linked.contains("tickfleet-kernels") && linked.contains("itoa"),
        "{linked:?}"
    );
    assert!(
        !linked.contains("tickfleet-tests") && !linked.contains("serde_derive"),
        "{linked:?}"
    );
}
