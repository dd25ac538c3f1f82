//! The documents name only what is there: every path, every link, every step of `tests/run`, every cargo target, and
//! every `coordinator` command line, which the program's own definition must accept.

use std::collections::BTreeSet;
use std::process::Command;

use clap::error::ErrorKind;
use tickfleet_tests::markdown::{Kind, Snippet, snippets};
use tickfleet_tests::shell::{Program, program, simple_commands};
use tickfleet_tests::workspace_root;

use crate::assert_none;
use crate::graph::metadata;
use crate::tree::{entries, texts};
use crate::words::{is_open, looks_like_a_path, resolve};

/// What a reader looks for first.
const DOCUMENTS: [&str; 4] = ["ARCHITECTURE.md", "CONTRIBUTING.md", "LICENSE", "README.md"];
/// Languages of blocks that a reader types.
const SHELLS: [&str; 5] = ["", "bash", "console", "sh", "shell"];

/// What a document may name.
struct Facts {
    entries: BTreeSet<String>,
    steps: BTreeSet<String>,
    packages: BTreeSet<String>,
    binaries: BTreeSet<String>,
    suites: BTreeSet<String>,
    coordinator: clap::Command,
}

impl Facts {
    fn violations(&self, document: &str, text: &str) -> Vec<String> {
        let found = snippets(text).into_iter().flat_map(|snippet| {
            let Snippet { line, kind, text } = &snippet;
            let messages = match kind {
                Kind::Link => self.link(document, text).into_iter().collect(),
                Kind::Inline => self.inline(document, text),
                Kind::Block { language, .. } => self.block(language, text),
            };
            messages
                .into_iter()
                .map(|message| format!("{document}:{line}: {message}"))
                .collect::<Vec<_>>()
        });
        found.collect()
    }

    fn link(&self, document: &str, target: &str) -> Option<String> {
        let path = target.split('#').next().unwrap_or_default();
        let elsewhere = path.is_empty() || target.contains("://") || target.starts_with("mailto:");
        (!elsewhere && !self.has(document, path)).then(|| format!("the link to {target} leads nowhere"))
    }

    fn inline(&self, document: &str, text: &str) -> Vec<String> {
        if text.contains(char::is_whitespace) {
            return self.commands(text, true);
        }
        if matches!(text, "tests/run" | ".ci/run") || !looks_like_a_path(text) || self.has(document, text) {
            return Vec::new();
        }
        vec![format!("`{text}` is not there")]
    }

    fn block(&self, language: &str, line: &str) -> Vec<String> {
        let mut messages = if SHELLS.contains(&language) {
            self.commands(line, false)
        } else {
            Vec::new()
        };
        let rooted = line
            .split_whitespace()
            .map(|word| word.trim_matches(|it: char| "'\"`,;()".contains(it)));
        let rooted = rooted.filter(|word| looks_like_a_path(word) && self.starts_at_the_root(word));
        messages.extend(
            rooted
                .filter(|word| !self.has("", word))
                .map(|word| format!("{word} is not there")),
        );
        messages
    }

    fn commands(&self, line: &str, in_a_sentence: bool) -> Vec<String> {
        let Some(commands) = simple_commands(line) else {
            return if in_a_sentence {
                Vec::new()
            } else {
                vec![format!("the quotes of `{line}` don't close")]
            };
        };
        let known = commands.iter().filter_map(|command| program(command));
        known
            .filter_map(|program| self.command(program, in_a_sentence))
            .collect()
    }

    fn command(&self, program: Program, in_a_sentence: bool) -> Option<String> {
        match program {
            Program::Steps(steps) => {
                let known = |step: &&String| self.steps.contains(*step) || is_open(step) || *step == "--list";
                let unknown = steps.iter().find(|step| !known(step))?;
                Some(format!("tests/run has no step {unknown}"))
            }
            Program::Cargo(args) => self.cargo(&args),
            Program::Coordinator(args) => self.coordinator(&args, in_a_sentence),
        }
    }

