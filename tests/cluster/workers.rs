//! Workers that are killed, stopped, told to end, or too old, at every step of a job.

use tickfleet_tests::service::wait_until;

use crate::fleet::{Fleet, MAP_JOBS, assert_right, events_of, rounds};

/// Every step of a job at which a worker can die.
const STEPS: [&str; 7] = [
    "worker.after_claim",
    "worker.after_probe",
    "worker.after_fetch",
    "worker.in_compute",
    "worker.after_compute",
    "worker.before_commit",
    "worker.after_commit",
];

#[test]
fn a_worker_killed_at_any_step_loses_and_doubles_nothing() {
    rounds(|| {
        for step in STEPS {
            // At the first occasion, and in the middle of the run: jobs that take a while come in small batches.
            for nth in ["", "@4"] {
                let fleet = Fleet::start();
                let mut victim = fleet.faulty_worker("victim", &format!("{step}=kill{nth},worker.in_compute=delay:20"));
                let run = fleet.submit_beside(&[]);
                assert!(!victim.wait().success(), "{step}{nth} is met: {}", victim.output());
                let _heir = fleet.worker("heir");
                run.assert_right();
                fleet.assert_sound();
            }
        }
    });
}

#[test]
fn a_worker_stopped_past_its_lease_is_refused_and_lives_on() {
    rounds(|| {
        for step in ["worker.in_compute", "worker.before_commit"] {
            let fleet = Fleet::start();
            let mut sleeper = fleet.faulty_worker("sleeper", &format!("{step}=stop@1"));
            let run = fleet.submit_beside(&[]);
            wait_until("the sleeper stops", || is_stopped(sleeper.pid()));
            let mut other = fleet.worker("other");
            run.assert_right();
            sleeper.signal("CONT");
            // Alone, it computes the next run: the stale commit did it no harm.
            other.signal("TERM");
            assert!(other.wait().success(), "{}", other.output());
            let (outcome, out) = fleet.submit(&["--max-jump", "4"]);
            let _ = outcome.success();
            assert_right(out.path());
            assert!(sleeper.is_running(), "{}", sleeper.output());
            fleet.assert_sound();
        }
    });
}

#[test]
fn sigterm_under_load_hands_back_and_charges_nothing() {
    rounds(|| {
        let fleet = Fleet::start();
        // A busy machine must not end a lease that the worker renews: here nothing waits for one to end.
        let lease = ["--lease-ms", "60000"];
        let slow = [("TICKFLEET_FAULT", "worker.in_compute=delay:100")];
        let mut leaver = fleet.worker_with("leaver", &lease, &slow);
        let mut run = fleet.submit_beside(&[]);
        fleet.wait_for_done(2);
        leaver.signal("TERM");
        assert_eq!(leaver.wait().code(), Some(0), "{}", leaver.output());
        let _heir = fleet.worker_with("heir", &lease, &[]);
        assert_eq!(run.service.wait().code(), Some(0), "{}", run.service.output());
        assert_right(run.out.path());
        let told = run.service.stdout();
        assert_eq!(
            (events_of(&told, "lease_expired"), events_of(&told, "retried")),
            (0, 0),
            "{told}"
        );
        fleet.assert_sound();
    });
}

#[test]
fn a_worker_killed_while_it_drains_loses_nothing() {
    rounds(|| {
        let fleet = Fleet::start();
        let mut leaver = fleet.faulty_worker("leaver", "worker.in_compute=delay:100,worker.in_drain=kill");
        let run = fleet.submit_beside(&[]);
        fleet.wait_for_done(2);
        leaver.signal("TERM");
        assert!(!leaver.wait().success(), "{}", leaver.output());
        let _heir = fleet.worker("heir");
        run.assert_right();
        fleet.assert_sound();
    });
}

#[test]
fn an_order_to_drain_ends_a_worker() {
    let fleet = Fleet::start();
    let mut leaver = fleet.worker("leaver");
    let _other = fleet.worker("other");
    wait_until("both workers are listed", || fleet.ask(&["workers"]).len() == 2);
    let _ = fleet.ask(&["drain", "leaver"]);
    assert_eq!(leaver.wait().code(), Some(0), "{}", leaver.output());
    wait_until("the leaver is no longer listed", || fleet.ask(&["workers"]).len() == 1);
    let (outcome, out) = fleet.submit(&[]);
    let _ = outcome.success();
    assert_right(out.path());
}

#[test]
fn a_worker_of_another_version_takes_nothing() {
    let fleet = Fleet::start();
    let mut old = fleet.worker_with("old", &["--kinds", "noop/1"], &[]);
    let run = fleet.submit_beside(&[]);
    wait_until("the run is listed", || !fleet.ask(&["list"]).is_empty());
    let workers = fleet.ask(&["workers"]);
    assert_eq!(
        (workers[0]["worker"].as_str(), workers[0]["held"].as_u64()),
        (Some("old"), Some(0))
    );
    let _new = fleet.worker("new");
    run.assert_right();
    let workers = fleet.ask(&["workers"]);
    let old_card = workers
        .iter()
        .find(|card| card["worker"] == "old")
        .expect("the old one is there");
    assert_eq!(old_card["done"].as_u64(), Some(0));
    assert!(old.is_running());
    fleet.assert_sound();
}

#[test]
fn the_fleet_is_listed_with_its_machines() {
    let fleet = Fleet::start();
    let _worker = fleet.faulty_worker("w1", "worker.in_compute=delay:600");
    let run = fleet.submit_beside(&[]);
    wait_until("the worker shows what it holds", || {
        fleet
            .ask(&["workers"])
            .first()
            .is_some_and(|card| card["held"].as_u64() > Some(0))
    });
    let card = fleet.ask(&["workers"]).remove(0);
    for fact in ["cores", "lanes", "memory_bytes", "pid"] {
        assert!(card[fact].as_u64() > Some(0), "{fact} of {card}");
    }
    assert!(card["jobs"].as_array().is_some_and(|jobs| !jobs.is_empty()), "{card}");
    assert_eq!(
        fleet.newest()["total"].as_u64(),
        Some(MAP_JOBS + 3),
        "three dates are reduced"
    );
    run.assert_right();
}

/// Whether a process is stopped by a signal.
fn is_stopped(pid: u32) -> bool {
    let state = std::process::Command::new("ps")
        .args(["-o", "state=", "-p", &pid.to_string()])
        .output();
    state.is_ok_and(|output| output.stdout.first() == Some(&b'T'))
}
