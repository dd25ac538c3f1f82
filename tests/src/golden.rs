//! Goldens: outputs kept as files under `tests/golden/`, compared byte for byte.
//!
//! `TICKFLEET_UPDATE_GOLDENS=1` rewrites them, and the diff is then read like code. They are never rewritten where
//! `CI` is set: there a golden can only be held, or fail.

use std::path::{Path, PathBuf};

use crate::workspace_root;

/// The variable that rewrites goldens instead of comparing with them.
pub const UPDATE_VARIABLE: &str = "TICKFLEET_UPDATE_GOLDENS";

/// Holds `actual` against the golden `name`, a path under `tests/golden/`.
///
/// # Panics
/// When the bytes differ (the panic names the first line that does), the golden is absent, or an update is asked for
/// in continuous integration.
#[track_caller]
pub fn assert_golden(name: &str, actual: &[u8]) {
    let path = workspace_root().join("tests/golden").join(name);
    let update = std::env::var_os(UPDATE_VARIABLE).is_some_and(|value| value == "1");
    assert!(
        !(update && std::env::var_os("CI").is_some()),
        "{UPDATE_VARIABLE} is refused where CI is set"
    );
    if let Err(message) = hold(&path, actual, update) {
        panic!("{message}; if that is meant, {UPDATE_VARIABLE}=1 rewrites it");
    }
}

fn hold(path: &PathBuf, actual: &[u8], update: bool) -> Result<(), String> {
    if update {
        let folder = path.parent().expect("a golden lies in a folder");
        std::fs::create_dir_all(folder).map_err(|error| format!("can't make {}: {error}", folder.display()))?;
        return std::fs::write(path, actual).map_err(|error| format!("can't write {}: {error}", path.display()));
    }
    let expected = std::fs::read(path).map_err(|error| format!("can't read {}: {error}", path.display()))?;
    if expected == actual {
        Ok(())
    } else {
        Err(first_difference(path, &expected, actual))
    }
}

fn first_difference(path: &Path, expected: &[u8], actual: &[u8]) -> String {
    let lines = |bytes: &[u8]| {
        bytes
            .split_inclusive(|&byte| byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect::<Vec<_>>()
    };
    let (expected, actual) = (lines(expected), lines(actual));
    let row = expected
        .iter()
        .zip(&actual)
        .take_while(|(left, right)| left == right)
        .count();
    let show = |lines: &[Vec<u8>]| {
        lines.get(row).map_or("its end".to_owned(), |line| {
            format!("{:?}", String::from_utf8_lossy(line))
        })
    };
    format!(
        "{}, line {}: expected {}, got {}",
        path.display(),
        row + 1,
        show(&expected),
        show(&actual)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_golden_holds_fails_and_is_rewritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scan/ranked.csv");
        assert!(hold(&path, b"a\nb\n", false).unwrap_err().contains("can't read"));
        hold(&path, b"a\nb\n", true).unwrap();
        assert_eq!(hold(&path, b"a\nb\n", false), Ok(()));
        let message = hold(&path, b"a\nc\n", false).unwrap_err();
        assert!(
            message.ends_with("line 2: expected \"b\\n\", got \"c\\n\""),
            "{message}"
        );
        let message = hold(&path, b"a\n", false).unwrap_err();
        assert!(message.ends_with("line 2: expected \"b\\n\", got its end"), "{message}");
    }
}