    fn cargo(&self, args: &[String]) -> Option<String> {
        let named = |options: &[&str], known: &BTreeSet<String>| {
            let pairs = args.iter().zip(args.iter().skip(1));
            let mut names = pairs
                .filter(|(option, _)| options.contains(&option.as_str()))
                .map(|(_, name)| name);
            names.find(|name| !known.contains(*name) && !is_open(name)).cloned()
        };
        named(&["-p", "--package"], &self.packages)
            .map(|name| format!("the workspace has no package {name}"))
            .or_else(|| named(&["--bin"], &self.binaries).map(|name| format!("the workspace has no program {name}")))
            .or_else(|| named(&["--test"], &self.suites).map(|name| format!("the workspace has no suite {name}")))
    }

    /// In a sentence a command may break off before its required parts; what it does say must be right.
    fn coordinator(&self, args: &[String], in_a_sentence: bool) -> Option<String> {
        let said = args.iter().take_while(|word| !is_open(word));
        let breaks_off = in_a_sentence || args.iter().any(|word| is_open(word));
        let words = std::iter::once("coordinator").chain(said.map(String::as_str));
        let error = self.coordinator.clone().try_get_matches_from(words).err()?;
        match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => None,
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            | ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
                if breaks_off =>
            {
                None
            }
            _ => {
                let message = error.to_string();
                Some(format!(
                    "`coordinator {}`: {}",
                    args.join(" "),
                    message.lines().next().unwrap_or_default()
                ))
            }
        }
    }

    /// Whether a path is there, seen from the root or from the document's folder; open ends are taken as prefixes.
    fn has(&self, document: &str, path: &str) -> bool {
        let closed = path.split(['*', '{', '<']).next().unwrap_or_default();
        let path = if closed.len() < path.len() {
            closed.rsplit_once('/').map_or("", |it| it.0)
        } else {
            path
        };
        let path = path.trim_end_matches('/');
        let folder = document.rsplit_once('/').map_or("", |it| it.0);
        let file_name = || !path.contains('/') && self.entries.iter().any(|it| it.ends_with(&format!("/{path}")));
        path.is_empty() || self.entries.contains(path) || self.entries.contains(&resolve(folder, path)) || file_name()
    }

    fn starts_at_the_root(&self, word: &str) -> bool {
        word.split_once('/')
            .is_some_and(|(first, _)| self.entries.contains(first))
    }
}

fn facts() -> Facts {
    let list = Command::new("bash")
        .args(["tests/run", "--list"])
        .current_dir(workspace_root())
        .output();
    let list = list.expect("bash can be started");
    assert!(
        list.status.success(),
        "tests/run --list fails: {}",
        String::from_utf8_lossy(&list.stderr)
    );
    let list = String::from_utf8(list.stdout).expect("the list of steps is UTF-8");
    let members = metadata().workspace_packages();
    let targets = |pick: fn(&cargo_metadata::Target) -> bool| {
        let targets = members
            .iter()
            .flat_map(|member| &member.targets)
            .filter(move |target| pick(target));
        targets.map(|target| target.name.clone()).collect()
    };
    Facts {
        entries: entries(),
        steps: list
            .lines()
            .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
            .collect(),
        packages: members.iter().map(|member| member.name.to_string()).collect(),
        binaries: targets(cargo_metadata::Target::is_bin),
        suites: targets(cargo_metadata::Target::is_test),
        coordinator: tickfleet_coordinator::cli::command(),
    }
}

