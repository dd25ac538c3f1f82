//! The words of a document: which of them claim to be paths, which leave the rest to the reader.

/// Words that stand for a name in a path.
const PLACEHOLDERS: [&str; 9] = [
    "CRATE", "DIR", "FILE", "KERNEL", "METHOD", "NAME", "NNNN", "TABLE", "VERB",
];
/// First parts of words that look like paths and are none: media types and what a build makes.
const NO_PATHS: [&str; 4] = ["application", "multipart", "target", "text"];

/// A path or the name of a source file or document; not a URI, an option, a setting, a placeholder.
pub(crate) fn looks_like_a_path(word: &str) -> bool {
    let no_path = word.contains("://") || word.contains(['=', '$', '…', ':', '@', '"', '(']);
    if no_path || word.starts_with(['/', '-', '~', '.']) && word != ".ci/run" {
        return false;
    }
    let mut parts = word.split('/');
    let placeholder = word.split(['/', '-', '.']).any(|part| PLACEHOLDERS.contains(&part));
    let known_first = parts.next().is_some_and(|first| NO_PATHS.contains(&first));
    let numbers = word.chars().all(|it| it.is_ascii_digit() || it == '/');
    let file = word.ends_with(".md") || word.ends_with(".rs");
    (word.contains('/') || file) && !placeholder && !known_first && !numbers && word.len() > 1
}

/// A word that leaves the rest to the reader.
pub(crate) fn is_open(word: &str) -> bool {
    matches!(word, "…" | "...") || word.starts_with('<') || word.starts_with('[') || word == "STEP" || word == "STEP…"
}

/// Joins a relative path to a folder and follows its `..`.
pub(crate) fn resolve(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[test]
fn words_that_claim_to_be_paths_are_told_from_others() {
    let check = |words: &str, expect: bool| {
        for word in words.split_whitespace() {
            assert_eq!(looks_like_a_path(word), expect, "{word}");
        }
    };
    check(
        "worker/src worker/src/ README.md rank.rs worker/*.rs shared/{kernels,protocol} .ci/run",
        true,
    );
    check(
        "s3://b/k /healthz ~/x --out=a/b ./x DIR/ranked.parquet docs/adr/NNNN-a.md text/plain target/debug",
        false,
    );
    check("a::b 3/4 f64 / tickfleet $HOME/x", false);
}

#[test]
fn relative_paths_are_joined() {
    assert_eq!(resolve("docs/adr", "../../README.md"), "README.md");
    assert_eq!(resolve("docs", "./adr/0001-a.md"), "docs/adr/0001-a.md");
    assert_eq!(resolve("", "a/b"), "a/b");
}
