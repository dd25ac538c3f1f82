//! The form of source files: an opening that says what the file is, a size that can be read in one sitting, no
//! unfinished code, text that speaks of the project only, and the lints that hold the rest.

use toml::Table;

use crate::assert_none;
use crate::graph::metadata;
use crate::purity::test_only_files;
use crate::rust_code::{mentions, tokens, without_tests};
use crate::tree::{TextFile, entries, read, texts};

/// No file may be longer.
const LINES_MAX: usize = 600;
/// A longer file must be among [`LONG_FILES`].
const LINES_WONDER: usize = 400;
/// The files that are longer than [`LINES_WONDER`] for a reason. An entry that no longer is fails: the list shrinks.
const LONG_FILES: &[&str] = &[];

/// Lints that every member takes over from the workspace.
const HOUSE_LINTS: [&str; 5] = ["dbg_macro", "todo", "too_many_lines", "unimplemented", "unwrap_used"];
const FUNCTION_LINES_MAX: i64 = 70;

const TEXT_ENDINGS: &[&str] = &[".rs", ".md", ".toml", ".proto", ".sh", ".py", ".yml", ".yaml", "/run"];

/// What would speak of a machine or of unfinished work, cut in two so that this table does not find itself.
const FORBIDDEN_TEXT: [(&str, &str); 9] = [
    ("/wo", "rk/"),
    ("/tm", "p/wt"),
    ("/tm", "p/target"),
    ("/ho", "me/"),
    ("/Us", "ers/"),
    ("TO", "DO"),
    ("FIX", "ME"),
    ("XX", "X:"),
    ("as an ", "AI"),
];

fn size_violations(files: &[TextFile], long_files: &[&str]) -> Vec<String> {
    let mut violations = Vec::new();
    for file in files {
        let lines = file.text.lines().count();
        let excepted = long_files.contains(&file.path.as_str());
        if lines > LINES_MAX {
            violations.push((
                lines,
                format!("{} has {lines} lines, the limit is {LINES_MAX}: split it", file.path),
            ));
        } else if lines > LINES_WONDER && !excepted {
            let text = format!(
                "{} has {lines} lines: split it, or say among LONG_FILES why not",
                file.path
            );
            violations.push((lines, text));
        } else if lines <= LINES_WONDER && excepted {
            violations.push((
                0,
                format!("{} has {lines} lines and needs no exception: strike it out", file.path),
            ));
        }
    }
    let gone = long_files
        .iter()
        .filter(|path| !files.iter().any(|file| file.path == **path));
    violations.extend(gone.map(|path| (0, format!("{path} has an exception for its size and is not there"))));
    violations.sort_by(|left, right| right.0.cmp(&left.0).then_with(|| left.1.cmp(&right.1)));
    violations.into_iter().map(|(_, text)| text).collect()
}

fn opening_violation(file: &TextFile) -> Option<String> {
    let opens = file
        .text
        .lines()
        .next()
        .is_some_and(|line| line.starts_with("//! ") && line.len() > "//! ".len());
    (!opens).then(|| format!("{} does not open with a `//!` sentence on what it is", file.path))
}

fn unfinished(file: &TextFile) -> Vec<String> {
    let found = mentions(tokens(&file.path, &file.text));
    let unfinished = found
        .iter()
        .filter(|it| matches!(it.path.as_str(), "todo!" | "unimplemented!" | "dbg!"));
    unfinished
        .map(|it| format!("{}:{} says {}", file.path, it.line, it.path))
        .collect()
}

/// An `allow` or `expect` of the lint on `unwrap` in product code.
fn unwrap_exceptions(file: &TextFile) -> Vec<String> {
    let found = mentions(without_tests(tokens(&file.path, &file.text)));
    let excepted = found.iter().filter(|it| it.path == "clippy::unwrap_used");
    excepted
        .map(|it| format!("{}:{} takes the lint on unwrap away", file.path, it.line))
        .collect()
}

