//! Each tier taken away, broken or emptied in its turn: the same bytes, at the price of some computing.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tickfleet_protocol::fleet::{Orders, WorkerCard, WorkerEntry};
use tickfleet_protocol::ids::{EventId, Identity, JobIndex, RunId, Token, WorkerId};
use tickfleet_runtime::broker::{
    Audit, Broker, BrokerError, Claim, ClaimRequest, Commit, CommitOutcome, DeadLetter, FailOutcome, Failure, Held,
    NewRun, Progress, Result, RunRecord, RunSummary, Submitted, Sweep,
};
use tickfleet_worker::jobs::WorkCounts;

use crate::bars::{last_of, market};
use crate::fleet::{Bench, Caching, DATES, MAPS, ONE_GROUP, SYMBOLS, alone};

const NONE: WorkCounts = WorkCounts {
    maps: 0,
    reduces: 0,
    copied: 0,
};

fn on_disk(folder: &Path) -> Caching {
    Caching {
        disk: Some(folder.to_owned()),
        ..Caching::default()
    }
}

/// Files of the disk cache.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let folders = fs::read_dir(folder.join("entries")).expect("the cache wrote");
    let files = folders.flat_map(|folder| fs::read_dir(folder.expect("listed").path()).expect("a folder"));
    files.map(|file| file.expect("listed").path()).collect()
}

#[tokio::test]
async fn a_redis_that_lost_everything_is_filled_from_disk() {
    let bench = Bench::new();
    let disk = bench.folder.path().join("disk");
    let run = bench.plan(&market(SYMBOLS), ONE_GROUP).await;
    let cold = bench.scan(&run, "cold", &on_disk(&disk)).await;
    bench.server.command("FLUSHALL");
    let warm = bench.scan(&run, "warm", &on_disk(&disk)).await;
    assert_eq!((warm.work, warm.found), (NONE, MAPS + DATES));
    assert!(warm.tables == cold.tables && warm.tables == alone(&run).await);
    let other = bench.scan(&run, "other-machine", &Caching::default()).await;
    assert_eq!((other.work, other.found), (NONE, MAPS + DATES), "Redis has them again");
}

#[tokio::test]
async fn damaged_entries_are_computed_again() {
    let bench = Bench::new();
    let disk = bench.folder.path().join("disk");
    let run = bench.plan(&market(SYMBOLS), ONE_GROUP).await;
    let cold = bench.scan(&run, "cold", &on_disk(&disk)).await;
    bench.server.command("FLUSHALL");
    for (number, entry) in entries(&disk).iter().enumerate() {
        let mut bytes = fs::read(entry).expect("an entry");
        match number % 3 {
            0 => bytes.truncate(bytes.len() / 2),
            1 => bytes[100] ^= 1,
            _ => bytes.clear(),
        }
        fs::write(entry, bytes).expect("an entry");
    }
    let again = bench.scan(&run, "again", &on_disk(&disk)).await;
    assert_eq!((again.work.maps, again.work.reduces), (MAPS, DATES));
    assert!(again.tables == cold.tables);
}

#[tokio::test]
async fn without_any_tier_of_its_own_a_worker_computes_the_same() {
    let bench = Bench::new();
    let file = bench.folder.path().join("file");
    fs::write(&file, "no folder").expect("a temporary folder takes a file");
    let run = bench.plan(&market(SYMBOLS), ONE_GROUP).await;
    let expect = alone(&run).await;
    let memory = Caching {
        memory: 64 << 20,
        ..Caching::default()
    };
    for (what, caching) in [
        ("nothing", Caching::default()),
        ("memory-only", memory),
        ("unwritable-disk", on_disk(&file)),
        ("disk-below-a-file", on_disk(&file.join("below"))),
    ] {
        bench.server.command("FLUSHALL");
        let scanned = bench.scan(&run, what, &caching).await;
        assert!(scanned.tables == expect, "{what}");
        assert_eq!((scanned.work.maps, scanned.work.reduces), (MAPS, DATES), "{what}");
    }
}

