//! `submit scan --coordinator URL`: the same bytes as embedded, and the same words and statuses where there are none.

use serde_json::Value;
use tickfleet_runtime::broker::{Broker, RunState};
use tickfleet_tests::program::assert_error;
use tickfleet_tests::tables::{TABLES, parquet_metadata, read_parquet};

use crate::fleet::{Fleet, block_on, bytes, patiently};

const EVERY_SESSION: &str = "--from 2016-03-01 --shard-size 5";

#[test]
fn a_cluster_gives_the_bytes_of_an_embedded_run() {
    let fleet = Fleet::start();
    let _worker = fleet.worker();
    for ending in ["csv", "json", "jsonl", "arrow"] {
        let here = format!("submit scan --bars b.csv --side all {EVERY_SESSION} --out here.{ending}");
        let _ = fleet.coordinator(&here).run().success();
        let _ = fleet
            .submit(&format!("{EVERY_SESSION} --out there.{ending}"))
            .run()
            .success();
        let [here, there] = ["here", "there"].map(|name| bytes(&fleet.path(&format!("{name}.{ending}"))));
        assert_eq!(without_run_id(&here), without_run_id(&there), "{ending}");
    }
}

#[test]
fn a_clusters_folder_of_tables_is_an_embedded_ones() {
    let fleet = Fleet::start();
    let _worker = fleet.worker();
    let here = format!("submit scan --bars b.csv --side all {EVERY_SESSION} --out here/");
    let _ = fleet.coordinator(&here).run().success();
    let _ = fleet.submit(&format!("{EVERY_SESSION} --out there/")).run().success();
    for table in TABLES {
        let [here, there] = ["here", "there"].map(|folder| fleet.path(&format!("{folder}/{table}.parquet")));
        let rows = read_parquet(&here);
        assert!(table == "rejected" || rows.num_rows() > 0, "{table} holds rows");
        assert_eq!(rows.columns(), read_parquet(&there).columns(), "{table}");
        let origin = |path| {
            let pairs = parquet_metadata(path).into_iter();
            let same = pairs.filter(|(key, _)| key.starts_with("tickfleet.") && key != "tickfleet.run_id");
            same.collect::<Vec<_>>()
        };
        assert_eq!(origin(&here).len(), 3, "{table}");
        assert_eq!(origin(&here), origin(&there), "{table}");
    }
}

#[test]
fn what_is_printed_is_the_same_but_for_what_names_the_run() {
    let fleet = Fleet::start();
    let _worker = fleet.worker();
    let here = fleet.coordinator("submit scan --bars b.csv --side all").run().success();
    let there = fleet.submit("").run().success();
    assert_eq!(here.stdout, there.stdout, "the ranking");
    let events = |text: &str| {
        let events = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("an event a line"));
        let names = events.map(|event| event["event"].as_str().expect("a name").to_owned());
        let mut names: Vec<String> = names.collect();
        names.dedup();
        names
    };
    let there = fleet.submit("--json").run().success();
    let expect = ["submitted", "progress", "ranked", "final"];
    let found: Vec<String> = events(&there.stdout)
        .into_iter()
        .filter(|name| name != "note")
        .collect();
    assert_eq!(found, expect);
    let plans = [
        fleet
            .coordinator("submit scan --bars b.csv --side all --dry-run --json")
            .run()
            .success(),
        fleet.submit("--dry-run --json").run().success(),
    ];
    assert_eq!(plans[0].stdout, plans[1].stdout, "the plan");
    block_on(async {
        let runs = fleet.cluster().await.list().await.expect("a list");
        assert_eq!(runs.len(), 2, "a plan submits nothing");
    });
}

#[test]
fn a_run_that_nobody_waits_for_goes_on() {
    let fleet = Fleet::start();
    let outcome = fleet.submit("--no-wait").run().success();
    let run = outcome.stdout.trim().parse().expect("a run's id on standard output");
    assert_eq!(outcome.stdout, format!("{run}\n"));
    block_on(async {
        let cluster = fleet.cluster().await;
        assert_eq!(cluster.get(run).await.expect("the run").state, RunState::Running);
        let _worker = fleet.worker();
        patiently(async || cluster.get(run).await.expect("the run").state == RunState::Succeeded).await;
    });
}

#[test]
fn an_interrupt_leaves_the_run_and_says_how_to_follow_it() {
    let fleet = Fleet::start();
    let url = fleet.server.url();
    let script = format!(
        "mkfifo events
         \"$0\" submit scan --bars b.csv --side all --json --coordinator {url} >events & pid=$!
         {{ grep -m1 -q submitted; kill -s INT $pid; cat >/dev/null; }} <events
         wait $pid; echo $?"
    );
    let program = tickfleet_tests::binary::coordinator_binary().to_string_lossy();
    let shell = tickfleet_tests::program::Invocation::new("/bin/sh".as_ref(), ["-c", &script, &program]);
    let outcome = shell.current_dir(fleet.folder.path()).run();
    assert_eq!(outcome.stdout, "130\n", "{outcome:#?}");
    assert!(outcome.stderr.contains("the run goes on"), "{outcome:#?}");
    block_on(async {
        let runs = fleet.queue().await.list().await.expect("a list");
        assert_eq!((runs.len(), runs[0].state), (1, RunState::Running));
        let command = format!("help: coordinator watch {} --coordinator {url}\n", runs[0].run);
        assert!(outcome.stderr.contains(&command), "{outcome:#?}");
    });
}

