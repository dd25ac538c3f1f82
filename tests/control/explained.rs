//! `explain` and `compare` over gRPC: what the files say, and the closes that files do not hold.

use serde_json::Value;

use crate::fleet::Fleet;

#[test]
fn a_run_is_explained_as_its_files_are_and_with_its_closes() {
    let fleet = Fleet::start();
    let _worker = fleet.worker();
    let _ = fleet
        .submit("--from 2016-03-27 --shard-size 5 --out out/")
        .run()
        .success();
    let at = format!("--coordinator {}", fleet.server.url());
    let explain = |name: &str, at: &str| -> Value {
        let outcome = fleet
            .coordinator(&format!("explain {name} ac {at} --json"))
            .run()
            .success();
        serde_json::from_str(&outcome.stdout).expect("an object")
    };
    let (there, here) = (explain("latest", &at), explain("out/", ""));
    for key in [
        "symbol",
        "as_of",
        "status",
        "rank",
        "scores",
        "standings",
        "row",
        "origin",
    ] {
        assert_eq!(there[key], here[key], "{key}");
    }
    let closes = there["closes"].as_array().expect("closes");
    assert_eq!((closes.len(), closes.last()), (84, Some(&there["row"]["close"])));
    assert_eq!(here["closes"], Value::Null);
    let text = fleet
        .coordinator(&format!("explain latest AC {at} --as-of 2016-03-27"))
        .run()
        .success()
        .stdout;
    assert!(text.contains('▁') && text.contains('█'), "{text}");

    // The input is gone: everything else still stands.
    std::fs::remove_file(fleet.path("b.csv")).expect("the file is there");
    assert_eq!(explain("latest", &at)["closes"], Value::Null);
    let text = fleet
        .coordinator(&format!("explain latest AC {at}"))
        .run()
        .success()
        .stdout;
    assert!(
        text.contains("closes  not shown: the bars behind the row can't be read again"),
        "{text}"
    );
    let same = fleet
        .coordinator(&format!("compare latest out/ {at}"))
        .run()
        .success()
        .stdout;
    assert!(same.contains("0 entered, 0 left, 0 moved, "), "{same}");
}
