//! `list`, `get`, `cancel`, `logs`, and the names of runs.

use tickfleet_protocol::ids::StageIndex;
use tickfleet_protocol::state::{DeadCause, Progress, ProgressKind, RunState, RunSummary};

use super::Session;
use super::fake::{Fake, event, job, letter, run};

/// Three runs, the oldest first; the failed one has a letter.
fn three() -> Fake {
    let mut fake = Fake::of(vec![
        run(7_205, RunState::Succeeded),
        run(60, RunState::Failed),
        run(12, RunState::Running),
    ]);
    fake.dead = vec![letter(&fake.runs[1], 17)];
    fake
}

#[tokio::test]
async fn runs_are_listed_the_newest_first() {
    let mut session = Session::new();
    session.line(&three(), "list").await;
    session.line(&three(), "list --state failed").await;
    session.line(&three(), "list --state cancelled").await;
    session.line(&three(), "list --limit 2").await;
    session.line(&Fake::default(), "list").await;
    session.narrow(32, &three(), "list").await;
    session.narrow(5, &three(), "list").await;
    session.expect(
        r#"
$ list
run            state      stage      done  failed     age  took  kind
018bcfe5-3920  running    map     120/529       0     12s   12s  scan/1
018bcfe4-7da0  failed     map     120/529       2  1m 00s  6.8s  scan/1
018bcf77-7778  succeeded  reduce  529/529       0  2h 00m  6.8s  scan/1
= 0

$ list --state failed
run            state   stage     done  failed     age  took  kind
018bcfe4-7da0  failed  map    120/529       2  1m 00s  6.8s  scan/1
= 0

$ list --state cancelled
| no run is cancelled
= 0

$ list --limit 2
run            state    stage     done  failed     age  took  kind
018bcfe5-3920  running  map    120/529       0     12s   12s  scan/1
018bcfe4-7da0  failed   map    120/529       2  1m 00s  6.8s  scan/1
| and 1 more run; --limit shows more
= 0

$ list
| no run is kept; a run is kept for a day after its end
= 0

$ list
run            state
018bcfe5-3920  running
018bcfe4-7da0  failed
018bcf77-7778  succeeded
= 0

$ list
run
018b…
018b…
018b…
= 0
"#,
    );
}

#[tokio::test]
async fn programs_get_a_run_a_line() {
    let mut session = Session::new();
    session.line(&three(), "list --limit 2 --json").await;
    session.line(&three(), "list --state cancelled --json").await;
    session.line(&three(), "get 018bcfe4 --json").await;
    session.expect(
        r#"
$ list --limit 2 --json
{"run":"018bcfe5-3920-7c0c-8c0c-0c0c0c0c0c0c","state":"running","kind":"scan/1","key":"nightly","stage":0,"stage_name":"map","done":120,"total":529,"failed":0,"weight":10,"submitted_at_ms":1699999988000,"ended_at_ms":null,"deadline_ms":null}
{"run":"018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c","state":"failed","kind":"scan/1","key":"nightly","stage":0,"stage_name":"map","done":120,"total":529,"failed":2,"weight":10,"submitted_at_ms":1699999940000,"ended_at_ms":1699999946800,"deadline_ms":null}
= 0

$ list --state cancelled --json
= 0

$ get 018bcfe4 --json
{"run":"018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c","state":"failed","kind":"scan/1","key":"nightly","stage":0,"stage_name":"map","done":120,"total":529,"failed":2,"weight":10,"submitted_at_ms":1699999940000,"ended_at_ms":1699999946800,"deadline_ms":null,"digest":"e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1","trace":null,"dead_letters":1,"jobs_per_second":17.647058823529413,"stages":[{"stage":0,"stage_name":"map","total":528,"fed":122,"done":120,"failed":2},{"stage":1,"stage_name":"reduce","total":1,"fed":0,"done":0,"failed":0}]}
= 0
"#,
    );
}

#[tokio::test]
async fn one_run_is_shown_in_full() {
    let mut session = Session::new();
    session.line(&three(), "get 018bcfe4").await;
    session.narrow(30, &three(), "get latest").await;
    session.expect(
        r#"
$ get 018bcfe4
run        018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c
state      failed
kind       scan/1
key        nightly
weight     10
submitted  1m 00s ago (2023-11-14 22:12:20.000 UTC)
ended      53s ago (2023-11-14 22:12:26.800 UTC)
took       6.8s
rate       17.6/s
dead       1 letter

stage   jobs  fed  done  failed
map      528  122   120       2
reduce     1    0     0       0
| coordinator dlq list 018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c lists its dead letters
= 0

$ get latest
run        018bcfe5-3920-7c0c-
           8c0c-0c0c0c0c0c0c
state      running
kind       scan/1
key        nightly
weight     10
submitted  12s ago (2023-11-14
           22:13:08.000 UTC)
took       12s
rate       10.0/s
dead       0 letters

stage   jobs  done  failed
map      528   120       0
reduce     1     0       0
= 0
"#,
    );
}

