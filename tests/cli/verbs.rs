//! The verbs of an operator where no cluster answers: status 3, and a message that names the address and what mends it.

use std::thread;

use tickfleet_tests::program::{assert_error, coordinator};

/// An address where nothing listens: the port is reserved and needs a privilege.
const NOBODY: &str = "http://127.0.0.1:1";

const VERBS: [&str; 14] = [
    "list",
    "get latest",
    "watch latest",
    "results latest",
    "cancel latest",
    "retry latest --job map/1",
    "logs latest --follow",
    "workers",
    "drain --all --wait",
    "dlq list",
    "dlq show latest map/1",
    "dlq drop latest --yes",
    "status",
    "doctor --repair",
];

#[test]
fn without_a_cluster_every_verb_ends_with_3() {
    // Each tries for a while, so they try side by side.
    thread::scope(|scope| {
        for verb in VERBS {
            scope.spawn(move || {
                let outcome = coordinator(verb.split(' ')).env("TICKFLEET_COORDINATOR", NOBODY).run();
                assert_error(&outcome, 3, &[NOBODY, "coordinator serve", "--coordinator"]);
            });
        }
    });
}

#[test]
fn a_flag_is_stronger_than_the_environment_and_redis_is_taken_where_it_is_named() {
    let check = |line: &str, variable: (&str, &str), needle: &str| {
        let outcome = coordinator(line.split(' ')).env(variable.0, variable.1).run();
        assert_error(&outcome, 3, &[needle]);
    };
    check(
        "list --coordinator http://127.0.0.1:2",
        ("TICKFLEET_COORDINATOR", NOBODY),
        "127.0.0.1:2",
    );
    check(
        "list",
        ("TICKFLEET_REDIS", "redis://:secret@127.0.0.1:1"),
        "redis://:***@127.0.0.1:1",
    );
    check(
        "list --coordinator http://127.0.0.1:1",
        ("TICKFLEET_REDIS", "redis://127.0.0.1:2"),
        NOBODY,
    );
}

#[test]
fn programs_get_the_failure_as_their_last_line() {
    let outcome = coordinator(["status", "--json", "--coordinator", NOBODY]).run();
    assert_eq!(outcome.status, Some(3), "{outcome:#?}");
    let error: serde_json::Value = serde_json::from_str(outcome.stdout.lines().last().unwrap_or_default()).unwrap();
    assert_eq!(error["event"], "error", "{outcome:#?}");
    assert_eq!(error["status"], "unreachable", "{outcome:#?}");
}

#[test]
fn bad_lines_end_with_2_before_anything_is_reached() {
    let cases: [(&str, &[&str]); 7] = [
        ("drain", &["<WORKER|--all>"]),
        ("drain a --all", &["cannot be used with"]),
        ("drain a --off --wait", &["cannot be used with"]),
        ("dlq show latest maps/1", &["maps/1", "map/17"]),
        ("list --state runing", &["a similar value exists: 'running'"]),
        ("list --limit 0", &["1..=10000"]),
        ("get", &["<RUN>"]),
    ];
    for (line, needles) in cases {
        let outcome = coordinator(line.split(' ')).env("TICKFLEET_COORDINATOR", NOBODY).run();
        assert_error(&outcome, 2, needles);
    }
}