#[test]
fn documents_name_what_is_there() {
    let facts = facts();
    let documents = texts(&[".md"]);
    assert_none(
        &documents
            .iter()
            .flat_map(|it| facts.violations(&it.path, &it.text))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn the_house_has_its_documents() {
    let entries = entries();
    let missing = DOCUMENTS.iter().filter(|path| !entries.contains(**path));
    assert_none(
        &missing
            .map(|path| format!("the project has no {path}"))
            .collect::<Vec<_>>(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture() -> Facts {
        let set = |list: &[&str]| list.iter().map(|it| (*it).to_owned()).collect::<BTreeSet<_>>();
        let top = clap::Arg::new("top").long("top").value_parser(clap::value_parser!(u32));
        let data = clap::Arg::new("data").long("data").required(true);
        let scan = clap::Command::new("scan").arg(top).arg(data);
        let submit = clap::Command::new("submit").subcommand_required(true).subcommand(scan);
        Facts {
            entries: set(&[
                "README.md",
                "docs",
                "docs/adr",
                "docs/adr/0001-a.md",
                "worker",
                "worker/src",
                "tests/run",
            ]),
            steps: set(&["fmt", "test"]),
            packages: set(&["tickfleet-worker"]),
            binaries: set(&["coordinator"]),
            suites: set(&["architecture"]),
            coordinator: clap::Command::new("coordinator")
                .subcommand_required(true)
                .subcommand(submit),
        }
    }

    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        assert_eq!(fixture().violations("docs/guide.md", text), expect, "{text}");
    }

    #[test]
    fn a_path_that_is_gone_is_found() {
        check(
            "`worker/src` `worker/src/` `README.md` `adr/0001-a.md` `worker/*.rs` `worker/{src,benches}`",
            &[],
        );
        check(
            "`worker/src/claim.rs`",
            &["docs/guide.md:1: `worker/src/claim.rs` is not there"],
        );
        check("`CHANGES.md`", &["docs/guide.md:1: `CHANGES.md` is not there"]);
        check("`wrk/*.rs`", &["docs/guide.md:1: `wrk/*.rs` is not there"]);
        check(
            "`text/plain` `s3://b/k` `/healthz` `DIR/ranked.parquet` `a::b` `out=x/y` `f64` `3/4`",
            &[],
        );
        check(
            "[a](adr/0001-a.md) [b](../README.md#top) [c](https://a.b/c) [d](#here)",
            &[],
        );
        check(
            "[a](adr/0002-b.md)",
            &["docs/guide.md:1: the link to adr/0002-b.md leads nowhere"],
        );
        check(
            "```text\nworker/gone.rs other/gone.rs\n```",
            &["docs/guide.md:2: worker/gone.rs is not there"],
        );
    }

    #[test]
    fn a_step_or_a_target_that_is_gone_is_found() {
        check(
            "`tests/run fmt test`, `tests/run --list`, `tests/run STEP…`, `tests/run`",
            &[],
        );
        check("`tests/run lint`", &["docs/guide.md:1: tests/run has no step lint"]);
        check("```sh\ncargo test -p tickfleet-worker --test architecture\n```", &[]);
        check(
            "`cargo test -p other`",
            &["docs/guide.md:1: the workspace has no package other"],
        );
        check(
            "`cargo test --test gone`",
            &["docs/guide.md:1: the workspace has no suite gone"],
        );
        check(
            "`cargo run --bin gone -- x`",
            &["docs/guide.md:1: the workspace has no program gone"],
        );
    }

    #[test]
    fn a_command_that_the_program_refuses_is_found() {
        check(
            "`coordinator submit`, `coordinator submit scan --top 5`, `coordinator submit …`",
            &[],
        );
        check(
            "```sh\ncargo run --release -- submit scan --data d --top 5 | head\n```",
            &[],
        );
        for (text, part) in [
            ("`coordinator submit scam`", "unrecognized subcommand 'scam'"),
            ("`coordinator submit scan --tip 5`", "unexpected argument '--tip'"),
            ("`coordinator submit scan --top many`", "invalid value 'many'"),
            ("```sh\ncoordinator submit scan\n```", "required arguments"),
            ("```sh\ncargo run -- submit scan --data 'd\n```", "don't close"),
        ] {
            let found = fixture().violations("docs/guide.md", text);
            assert!(found.len() == 1 && found[0].contains(part), "{text}: {found:?}");
        }
    }
}
