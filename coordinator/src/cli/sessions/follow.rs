//! `watch` and `results`.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray};
use tickfleet_kernels::scan::provisional::ProvisionalRow;
use tickfleet_kernels::scan::score::Signal;
use tickfleet_proto::convert::FirstRejects;
use tickfleet_protocol::ids::StageIndex;
use tickfleet_protocol::state::{Progress, ProgressKind, RunState, RunSummary};

use super::Session;
use super::fake::{Fake, event, letter, run};
use crate::cluster::{DayTables, Head, Part, ProvisionalDay};

/// What a run told, over an hour and a half, so that no line hangs on a test's own time.
fn events(run: &RunSummary) -> Vec<Progress> {
    let committed = |stage, jobs| ProgressKind::Committed {
        stage: StageIndex(stage),
        jobs,
    };
    let opened = |stage, jobs| ProgressKind::StageOpened {
        stage: StageIndex(stage),
        jobs,
    };
    let mut events = vec![
        event(run, 0, 0, ProgressKind::Submitted),
        event(run, 0, 0, opened(0, 528)),
        event(run, 1_210_000, 120, committed(0, 120)),
    ];
    if run.state == RunState::Succeeded {
        events.extend([
            event(run, 5_290_000, 528, committed(0, 408)),
            event(run, 5_290_000, 528, opened(1, 1)),
            event(run, 5_399_000, 529, committed(1, 1)),
        ]);
    }
    let done = run.counts().done;
    events.push(event(run, 5_400_000, done, ProgressKind::Ended { state: run.state }));
    events
}

fn ended(state: RunState) -> Fake {
    let mut run = run(7_205, state);
    run.ended_at = Some(run.submitted_at.plus_ms(5_400_000));
    let mut fake = Fake::of(vec![run]);
    fake.events = events(&fake.runs[0]);
    fake
}

#[tokio::test]
async fn a_watch_ends_as_its_run() {
    let mut failed = ended(RunState::Failed);
    failed.dead = (0..5).map(|index| letter(&failed.runs[0], index)).collect();
    let mut session = Session::new();
    session.line(&ended(RunState::Succeeded), "watch latest").await;
    session.line(&failed, "watch 018bcf77").await;
    session.line(&ended(RunState::Cancelled), "watch latest --json").await;
    session.line(&Fake::default(), "watch latest").await;
    session.expect(
        r#"
$ watch latest
run 018bcf77-7778-7525-a525-252525252525: succeeded, 529 jobs in 1h 30m
| run 018bcf77-7778-7525-a525-252525252525; Ctrl-C leaves it running
| map 120/528 22%, 0.1/s, 0 lanes, 1h 08m left
| map 528/528 100%, 0.1/s, 0 lanes, took 1h 28m
| reduce 1/1 100%, 0.0/s, 0 lanes, took 1m 49s
| coordinator results 018bcf77-7778-7525-a525-252525252525 gives its tables
= 0

$ watch 018bcf77
| run 018bcf77-7778-7525-a525-252525252525; Ctrl-C leaves it running
| map 120/528 22%, 0.1/s, 0 lanes, 1h 08m left
| map 120/528 22%, 0.0/s, 0 lanes, 5h 06m left
| error: the run failed
|     at: run 018bcf77-7778-7525-a525-252525252525
|    why: map/0: reading bars.parquet: row group 3
|         permission denied
|    why: map/1: reading bars.parquet: row group 3
|         permission denied
|    why: map/2: reading bars.parquet: row group 3
|         permission denied
|    why: and 2 more jobs
|   help: coordinator dlq list 018bcf77-7778-7525-a525-252525252525 lists its dead letters
|   help: coordinator retry 018bcf77-7778-7525-a525-252525252525 computes them again, once their cause is mended
= 1

$ watch latest --json
{"event":"progress","run":"018bcf77-7778-7525-a525-252525252525","at_ms":1699998195000,"counts":{"total":529,"done":120,"failed":0},"what":"ended","state":"cancelled"}
{"event":"error","status":"failed","what":"the run was cancelled","places":[{"named":"run 018bcf77-7778-7525-a525-252525252525"}],"why":[],"help":["submit it again: what it has computed is known and not computed again"]}
| error: the run was cancelled
|     at: run 018bcf77-7778-7525-a525-252525252525
|   help: submit it again: what it has computed is known and not computed again
= 1

$ watch latest
| error: there is no run `latest`
|    why: no run is kept; a run is kept for a day after its end
|   help: coordinator submit scan --help says how to submit one
= 2
"#,
    );
}

