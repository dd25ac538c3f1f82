//! One run, one thing wrong with it: it is named, mended, and all jobs are done in the end, each once.

use std::ops::Range;

use super::{Ward, faults};

/// Breaks the patient with some commands; sees every fault named, and each of them mended; then the run finishes.
async fn check(commands: &[&str], expected: &[impl AsRef<str>]) {
    let expected: Vec<&str> = expected.iter().map(AsRef::as_ref).collect();
    let mut ward = Ward::with_patient().await;
    for command in commands {
        ward.send(command).await;
    }
    let seen = ward.audit(false).await;
    assert_eq!(faults(&seen), expected, "{commands:?}");
    assert!(
        seen.faults.iter().all(|fault| !fault.is_mended),
        "nothing was asked for"
    );
    assert_eq!(
        faults(&ward.audit(false).await),
        expected,
        "{commands:?}: looking changes nothing"
    );
    let mended = ward.audit(true).await;
    assert!(
        !mended.faults.is_empty() && mended.faults.iter().all(|fault| fault.is_mended),
        "{mended:?}"
    );
    let unexpected: Vec<String> = faults(&mended)
        .into_iter()
        .filter(|fault| !expected.contains(&&**fault))
        .collect();
    assert!(unexpected.is_empty(), "{commands:?}: {unexpected:?}");
    assert_eq!(faults(&ward.audit(false).await), Vec::<String>::new(), "{commands:?}");
    ward.finish(22).await;
}

/// What is said of jobs that were delivered and are in no place.
fn lost(indexes: Range<u64>) -> Vec<String> {
    indexes
        .map(|index| format!("{index}: it was delivered and is in no place"))
        .collect()
}

#[tokio::test]
async fn a_healthy_run_has_no_fault() {
    let mut ward = Ward::with_patient().await;
    for repair in [false, true] {
        let audit = ward.audit(repair).await;
        assert_eq!((faults(&audit), audit.unlisted), (Vec::new(), 0));
        let census = audit.census;
        let places = [
            census.unfed,
            census.ready,
            census.claimed,
            census.delayed,
            census.dead,
            census.done,
        ];
        assert_eq!(places, [11, 1, 2, 1, 1, 6]);
    }
    ward.finish(22).await;
}

#[tokio::test]
async fn jobs_in_no_place_are_available_again() {
    const LOST: &str = "it was delivered and is in no place";
    check(&["ZREM RUN:again 10"], &[&format!("10: {LOST}")]).await;
    check(
        &["HDEL RUN:claims 6"],
        &["6: it has a lease and no claim", &format!("6: {LOST}")],
    )
    .await;
    check(
        &["HDEL RUN:claims 6 7", "DEL RUN:leases"],
        &[&format!("6: {LOST}"), &format!("7: {LOST}")],
    )
    .await;
    check(
        &["ZREM RUN:delayed 8"],
        &[
            &format!("8: {LOST}"),
            "8: it has failures on its account although it is neither delayed nor available",
        ],
    )
    .await;
    check(
        &["HDEL RUN:dead 9"],
        &["the run counts 1 for failed, there are 0", &format!("9: {LOST}")],
    )
    .await;
    check(
        &["SETBIT RUN:done 3 0"],
        &["the run counts 6 for done, there are 5", &format!("3: {LOST}")],
    )
    .await;
    let counted = "the run counts 6 for done, there are 0".to_owned();
    check(&["DEL RUN:done"], &[&[counted], &*lost(0..6)].concat()).await;
}

#[tokio::test]
async fn jobs_in_two_places_keep_the_first() {
    check(&["ZADD RUN:again 6 6"], &["6: it is available although it is claimed"]).await;
    check(&["ZADD RUN:again 9 9"], &["9: it is available although it is dead"]).await;
    check(&["ZADD RUN:again 8 8"], &["8: it is available although it is delayed"]).await;
    check(&["ZADD RUN:again 3 3"], &["3: it is available although it is done"]).await;
    check(
        &["ZADD RUN:delayed 9999999999999 7"],
        &["7: it is delayed although it is claimed"],
    )
    .await;
    check(
        &["SADD RUN:dropped 9", "HSET RUN failed 2"],
        &["9: it is dropped although it is dead"],
    )
    .await;
    check(
        &["SETBIT RUN:done 6 1"],
        &[
            "the run counts 6 for done, there are 7",
            "6: it is claimed although it is done",
        ],
    )
    .await;
    check(
        &["SETBIT RUN:done 9 1", "HSET RUN done 7"],
        &["9: it is dead although it is done"],
    )
    .await;
}

