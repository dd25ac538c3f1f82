//! What leads to a run and follows from it, runs of ten million jobs, runs under load, and what is left of runs that
//! are gone.

use std::{sync::Arc, time::Duration};

use redis::Value;
use tickfleet_protocol::ids::{Millis, RunId};
use tickfleet_runtime::broker::{Broker, BrokerError, Claim, Failure, RunState, Sweep, redis::RedisBroker};
use tickfleet_tests::{random::Random, redis_server::RedisServer};

use super::{ROOT, Ward, faults, held};
use crate::kit::{claim, commit_of, connect, query, request, standing, submit, work_off};

/// As in [`super::broken`], for what leads to the patient.
async fn check_link(commands: &[&str], expected: &[&str]) {
    let mut ward = Ward::with_patient().await;
    for command in commands {
        ward.send(command).await;
    }
    assert_eq!(faults(&ward.audit(false).await), expected, "{commands:?}");
    let mended = ward.audit(true).await;
    assert_eq!(faults(&mended), expected, "{commands:?}");
    assert!(mended.faults.iter().all(|fault| fault.is_mended), "{mended:?}");
    assert_eq!(faults(&ward.audit(false).await), Vec::<String>::new(), "{commands:?}");
    let again = ward
        .broker
        .submit(crate::kit::new_run("patient", &[20, 2]))
        .await
        .expect("submit");
    assert_eq!((again.run, again.created), (ward.run, false), "its key leads to it");
    let listed = ward.broker.list().await.expect("list");
    assert_eq!(listed.iter().map(|summary| summary.run).collect::<Vec<_>>(), [ward.run]);
    ward.finish(22).await;
}

#[tokio::test]
async fn a_run_is_found_by_id_and_by_key() {
    check_link(&["SREM ROOT:runs ID"], &["the list of runs does not have it"]).await;
    check_link(
        &["HDEL ROOT:keys patient"],
        &["its idempotency key does not lead to it"],
    )
    .await;
    check_link(
        &["HSET ROOT:keys patient 01890a5d-ac96-774b-bcce-b302099a8057"],
        &["its idempotency key does not lead to it"],
    )
    .await;
}

#[tokio::test]
async fn time_comes_to_a_run_and_it_is_fed() {
    const LATE: &str = "time does not come to it when it is due";
    check_link(&["ZREM ROOT:timers ID"], &[LATE]).await;
    check_link(&["ZADD ROOT:timers 9999999999999 ID"], &[LATE]).await;
    check_link(&["HDEL RUN timer"], &["its timer is not the one that it notes"]).await;
    check_link(&["ZREM ROOT:fair:test/1 ID"], &["it has work and is not fed"]).await;
    check_link(&["HDEL RUN waiting"], &["whether it is fed is not what it notes"]).await;
}

#[tokio::test]
async fn a_run_is_in_the_state_that_its_jobs_say() {
    for state in ["succeeded", "failed"] {
        let wrong = format!("the run counts as {state}, which its jobs do not say");
        check_link(
            &[&format!("HSET RUN state {state}"), "HSET RUN ended 1700000000000"],
            &[&wrong],
        )
        .await;
    }
    check_link(
        &["HSET RUN ended 1700000000000"],
        &["the run has an end although it is running"],
    )
    .await;
}

#[tokio::test]
async fn an_ended_run_is_not_fed_and_has_an_end() {
    let mut ward = Ward::with_patient().await;
    ward.broker.cancel(ward.run).await.expect("cancel");
    assert_eq!(faults(&ward.audit(true).await), Vec::<String>::new());
    for command in ["ZADD ROOT:fair:test/1 0 ID", "HDEL RUN ended", "ZREM RUN:leases 6"] {
        ward.send(command).await;
    }
    let expected = [
        "6: it has a claim and no lease",
        "the run is over and does not say since when",
        "it is fed and has no work",
    ];
    assert_eq!(faults(&ward.audit(true).await), expected);
    assert_eq!(faults(&ward.audit(false).await), Vec::<String>::new());
    assert!(ward.claim(1).await.is_empty());
    ward.offset_ms.send_modify(|offset_ms| *offset_ms += 60_000);
    assert_eq!(
        standing(&ward.broker, ward.run).await.0,
        RunState::Cancelled,
        "its time has not come"
    );
    ward.broker.forget(ward.run).await.expect("forget");
}

