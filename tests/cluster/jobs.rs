//! Jobs that panic, loop for ever, or abort their process: one job is to blame, and only that one is lost.

use serde_json::Value;
use tickfleet_tests::program::{Outcome, coordinator};
use tickfleet_tests::service::Service;

use crate::fleet::{Fleet, Submission, assert_right, doomed_worker, events_of, rounds};

#[test]
fn a_job_that_panics_once_is_tried_again() {
    rounds(|| {
        let fleet = Fleet::start();
        let mut worker = fleet.faulty_worker("w1", "worker.in_compute=panic@2");
        let mut run = fleet.submit_beside(&[]);
        assert_eq!(run.service.wait().code(), Some(0), "{}", run.service.output());
        assert_right(run.out.path());
        assert_eq!(events_of(&run.service.stdout(), "retried"), 1);
        assert!(worker.is_running(), "{}", worker.output());
        fleet.assert_sound();
    });
}

#[test]
fn a_job_that_always_panics_is_a_dead_letter_and_can_be_replayed() {
    rounds(|| poison("panic", &["panicked"]));
}

#[test]
fn a_job_that_aborts_its_process_is_blamed_alone() {
    rounds(|| poison("abort", &["alone", "SIGABRT"]));
}

#[test]
fn a_job_that_loops_for_ever_is_blamed_alone() {
    rounds(|| poison("loop", &["alone", "job_max_s"]));
}

/// One job of the map stage is poison. The run fails and names it, nothing else is lost, and once the poison is gone a
/// retry computes the one job and the rest of the run.
fn poison(action: &str, needles: &[&str]) {
    let fleet = Fleet::start();
    let fault = format!("worker.in_compute[0/3]={action}");
    let redis = fleet.redis.url();
    let poisoned = || {
        doomed_worker(
            &redis,
            "poisoned",
            &["--job-max-s", "2"],
            &[("TICKFLEET_FAULT", &fault)],
        )
    };
    let mut run = fleet.submit_beside(&[]);
    run.wait_until_accepted();
    let mut worker = supervise(&mut run, poisoned);
    assert_eq!(run.service.wait().code(), Some(1), "{}", run.service.output());
    let id = fleet.newest()["run"].as_str().expect("a run has an id").to_owned();
    let letters = fleet.ask(&["dlq", "list", &id]);
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_blamed(&letters[0], needles);
    fleet.assert_sound();
    worker.kill();

    let _healthy = fleet.worker("healthy");
    let _ = fleet.ask(&["retry", &id]);
    let _ = verb(&fleet, &["watch", &id]).success();
    let out = tempfile::tempdir().expect("a temporary folder can be made");
    let _ = verb(
        &fleet,
        &["results", &id, "--out", &format!("{}/", out.path().display())],
    )
    .success();
    assert_right(out.path());
    fleet.assert_sound();
}

/// Starts the worker again whenever it ends, as its supervisor would, until the run is over.
fn supervise(run: &mut Submission, start: impl Fn() -> Service) -> Service {
    let mut worker = start();
    while run.service.is_running() {
        if !worker.is_running() {
            worker = start();
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    worker
}

#[track_caller]
fn assert_blamed(letter: &Value, needles: &[&str]) {
    let job = letter["job"].as_str().expect("a letter names its job");
    assert_eq!(job, "map/3", "{letter}");
    let reason = letter["reason"].as_str().expect("a letter has a reason");
    assert!(needles.iter().all(|needle| reason.contains(needle)), "{letter}");
}

fn verb(fleet: &Fleet, args: &[&str]) -> Outcome {
    let url = fleet.url();
    coordinator(args.iter().copied().chain(["--coordinator", &url])).run()
}
