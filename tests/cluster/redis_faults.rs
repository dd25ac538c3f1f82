//! A Redis that dies, stops, forgets its scripts, loses everything, is full, or is cut off in the middle of a word.

use std::time::Duration;

use tickfleet_tests::service::{Service, signal, wait_until};

use crate::fleet::{Fleet, assert_right, rounds, worker};
use crate::proxy::Proxy;

/// A worker that is slow enough that the fault comes in mid-run.
fn slow_worker(fleet: &Fleet) -> Service {
    fleet.faulty_worker("slow", "worker.in_compute=delay:100")
}

/// The run goes through a fault that comes after a few jobs.
fn survives(fault: impl Fn(&mut Fleet)) {
    rounds(|| {
        let mut fleet = Fleet::start();
        let mut worker = slow_worker(&fleet);
        let mut run = fleet.submit_beside(&[]);
        run.wait_until_accepted();
        fleet.wait_for_done(3);
        fault(&mut fleet);
        run.assert_right();
        assert!(worker.is_running(), "{}", worker.output());
        fleet.assert_sound();
    });
}

#[test]
fn a_redis_killed_and_back_after_a_second_loses_nothing() {
    survives(|fleet| restart_after(fleet, 1));
}

#[test]
fn a_redis_killed_and_back_after_ten_seconds_loses_nothing() {
    survives(|fleet| restart_after(fleet, 10));
}

#[test]
fn a_redis_killed_and_back_after_a_minute_loses_nothing() {
    survives(|fleet| restart_after(fleet, 60));
}

/// The length of the outage is the fault itself, so it is slept through.
fn restart_after(fleet: &mut Fleet, seconds: u64) {
    fleet.redis.kill();
    std::thread::sleep(Duration::from_secs(seconds));
    fleet.redis.restart();
}

#[test]
fn a_redis_that_stops_for_ten_seconds_loses_nothing() {
    survives(|fleet| {
        signal(fleet.redis.pid(), "STOP");
        std::thread::sleep(Duration::from_secs(10));
        signal(fleet.redis.pid(), "CONT");
    });
}

#[test]
fn a_redis_that_forgets_its_scripts_is_told_them_again() {
    survives(|fleet| {
        for jobs in 4..8 {
            assert_eq!(fleet.redis.command("SCRIPT FLUSH"), "+OK");
            fleet.wait_for_done(jobs);
        }
    });
}

#[test]
fn a_redis_that_runs_full_goes_on_when_there_is_room() {
    survives(|fleet| {
        assert_eq!(fleet.redis.command("CONFIG SET maxmemory 1"), "+OK");
        std::thread::sleep(Duration::from_secs(2));
        assert_eq!(fleet.redis.command("CONFIG SET maxmemory 0"), "+OK");
    });
}

#[test]
fn a_run_whose_redis_was_emptied_ends_as_lost() {
    rounds(|| {
        let fleet = Fleet::start();
        let mut worker = slow_worker(&fleet);
        let mut run = fleet.submit_beside(&[]);
        run.wait_until_accepted();
        fleet.wait_for_done(3);
        assert_eq!(fleet.redis.command("FLUSHALL"), "+OK");
        assert_eq!(run.service.wait().code(), Some(1), "{}", run.service.output());
        let told = run.service.stderr();
        assert!(told.contains("lost"), "{told}");
        // The same fleet computes the next run.
        let (outcome, out) = fleet.submit(&[]);
        let _ = outcome.success();
        assert_right(out.path());
        assert!(worker.is_running(), "{}", worker.output());
        fleet.assert_sound();
    });
}

#[test]
fn replies_cut_in_the_middle_neither_lose_nor_double() {
    rounds(|| {
        let fleet = Fleet::start();
        let proxy = Proxy::start(fleet.redis.address());
        let mut behind = worker(
            &proxy.url(),
            "behind",
            &[],
            &[("TICKFLEET_FAULT", "worker.in_compute=delay:30")],
        );
        proxy.cut_every(5);
        let mut run = fleet.submit_beside(&[]);
        run.wait_until_accepted();
        wait_until("some replies are cut", || proxy.cuts() >= 3);
        proxy.cut_every(0);
        run.assert_right();
        assert!(behind.is_running(), "{}", behind.output());
        fleet.assert_sound();
    });
}