#[test]
fn a_key_means_one_run_and_one_spec() {
    let fleet = Fleet::start();
    let submit = |options: &str| fleet.submit(&format!("--no-wait --key nightly {options}")).run();
    let first = submit("").success();
    let again = submit("").success();
    assert_eq!(first.stdout, again.stdout, "the same key and spec are the same run");
    assert!(again.stderr.contains("under this key before"), "{again:#?}");
    let other = submit("--top 3");
    assert_error(&other, 2, &["key nightly is taken by run", "use another key"]);
    let own = fleet.submit("--no-wait").run().success();
    assert_ne!(own.stdout, first.stdout, "an invocation has a key of its own");
}

#[test]
fn what_cannot_be_is_refused_as_embedded() {
    let fleet = Fleet::start();
    for options in ["--as-of 2010-01-01", "--from 2017-01-01", "--universe no.csv"] {
        let here = fleet
            .coordinator(&format!("submit scan --bars b.csv --side all {options}"))
            .run();
        let there = fleet.submit(options).run();
        assert_eq!((here.status, there.status), (Some(2), Some(2)), "{options}");
        let absolute = |text: &str| text.replace("no.csv", &fleet.path("no.csv").display().to_string());
        assert_eq!(absolute(&here.stderr), there.stderr, "{options}");
    }
    block_on(async {
        assert_eq!(
            fleet.queue().await.list().await.expect("a list"),
            [],
            "nothing was enqueued"
        );
    });
}

/// A path that means another file in another process.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_the_coordinator_does_not_see_is_explained() {
    let fleet = Fleet::start();
    let url = fleet.server.url();
    let line = format!("submit scan --bars /proc/self/cwd/b.csv --coordinator {url}");
    let outcome = fleet.coordinator(&line).run();
    let needles = [
        "/proc/self/cwd/b.csv does not exist",
        "the coordinator does not see it",
        "under the same path",
    ];
    assert_error(&outcome, 2, &needles);
}

#[test]
fn a_run_that_fails_says_why() {
    let fleet = Fleet::start();
    let script = format!(
        "mkfifo events
         \"$0\" submit scan --bars b.csv --side all --json --coordinator {} >events & pid=$!
         {{ grep -m1 -q submitted; echo x >>b.csv; echo changed >ready; cat >/dev/null; }} <events
         wait $pid; echo $?",
        fleet.server.url()
    );
    let worker = std::thread::scope(|scope| {
        let submitting = scope.spawn(|| {
            let program = tickfleet_tests::binary::coordinator_binary().to_string_lossy();
            let shell = tickfleet_tests::program::Invocation::new("/bin/sh".as_ref(), ["-c", &script, &program]);
            shell.current_dir(fleet.folder.path()).run()
        });
        block_on(patiently(async || fleet.path("ready").exists()));
        let worker = fleet.worker();
        let outcome = submitting.join().expect("the submission ends");
        assert_eq!(outcome.stdout, "1\n", "{outcome:#?}");
        for needle in ["error: the run failed", "why: map/0:", "coordinator retry"] {
            assert!(outcome.stderr.contains(needle), "{needle}: {outcome:#?}");
        }
        worker
    });
    drop(worker);
    block_on(async {
        let cluster = fleet.cluster().await;
        let run = cluster.list().await.expect("a list")[0].run;
        assert!(!cluster.dead(run).await.expect("letters").is_empty());
        let failure = cluster.results(run).await.err().expect("no results");
        assert!(failure.what.contains("failed, so it has no results"), "{failure}");
    });
}

/// A result file whose run id is blanked.
fn without_run_id(file: &[u8]) -> Vec<u8> {
    const KEY: &[u8] = b"tickfleet.run_id";
    let mut file = file.to_vec();
    let Some(at) = file.windows(KEY.len()).position(|window| window == KEY) else {
        return file;
    };
    let is_id = |text: &[u8]| std::str::from_utf8(text).is_ok_and(|text| text.parse::<uuid::Uuid>().is_ok());
    let near = at.saturating_sub(256)..(at + 256).min(file.len() - 36);
    let id = near.into_iter().find(|&start| is_id(&file[start..start + 36]));
    let id = id
        .map(|start| file[start..start + 36].to_vec())
        .expect("a run id beside its key");
    for start in 0..file.len() - 35 {
        if file[start..start + 36] == id {
            file[start..start + 36].fill(b'-');
        }
    }
    file
}
