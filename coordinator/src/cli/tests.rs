//! The command line as it is parsed, and what its help says.

use clap::{CommandFactory, Parser};

use super::{Cli, suggest};
use tickfleet_runtime::settings::registry;

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn good_lines_are_parsed() {
    let lines = [
        "submit scan --sample --json --dry-run --quiet --out x/",
        "submit scan --bars b --symbols A,B --symbols C --allow-leveraged --top 5",
        "submit scan --bars b --allow-leveraged=false --min-price -5 --config t.toml",
        "config --json --profile balanced",
        "completions zsh",
        "data sample demo",
        "list --state running --limit 5 --json",
        "get latest --redis redis://h:1 --redis-prefix x",
        "watch 018bcfe5 --from-start --coordinator http://h:1",
        "results latest --out x/ --quiet --store s",
        "cancel latest",
        "retry latest --job map/1 --job 2",
        "logs latest -f --level debug",
        "workers --json",
        "drain a --wait --timeout 5",
        "drain --all --off",
        "dlq list",
        "dlq show latest reduce/0",
        "dlq replay latest map/1 2",
        "dlq drop latest -y",
        "status --log warn --log-format json",
        "doctor latest 018b --repair",
    ];
    for line in lines {
        Cli::try_parse_from(std::iter::once("coordinator").chain(line.split(' ')))
            .unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}

#[test]
fn bad_lines_end_with_status_2_and_a_hint() {
    let cases = [
        ("submit scan --min-prise 5", "a similar argument exists: '--min-price'"),
        ("submit scn", "a similar subcommand exists: 'scan'"),
        ("submit scan --side lng", "a similar value exists: 'long'"),
        ("submit scan --top", "a value is required for '--top <N>'"),
        ("submit scan --top 1 --top 2", "cannot be used multiple times"),
        ("submit", "Usage: coordinator submit <COMMAND>"),
        ("completions", "<SHELL>"),
        ("lits", "a similar subcommand exists: 'list'"),
        ("get", "<RUN>"),
        ("retry latest --job maps/1", "expected STAGE/INDEX"),
        ("drain", "<WORKER|--all>"),
        ("drain a --off --wait", "cannot be used with"),
    ];
    for (line, expect) in cases {
        let error = Cli::try_parse_from(std::iter::once("coordinator").chain(line.split(' '))).expect_err(line);
        assert_eq!(error.exit_code(), 2, "{line}");
        let text = error.to_string();
        assert!(text.contains(expect), "{line}: {text}");
    }
}

/// Settings of `serve` and of the worker program.
const ELSEWHERE: [&str; 11] = [
    "name",
    "kinds",
    "lease_ms",
    "job_max_s",
    "job_memory",
    "health",
    "polygon_url",
    "polygon_rate",
    "inline_result",
    "listen",
    "http",
];

#[test]
fn a_scan_takes_what_it_heeds_and_no_more() {
    let mut command = Cli::command();
    let submit = command.find_subcommand_mut("submit").expect("submit");
    let help = submit
        .find_subcommand_mut("scan")
        .expect("scan")
        .render_help()
        .to_string();
    for setting in registry::ALL {
        let shown =
            help.contains(&format!("      {} ", setting.flag())) || help.contains(&format!("{}[=", setting.flag()));
        let expect = !ELSEWHERE.contains(&setting.key);
        assert_eq!(shown, expect, "{}", setting.flag());
    }
    for heading in [
        "Input:",
        "Dates:",
        "Universe:",
        "Data quality:",
        "Ranking:",
        "Trade plan:",
        "Output:",
        "Machine:",
        "EXAMPLES",
    ] {
        assert!(help.contains(heading), "{heading}");
    }
}

/// The commands without further ones below them, with their paths.
fn leaves(command: &clap::Command, path: &str) -> Vec<(String, clap::Command)> {
    if !command.has_subcommands() {
        return vec![(path.to_owned(), command.clone())];
    }
    let below = command.get_subcommands();
    below
        .flat_map(|command| leaves(command, &format!("{path} {}", command.get_name())))
        .collect()
}

#[test]
fn every_verb_has_help_with_examples() {
    for (path, mut command) in leaves(&Cli::command(), "coordinator") {
        let help = command.render_help().to_string();
        assert!(help.contains("EXAMPLES"), "{path}");
        for line in help.lines() {
            assert!(line.len() <= 100, "{path}: {line}");
        }
    }
}

#[test]
fn verbs_on_a_cluster_say_which_and_take_no_other_setting() {
    let elsewhere = ["submit", "serve", "cache", "data", "bench", "config", "completions"];
    for (path, mut command) in leaves(&Cli::command(), "coordinator") {
        let verb = path.split(' ').nth(1).unwrap_or_default();
        if elsewhere.contains(&verb) {
            continue;
        }
        let help = command.render_help().to_string();
        for flag in [
            "--coordinator",
            "--redis",
            "--redis-prefix",
            "--log",
            "--log-format",
            "--config",
            "--json",
        ] {
            assert!(help.contains(&format!("{flag} ")), "{path} lacks {flag}");
        }
        for other in ["--lanes", "--listen", "--bars", "--lease-ms"] {
            assert!(!help.contains(&format!("{other} ")), "{path} takes {other}");
        }
        assert!(help.contains("EXIT STATUS"), "{path}");
    }
}

#[test]
fn an_unknown_flag_is_told_the_nearest() {
    let check = |line: &str, expect: Option<&str>| {
        let args = || line.split(' ').map(Into::into);
        let error = Cli::try_parse_from(std::iter::once("coordinator".into()).chain(args())).unwrap_err();
        let text = suggest::flag(error, args()).to_string();
        let meant = text.split("a similar argument exists: '").nth(1);
        assert_eq!(meant.and_then(|rest| rest.split('\'').next()), expect, "{line}: {text}");
    };
    check("submit scan --tpo 3", Some("--top"));
    check("submit scan --otu x", Some("--out"));
    check("submit scan --xyzzy", None);
    check("submit scan --model m.onnx --xyzzy", None);
}
