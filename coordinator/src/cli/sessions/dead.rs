//! `dlq` and `retry`.

use tickfleet_protocol::state::RunState;

use super::Session;
use super::fake::{Fake, letter, run};
use crate::ops::job::JobName;

/// A failed run with two letters, a cancelled one without, a running one with one.
fn fake() -> Fake {
    let mut running = run(12, RunState::Running);
    running.stages[0].failed = 1;
    let runs = vec![run(600, RunState::Failed), run(60, RunState::Cancelled), running];
    let dead = vec![letter(&runs[0], 17), letter(&runs[0], 120), letter(&runs[2], 3)];
    Fake {
        runs,
        dead,
        ..Fake::default()
    }
}

#[tokio::test]
async fn letters_are_listed_the_newest_run_first() {
    let mut session = Session::new();
    session.line(&fake(), "dlq list").await;
    session.line(&fake(), "dlq list --limit 2").await;
    session.line(&fake(), "dlq list 018bcfe4").await;
    session.line(&fake(), "dlq list latest --json").await;
    session.narrow(60, &fake(), "dlq list").await;
    session.narrow(5, &fake(), "dlq list latest").await;
    session.expect(
        r#"
$ dlq list
run            job      cause               attempts  kills     age  worker       reason
018bcfe5-3920  map/3    attempts_exhausted         5      1    6.0s  host-1:4711  reading bars.parquet: row group 3
018bcfdc-4040  map/17   attempts_exhausted         5      1  9m 54s  host-1:4711  reading bars.parquet: row group 3
018bcfdc-4040  map/120  attempts_exhausted         5      1  9m 54s  host-1:4711  reading bars.parquet: row group 3
= 0

$ dlq list --limit 2
run            job     cause               attempts  kills     age  worker       reason
018bcfe5-3920  map/3   attempts_exhausted         5      1    6.0s  host-1:4711  reading bars.parquet: row group 3
018bcfdc-4040  map/17  attempts_exhausted         5      1  9m 54s  host-1:4711  reading bars.parquet: row group 3
| and more; --limit shows more
= 0

$ dlq list 018bcfe4
| no dead letters
= 0

$ dlq list latest --json
{"run":"018bcfe5-3920-7c0c-8c0c-0c0c0c0c0c0c","job":"map/3","stage":0,"index":3,"cause":"attempts_exhausted","reason":"reading bars.parquet: row group 3\npermission denied","worker":"host-1:4711","attempts":5,"kills":1,"at_ms":1699999994000}
= 0

$ dlq list
run            job      reason
018bcfe5-3920  map/3    reading bars.parquet: row group 3
018bcfdc-4040  map/17   reading bars.parquet: row group 3
018bcfdc-4040  map/120  reading bars.parquet: row group 3
= 0

$ dlq list latest
job
map/3
= 0
"#,
    );
}

#[tokio::test]
async fn a_letter_is_shown_with_its_whole_reason() {
    let mut session = Session::new();
    session.narrow(60, &fake(), "dlq show 018bcfdc 17").await;
    session.line(&fake(), "dlq show 018bcfdc map/120 --json").await;
    session.line(&fake(), "dlq show 018bcfdc reduce/17").await;
    session
        .line(&fake(), "dlq show 018bcfdc 018bcfe5-3920-7c0c-8c0c-0c0c0c0c0c0c/0/17")
        .await;
    session.line(&fake(), "dlq show 018bcfe4 3").await;
    session.expect(
        r#"
$ dlq show 018bcfdc 17
run       018bcfdc-4040-7858-9858-585858585858
job       map/17
cause     attempts_exhausted: it failed as often as the run
          allows
attempts  5
kills     1
worker    host-1:4711
given up  9m 54s ago (2023-11-14 22:03:26.000 UTC)
reason    reading bars.parquet: row group 3
          permission denied
= 0

$ dlq show 018bcfdc map/120 --json
{"run":"018bcfdc-4040-7858-9858-585858585858","job":"map/120","stage":0,"index":120,"cause":"attempts_exhausted","reason":"reading bars.parquet: row group 3\npermission denied","worker":"host-1:4711","attempts":5,"kills":1,"at_ms":1699999406000}
= 0

$ dlq show 018bcfdc reduce/17
| error: job reduce/17 has no dead letter
|    why: those with one: map/17, map/120
= 2

$ dlq show 018bcfdc 018bcfe5-3920-7c0c-8c0c-0c0c0c0c0c0c/0/17
| error: job 018bcfe5-3920-7c0c-8c0c-0c0c0c0c0c0c/map/17 has no dead letter
|    why: those with one: map/17, map/120
= 2

$ dlq show 018bcfe4 3
| error: job 3 has no dead letter
|    why: the run has none
|   help: coordinator dlq list lists those of all runs
= 2
"#,
    );
}