#[tokio::test]
async fn a_run_is_named_by_its_id_or_the_beginning_of_one() {
    let whole = three().runs[0].run.to_string();
    let mut session = Session::new();
    session
        .line(&three(), &format!("cancel {}", whole.to_uppercase()))
        .await;
    session.line(&three(), "cancel 018BCFE4-7").await;
    session.line(&three(), "cancel latest").await;
    session.line(&three(), "cancel latest --json").await;
    session.expect(
        r#"
$ cancel 018BCF77-7778-7525-A525-252525252525
run 018bcf77-7778-7525-a525-252525252525: succeeded already, nothing to cancel
> cancel 018bcf77-7778-7525-a525-252525252525
= 0

$ cancel 018BCFE4-7
run 018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c: failed already, nothing to cancel
> cancel 018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c
= 0

$ cancel latest
run 018bcfe5-3920-7c0c-8c0c-0c0c0c0c0c0c: cancelled
> cancel 018bcfe5-3920-7c0c-8c0c-0c0c0c0c0c0c
= 0

$ cancel latest --json
{"run":"018bcfe5-3920-7c0c-8c0c-0c0c0c0c0c0c","cancelled":true}
> cancel 018bcfe5-3920-7c0c-8c0c-0c0c0c0c0c0c
= 0
"#,
    );
}

#[tokio::test]
async fn a_name_that_fits_none_or_several_is_refused_with_candidates() {
    let mut session = Session::new();
    let mut many = three();
    many.runs
        .extend((0..9).rev().map(|seconds| run(seconds, RunState::Running)));
    session.line(&three(), "cancel 018bcf").await;
    session.line(&many, "get nightly --json").await;
    session.line(&three(), "get 018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3d").await;
    session.line(&three(), "get ").await;
    session.line(&Fake::default(), "get latest").await;
    session.expect(
        r#"
$ cancel 018bcf
| error: `018bcf` may be any of 3 runs
|    why: they are:
|         018bcfe5-3920-7c0c-8c0c-0c0c0c0c0c0c running, submitted 12s ago
|         018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c failed, submitted 1m 00s ago
|         018bcf77-7778-7525-a525-252525252525 succeeded, submitted 2h 00m ago
|   help: say more of its id
= 2

$ get nightly --json
{"event":"error","status":"bad_input","what":"there is no run `nightly`","places":[],"why":["the newest runs:\n018bcfe5-6800-7000-8000-000000000000 running, submitted now\n018bcfe5-6418-7101-8101-010101010101 running, submitted 1.0s ago\n018bcfe5-6030-7202-8202-020202020202 running, submitted 2.0s ago\n018bcfe5-5c48-7303-8303-030303030303 running, submitted 3.0s ago\n018bcfe5-5860-7404-8404-040404040404 running, submitted 4.0s ago\nand 7 more"],"help":["coordinator list; a run is kept for a day after its end"]}
| error: there is no run `nightly`
|    why: the newest runs:
|         018bcfe5-6800-7000-8000-000000000000 running, submitted now
|         018bcfe5-6418-7101-8101-010101010101 running, submitted 1.0s ago
|         018bcfe5-6030-7202-8202-020202020202 running, submitted 2.0s ago
|         018bcfe5-5c48-7303-8303-030303030303 running, submitted 3.0s ago
|         018bcfe5-5860-7404-8404-040404040404 running, submitted 4.0s ago
|         and 7 more
|   help: coordinator list; a run is kept for a day after its end
= 2

$ get 018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3d
| error: there is no run `018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3d`
|    why: the newest runs:
|         018bcfe5-3920-7c0c-8c0c-0c0c0c0c0c0c running, submitted 12s ago
|         018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c failed, submitted 1m 00s ago
|         018bcf77-7778-7525-a525-252525252525 succeeded, submitted 2h 00m ago
|   help: coordinator list; a run is kept for a day after its end
= 2

$ get
| error: there is no run ``
|    why: the newest runs:
|         018bcfe5-3920-7c0c-8c0c-0c0c0c0c0c0c running, submitted 12s ago
|         018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c failed, submitted 1m 00s ago
|         018bcf77-7778-7525-a525-252525252525 succeeded, submitted 2h 00m ago
|   help: coordinator list; a run is kept for a day after its end
= 2

$ get latest
| error: there is no run `latest`
|    why: no run is kept; a run is kept for a day after its end
|   help: coordinator submit scan --help says how to submit one
= 2
"#,
    );
}

