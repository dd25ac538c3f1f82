//! Kinds: who is given which jobs; how they share is the business of [`crate::fair`].

use super::*;

#[test]
fn jobs_go_to_workers_that_compute_their_kind() {
    let mut world = World::default();
    let old = world.submit(1, &[2]);
    let terms = Terms {
        kind: kind(1),
        trace: Some("00-1-2-01".to_owned()),
        ..terms(2, &[1])
    };
    let new = world.step(Submit { id: run_id(2), terms }).unwrap().run;
    assert_eq!(world.summary(new).kind, kind(1));
    assert_eq!(world.summary(new).trace.as_deref(), Some("00-1-2-01"));
    let runs = |claims: Vec<Claim>| claims.iter().map(|claim| claim.job.run).collect::<Vec<_>>();
    assert!(runs(world.feed_kinds(&[kind(7)], 9)).is_empty());
    assert_eq!(runs(world.feed_kinds(&[kind(0)], 1)), [old]);
    assert_eq!(runs(world.feed_kinds(&[kind(1)], 9)), [new]);
    assert_eq!(runs(world.feed_kinds(&[kind(1), kind(0)], 9)), [old]);
}