#[tokio::test]
async fn a_run_that_stands_still_goes_on() {
    let mut ward = Ward::with_run(&[1, 1]).await;
    ward.claim(1).await;
    for command in ["SETBIT RUN:done 0 1", "HSET RUN done 1", "DEL RUN:claims RUN:leases"] {
        ward.send(command).await;
    }
    let stands = ["the run has not gone on from its last job"];
    assert_eq!(faults(&ward.audit(false).await), stands);
    assert_eq!(faults(&ward.audit(true).await), stands);
    ward.finish(2).await;
}

#[tokio::test]
async fn what_can_not_be_mended_is_said() {
    let ward = Ward::with_patient().await;
    let other = submit(&ward.broker, "other", &[1]).await;
    ward.send(&format!("HSET {ROOT}:run:{other} key patient")).await;
    ward.send(&format!("HSET ROOT:keys patient {other}")).await;
    let audit = ward.audit(true).await;
    assert_eq!(faults(&audit), [format!("its idempotency key leads to run {other}")]);
    assert!(!audit.faults[0].is_mended);
    ward.send("HDEL RUN kind").await;
    let audit = ward.audit(true).await;
    assert_eq!(
        audit.faults.iter().filter(|fault| !fault.is_mended).count(),
        2,
        "{audit:?}"
    );
    let nobody = RunId::from_parts(Millis(1), [1; 10]);
    let unknown = ward.broker.audit(nobody, true).await;
    assert!(
        matches!(unknown, Err(BrokerError::UnknownRun { operation: "audit", .. })),
        "{unknown:?}"
    );
}

/// A lease whose claim is gone comes to its end like any other: it is dropped, and the shard goes on.
#[tokio::test]
async fn a_broken_run_holds_no_other_up() {
    let mut ward = Ward::with_patient().await;
    ward.send("HDEL RUN:claims 6 7").await;
    ward.offset_ms.send_modify(|offset_ms| *offset_ms += 60_000);
    submit(&ward.broker, "other", &[1]).await;
    let jobs = ward.claim(20).await;
    assert!(jobs.iter().any(|claim| claim.job.run != ward.run));
    ward.broker.hand_back(&held(&jobs)).await.expect("hand back");
    let lost = [
        "6: it was delivered and is in no place",
        "7: it was delivered and is in no place",
    ];
    assert_eq!(faults(&ward.audit(true).await), lost);
}

#[tokio::test]
async fn ten_million_jobs_are_audited_in_steps() {
    const DONE: usize = 5_000_000;
    let ward = Ward::with_run(&[10_000_000]).await;
    let bits = format!("{ROOT}:run:{}:done", ward.run);
    let client = redis::Client::open(ward.server.url()).expect("an address");
    let mut connection = client
        .get_multiplexed_async_connection()
        .await
        .expect("the server answers");
    let mut set = redis::cmd("SET");
    set.arg(&bits).arg(vec![0xff_u8; DONE / 8]);
    let _: Value = set.query_async(&mut connection).await.expect("the bits are set");
    ward.send(&format!("HSET RUN fed {DONE} done {DONE}")).await;
    let audit = ward.audit(false).await;
    assert_eq!(
        (faults(&audit), audit.census.done, audit.census.unfed),
        (Vec::new(), 5_000_000, 5_000_000)
    );
    ward.send("SETBIT RUN:done 4999998 0").await;
    ward.send("SETBIT RUN:done 1234567 0").await;
    let audit = ward.audit(true).await;
    let expected = [
        "the run counts 5000000 for done, there are 4999998",
        "1234567: it was delivered and is in no place",
        "4999998: it was delivered and is in no place",
    ];
    assert_eq!(faults(&audit), expected);
    assert_eq!((audit.census.done, audit.census.ready), (4_999_998, 2));
    ward.send("DEL RUN:done").await;
    let audit = ward.audit(true).await;
    let expected = [
        "jobs from 0 to 4999999 are in no place: they count as not yet delivered",
        "the run counts 4999998 for done, there are 0",
    ];
    assert_eq!(faults(&audit), expected);
    assert_eq!(
        (audit.census.done, audit.census.ready, audit.census.unfed),
        (0, 0, 10_000_000)
    );
}