/// A run that fails.
fn history(run: &RunSummary) -> Vec<Progress> {
    let (job, stage) = (job(run, 17), StageIndex(0));
    let reason = "reading bars.parquet\npermission \u{1b}[2Jdenied".to_owned();
    let retried = ProgressKind::Retried {
        job,
        attempts: 1,
        retry_at: run.submitted_at.plus_ms(1_500),
        reason,
    };
    let given_up = ProgressKind::DeadLettered {
        job,
        cause: DeadCause::NotRetryable,
        reason: "bars.parquet changed".to_owned(),
    };
    let state = RunState::Failed;
    vec![
        event(run, 0, 0, ProgressKind::Submitted),
        event(run, 0, 0, ProgressKind::StageOpened { stage, jobs: 528 }),
        event(run, 900, 12, ProgressKind::Committed { stage, jobs: 12 }),
        event(run, 1_000, 12, retried),
        event(run, 2_000, 12, ProgressKind::LeaseExpired { job, kills: 1 }),
        event(run, 3_000, 12, given_up),
        event(run, 6_000, 12, ProgressKind::Replayed { jobs: 1 }),
        event(run, 6_800, 120, ProgressKind::Ended { state }),
    ]
}

#[tokio::test]
async fn a_history_is_told_by_level() {
    let mut fake = Fake::of(vec![run(60, RunState::Failed)]);
    fake.events = history(&fake.runs[0]);
    let mut session = Session::new();
    session.line(&fake, "logs latest --level debug").await;
    session.line(&fake, "logs latest").await;
    session.line(&fake, "logs latest --level error --follow").await;
    session.line(&fake, "logs latest --level warn --json").await;
    session.expect(
        r#"
$ logs latest --level debug
2023-11-14 22:12:20.000  info   submitted, 529 jobs
2023-11-14 22:12:20.000  info   stage map opened, 528 jobs
2023-11-14 22:12:20.900  debug  12 jobs of map done, 12/529 in all
2023-11-14 22:12:21.000  warn   map/17 failed at attempt 1, again in 500ms: reading bars.parquet; permission �[2Jdenied
2023-11-14 22:12:22.000  warn   map/17 lost its worker, 1 worker so far: it runs again
2023-11-14 22:12:23.000  error  map/17 given up, not_retryable: bars.parquet changed
2023-11-14 22:12:26.000  info   1 dead job made ready again
2023-11-14 22:12:26.800  error  the run has ended: failed
= 0

$ logs latest
2023-11-14 22:12:20.000  info   submitted, 529 jobs
2023-11-14 22:12:20.000  info   stage map opened, 528 jobs
2023-11-14 22:12:21.000  warn   map/17 failed at attempt 1, again in 500ms: reading bars.parquet; permission �[2Jdenied
2023-11-14 22:12:22.000  warn   map/17 lost its worker, 1 worker so far: it runs again
2023-11-14 22:12:23.000  error  map/17 given up, not_retryable: bars.parquet changed
2023-11-14 22:12:26.000  info   1 dead job made ready again
2023-11-14 22:12:26.800  error  the run has ended: failed
= 0

$ logs latest --level error --follow
2023-11-14 22:12:23.000  error  map/17 given up, not_retryable: bars.parquet changed
2023-11-14 22:12:26.800  error  the run has ended: failed
= 0

$ logs latest --level warn --json
{"run":"018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c","id":4,"level":"warn","at_ms":1699999941000,"counts":{"total":529,"done":12,"failed":0},"what":"retried","job":"018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c/0/17","attempts":1,"retry_at":1699999941500,"reason":"reading bars.parquet\npermission \u001b[2Jdenied"}
{"run":"018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c","id":5,"level":"warn","at_ms":1699999942000,"counts":{"total":529,"done":12,"failed":0},"what":"lease_expired","job":"018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c/0/17","kills":1}
{"run":"018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c","id":6,"level":"error","at_ms":1699999943000,"counts":{"total":529,"done":12,"failed":0},"what":"dead_lettered","job":"018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c/0/17","cause":"not_retryable","reason":"bars.parquet changed"}
{"run":"018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c","id":8,"level":"error","at_ms":1699999946800,"counts":{"total":529,"done":120,"failed":0},"what":"ended","state":"failed"}
= 0
"#,
    );
}

#[tokio::test]
async fn the_history_of_a_running_run_ends_with_what_had_happened() {
    let mut quiet = Fake::of(vec![run(60, RunState::Running)]);
    quiet.events = history(&quiet.runs[0]);
    quiet.events.pop();
    let mut busy = Fake::of(vec![run(60, RunState::Running)]);
    busy.first_event = 400;
    busy.events = (118..124)
        .map(|done| {
            let stage = StageIndex(0);
            event(&busy.runs[0], done, done, ProgressKind::Committed { stage, jobs: 1 })
        })
        .collect();
    let mut session = Session::new();
    session.line(&quiet, "logs latest --level error").await;
    session.line(&busy, "logs latest --level debug").await;
    session.expect(
        r#"
$ logs latest --level error
2023-11-14 22:12:23.000  error  map/17 given up, not_retryable: bars.parquet changed
= 0

$ logs latest --level debug
2023-11-14 22:12:20.118  debug  1 job of map done, 118/529 in all
2023-11-14 22:12:20.119  debug  1 job of map done, 119/529 in all
2023-11-14 22:12:20.120  debug  1 job of map done, 120/529 in all
| 399 older events are no longer kept
= 0
"#,
    );
}
