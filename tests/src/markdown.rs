//! Reads a Markdown document into what a check can hold: inline code, lines of code blocks, and links.
//!
//! It says where each stands (line of the document) and judges nothing.

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// The comment that, on the last line before a code block, keeps the block's commands from being run (not from being
/// checked): `<!-- not run: REASON -->`.
pub const NOT_RUN: &str = "<!-- not run:";

/// A piece of a document that a program can check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// Line of the document, from 1.
    pub line: usize,
    /// What it is.
    pub kind: Kind,
    /// The text: of a code span, of one (joined) line of a code block, or a link's target.
    pub text: String,
}

/// Where in a document a [`Snippet`] stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Code within a sentence.
    Inline,
    /// A line of a fenced or indented block; lines that end in a backslash are joined with the next.
    Block {
        /// The word after the fence, empty when there is none.
        language: String,
        /// Whether a comment before the block keeps it from being run.
        not_run: bool,
    },
    /// The target of a link or an image.
    Link,
}

/// Every snippet of a document, in order.
pub fn snippets(document: &str) -> Vec<Snippet> {
    let mut found = Vec::new();
    let mut block: Option<(String, bool)> = None;
    for (event, range) in Parser::new(document).into_offset_iter() {
        let line = line_of(document, range.start);
        match event {
            Event::Code(text) => found.push(Snippet {
                line,
                kind: Kind::Inline,
                text: text.into_string(),
            }),
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                found.push(Snippet {
                    line,
                    kind: Kind::Link,
                    text: dest_url.into_string(),
                });
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                block = Some((language(&kind), marked_not_run(document, range.start)));
            }
            Event::End(TagEnd::CodeBlock) => block = None,
            Event::Text(text) => {
                if let Some((language, not_run)) = &block {
                    let kind = Kind::Block {
                        language: language.clone(),
                        not_run: *not_run,
                    };
                    let lines = joined_lines(&text).into_iter();
                    found.extend(lines.map(|(at, text)| Snippet {
                        line: line + at,
                        kind: kind.clone(),
                        text,
                    }));
                }
            }
            _ => {}
        }
    }
    found
}

fn language(kind: &CodeBlockKind<'_>) -> String {
    match kind {
        CodeBlockKind::Indented => String::new(),
        CodeBlockKind::Fenced(info) => info.split([' ', ',']).next().unwrap_or_default().to_owned(),
    }
}

fn line_of(document: &str, offset: usize) -> usize {
    document[..offset].matches('\n').count() + 1
}

fn marked_not_run(document: &str, block_start: usize) -> bool {
    let before = document[..block_start]
        .trim_end()
        .lines()
        .next_back()
        .unwrap_or_default();
    before.trim_start().starts_with(NOT_RUN)
}

/// The lines of a block with their offsets, comments and blanks left out, continued lines joined.
fn joined_lines(text: &str) -> Vec<(usize, String)> {
    let mut joined: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (at, line) in text.lines().enumerate() {
        let (body, continues) = line.strip_suffix('\\').map_or((line, false), |body| (body, true));
        match joined.last_mut() {
            Some((_, last)) if open => *last = format!("{} {}", last.trim_end(), body.trim()),
            _ => joined.push((at, body.to_owned())),
        }
        open = continues;
    }
    joined.retain(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_gives_its_code_and_links_with_lines() {
        let document = "See `a/b.rs`\nand [this](c.md).\n\n```sh\n# why\none \\\n  two\nthree\n```\n\n\
                        <!-- not run: it serves for ever -->\n```sh\nfour\n```\n";
        let block = |not_run| Kind::Block {
            language: "sh".into(),
            not_run,
        };
        let expect = [
            (1, Kind::Inline, "a/b.rs"),
            (2, Kind::Link, "c.md"),
            (6, block(false), "one two"),
            (8, block(false), "three"),
            (13, block(true), "four"),
        ];
        let found: Vec<_> = snippets(document)
            .into_iter()
            .map(|it| (it.line, it.kind, it.text))
            .collect();
        assert_eq!(found, expect.map(|(line, kind, text)| (line, kind, text.to_owned())));
    }
}
