//! `status` and `doctor`.

use tickfleet_protocol::ids::{JobKind, JobRef};
use tickfleet_protocol::state::{Census, RunState, RunSummary};
use tickfleet_runtime::broker::{Audit, AuditFault};

use super::Session;
use super::fake::{Fake, job, letter, run, well, worker};

/// One running run, one worker, 1,204 jobs waiting.
fn busy() -> Fake {
    let mut status = well();
    (status.running, status.backlog) = (1, 1_204);
    Fake {
        looks: vec![vec![worker("host-1:4711")]],
        status: Some(status),
        ..Fake::of(vec![run(600, RunState::Failed), run(12, RunState::Running)])
    }
}

fn changed(change: impl FnOnce(&mut Fake)) -> Fake {
    let mut fake = busy();
    change(&mut fake);
    fake
}

#[tokio::test]
async fn a_cluster_that_is_well_ends_with_0() {
    let mut session = Session::new();
    session.line(&busy(), "status").await;
    session.line(&busy(), "status --json").await;
    session.expect(
        r#"
$ status
coordinator  0.1.0
queue        redis 7.0.15, append-only file every second
workers      2, 24 lanes
runs         1 running, 3 kept
backlog      1,204 jobs
dead         0 letters
= 0

$ status --json
{"version":"0.1.0","broker":"redis 7.0.15, append-only file every second","advice":[],"workers":2,"lanes":24,"running":1,"runs":3,"backlog":1204,"dead_letters":0,"healthy":true,"attention":[]}
= 0
"#,
    );
}

#[tokio::test]
async fn work_that_nobody_takes_ends_with_1() {
    let deserted = changed(|fake| {
        fake.looks.clear();
        let status = fake.status.as_mut().unwrap();
        (status.workers, status.lanes) = (0, 0);
    });
    let draining = changed(|fake| fake.looks[0][0].is_told_to_drain = true);
    let newer = changed(|fake| fake.runs[1].kind = JobKind::new("scan/2").unwrap());
    let mut session = Session::new();
    session.line(&deserted, "status").await;
    session.line(&draining, "status").await;
    session.line(&newer, "status").await;
    session.expect(
        r#"
$ status
coordinator  0.1.0
queue        redis 7.0.15, append-only file every second
workers      0, 0 lanes
runs         1 running, 3 kept
backlog      1,204 jobs
dead         0 letters

needs attention
- 1,204 jobs wait and there are no workers
  help: start one; worker --help says how
= 1

$ status
coordinator  0.1.0
queue        redis 7.0.15, append-only file every second
workers      2, 24 lanes
runs         1 running, 3 kept
backlog      1,204 jobs
dead         0 letters

needs attention
- 1,204 jobs wait and every worker is draining
  help: start another, or coordinator drain --all --off
= 1

$ status
coordinator  0.1.0
queue        redis 7.0.15, append-only file every second
workers      2, 24 lanes
runs         1 running, 3 kept
backlog      1,204 jobs
dead         0 letters

needs attention
- running runs need scan/2, which no worker computes
  help: start workers of the version that computes it; coordinator workers lists kinds
= 1
"#,
    );
}

#[tokio::test]
async fn letters_and_advice_end_with_1() {
    let advised = changed(|fake| {
        let advice = "appendonly is no: set it to yes, or runs are lost with the server";
        let status = fake.status.as_mut().unwrap();
        (status.dead, status.advice) = (2, vec![advice.to_owned()]);
        fake.dead = vec![letter(&fake.runs[0], 17)];
    });
    let mut session = Session::new();
    session.narrow(40, &advised, "status").await;
    session.line(&advised, "status --json").await;
    session.expect(
        r#"
$ status
coordinator  0.1.0
queue        redis 7.0.15, append-only
             file every second
workers      2, 24 lanes
runs         1 running, 3 kept
backlog      1,204 jobs
dead         1 letter

needs attention
- 1 dead letter waits for someone to
  look
  help: coordinator dlq list; then dlq
        replay or dlq drop
- appendonly is no: set it to yes, or
  runs are lost with the server
= 1

$ status --json
{"version":"0.1.0","broker":"redis 7.0.15, append-only file every second","advice":["appendonly is no: set it to yes, or runs are lost with the server"],"workers":2,"lanes":24,"running":1,"runs":3,"backlog":1204,"dead_letters":1,"healthy":false,"attention":["1 dead letter waits for someone to look","appendonly is no: set it to yes, or runs are lost with the server"]}
= 1
"#,
    );
}

#[tokio::test]
async fn letters_that_were_dropped_need_no_attention() {
    let dropped = changed(|fake| fake.status.as_mut().unwrap().dead = 2);
    let mut session = Session::new();
    session.line(&dropped, "status").await;
    session.expect(
        r#"
$ status
coordinator  0.1.0
queue        redis 7.0.15, append-only file every second
workers      2, 24 lanes
runs         1 running, 3 kept
backlog      1,204 jobs
dead         0 letters
= 0
"#,
    );
}

fn fault(job: Option<JobRef>, what: &str) -> AuditFault {
    AuditFault {
        job,
        what: what.to_owned(),
        is_mended: false,
    }
}

fn audit(run: &RunSummary, faults: Vec<AuditFault>) -> Audit {
    Audit {
        run: run.run,
        census: Census {
            unfed: 400,
            ready: 3,
            claimed: 4,
            delayed: 1,
            dead: 0,
            done: 120,
        },
        faults,
        unlisted: 0,
    }
}

/// A failed run and two that run, the older of which has faults.
fn audited(faults: impl FnOnce(&RunSummary) -> Vec<AuditFault>) -> Fake {
    let runs = vec![
        run(600, RunState::Failed),
        run(60, RunState::Running),
        run(12, RunState::Running),
    ];
    let mut fake = Fake::of(runs.clone());
    fake.audits = runs.iter().map(|run| (run.run, audit(run, Vec::new()))).collect();
    fake.audits.insert(runs[1].run, audit(&runs[1], faults(&runs[1])));
    fake
}