fn forbidden_text(file: &TextFile) -> Vec<String> {
    let mut violations = Vec::new();
    for (at, line) in file.text.lines().enumerate() {
        for (left, right) in FORBIDDEN_TEXT {
            if names(line, &format!("{left}{right}")) {
                violations.push(format!("{}:{} says {left}{right}", file.path, at + 1));
            }
        }
    }
    violations
}

/// Whether the line holds `pattern` at the start of a word or a path.
fn names(line: &str, pattern: &str) -> bool {
    line.match_indices(pattern).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|it| it.is_alphanumeric() || matches!(it, '_' | '.' | '-' | '*' | '}' | ')'))
    })
}

/// The settings of the linters: the house lints are on, the limit on functions is the house's, every member takes part.
fn lint_violations(root: &Table, clippy: &Table, members: &[(String, Table)]) -> Vec<String> {
    let mut violations = Vec::new();
    let lints = root["workspace"].get("lints").and_then(|it| it.get("clippy"));
    let level = |lint: &str| match lints?.get(lint)? {
        toml::Value::Table(table) => table.get("level")?.as_str(),
        level => level.as_str(),
    };
    for lint in HOUSE_LINTS {
        if !matches!(level(lint), Some("warn" | "deny" | "forbid")) {
            violations.push(format!("Cargo.toml does not turn clippy's {lint} on"));
        }
    }
    if clippy.get("too-many-lines-threshold").and_then(toml::Value::as_integer) != Some(FUNCTION_LINES_MAX) {
        violations.push(format!(
            "clippy.toml does not limit functions to {FUNCTION_LINES_MAX} lines"
        ));
    }
    for (path, manifest) in members {
        let inherits = manifest
            .get("lints")
            .and_then(|it| it.get("workspace"))
            .and_then(toml::Value::as_bool);
        if inherits != Some(true) {
            violations.push(format!("{path} does not say `[lints] workspace = true`"));
        }
    }
    violations
}

/// A second `clippy.toml` would replace the root's for its crate.
fn second_linter_settings<'a>(entries: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let found = entries
        .into_iter()
        .filter(|path| path.ends_with("/clippy.toml") || path.ends_with("/.clippy.toml"));
    found
        .map(|path| format!("{path} replaces the root's settings for its crate"))
        .collect()
}

fn table(text: &str) -> Table {
    text.parse().unwrap_or_else(|error| panic!("no TOML: {error}"))
}

/// The manifests of all members, with their paths from the root.
pub(crate) fn member_manifests() -> Vec<(String, Table)> {
    let root = metadata().workspace_root.as_path();
    let paths = metadata().workspace_packages().into_iter().map(|member| {
        member
            .manifest_path
            .strip_prefix(root)
            .expect("members lie in the workspace")
            .as_str()
            .replace('\\', "/")
    });
    paths.map(|path| (path.clone(), table(&read(&path)))).collect()
}

#[test]
fn files_are_short() {
    assert_none(&size_violations(&texts(&[".rs", ".proto", "/run"]), LONG_FILES));
}

#[test]
fn files_say_what_they_are() {
    assert_none(&texts(&[".rs"]).iter().filter_map(opening_violation).collect::<Vec<_>>());
}

#[test]
fn nothing_is_left_unfinished() {
    assert_none(&texts(&[".rs"]).iter().flat_map(unfinished).collect::<Vec<_>>());
}

#[test]
fn product_code_keeps_the_lint_on_unwrap() {
    let files = texts(&[".rs"]);
    let test_only = test_only_files(&files);
    let product = files.iter().filter(|file| !test_only.contains(&file.path));
    assert_none(&product.flat_map(unwrap_exceptions).collect::<Vec<_>>());
}

#[test]
fn the_text_speaks_of_the_project_only() {
    assert_none(&texts(TEXT_ENDINGS).iter().flat_map(forbidden_text).collect::<Vec<_>>());
}