#[tokio::test]
async fn programs_get_what_comes_or_all_of_it() {
    let mut session = Session::new();
    session.line(&ended(RunState::Succeeded), "watch latest --json").await;
    session
        .line(&ended(RunState::Succeeded), "watch latest --from-start --json")
        .await;
    session.expect(
        r#"
$ watch latest --json
{"event":"progress","run":"018bcf77-7778-7525-a525-252525252525","at_ms":1699998195000,"counts":{"total":529,"done":529,"failed":0},"what":"ended","state":"succeeded"}
= 0

$ watch latest --from-start --json
{"event":"progress","run":"018bcf77-7778-7525-a525-252525252525","at_ms":1699992795000,"counts":{"total":529,"done":0,"failed":0},"what":"submitted"}
{"event":"progress","run":"018bcf77-7778-7525-a525-252525252525","at_ms":1699992795000,"counts":{"total":529,"done":0,"failed":0},"what":"stage_opened","stage":0,"jobs":528}
{"event":"progress","run":"018bcf77-7778-7525-a525-252525252525","at_ms":1699994005000,"counts":{"total":529,"done":120,"failed":0},"what":"committed","stage":0,"jobs":120}
{"event":"progress","run":"018bcf77-7778-7525-a525-252525252525","at_ms":1699998085000,"counts":{"total":529,"done":528,"failed":0},"what":"committed","stage":0,"jobs":408}
{"event":"progress","run":"018bcf77-7778-7525-a525-252525252525","at_ms":1699998085000,"counts":{"total":529,"done":528,"failed":0},"what":"stage_opened","stage":1,"jobs":1}
{"event":"progress","run":"018bcf77-7778-7525-a525-252525252525","at_ms":1699998194000,"counts":{"total":529,"done":529,"failed":0},"what":"committed","stage":1,"jobs":1}
{"event":"progress","run":"018bcf77-7778-7525-a525-252525252525","at_ms":1699998195000,"counts":{"total":529,"done":529,"failed":0},"what":"ended","state":"succeeded"}
= 0
"#,
    );
}