/// Two faults of which each hides the other from a count.
#[tokio::test]
async fn a_job_in_two_places_hides_none_that_is_in_no_place() {
    check(
        &["ZREM RUN:again 10", "ZADD RUN:again 6 6"],
        &[
            "6: it is available although it is claimed",
            "10: it was delivered and is in no place",
        ],
    )
    .await;
}

#[tokio::test]
async fn what_is_no_job_that_was_delivered_goes() {
    check(
        &["ZADD RUN:again 15 15"],
        &["15: it is available although it was never delivered"],
    )
    .await;
    check(&["ZADD RUN:again 20 20"], &["again has \"20\", which is no job"]).await;
    check(&["ZADD RUN:again 5 05"], &["again has \"05\", which is no job"]).await;
    check(&["HSET RUN:claims junk x"], &["claims has \"junk\", which is no job"]).await;
    check(
        &["ZADD RUN:leases 9999999999999 -1"],
        &["leases has \"-1\", which is no job"],
    )
    .await;
    check(
        &["HSET RUN:dead 12 letter", "HSET RUN failed 2"],
        &["12: it is dead although it was never delivered"],
    )
    .await;
}

#[tokio::test]
async fn claims_and_leases_belong_together() {
    check(&["ZREM RUN:leases 6"], &["6: it has a claim and no lease"]).await;
    check(
        &["ZADD RUN:leases 9999999999999 3"],
        &["3: it has a lease and no claim"],
    )
    .await;
}

#[tokio::test]
async fn what_can_not_be_read_is_given_up() {
    check(&["HSET RUN:claims 6 zzz"], &["6: its claim can not be read"]).await;
    check(&["HSET RUN:dead 9 boo"], &["9: its dead letter can not be read"]).await;
    check(&["HSET RUN:strikes 8 x"], &["8: its failures can not be read"]).await;
    check(
        &["HSET RUN:strikes 3 1"],
        &["3: it has failures on its account although it is neither delayed nor available"],
    )
    .await;
    check(&["ZADD RUN:again 5 10"], &["10: it is available out of its order"]).await;
}

#[tokio::test]
async fn counters_say_what_there_is() {
    check(&["HSET RUN done 3"], &["the run counts 3 for done, there are 6"]).await;
    check(&["HSET RUN failed 0"], &["the run counts 0 for failed, there are 1"]).await;
    check(&["HSET RUN closed 7"], &["the run counts 7 for closed, there are 0"]).await;
    check(&["HSET RUN jobs 1"], &["the run counts 1 for jobs, there are 22"]).await;
    check(&["HSET RUN total 30"], &["the run counts 30 for total, there are 20"]).await;
    check(&["HSET RUN stages 1"], &["the run counts 1 for stages, there are 2"]).await;
    check(&["HSET RUN cost 5"], &["the run counts 5 for cost, there are 27720"]).await;
    check(&["HDEL RUN done"], &["the run counts 0 for done, there are 6"]).await;
    check(&["HSET RUN event 2"], &["the run counts 2 events, there are 5"]).await;
}

#[tokio::test]
async fn what_counts_as_delivered_is_what_was() {
    check(&["HSET RUN fed 18"], &lost(11..18)).await;
    check(
        &["HSET RUN fed 90"],
        &[
            &["the run counts 90 jobs as delivered, it should be 20".to_owned()],
            &*lost(11..20),
        ]
        .concat(),
    )
    .await;
    check(
        &["HSET RUN fed 5"],
        &[
            "the run counts 5 jobs as delivered, it should be 6",
            "6: it is claimed although it was never delivered",
            "7: it is claimed although it was never delivered",
            "9: it is dead although it was never delivered",
            "8: it is delayed although it was never delivered",
            "10: it is available although it was never delivered",
        ],
    )
    .await;
    check(
        &["SETBIT RUN:done 13 1"],
        &[
            "the run counts 11 jobs as delivered, it should be 14",
            "the run counts 6 for done, there are 7",
            "11: it was delivered and is in no place",
            "12: it was delivered and is in no place",
        ],
    )
    .await;
    check(
        &["SETBIT RUN:done 21 1", "SETBIT RUN:done 500 1"],
        &["done bits lie beyond the 20 jobs of the stage"],
    )
    .await;
}