/// Claims, commits, fails, hands back and forgets claims as they come, until the run is over.
async fn work(broker: Arc<RedisBroker>, run: RunId, seed: u64) {
    let mut random = Random::new(seed);
    while standing(&*broker, run).await.0 == RunState::Running {
        let claims = claim(&*broker, 1 + random.below(20)).await;
        let (mut done, mut failed, mut returned): (Vec<Claim>, Vec<Claim>, Vec<Claim>) = Default::default();
        for claim in claims {
            match random.below(10) {
                0 => failed.push(claim),
                1 => returned.push(claim),
                2 if claim.kills == 0 && random.once_in(10) => {}
                _ => done.push(claim),
            }
        }
        let failure = |claim: &Claim| Failure {
            job: claim.job,
            token: claim.token,
            reason: "dice".to_owned(),
            retryable: true,
        };
        broker.fail(failed.iter().map(failure).collect()).await.expect("fail");
        broker.hand_back(&held(&returned)).await.expect("hand back");
        broker
            .commit(done.iter().map(commit_of).collect())
            .await
            .expect("commit");
    }
}

/// Steps of an audit fall anywhere between those of workers; what it names would be a fault all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_under_load_has_no_fault() {
    let mut ward = Ward::with_run(&[1_500, 300]).await;
    let run = ward.run;
    let broker = Arc::new(connect(&ward.server).await);
    let workers: Vec<_> = (0..3)
        .map(|seed| tokio::spawn(work(Arc::clone(&broker), run, seed)))
        .collect();
    let mut audits = 0;
    while standing(&ward.broker, run).await.0 == RunState::Running {
        for repair in [false, true] {
            let audit = ward.audit(repair).await;
            assert_eq!(faults(&audit), Vec::<String>::new(), "audit {audits}");
            audits += 1;
        }
        // Leases that nobody renews end, and retries come due.
        ward.offset_ms.send_modify(|offset_ms| *offset_ms += 2_000);
    }
    for worker in workers {
        worker.await.expect("no worker panics");
    }
    assert!(audits > 10, "{audits} audits beside the workers");
    assert_eq!(standing(&ward.broker, run).await, (RunState::Succeeded, 1_800, 0));
    assert!(ward.claim(1).await.is_empty());
}

fn said(sweep: &Sweep) -> Vec<String> {
    let mut said: Vec<String> = sweep.faults.iter().map(|fault| fault.what.clone()).collect();
    said.sort_unstable();
    said
}

#[tokio::test]
async fn a_sweep_lets_go_what_is_left_of_runs_that_are_gone() {
    let server = RedisServer::start();
    let broker = connect(&server).await;
    let (kept, gone, unlisted) = (
        submit(&broker, "kept", &[3]).await,
        submit(&broker, "gone", &[3]).await,
        submit(&broker, "unlisted", &[3]).await,
    );
    claim(&broker, 5).await;
    assert_eq!(broker.sweep(true).await.expect("sweep"), Sweep::default());
    let _: u64 = query(&server, &["DEL", &format!("{ROOT}:run:{gone}")]).await;
    let _: u64 = query(&server, &["SREM", &format!("{ROOT}:runs"), &unlisted.to_string()]).await;
    let left = ["payload", "claims", "leases", "events"].map(|part| format!("run {gone} is gone and has left :{part}"));
    let others = [
        "is gone and is listed",
        "is gone and has a timer",
        "is gone and has a key",
        "is gone and is to be fed",
    ];
    let mut expected: Vec<String> = left
        .into_iter()
        .chain(others.map(|what| format!("run {gone} {what}")))
        .collect();
    expected.push(format!("run {unlisted} is there and in no list"));
    expected.sort_unstable();
    let seen = broker.sweep(false).await.expect("sweep");
    assert_eq!(said(&seen), expected);
    assert!(seen.faults.iter().all(|fault| !fault.is_mended));
    let mended = broker.sweep(true).await.expect("sweep");
    assert_eq!(said(&mended), expected);
    assert!(mended.faults.iter().all(|fault| fault.is_mended));
    assert_eq!(broker.sweep(false).await.expect("sweep"), Sweep::default());
    let keys: Vec<String> = query(&server, &["KEYS", &format!("*{gone}*")]).await;
    assert!(keys.is_empty(), "{keys:?}");
    let listed = broker.list().await.expect("list");
    assert_eq!(
        listed.iter().map(|summary| summary.run).collect::<Vec<_>>(),
        [kept, unlisted]
    );
    assert!(
        broker
            .submit(crate::kit::new_run("gone", &[3]))
            .await
            .expect("submit")
            .created
    );
    for run in [kept, unlisted] {
        assert_eq!(
            faults(&broker.audit(run, false).await.expect("audit")),
            Vec::<String>::new()
        );
    }
    let waiting = broker.claim(request(9, Duration::ZERO)).await.expect("claim");
    assert!(!waiting.is_empty());
    work_off(&broker, 5).await;
}
