//! Coordinators that are killed before, inside and after a submit; clients that try again with the same key.

use tickfleet_tests::program::coordinator;

use crate::fleet::{Fleet, assert_right, rounds, scan_args};

#[test]
fn a_coordinator_killed_around_a_submit_leaves_the_whole_run_or_none() {
    rounds(|| {
        for (step, is_accepted) in [
            ("coordinator.before_enqueue", false),
            ("coordinator.after_enqueue", true),
        ] {
            let mut fleet = Fleet::start();
            let _worker = fleet.worker("w1");
            fleet.replace_coordinator(&[("TICKFLEET_FAULT", &format!("{step}=kill"))]);
            let (outcome, _) = fleet.submit(&["--key", "the-key"]);
            assert_eq!(outcome.status, Some(3), "{step}: {outcome:#?}");
            fleet.replace_coordinator(&[]);
            assert_eq!(fleet.ask(&["list"]).len(), usize::from(is_accepted), "{step}");
            let (outcome, out) = fleet.submit(&["--key", "the-key"]);
            let _ = outcome.success();
            assert_right(out.path());
            assert_eq!(fleet.ask(&["list"]).len(), 1, "{step}");
            fleet.assert_sound();
        }
    });
}

#[test]
fn a_client_survives_its_coordinator() {
    rounds(|| {
        let mut fleet = Fleet::start();
        let _worker = fleet.faulty_worker("w1", "worker.in_compute=delay:100");
        let mut run = fleet.submit_beside(&[]);
        run.wait_until_accepted();
        fleet.wait_for_done(3);
        fleet.replace_coordinator(&[]);
        run.assert_right();
        fleet.assert_sound();
    });
}

#[test]
fn many_submits_of_one_key_make_one_run() {
    rounds(|| {
        let fleet = Fleet::start();
        let _worker = fleet.worker("w1");
        let mut args = scan_args(crate::fleet::market());
        args.extend(["--coordinator", &fleet.url(), "--key", "same", "--no-wait", "--quiet"].map(str::to_owned));
        let runs: Vec<String> = std::thread::scope(|scope| {
            let submits: Vec<_> = (0..100)
                .map(|_| {
                    let args = args.clone();
                    scope.spawn(move || coordinator(args).run().success().stdout)
                })
                .collect();
            submits
                .into_iter()
                .map(|submit| submit.join().expect("a submit"))
                .collect()
        });
        assert!(runs.iter().all(|run| *run == runs[0]), "{runs:?}");
        assert_eq!(fleet.ask(&["list"]).len(), 1);
    });
}
