//! Workers killed while they write to the disk cache: what is found there afterwards is right, or not found.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use tickfleet_protocol::digest::digest_of;
use tickfleet_protocol::ids::{IdempotencyKey, JobIndex, JobRef, RunId, StageIndex};
use tickfleet_protocol::limits::DEFAULT_WEIGHT;
use tickfleet_protocol::retry::RetryPolicy;
use tickfleet_runtime::broker::{Durability, NewRun};
use tickfleet_runtime::cache::{DiskTier, Key};
use tickfleet_tests::binary::worker_binary;
use tickfleet_tests::running::{BOUND, Running};
use tickfleet_worker::jobs::Kind;
use tickfleet_worker::jobs::noop::Noop;

use crate::fleet::Bench;

/// Jobs whose results are large enough that a kill meets a write.
const JOBS: u64 = 300;
const NOOP: Noop = Noop {
    cost_us: 0,
    result_bytes: 400_000,
    seed: 1,
};

/// Submits a run of no-op jobs.
pub(crate) async fn submit_noop(bench: &Bench, jobs: u64) -> RunId {
    let payload = NOOP.encode();
    let run = NewRun {
        key: IdempotencyKey::new("noop").expect("a valid key"),
        digest: digest_of(&payload),
        kind: Kind::Noop.job_kind(),
        trace: None,
        payload,
        stages: vec![jobs],
        weight: DEFAULT_WEIGHT,
        deadline: None,
        retry: RetryPolicy::default(),
        durability: Durability::Memory,
    };
    bench
        .broker()
        .await
        .submit(run)
        .await
        .expect("the queue takes the run")
        .run
}

fn entries(folder: &Path) -> usize {
    let folders = fs::read_dir(folder.join("entries")).into_iter().flatten().flatten();
    folders
        .filter_map(|folder| fs::read_dir(folder.path()).ok())
        .map(Iterator::count)
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_killed_worker_left_is_right_or_not_there() {
    let bench = Bench::new();
    let disk = bench.folder.path().join("disk");
    let run = submit_noop(&bench, JOBS).await;
    let (url, disk_text) = (bench.server.url(), disk.display().to_string());
    let mut seen = 0;
    for _ in 0..3 {
        let args = ["--redis", &url, "--cache-dir", &disk_text, "--lease-ms", "1000"];
        let mut worker = Running::start(worker_binary(), args, &[]);
        let more = async {
            while entries(&disk) < seen + 10 && worker.is_running() {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(BOUND, more).await.expect("the worker writes");
        worker.signal("KILL");
        worker.ended();
        seen = entries(&disk);
    }
    let tier = DiskTier::start(&disk, 4 << 30).expect("a thread can be started");
    let mut found = 0;
    for index in 0..JOBS {
        let job = JobRef {
            run,
            stage: StageIndex(0),
            index: JobIndex(index),
        };
        let entry: Option<Bytes> = tier.get(Key::result(&NOOP.identity(&job))).await;
        if let Some(entry) = entry {
            assert!(entry == NOOP.compute(&job), "job {index}");
            found += 1;
        }
    }
    assert!(found >= 10, "{found} entries outlived their writers");
    assert_eq!(tier.counts().errors, 0, "a file has its name only once it is whole");
}
