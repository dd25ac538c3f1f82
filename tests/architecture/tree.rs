//! The files of the checkout, without what is built or belongs to an editor. It reads; it never writes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tickfleet_tests::workspace_root;

/// Hidden entries that are part of the project all the same.
const HIDDEN_BUT_OURS: [&str; 6] = [
    ".ci",
    ".config",
    ".editorconfig",
    ".gitattributes",
    ".github",
    ".gitignore",
];

/// A text file of the checkout.
#[derive(Clone, Debug)]
pub(crate) struct TextFile {
    /// Path from the root, with `/` between its parts.
    pub(crate) path: String,
    /// Its content.
    pub(crate) text: String,
}

/// Every file and folder of the checkout, as paths from the root; folders end in no slash.
pub(crate) fn entries() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    walk(workspace_root(), "", &mut found);
    found
}

/// The text of every file whose name ends in one of `endings`.
pub(crate) fn texts(endings: &[&str]) -> Vec<TextFile> {
    entries()
        .into_iter()
        .filter(|path| endings.iter().any(|ending| path.ends_with(ending)))
        .filter(|path| workspace_root().join(path).is_file())
        .map(|path| TextFile {
            text: read(&path),
            path,
        })
        .collect()
}

/// The text of one file that must be there.
#[track_caller]
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(workspace_root().join(path)).unwrap_or_else(|error| panic!("can't read {path}: {error}"))
}

fn walk(folder: &Path, prefix: &str, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("can't list {}: {error}", folder.display())) {
        let entry = entry.unwrap_or_else(|error| panic!("can't list {}: {error}", folder.display()));
        let name = entry
            .file_name()
            .into_string()
            .expect("file names of the checkout are UTF-8");
        let hidden = name.starts_with('.') && !(prefix.is_empty() && HIDDEN_BUT_OURS.contains(&name.as_str()));
        if hidden || name == "target" {
            continue;
        }
        let path = if prefix.is_empty() {
            name
        } else {
            format!("{prefix}/{name}")
        };
        if entry.file_type().expect("a listed entry has a type").is_dir() {
            walk(&entry.path(), &path, found);
        }
        found.insert(path);
    }
}

#[test]
fn the_walk_sees_the_checkout_and_nothing_built() {
    let entries = entries();
    for path in [
        "Cargo.toml",
        "tests/architecture/tree.rs",
        "shared/kernels",
        ".ci/run",
        "tests/run",
    ] {
        assert!(entries.contains(path), "{path} is not among the entries");
    }
    assert!(
        !entries
            .iter()
            .any(|path| path.starts_with("target") || path.starts_with(".git/"))
    );
}