/// Two looks at the last session's rows, the second one whole.
fn with_rows_so_far() -> Fake {
    let mut fake = with_results();
    fake.events = events(&fake.runs[0]);
    let row = |symbol: &str, tech_rating| ProvisionalRow {
        symbol: symbol.to_owned(),
        signal: Signal::StrongLong,
        tech_rating,
        close: 12.5,
    };
    let day = |done, rows: Vec<ProvisionalRow>| ProvisionalDay {
        as_of: 16_983,
        done,
        total: 528,
        rows,
    };
    let (first, second) = (row("QXAB", 23.0), row("ZX", 22.25));
    fake.provisional = vec![day(120, vec![second.clone()]), day(528, vec![first, second])];
    fake
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_before_the_ranking_that_replaces_them() {
    let mut session = Session::new();
    session.line(&with_rows_so_far(), "watch latest --stream").await;
    session.line(&with_rows_so_far(), "watch latest --stream --json").await;
    let json = session.text.split_once("--json\n").map(|(_, json)| json.to_owned());
    session
        .text
        .truncate(session.text.find("\n$ watch latest --stream --json").unwrap());
    session.expect(
        r#"
$ watch latest --stream
#  symbol
1  QXAB
2  ZX
| run 018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c; Ctrl-C leaves it running
| map 120/528 22%, 0.1/s, 0 lanes, 1h 08m left
| map 528/528 100%, 0.1/s, 0 lanes, took 1h 28m
| reduce 1/1 100%, 0.0/s, 0 lanes, took 1m 49s
| provisional, as of 2016-07-01, 120/528 map jobs: ZX 22.2
| provisional, as of 2016-07-01, 528/528 map jobs: QXAB 23.0, ZX 22.2
|
| scan of 2 sessions, 2016-06-30 to 2016-07-01; below, 2016-07-01
| candidates  3
| passed      0
| scored      0
| ranked      2
| took 6.8s
= 0
"#,
    );
    let json = json.unwrap();
    let rows: Vec<&str> = json.lines().filter(|line| line.contains(r#""event":"row""#)).collect();
    assert_eq!(
        rows,
        [
            r#"{"event":"row","run":"018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c","as_of":"2016-07-01","symbol":"ZX","signal":"Strong Long","tech_rating":22.25,"close":12.5,"provisional":true,"provisional_rank":1,"done":120,"total":528}"#,
            r#"{"event":"row","run":"018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c","as_of":"2016-07-01","symbol":"QXAB","signal":"Strong Long","tech_rating":23.0,"close":12.5,"provisional":true,"provisional_rank":1,"done":528,"total":528}"#,
            r#"{"event":"row","run":"018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c","as_of":"2016-07-01","symbol":"ZX","signal":"Strong Long","tech_rating":22.25,"close":12.5,"provisional":true,"provisional_rank":2,"done":528,"total":528}"#,
        ]
    );
    let names: Vec<&str> = json.lines().filter_map(|line| line.split('"').nth(3)).collect();
    assert_eq!(names.last(), Some(&"final"));
    assert_eq!(names.iter().filter(|name| **name == "ranked").count(), 4);
}

#[tokio::test]
async fn a_run_without_results_says_why() {
    let mut failed = Fake::of(vec![run(60, RunState::Failed)]);
    failed.dead = (0..5).map(|index| letter(&failed.runs[0], index)).collect();
    let mut session = Session::new();
    session
        .line(&Fake::of(vec![run(60, RunState::Running)]), "results latest")
        .await;
    session.line(&failed, "results latest --json").await;
    session
        .line(&Fake::of(vec![run(60, RunState::Cancelled)]), "results latest")
        .await;
    session
        .line(&ended(RunState::Succeeded), "results latest --out ranked.xls")
        .await;
    session.expect(
        r#"
$ results latest
| error: the run goes on: it has no results yet
|     at: run 018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c
|    why: 120 of 529 jobs done
|   help: coordinator watch 018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c && coordinator results 018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c
= 1

$ results latest --json
{"event":"error","status":"failed","what":"the run failed","places":[{"named":"run 018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c"}],"why":["map/0: reading bars.parquet: row group 3\npermission denied","map/1: reading bars.parquet: row group 3\npermission denied","map/2: reading bars.parquet: row group 3\npermission denied","and 2 more jobs"],"help":["coordinator dlq list 018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c lists its dead letters","coordinator retry 018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c computes them again, once their cause is mended"]}
| error: the run failed
|     at: run 018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c
|    why: map/0: reading bars.parquet: row group 3
|         permission denied
|    why: map/1: reading bars.parquet: row group 3
|         permission denied
|    why: map/2: reading bars.parquet: row group 3
|         permission denied
|    why: and 2 more jobs
|   help: coordinator dlq list 018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c lists its dead letters
|   help: coordinator retry 018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c computes them again, once their cause is mended
= 1

$ results latest
| error: the run was cancelled
|     at: run 018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c
|   help: submit it again: what it has computed is known and not computed again
= 1

$ results latest --out ranked.xls
| error: cannot tell the format of ranked.xls: its name must end in .parquet, .csv, .json, .jsonl or .arrow (or end in / for a folder of Parquet files)
= 2
"#,
    );
}

/// The tables of one session.
fn day(date: usize) -> Part {
    let text = |values: &[&str]| -> ArrayRef { Arc::new(StringArray::from(values.to_vec())) };
    let table = |columns: Vec<(&str, ArrayRef)>| RecordBatch::try_from_iter(columns).unwrap();
    let symbols = || ("symbol", text(&["QXAB", "ZX"]));
    let rank: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
    let count: ArrayRef = Arc::new(Int64Array::from(vec![3, 2]));
    Part::Day(Box::new(DayTables {
        date,
        ranked: table(vec![("rank", rank), symbols()]),
        scored: table(vec![symbols()]),
        rejected: table(vec![symbols()]),
        funnel: table(vec![
            ("stage", text(&["universe", "rank"])),
            ("reason", text(&["candidates", "ranked"])),
            ("count", count),
        ]),
        first_rejects: FirstRejects::default(),
    }))
}

fn with_results() -> Fake {
    let mut fake = Fake::of(vec![run(60, RunState::Succeeded)]);
    let head = Head {
        run: fake.runs[0].run,
        metadata: [("tickfleet.run_id".to_owned(), fake.runs[0].run.to_string())].into(),
        as_of: vec![16_982, 16_983],
        unplaced_rows: 0,
    };
    fake.parts = vec![Part::Head(head), day(0), day(1), Part::Notes(Vec::new())];
    fake
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_written_as_submit_writes_them() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap().to_owned();
    let mut session = Session::new();
    let fake = with_results();
    session
        .line(&fake, &format!("results latest --out {place}/r.csv"))
        .await;
    session
        .line(&fake, &format!("results latest --out {place}/all/ --quiet --json"))
        .await;
    session.text = session.text.replace(&place, "DIR");
    session.expect(
        r#"
$ results latest --out DIR/r.csv
|
| scan of 2 sessions, 2016-06-30 to 2016-07-01; below, 2016-07-01
| candidates  3
| passed      0
| scored      0
| ranked      2
| wrote DIR/r.csv: 4 rows
| took 6.8s
= 0

$ results latest --out DIR/all/ --quiet --json
{"event":"final","run":"018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c","state":"succeeded","as_of":["2016-06-30","2016-07-01"],"scored":4,"ranked":4,"unplaced_rows":0,"funnel":[{"as_of":"2016-06-30","stage":"universe","reason":"candidates","count":3},{"as_of":"2016-06-30","stage":"rank","reason":"ranked","count":2},{"as_of":"2016-07-01","stage":"universe","reason":"candidates","count":3},{"as_of":"2016-07-01","stage":"rank","reason":"ranked","count":2}],"notes":[],"files":[{"table":"ranked","path":"DIR/all/ranked.parquet","rows":4},{"table":"scored","path":"DIR/all/scored.parquet","rows":4},{"table":"rejected","path":"DIR/all/rejected.parquet","rows":4},{"table":"funnel","path":"DIR/all/funnel.parquet","rows":4}]}
= 0
"#,
    );
    let ranked = std::fs::read_to_string(folder.path().join("r.csv")).unwrap();
    assert_eq!(ranked, "rank,symbol\n1,QXAB\n2,ZX\n1,QXAB\n2,ZX\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn results_that_end_early_leave_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    let mut fake = with_results();
    fake.parts.pop();
    let mut session = Session::new();
    session
        .line(&fake, &format!("results latest --out {place}/r.csv"))
        .await;
    session.text = session.text.replace(place, "DIR");
    session.expect(
        r#"
$ results latest --out DIR/r.csv
| error: the results of run 018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c came incomplete
|   help: fetch them again; coordinator and client may be of different versions
= 1
"#,
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
