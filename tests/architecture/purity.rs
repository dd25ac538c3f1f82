//! The two pure layers do no I/O, read no clock and no environment, start no thread, draw no randomness, print nothing
//! and round every operation by itself. The graph of crates holds half of that; the text of their sources the rest.

use std::collections::BTreeSet;

use crate::assert_none;
use crate::rust_code::{last_segment, mentions, test_modules, tokens, without_tests};
use crate::tree::{TextFile, texts};

const PURE_SOURCES: [&str; 2] = ["shared/kernels/src/", "shared/protocol/src/"];

/// Modules and types whose every use is an effect.
const FORBIDDEN_PATHS: [&str; 12] = [
    "getrandom",
    "rand",
    "std::env",
    "std::fs",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
];

/// Macros and functions that are effects, or fuse two roundings into one, under whatever path they are reached.
const FORBIDDEN_NAMES: [&str; 9] = [
    "dbg!",
    "eprint!",
    "eprintln!",
    "mul_add",
    "new_v4",
    "now_v6",
    "now_v7",
    "print!",
    "println!",
];

/// What a source file of a pure crate names that it must not, test code left out.
fn impurities(file: &TextFile) -> Vec<String> {
    let found = mentions(without_tests(tokens(&file.path, &file.text)));
    let named = found.iter().filter(|it| {
        let by_path = FORBIDDEN_PATHS.iter().any(|forbidden| reaches(&it.path, forbidden));
        let is_macro = it.path.ends_with('!');
        let by_name = FORBIDDEN_NAMES
            .iter()
            .any(|name| name.ends_with('!') == is_macro && last_segment(&it.path) == name.trim_end_matches('!'));
        by_path || by_name
    });
    let lines: BTreeSet<_> = named
        .map(|it| (it.line, format!("{}:{} uses {}", file.path, it.line, it.path)))
        .collect();
    lines.into_iter().map(|(_, text)| text).collect()
}

/// Whether a path names `forbidden`, something in it, or a glob that brings it in.
fn reaches(path: &str, forbidden: &str) -> bool {
    let within = |outer: &str, inner: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with("::"));
    match path.strip_suffix("::*") {
        Some(folder) if within(folder, forbidden) => true,
        Some(folder) => folder == forbidden || within(forbidden, folder),
        None => path.trim_end_matches('!') == forbidden && path.contains("::") || within(forbidden, path),
    }
}

/// The files that only test builds compile, told by the `mod` lines of the files that declare them.
pub(crate) fn test_only_files(files: &[TextFile]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in files {
        let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
        let folder = match name {
            "lib.rs" | "main.rs" | "mod.rs" => folder.to_owned(),
            _ => format!("{folder}/{}", name.trim_end_matches(".rs")),
        };
        for module in test_modules(tokens(&file.path, &file.text)) {
            let (alone, under) = (format!("{folder}/{module}.rs"), format!("{folder}/{module}/"));
            let belongs = files
                .iter()
                .filter(|it| it.path == alone || it.path.starts_with(&under));
            found.extend(belongs.map(|it| it.path.clone()));
        }
    }
    found
}

#[test]
fn the_pure_layers_name_no_effect() {
    let files = texts(&[".rs"]);
    let test_only = test_only_files(&files);
    let pure: Vec<_> = files
        .iter()
        .filter(|file| PURE_SOURCES.iter().any(|folder| file.path.starts_with(folder)))
        .filter(|file| !test_only.contains(&file.path))
        .collect();
    for folder in PURE_SOURCES {
        assert!(
            pure.iter().any(|file| file.path.starts_with(folder)),
            "no source of {folder} was read"
        );
    }
    assert_none(&pure.into_iter().flat_map(impurities).collect::<Vec<_>>());
}

#[test]
fn an_effect_is_found_and_its_name_in_a_sentence_is_not() {
    let check = |text: &str, expect: &[&str]| {
        let found = impurities(&TextFile {
            path: "k.rs".into(),
            text: text.into(),
        });
        assert_eq!(
            found,
            expect.iter().map(|it| format!("k.rs:1 uses {it}")).collect::<Vec<_>>(),
            "{text}"
        );
    };
    check("use std::fs;", &["std::fs"]);
    check(
        "use std::{collections::BTreeMap, time::Instant};",
        &["std::time::Instant"],
    );
    check("use std::time::*;", &["std::time::*"]);
    check("use std::*;", &["std::*"]);
    check("fn f() { std::thread::spawn(g); }", &["std::thread::spawn"]);
    check("fn f() -> u64 { rand::random() }", &["rand::random"]);
    check("use rand::Rng;", &["rand::Rng"]);
    check("fn f() { println!(\"x\") }", &["println!"]);
    check("fn f(a: f64) -> f64 { a.mul_add(2.0, 1.0) }", &["mul_add"]);
    check("fn f() -> Uuid { Uuid::now_v7() }", &["Uuid::now_v7"]);
    check("use std::time::Duration; use std::collections::BTreeMap;", &[]);
    check(
        "/// Never calls println! or std::fs.\nfn print(rand: u8) -> &'static str { \"std::fs\" }",
        &[],
    );
    check("#[cfg(test)] mod tests { use std::fs; }", &[]);
}

#[test]
fn files_of_test_builds_are_told_by_their_declaration() {
    let file = |path: &str, text: &str| TextFile {
        path: path.into(),
        text: text.into(),
    };
    let files = [
        file("c/src/lib.rs", "mod scan; #[cfg(test)] mod laws;"),
        file("c/src/laws.rs", ""),
        file("c/src/scan/mod.rs", "#[cfg(test)] mod tests; mod rank;"),
        file("c/src/scan/tests.rs", ""),
        file("c/src/scan/rank.rs", "#[cfg(test)] mod tests;"),
        file("c/src/scan/rank/tests.rs", ""),
        file("d/src/tests.rs", ""),
    ];
    let found: Vec<_> = test_only_files(&files).into_iter().collect();
    assert_eq!(
        found,
        ["c/src/laws.rs", "c/src/scan/rank/tests.rs", "c/src/scan/tests.rs"]
    );
}