#[test]
fn the_house_lints_hold_in_every_member() {
    let violations = lint_violations(
        &table(&read("Cargo.toml")),
        &table(&read("clippy.toml")),
        &member_manifests(),
    );
    assert_none(&violations);
    assert_none(&second_linter_settings(&entries()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: impl Into<String>) -> TextFile {
        TextFile {
            path: path.into(),
            text: text.into(),
        }
    }

    #[test]
    fn a_long_file_is_found_and_so_is_a_needless_exception() {
        let of = |path: &str, lines: usize| file(path, "x\n".repeat(lines));
        let files = [of("a", 400), of("b", 401), of("c", 600), of("d", 601), of("e", 10)];
        let found = size_violations(&files, &["c", "d", "e", "f"]);
        let expect = [
            "d has 601 lines, the limit is 600: split it",
            "b has 401 lines: split it, or say among LONG_FILES why not",
            "e has 10 lines and needs no exception: strike it out",
            "f has an exception for its size and is not there",
        ];
        assert_eq!(found, expect);
    }

    #[test]
    fn an_unsaid_opening_is_found() {
        assert!(opening_violation(&file("a.rs", "//! The rank.\n")).is_none());
        for text in ["", "fn main() {}", "//!\n//! Late.", "\n//! Late.", "/// Of an item.\n"] {
            assert!(opening_violation(&file("a.rs", text)).is_some(), "{text:?}");
        }
    }

    #[test]
    fn unfinished_code_is_found_and_the_word_in_a_string_is_not() {
        let text = "fn f() {\n todo!();\n dbg!(1);\n \"todo!()\"; // todo!()\n std::unimplemented!() }";
        assert_eq!(
            unfinished(&file("a.rs", text)),
            ["a.rs:2 says todo!", "a.rs:3 says dbg!"]
        );
    }

    #[test]
    fn an_exception_from_the_unwrap_lint_is_found_outside_tests() {
        let text = "#[allow(clippy::unwrap_used)]\nfn f() {}\n#[cfg(test)] #[allow(clippy::unwrap_used)] mod tests {}";
        assert_eq!(
            unwrap_exceptions(&file("a.rs", text)),
            ["a.rs:1 takes the lint on unwrap away"]
        );
    }

    #[test]
    fn a_path_of_the_machine_is_found_and_a_longer_word_is_not() {
        let path = format!("/wo{}x", "rk/");
        assert_eq!(forbidden_text(&file("a", format!("see {path}"))).len(), 1);
        assert_eq!(forbidden_text(&file("a", format!("`{path}`"))).len(), 1);
        assert_eq!(forbidden_text(&file("a", format!("see net{path}"))).len(), 0);
    }

    #[test]
    fn a_lint_turned_off_is_found() {
        let root = |level: &str| {
            let lints = HOUSE_LINTS.map(|lint| format!("{lint} = \"warn\"\n")).concat();
            table(&format!("[workspace.lints.clippy]\n{lints}").replace("todo = \"warn\"", &format!("todo = {level}")))
        };
        let clippy = |lines: i64| table(&format!("too-many-lines-threshold = {lines}"));
        let member = |text: &str| [("m/Cargo.toml".to_owned(), table(text))];
        let good = member("[lints]\nworkspace = true");
        assert_none(&lint_violations(&root("\"warn\""), &clippy(70), &good));
        assert_none(&lint_violations(
            &root("{ level = \"deny\", priority = 1 }"),
            &clippy(70),
            &good,
        ));
        assert_eq!(lint_violations(&root("\"allow\""), &clippy(70), &good).len(), 1);
        assert_eq!(lint_violations(&root("\"warn\""), &clippy(700), &good).len(), 1);
        assert_eq!(
            lint_violations(
                &root("\"warn\""),
                &clippy(70),
                &member("[lints.clippy]\ntodo = \"allow\"")
            )
            .len(),
            1
        );
        let paths = ["clippy.toml", "worker/clippy.toml"].map(str::to_owned);
        assert_eq!(
            second_linter_settings(&paths),
            ["worker/clippy.toml replaces the root's settings for its crate"]
        );
    }
}