/// One about a job, which the cluster can mend, and one about a count, which it can't.
fn two(run: &RunSummary) -> Vec<AuditFault> {
    vec![
        fault(Some(job(run, 17)), "it is claimed and has no lease"),
        fault(None, "the count of dead jobs is 2, should be 1"),
    ]
}

#[tokio::test]
async fn a_clean_cluster_ends_with_0() {
    let mut session = Session::new();
    session.line(&audited(|_| Vec::new()), "doctor").await;
    session
        .line(&audited(|_| Vec::new()), "doctor latest 018bcfdc --json")
        .await;
    session.line(&audited(|_| Vec::new()), "doctor gone").await;
    session
        .line(&Fake::of(vec![run(60, RunState::Succeeded)]), "doctor")
        .await;
    session.expect(
        r#"
$ doctor
run            state    unfed  ready  held  delayed  dead  done  faults
018bcfe4-7da0  running    400      3     4        1     0   120       0
018bcfe5-3920  running    400      3     4        1     0   120       0

2 runs audited: every job is in exactly one place
= 0

$ doctor latest 018bcfdc --json
{"run":"018bcfe5-3920-7c0c-8c0c-0c0c0c0c0c0c","state":"running","census":{"unfed":400,"ready":3,"claimed":4,"delayed":1,"dead":0,"done":120},"faults":[],"unlisted":0}
{"run":"018bcfdc-4040-7858-9858-585858585858","state":"failed","census":{"unfed":400,"ready":3,"claimed":4,"delayed":1,"dead":0,"done":120},"faults":[],"unlisted":0}
= 0

$ doctor gone
| error: there is no run `gone`
|    why: the newest runs:
|         018bcfe5-3920-7c0c-8c0c-0c0c0c0c0c0c running, submitted 12s ago
|         018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c running, submitted 1m 00s ago
|         018bcfdc-4040-7858-9858-585858585858 failed, submitted 10m 00s ago
|   help: coordinator list; a run is kept for a day after its end
= 2

$ doctor
| no run is running, so nothing is audited; coordinator doctor RUN audits an ended one
= 0
"#,
    );
}

#[tokio::test]
async fn faults_are_named_and_end_with_1_unless_all_are_mended() {
    let mut session = Session::new();
    session.line(&audited(two), "doctor").await;
    session.line(&audited(two), "doctor 018bcfe4 --json").await;
    session.narrow(40, &audited(two), "doctor 018bcfe4 --repair").await;
    session
        .line(&audited(|run| two(run)[..1].to_vec()), "doctor 018bcfe4 --repair")
        .await;
    session.expect(
        r#"
$ doctor
run            state    unfed  ready  held  delayed  dead  done  faults
018bcfe4-7da0  running    400      3     4        1     0   120       2
018bcfe5-3920  running    400      3     4        1     0   120       0

run 018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c: 2 faults, 0 mended
- map/17: it is claimed and has no lease
  the job may never run, or run twice; its run may not end
- the count of dead jobs is 2, should be 1
  progress may be shown wrongly, and the run may not end

2 runs audited: 2 faults in 1 run, 0 mended
| coordinator doctor --repair mends what can be mended without losing or doubling a job
= 1

$ doctor 018bcfe4 --json
{"run":"018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c","state":"running","census":{"unfed":400,"ready":3,"claimed":4,"delayed":1,"dead":0,"done":120},"faults":[{"job":"map/17","what":"it is claimed and has no lease","mended":false},{"job":null,"what":"the count of dead jobs is 2, should be 1","mended":false}],"unlisted":0}
= 1

$ doctor 018bcfe4 --repair
run            state    unfed  faults
018bcfe4-7da0  running    400       2

run
018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c: 2
faults, 1 mended
- mended: map/17: it is claimed and has
  no lease
  it does no more harm
- the count of dead jobs is 2, should be
  1
  progress may be shown wrongly, and the
  run may not end

1 run audited: 2 faults in 1 run, 1 mended
> repair 018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c
= 1

$ doctor 018bcfe4 --repair
run            state    unfed  ready  held  delayed  dead  done  faults
018bcfe4-7da0  running    400      3     4        1     0   120       1

run 018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c: 1 fault, 1 mended
- mended: map/17: it is claimed and has no lease
  it does no more harm

1 run audited: 1 fault in 1 run, 1 mended
> repair 018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c
= 0
"#,
    );
}

#[tokio::test]
async fn faults_without_end_are_counted() {
    let many = |run: &RunSummary| {
        (0..200)
            .map(|index| fault(Some(job(run, index)), "it is in no place"))
            .collect()
    };
    let mut session = Session::new();
    session.line(&audited(many), "doctor 018bcfe4").await;
    session.expect(
        r#"
$ doctor 018bcfe4
run            state    unfed  ready  held  delayed  dead  done  faults
018bcfe4-7da0  running    400      3     4        1     0   120     200

run 018bcfe4-7da0-7c3c-bc3c-3c3c3c3c3c3c: 200 faults, 0 mended
- map/0: it is in no place
  the job may never run, or run twice; its run may not end
- map/1: it is in no place
- map/2: it is in no place
- map/3: it is in no place
- map/4: it is in no place
- map/5: it is in no place
- map/6: it is in no place
- map/7: it is in no place
- map/8: it is in no place
- map/9: it is in no place
  and 190 more faults; --json lists them

1 run audited: 200 faults in 1 run, 0 mended
| coordinator doctor --repair mends what can be mended without losing or doubling a job
= 1
"#,
    );
}