#[tokio::test]
async fn a_redis_that_answers_no_look_up_costs_computing_and_nothing_else() {
    let bench = Bench::new();
    let mut bars = market(SYMBOLS);
    let run = bench.plan(&bars, ONE_GROUP).await;
    let cold = bench.scan(&run, "cold", &Caching::default()).await;
    let moody = Arc::new(Moody::new(bench.broker().await));
    let again = bench
        .scan_through(moody.clone(), &run, "moody", &Caching::default())
        .await;
    assert_eq!((again.work.maps, again.work.reduces, again.found), (MAPS, DATES, 0));
    assert!(again.tables == cold.tables);
    last_of(&mut bars, "S001").close *= 2.0;
    let changed = bench.plan(&bars, ONE_GROUP).await;
    let after = bench
        .scan_through(moody, &changed, "moody-after", &Caching::default())
        .await;
    assert_eq!((after.work.maps, after.work.copied), (MAPS, 0));
    assert!(after.tables == alone(&changed).await);
}

/// A broker whose look-ups of what only helps fail, and whose results come at the third asking.
struct Moody {
    inner: Arc<dyn Broker>,
    asked: AtomicU32,
}

impl Moody {
    fn new(inner: Arc<dyn Broker>) -> Self {
        Self {
            inner,
            asked: AtomicU32::new(0),
        }
    }
}

fn moody<T>(operation: &'static str) -> Result<T> {
    Err(BrokerError::Unavailable {
        operation,
        source: "in a mood".into(),
    })
}

#[async_trait]
impl Broker for Moody {
    async fn results(&self, identities: &[Identity]) -> Result<Vec<Option<Bytes>>> {
        if self.asked.fetch_add(1, Ordering::Relaxed) % 3 < 2 {
            return moody("results");
        }
        self.inner.results(identities).await
    }

    async fn stored(&self, _: &[Identity]) -> Result<Vec<bool>> {
        moody("stored")
    }

    async fn keep(&self, _: Vec<(Identity, Bytes)>) -> Result<()> {
        moody("keep")
    }

    async fn submit(&self, run: NewRun) -> Result<Submitted> {
        self.inner.submit(run).await
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Claim>> {
        self.inner.claim(request).await
    }

    async fn beat(&self, held: &[Held], lease_ms: u64) -> Result<Vec<Token>> {
        self.inner.beat(held, lease_ms).await
    }

    async fn commit(&self, commits: Vec<Commit>) -> Result<Vec<CommitOutcome>> {
        self.inner.commit(commits).await
    }

    async fn fail(&self, failures: Vec<Failure>) -> Result<Vec<FailOutcome>> {
        self.inner.fail(failures).await
    }

    async fn hand_back(&self, held: &[Held]) -> Result<()> {
        self.inner.hand_back(held).await
    }

    async fn cancel(&self, run: RunId) -> Result<bool> {
        self.inner.cancel(run).await
    }

    async fn run(&self, run: RunId) -> Result<Option<RunRecord>> {
        self.inner.run(run).await
    }

    async fn summary(&self, run: RunId) -> Result<Option<RunSummary>> {
        self.inner.summary(run).await
    }

    async fn list(&self) -> Result<Vec<RunSummary>> {
        self.inner.list().await
    }

    async fn events(&self, run: RunId, after: EventId, wait: Duration) -> Result<Vec<(EventId, Progress)>> {
        self.inner.events(run, after, wait).await
    }

    async fn dead(&self, run: RunId) -> Result<Vec<DeadLetter>> {
        self.inner.dead(run).await
    }

    async fn replay_dead(&self, run: RunId, jobs: Option<&[JobIndex]>) -> Result<u64> {
        self.inner.replay_dead(run, jobs).await
    }

    async fn drop_dead(&self, run: RunId, jobs: Option<&[JobIndex]>) -> Result<u64> {
        self.inner.drop_dead(run, jobs).await
    }

    async fn forget(&self, run: RunId) -> Result<()> {
        self.inner.forget(run).await
    }

    async fn announce(&self, card: &WorkerCard) -> Result<Orders> {
        self.inner.announce(card).await
    }

    async fn retire(&self, worker: &WorkerId) -> Result<()> {
        self.inner.retire(worker).await
    }

    async fn workers(&self) -> Result<Vec<WorkerEntry>> {
        self.inner.workers().await
    }

    async fn drain(&self, worker: &WorkerId, is_draining: bool) -> Result<bool> {
        self.inner.drain(worker, is_draining).await
    }

    async fn audit(&self, run: RunId, repair: bool) -> Result<Audit> {
        self.inner.audit(run, repair).await
    }

    async fn sweep(&self, repair: bool) -> Result<Sweep> {
        self.inner.sweep(repair).await
    }
}