#[tokio::test]
async fn dead_jobs_are_made_ready_again() {
    let mut session = Session::new();
    session.line(&fake(), "dlq replay 018bcfdc").await;
    session.line(&fake(), "dlq replay 018bcfdc map/17 --json").await;
    session
        .line(&fake(), "retry 018bcfdc --job 120 --job map/17 --job 0/17")
        .await;
    session.line(&fake(), "retry 018bcfdc --job 17 --job 18").await;
    session.expect(
        r#"
$ dlq replay 018bcfdc
run 018bcfdc-4040-7858-9858-585858585858: 2 dead jobs made ready again
| coordinator watch 018bcfdc-4040-7858-9858-585858585858 follows it
> retry 018bcfdc-4040-7858-9858-585858585858 all
= 0

$ dlq replay 018bcfdc map/17 --json
{"run":"018bcfdc-4040-7858-9858-585858585858","replayed":1}
> retry 018bcfdc-4040-7858-9858-585858585858 17
= 0

$ retry 018bcfdc --job 120 --job map/17 --job 0/17
run 018bcfdc-4040-7858-9858-585858585858: 2 dead jobs made ready again
| coordinator watch 018bcfdc-4040-7858-9858-585858585858 follows it
> retry 018bcfdc-4040-7858-9858-585858585858 17 120
= 0

$ retry 018bcfdc --job 17 --job 18
| error: job 18 has no dead letter
|    why: those with one: map/17, map/120
= 2
"#,
    );
}

#[tokio::test]
async fn what_cannot_run_again_is_said() {
    let mut dropped = fake();
    dropped.dead.clear();
    let mut over = fake();
    over.runs[2].state = RunState::Cancelled;
    let mut session = Session::new();
    session.line(&fake(), "retry 018bcfe4").await;
    session.line(&dropped, "retry 018bcfdc").await;
    session.line(&dropped, "retry latest --json").await;
    session.line(&over, "retry latest").await;
    session.expect(
        r#"
$ retry 018bcfe4
run 018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c: no dead letters
= 0

$ retry 018bcfdc
| error: run 018bcfdc-4040-7858-9858-585858585858 failed and has no dead letters left
|    why: they were dropped
|   help: submit it again: what it has computed is known and not computed again
= 1

$ retry latest --json
{"run":"018bcfe5-3920-7c0c-8c0c-0c0c0c0c0c0c","replayed":0}
= 0

$ retry latest
| error: run 018bcfe5-3920-7c0c-8c0c-0c0c0c0c0c0c is over: its dead jobs can't run again
|    why: it is cancelled
|   help: submit it again: what it has computed is known and not computed again
= 1
"#,
    );
}

#[tokio::test]
async fn letters_are_dropped_with_consent() {
    let mut session = Session::new();
    session.line(&fake(), "dlq drop 018bcfdc --yes").await;
    session.line(&fake(), "dlq drop 018bcfdc map/17 --yes --json").await;
    session.line(&fake(), "dlq drop 018bcfdc reduce/1 --yes").await;
    session.line(&fake(), "dlq drop 018bcfe4").await;
    session.expect(
        r#"
$ dlq drop 018bcfdc --yes
run 018bcfdc-4040-7858-9858-585858585858: 2 dead letters dropped
> drop 018bcfdc-4040-7858-9858-585858585858 all
= 0

$ dlq drop 018bcfdc map/17 --yes --json
{"run":"018bcfdc-4040-7858-9858-585858585858","dropped":1}
> drop 018bcfdc-4040-7858-9858-585858585858 17
= 0

$ dlq drop 018bcfdc reduce/1 --yes
| error: job reduce/1 has no dead letter
|    why: those with one: map/17, map/120
= 2

$ dlq drop 018bcfe4
run 018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c: no dead letters
= 0
"#,
    );
}

#[test]
fn jobs_have_a_stage_or_none() {
    let check = |text: &str, expect: Option<&str>| {
        let name = text.parse::<JobName>().ok().map(|name| name.to_string());
        assert_eq!(name.as_deref(), expect, "{text}");
    };
    check("map/17", Some("map/17"));
    check("0/17", Some("map/17"));
    check("reduce/0", Some("reduce/0"));
    check("7/3", Some("7/3"));
    check("17", Some("17"));
    let whole = "018bcfdc-4040-7858-9858-585858585858";
    check(&format!("{whole}/0/17"), Some(&format!("{whole}/map/17")));
    let none = [
        "",
        "map",
        "map/",
        "/1",
        "maps/1",
        "map/-1",
        "+1",
        "map/1/2",
        "70000/1",
        "map/99999999999999999999",
    ];
    none.iter().for_each(|text| check(text, None));
}
