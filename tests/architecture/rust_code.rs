//! Reads Rust source as tokens, so that comments and strings never count, and tells product code from test code.
//!
//! It resolves what one file says (`use` trees and their renames) and nothing across files.

use std::collections::BTreeMap;
use std::str::FromStr;

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// A path or a macro that code names, with renames of the file's own `use` lines resolved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mention {
    /// Line of the file, from 1.
    pub(crate) line: usize,
    /// `std::fs::read`, `std::time::*`, or `println!`.
    pub(crate) path: String,
    /// Whether a `use` line names it.
    pub(crate) imported: bool,
}

/// The tokens of a source file.
#[track_caller]
pub(crate) fn tokens(path: &str, text: &str) -> TokenStream {
    TokenStream::from_str(text).unwrap_or_else(|error| panic!("{path} is no Rust: {error}"))
}

/// The tokens without anything that only a test build compiles.
pub(crate) fn without_tests(stream: TokenStream) -> TokenStream {
    split_tests(stream).0
}

/// The modules that the file declares for test builds only, as names: `#[cfg(test)] mod tests;`.
pub(crate) fn test_modules(stream: TokenStream) -> Vec<String> {
    split_tests(stream).1
}

/// Every path and macro that the tokens name, in order.
pub(crate) fn mentions(stream: TokenStream) -> Vec<Mention> {
    let mut reader = Reader::default();
    reader.read(&stream.into_iter().collect::<Vec<_>>());
    let Reader { renames, found } = reader;
    found.into_iter().map(|mention| resolve(mention, &renames)).collect()
}

#[derive(Default)]
struct Reader {
    renames: BTreeMap<String, String>,
    found: Vec<Mention>,
}

impl Reader {
    fn read(&mut self, trees: &[TokenTree]) {
        let mut at = 0;
        while let Some(tree) = trees.get(at) {
            at += match tree {
                TokenTree::Group(group) => {
                    self.read(&group.stream().into_iter().collect::<Vec<_>>());
                    1
                }
                TokenTree::Ident(ident) if ident == "use" && !is_punct(trees.get(at + 1), '<') => {
                    1 + self.read_use(&trees[at + 1..], "")
                }
                TokenTree::Ident(_) => self.read_path(&trees[at..]),
                _ => 1,
            };
        }
    }

    /// Reads one path, with a `!` when it names a macro; gives the count of tokens taken.
    fn read_path(&mut self, trees: &[TokenTree]) -> usize {
        let line = trees[0].span().start().line;
        let mut path = trees[0].to_string();
        let mut at = 1;
        while is_separator(&trees[at..]) {
            let Some(TokenTree::Ident(ident)) = trees.get(at + 2) else {
                break;
            };
            path = format!("{path}::{ident}");
            at += 3;
        }
        if let Some(TokenTree::Punct(mark)) = trees.get(at)
            && mark.as_char() == '!'
            && mark.spacing() == Spacing::Alone
        {
            path.push('!');
        }
        self.found.push(Mention {
            line,
            path,
            imported: false,
        });
        at
    }

    /// Reads one branch of a `use` tree up to its `,` or `;`; gives the count of tokens taken.
    fn read_use(&mut self, trees: &[TokenTree], prefix: &str) -> usize {
        let mut path = prefix.to_owned();
        let mut name = None;
        let mut line = 0;
        let mut nested = false;
        let mut at = 0;
        while let Some(tree) = trees.get(at) {
            line = tree.span().start().line;
            match tree {
                TokenTree::Punct(mark) if matches!(mark.as_char(), ';' | ',') => break,
                TokenTree::Punct(mark) if mark.as_char() == '*' => path.push_str("::*"),
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                    nested = true;
                    let inner = group.stream().into_iter().collect::<Vec<_>>();
                    let mut start = 0;
                    while start < inner.len() {
                        start += 1 + self.read_use(&inner[start..], &path);
                    }
                }
                TokenTree::Ident(ident) if ident == "as" => name = trees.get(at + 1).map(ToString::to_string),
                TokenTree::Ident(ident) if ident == "self" && !path.is_empty() => {}
                TokenTree::Ident(ident) if name.is_none() && path.is_empty() => path = ident.to_string(),
                TokenTree::Ident(ident) if name.is_none() => path = format!("{path}::{ident}"),
                _ => {}
            }
            at += 1;
        }
        if !nested && !path.is_empty() {
            let name = name.unwrap_or_else(|| last_segment(&path).to_owned());
            self.renames.insert(name, path.clone());
            self.found.push(Mention {
                line,
                path,
                imported: true,
            });
        }
        at
    }
}

/// The last part of a path, without the mark of a macro.
pub(crate) fn last_segment(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path).trim_end_matches('!')
}

/// The first part of a path, without the mark of a macro.
pub(crate) fn first_segment(path: &str) -> &str {
    path.split("::").next().unwrap_or(path).trim_end_matches('!')
}

fn resolve(mention: Mention, renames: &BTreeMap<String, String>) -> Mention {
    let first = first_segment(&mention.path);
    match renames.get(first) {
        Some(full) if !mention.imported => {
            let path = format!("{full}{}", &mention.path[first.len()..]);
            Mention { path, ..mention }
        }
        // `use std as s; use s::fs;` names std through another import.
        Some(full) if mention.path.contains("::") && full != first && !full.starts_with(&format!("{first}::")) => {
            let path = format!("{full}{}", &mention.path[first.len()..]);
            Mention { path, ..mention }
        }
        _ => mention,
    }
}

