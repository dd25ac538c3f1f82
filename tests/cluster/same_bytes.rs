//! Without faults: the same answer whatever the number of workers and coordinators.

use crate::fleet::{Fleet, assert_right, rounds};

#[test]
fn one_two_and_four_workers_give_the_embedded_answer() {
    rounds(|| {
        for workers in [1, 2, 4] {
            let fleet = Fleet::start();
            let _workers: Vec<_> = (0..workers).map(|n| fleet.worker(&format!("w{n}"))).collect();
            let (outcome, out) = fleet.submit(&[]);
            let outcome = outcome.success();
            assert_right(out.path());
            assert!(outcome.stdout.contains("\"submitted\""));
            fleet.assert_sound();
        }
    });
}

#[test]
fn results_can_be_fetched_later_and_again() {
    let fleet = Fleet::start();
    let _worker = fleet.worker("w1");
    let (outcome, _out) = fleet.submit(&["--no-wait"]);
    let _ = outcome.success();
    let run = fleet.newest()["run"].as_str().expect("a run has an id").to_owned();
    let url = fleet.url();
    let verb = |args: &[&str]| {
        let all = args.iter().copied().chain(["--coordinator", &url]);
        tickfleet_tests::program::coordinator(all).run()
    };
    let _ = verb(&["watch", &run]).success();
    for _ in 0..2 {
        let out = tempfile::tempdir().expect("a temporary folder can be made");
        let _ = verb(&["results", &run, "--out", &format!("{}/", out.path().display())]).success();
        assert_right(out.path());
    }
}
