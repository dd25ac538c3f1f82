//! The data that lies beside a checkout, too large to be part of it. A machine without it runs everything else.
//!
//! A test that needs such data asks [`data`] and returns when there is none: the skip is then said on standard error
//! past the test runner's capture and in the file that [`SKIPS_VARIABLE`] names. Absence is the only reason to skip.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::workspace_root;

/// The variable that names the folder of data, in place of `../shared/data` beside the checkout.
pub const DATA_VARIABLE: &str = "TICKFLEET_DATA";

/// The variable that names a file to which each skipped test adds a line; `tests/run` prints it at its end.
pub const SKIPS_VARIABLE: &str = "TICKFLEET_TEST_SKIPS";

/// The path of `name` in the folder of data; none, said loudly, when the whole folder is absent.
///
/// # Panics
/// When [`DATA_VARIABLE`] names a folder that is not there, or the folder is there and lacks `name`: both are mistakes
/// that a skip would hide.
#[track_caller]
pub fn data(name: &str) -> Option<PathBuf> {
    let named = std::env::var_os(DATA_VARIABLE).map(PathBuf::from);
    let found = locate(named.as_deref(), &workspace_root().join("../shared/data"), name);
    match found.unwrap_or_else(|message| panic!("{message}")) {
        Some(path) => Some(path),
        None => {
            let test = std::thread::current().name().unwrap_or("unnamed").to_owned();
            let list = std::env::var_os(SKIPS_VARIABLE).map(PathBuf::from);
            let line = format!("SKIPPED {test}: it needs {name} of the data beside the checkout, and that is absent");
            say(&line, list.as_deref());
            None
        }
    }
}

fn locate(named: Option<&Path>, default: &Path, name: &str) -> Result<Option<PathBuf>, String> {
    let folder = named.unwrap_or(default);
    if !folder.is_dir() {
        return match named {
            Some(folder) => Err(format!(
                "{DATA_VARIABLE} names {}, which is not a folder",
                folder.display()
            )),
            None => Ok(None),
        };
    }
    let path = folder.join(name);
    if path.exists() {
        Ok(Some(path))
    } else {
        Err(format!("the data at {} lacks {name}", folder.display()))
    }
}

/// Writes past the capture of the test runner, which shows the prints of failing tests only.
fn say(line: &str, list: Option<&Path>) {
    writeln!(std::io::stderr(), "{line}").expect("standard error takes a line");
    if let Some(path) = list {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .expect("the list of skips can be opened");
        file.write_all(format!("{line}\n").as_bytes())
            .expect("the list of skips takes a line");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_skip_adds_a_line_to_the_list() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("skips");
        say("SKIPPED one", Some(&list));
        say("SKIPPED two", Some(&list));
        assert_eq!(std::fs::read_to_string(list).unwrap(), "SKIPPED one\nSKIPPED two\n");
    }

    #[test]
    fn only_a_missing_default_folder_is_a_skip() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("bars.csv"), "").unwrap();
        let (here, nowhere) = (folder.path(), folder.path().join("nowhere"));
        assert_eq!(locate(None, here, "bars.csv"), Ok(Some(here.join("bars.csv"))));
        assert_eq!(
            locate(Some(here), &nowhere, "bars.csv"),
            Ok(Some(here.join("bars.csv")))
        );
        assert_eq!(locate(None, &nowhere, "bars.csv"), Ok(None));
        assert!(
            locate(Some(&nowhere), here, "bars.csv")
                .unwrap_err()
                .contains("not a folder")
        );
        assert!(locate(None, here, "other.csv").unwrap_err().contains("lacks other.csv"));
    }
}