fn is_punct(tree: Option<&TokenTree>, mark: char) -> bool {
    matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == mark)
}

fn is_separator(trees: &[TokenTree]) -> bool {
    is_punct(trees.first(), ':') && is_punct(trees.get(1), ':')
}

fn split_tests(stream: TokenStream) -> (TokenStream, Vec<String>) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let mut kept = Vec::new();
    let mut modules = Vec::new();
    let mut at = 0;
    while let Some(tree) = trees.get(at) {
        let inner = usize::from(is_punct(trees.get(at + 1), '!'));
        let attribute = if is_punct(Some(tree), '#') {
            trees.get(at + 1 + inner)
        } else {
            None
        };
        match (attribute, tree) {
            (Some(TokenTree::Group(group)), _) if is_test_attribute(&group.stream()) => {
                if inner == 1 {
                    return (TokenStream::new(), modules);
                }
                let item = &trees[at + 2..];
                let end = item.iter().position(ends_item).map_or(item.len(), |end| end + 1);
                modules.extend(declared_module(&item[..end]));
                at += 2 + end;
            }
            (_, TokenTree::Group(group)) => {
                let (stream, nested) = split_tests(group.stream());
                modules.extend(nested);
                let mut rebuilt = proc_macro2::Group::new(group.delimiter(), stream);
                rebuilt.set_span(group.span());
                kept.push(TokenTree::Group(rebuilt));
                at += 1;
            }
            _ => {
                kept.push(tree.clone());
                at += 1;
            }
        }
    }
    (kept.into_iter().collect(), modules)
}

/// `#[test]`, `#[tokio::test]`, `#[cfg(test)]`, `#[cfg(all(test, …))]`; not `cfg(any(test, …))`, which also ships.
fn is_test_attribute(content: &TokenStream) -> bool {
    let text = content.to_string().replace(' ', "");
    text == "test"
        || text.ends_with("::test")
        || text.contains("::test(")
        || text == "cfg(test)"
        || text.starts_with("cfg(all(test,")
}

fn ends_item(tree: &TokenTree) -> bool {
    match tree {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        other => is_punct(Some(other), ';'),
    }
}

/// The name in `mod NAME;`, whatever stands before `mod`.
fn declared_module(item: &[TokenTree]) -> Option<String> {
    match item {
        [.., TokenTree::Ident(keyword), TokenTree::Ident(name), end]
            if keyword == "mod" && is_punct(Some(end), ';') =>
        {
            Some(name.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        mentions(tokens("fixture", text))
            .into_iter()
            .filter(|it| it.path.contains(['!', ':']))
            .map(|it| it.path)
            .collect()
    }

    #[test]
    fn paths_are_found_wherever_they_hide() {
        let check = |text: &str, expect: &[&str]| assert_eq!(paths(text), expect, "{text}");
        check("fn f() { std::fs::read(x) }", &["std::fs::read"]);
        check(
            "use std::{fs, time::{self, Instant as Now}};",
            &["std::fs", "std::time", "std::time::Instant"],
        );
        check(
            "use std::time; fn f() { time::Instant::now() }",
            &["std::time", "std::time::Instant::now"],
        );
        check(
            "use std::time::Instant as Now; fn f() { Now::now() }",
            &["std::time::Instant", "std::time::Instant::now"],
        );
        check("use std::time::*;", &["std::time::*"]);
        check("use std as s; fn f() { s::env::var(x) }", &["std::env::var"]);
        check(
            "fn f() { assert!(std::env::var(x), \"std::fs\") } // std::net",
            &["assert!", "std::env::var"],
        );
        check("fn f() { if a != b { log::warn!(x) } }", &["log::warn!"]);
        check("#[derive(thiserror::Error)] struct E;", &["thiserror::Error"]);
    }

    #[test]
    fn mentions_carry_their_line() {
        let found = mentions(tokens("fixture", "\n\nfn f() {\n  todo!()\n}"));
        assert!(
            found.contains(&Mention {
                line: 4,
                path: "todo!".into(),
                imported: false
            }),
            "{found:?}"
        );
    }

    #[test]
    fn test_code_is_left_out_and_product_code_is_not() {
        let check = |text: &str, expect: &[&str]| {
            let found = mentions(without_tests(tokens("fixture", text)));
            let found: Vec<_> = found
                .into_iter()
                .map(|it| it.path)
                .filter(|it| it.contains("::"))
                .collect();
            assert_eq!(found, expect, "{text}");
        };
        check("#[cfg(test)] mod tests { use a::b; } use c::d;", &["c::d"]);
        check("#[cfg(test)] use a::b; use c::d;", &["c::d"]);
        check("#[test] #[ignore] fn t() { a::b() } fn p() { c::d() }", &["c::d"]);
        check(
            "mod m { #[cfg(test)] mod tests { fn t() { a::b() } } fn p() { c::d() } }",
            &["c::d"],
        );
        check("#![cfg(test)] use a::b;", &[]);
        check("#[cfg(any(test, feature = \"x\"))] use a::b;", &["a::b"]);
        check("#[cfg(not(test))] use a::b;", &["a::b"]);
    }

    #[test]
    fn modules_of_test_builds_are_named() {
        let text = "#[cfg(test)] mod tests; mod scan; mod deep { #[cfg(test)] pub(crate) mod laws; }";
        assert_eq!(test_modules(tokens("fixture", text)), ["tests", "laws"]);
    }
}
