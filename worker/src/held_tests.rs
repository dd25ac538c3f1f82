//! Claims on every way from their delivery to their end.

use tickfleet_protocol::ids::{JobIndex, Millis, RunId, StageIndex};

use super::*;

fn claim(index: u64) -> Claim {
    Claim {
        job: JobRef {
            run: RunId::from_parts(Millis(7), [1; 10]),
            stage: StageIndex(0),
            index: JobIndex(index),
        },
        token: Token(u128::from(index)),
        attempts: 0,
        kills: 0,
        solo: false,
        lease_until: Millis(0),
    }
}

fn held(count: u64) -> Held {
    let held = Held::default();
    held.add(&(0..count).map(claim).collect::<Vec<_>>());
    held
}

fn counts(held: &Held) -> (usize, usize, usize) {
    let load = held.load();
    (load.waiting, load.computing, load.stuck)
}

fn indexes(claims: &[Claim]) -> Vec<u64> {
    claims.iter().map(|claim| claim.job.index.0).collect()
}

#[test]
fn a_claim_begins_and_ends_once() {
    let held = held(2);
    assert_eq!(counts(&held), (2, 0, 0));
    assert!(held.begin(&Token(0)) && !held.begin(&Token(0)));
    assert_eq!(counts(&held), (1, 1, 0));
    assert!(!held.end_waiting(&Token(0)), "it computes");
    assert!(held.end(&Token(0)) && !held.end(&Token(0)));
    assert!(
        held.end_waiting(&Token(1)) && !held.begin(&Token(1)),
        "what has ended does not begin"
    );
    assert_eq!(counts(&held), (0, 0, 0));
    assert_eq!(held.live().len(), 2, "leases are renewed until the broker knows");
    held.release(&[Token(0), Token(1)]);
    assert!(held.live().is_empty() && !held.end(&Token(0)));
}

#[test]
fn a_revoked_claim_does_not_begin_and_is_renewed_no_more() {
    let held = held(2);
    assert!(held.begin(&Token(0)));
    held.revoke(&[Token(0), Token(1), Token(9)]);
    assert!(!held.begin(&Token(1)), "it waited");
    assert!(held.is_revoked(&Token(0)) && held.is_revoked(&Token(1)));
    assert!(held.live().is_empty());
    assert_eq!(counts(&held), (0, 1, 0), "the lane is still busy");
    assert!(held.end(&Token(0)), "its outcome is told all the same");
}

#[test]
fn what_waits_is_withdrawn_from_the_newest_on() {
    let held = held(5);
    assert!(held.begin(&Token(1)));
    assert_eq!(indexes(&held.withdraw_surplus(2)), [3, 4]);
    assert_eq!(counts(&held), (2, 1, 0));
    assert!(!held.begin(&Token(4)) && held.begin(&Token(0)));
    assert_eq!(indexes(&held.withdraw_waiting()), [2]);
    assert_eq!(held.withdraw_unended().len(), 2);
    assert!(!held.end(&Token(0)), "its outcome is nobody's");
    assert_eq!(counts(&held), (0, 0, 0));
}

#[test]
fn a_job_that_hangs_loses_its_lease_and_takes_its_lane() {
    let held = Held::default();
    let solo = Claim { solo: true, ..claim(2) };
    held.add(&[claim(0), claim(1), solo]);
    assert!(held.begin(&Token(0)) && held.begin(&Token(2)));
    assert!(held.give_up_overdue(Duration::from_secs(3600)).is_empty());
    let overdue = held.give_up_overdue(Duration::ZERO);
    assert_eq!(overdue.iter().map(|(job, _)| job.index.0).collect::<Vec<_>>(), [0]);
    assert!(held.give_up_overdue(Duration::ZERO).is_empty(), "it is given up once");
    assert_eq!(counts(&held), (1, 1, 1));
    assert_eq!(held.load().alone_computing, 1);
    let live: Vec<u128> = held.live().iter().map(|held| held.token.0).collect();
    assert!(!live.contains(&0) && live.len() == 2);
    assert_eq!(indexes(&held.withdraw_waiting()), [1]);
    assert_eq!(
        indexes(&held.withdraw_unended()),
        [2],
        "the hanging one is charged by its lease"
    );
    assert!(held.end(&Token(0)), "it came to an end after all");
    assert_eq!(counts(&held), (0, 0, 0));
}

#[test]
fn jobs_are_listed_oldest_first_up_to_a_bound() {
    let held = held(3);
    let (jobs, all) = held.jobs(2);
    assert_eq!(
        (jobs.iter().map(|job| job.index.0).collect::<Vec<_>>(), all),
        (vec![0, 1], 3)
    );
}

#[test]
fn jobs_that_run_alone_take_no_room_on_lanes() {
    let held = Held::default();
    held.add(&[
        claim(0),
        Claim { solo: true, ..claim(1) },
        Claim { solo: true, ..claim(2) },
    ]);
    assert!(held.begin(&Token(1)));
    let load = held.load();
    assert_eq!((load.waiting, load.computing, load.oldest), (1, 0, None));
    assert_eq!(
        (load.alone_waiting, load.alone_computing, load.progressing()),
        (1, 1, 1)
    );
    assert_eq!(
        indexes(&held.withdraw_surplus(0)),
        [0],
        "another worker would not run them sooner"
    );
    assert_eq!(indexes(&held.withdraw_waiting()), [2]);
    assert!(held.end(&Token(1)));
    assert_eq!(held.load(), Load::default());
}
