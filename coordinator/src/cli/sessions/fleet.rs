//! `workers` and `drain`.

use tickfleet_protocol::fleet::WorkerEntry;
use tickfleet_protocol::ids::Millis;

use super::Session;
use super::fake::{Fake, NOW, job, run, worker};
use tickfleet_protocol::state::RunState;

fn draining(name: &str, held: u64) -> WorkerEntry {
    let mut entry = worker(name);
    entry.card.is_draining = true;
    entry.card.held = held;
    entry.is_told_to_drain = true;
    entry
}

/// A cluster whose workers look like this, one look after the other.
fn seen(looks: Vec<Vec<WorkerEntry>>) -> Fake {
    Fake {
        looks,
        ..Fake::default()
    }
}

#[tokio::test]
async fn workers_are_listed_with_what_they_hold() {
    let mut late = worker("host-2:17");
    late.card.failed = 3;
    late.card.performance_cores = None;
    late.seen_at = Millis(NOW.0 - 15_000);
    late.is_told_to_drain = true;
    let mut busy = worker("host-1:4711");
    busy.card.jobs = vec![job(&run(12, RunState::Running), 17)];
    let fleet = seen(vec![vec![busy, late, draining("spot", 0)]]);
    let mut session = Session::new();
    session.line(&fleet, "workers").await;
    session.narrow(60, &fleet, "workers").await;
    session.narrow(5, &fleet, "workers").await;
    session.line(&fleet, "workers --json").await;
    session.line(&Fake::default(), "workers").await;
    session.expect(
        r#"
$ workers
worker       state          lanes  held   done  failed  seen      cores  memory  version  host    kinds
host-1:4711  working           12    14  1,204       0  2.0s ago  8P+4E   16 GB  0.1.0    host-1  scan/1
host-2:17    told to drain     12    14  1,204       3  15s ago      12   16 GB  0.1.0    host-1  scan/1
spot         draining          12     0  1,204       0  2.0s ago  8P+4E   16 GB  0.1.0    host-1  scan/1
= 0

$ workers
worker       state          lanes  held   done  failed
host-1:4711  working           12    14  1,204       0
host-2:17    told to drain     12    14  1,204       3
spot         draining          12     0  1,204       0
= 0

$ workers
work…
host…
host…
spot
= 0

$ workers --json
{"worker":"host-1:4711","host":"host-1","pid":4711,"version":"0.1.0","kinds":["scan/1"],"cores":12,"performance_cores":8,"efficiency_cores":4,"lanes":12,"memory_bytes":16000000000,"draining":false,"told_to_drain":false,"held":14,"jobs":["018bcfe5-3920-7c0c-8c0c-0c0c0c0c0c0c/0/17"],"done":1204,"failed":0,"started_at_ms":1699996400000,"seen_at_ms":1699999998000}
{"worker":"host-2:17","host":"host-1","pid":4711,"version":"0.1.0","kinds":["scan/1"],"cores":12,"performance_cores":null,"efficiency_cores":4,"lanes":12,"memory_bytes":16000000000,"draining":false,"told_to_drain":true,"held":14,"jobs":[],"done":1204,"failed":3,"started_at_ms":1699996400000,"seen_at_ms":1699999985000}
{"worker":"spot","host":"host-1","pid":4711,"version":"0.1.0","kinds":["scan/1"],"cores":12,"performance_cores":8,"efficiency_cores":4,"lanes":12,"memory_bytes":16000000000,"draining":true,"told_to_drain":true,"held":0,"jobs":[],"done":1204,"failed":0,"started_at_ms":1699996400000,"seen_at_ms":1699999998000}
= 0

$ workers
| no workers; worker --help says how to start one
= 0
"#,
    );
}

#[tokio::test]
async fn a_worker_is_named_by_its_name_or_its_beginning() {
    let names = ["host-1:47", "host-1:4711", "spot-a", "spot-b"];
    let fleet = seen(vec![names.map(worker).to_vec()]);
    let mut session = Session::new();
    session.line(&fleet, "drain host-1:47").await;
    session.line(&fleet, "drain host-1:471 --json").await;
    session.line(&fleet, "drain spot").await;
    session.line(&fleet, "drain gone").await;
    session.line(&Fake::default(), "drain gone").await;
    session.expect(
        r#"
$ drain host-1:47
worker host-1:47: told to drain, holds 14 jobs
> drain host-1:47 true
= 0

$ drain host-1:471 --json
{"worker":"host-1:4711","told_to_drain":true,"held":14}
> drain host-1:4711 true
= 0

$ drain spot
| error: `spot` may be any of 2 workers
|    why: they are:
|         spot-a on host-1
|         spot-b on host-1
|   help: say more of its name
= 2

$ drain gone
| error: there is no worker `gone`
|    why: there are:
|         host-1:47 on host-1
|         host-1:4711 on host-1
|         spot-a on host-1
|         spot-b on host-1
|   help: coordinator workers lists them
= 2

$ drain gone
| error: there is no worker `gone`
|    why: there are no workers
|   help: worker --help says how to start one
= 2
"#,
    );
}

#[tokio::test]
async fn all_workers_drain_or_go_on() {
    let fleet = seen(vec![vec![worker("a"), worker("b")]]);
    let mut session = Session::new();
    session.line(&fleet, "drain --all").await;
    session.line(&fleet, "drain --all --off").await;
    session.line(&Fake::default(), "drain --all").await;
    session.expect(
        r#"
$ drain --all
worker a: told to drain, holds 14 jobs
worker b: told to drain, holds 14 jobs
> drain a true
> drain b true
= 0

$ drain --all --off
worker a: told to go on, holds 14 jobs
worker b: told to go on, holds 14 jobs
> drain a false
> drain b false
= 0

$ drain --all
| no workers
= 0
"#,
    );
}

#[tokio::test]
async fn a_wait_ends_when_nothing_is_held_or_time_is_over() {
    let looks = vec![
        vec![worker("a"), worker("b")],
        vec![worker("a"), draining("b", 2)],
        vec![draining("a", 1), draining("b", 0)],
        vec![],
    ];
    let stuck = vec![vec![worker("a"), draining("b", 2)]];
    let mut session = Session::new();
    session.line(&seen(looks.clone()), "drain --all --wait").await;
    session.line(&seen(looks), "drain --all --wait --json").await;
    session.line(&seen(stuck), "drain --all --wait --timeout 60").await;
    session.expect(
        r#"
$ drain --all --wait
worker a: told to drain, holds 14 jobs
worker b: told to drain, holds 14 jobs
worker b: holds nothing
worker a: has ended
> drain a true
> drain b true
= 0

$ drain --all --wait --json
{"worker":"a","told_to_drain":true,"held":14}
{"worker":"b","told_to_drain":true,"held":14}
{"worker":"b","told_to_drain":true,"held":0}
{"worker":"a","told_to_drain":true,"held":null}
> drain a true
> drain b true
= 0

$ drain --all --wait --timeout 60
worker a: told to drain, holds 14 jobs
worker b: told to drain, holds 2 jobs
| error: 2 workers have not drained yet
|    why: a holds 14 jobs
|    why: b holds 2 jobs
|   help: they go on draining; coordinator workers shows how far, --timeout waits longer
> drain a true
> drain b true
= 1
"#,
    );
}
