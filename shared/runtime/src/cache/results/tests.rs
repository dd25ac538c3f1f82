//! Results over their tiers: each answers for the others, and none of them fails a job.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use tickfleet_protocol::fleet::{Orders, WorkerCard, WorkerEntry};
use tickfleet_protocol::ids::{EventId, JobIndex, RunId, Token, WorkerId};

use super::*;
use crate::broker::{
    Audit, Claim, ClaimRequest, Commit, CommitOutcome, DeadLetter, FailOutcome, Failure, Held, NewRun, Progress,
    Result, RunRecord, RunSummary, Submitted, Sweep,
};
use crate::cache::DiskTier;

/// A queue's server of which only the results are asked for.
#[derive(Default)]
struct Server {
    kept: Mutex<HashMap<Identity, Bytes>>,
    is_down: AtomicBool,
    is_slow: AtomicBool,
    calls: AtomicU64,
}

impl Server {
    async fn kept(&self) -> Result<MutexGuard<'_, HashMap<Identity, Bytes>>> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if self.is_slow.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_secs(3_600)).await;
        }
        if self.is_down.load(Ordering::Relaxed) {
            return Err(BrokerError::Unavailable {
                operation: "test",
                source: "down".into(),
            });
        }
        Ok(self.kept.lock().unwrap())
    }

    /// What a commit does with a packed result.
    fn commit(&self, identity: Identity, packed: Bytes) {
        self.kept.lock().unwrap().entry(identity).or_insert(packed);
    }

    fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }
}

const NOT_ASKED: &str = "only results are asked for";

#[async_trait]
impl Broker for Server {
    async fn results(&self, identities: &[Identity]) -> Result<Vec<Option<Bytes>>> {
        let kept = self.kept().await?;
        Ok(identities.iter().map(|identity| kept.get(identity).cloned()).collect())
    }

    async fn stored(&self, identities: &[Identity]) -> Result<Vec<bool>> {
        let kept = self.kept().await?;
        Ok(identities.iter().map(|identity| kept.contains_key(identity)).collect())
    }

    async fn keep(&self, results: Vec<(Identity, Bytes)>) -> Result<()> {
        let mut kept = self.kept().await?;
        for (identity, bytes) in results {
            kept.entry(identity).or_insert(bytes);
        }
        Ok(())
    }

    async fn submit(&self, _: NewRun) -> Result<Submitted> {
        unreachable!("{NOT_ASKED}")
    }

    async fn claim(&self, _: ClaimRequest) -> Result<Vec<Claim>> {
        unreachable!("{NOT_ASKED}")
    }

    async fn beat(&self, _: &[Held], _: u64) -> Result<Vec<Token>> {
        unreachable!("{NOT_ASKED}")
    }

    async fn commit(&self, _: Vec<Commit>) -> Result<Vec<CommitOutcome>> {
        unreachable!("{NOT_ASKED}")
    }

    async fn fail(&self, _: Vec<Failure>) -> Result<Vec<FailOutcome>> {
        unreachable!("{NOT_ASKED}")
    }

    async fn hand_back(&self, _: &[Held]) -> Result<()> {
        unreachable!("{NOT_ASKED}")
    }

    async fn cancel(&self, _: RunId) -> Result<bool> {
        unreachable!("{NOT_ASKED}")
    }

    async fn run(&self, _: RunId) -> Result<Option<RunRecord>> {
        unreachable!("{NOT_ASKED}")
    }

    async fn summary(&self, _: RunId) -> Result<Option<RunSummary>> {
        unreachable!("{NOT_ASKED}")
    }

    async fn list(&self) -> Result<Vec<RunSummary>> {
        unreachable!("{NOT_ASKED}")
    }

    async fn events(&self, _: RunId, _: EventId, _: Duration) -> Result<Vec<(EventId, Progress)>> {
        unreachable!("{NOT_ASKED}")
    }

    async fn dead(&self, _: RunId) -> Result<Vec<DeadLetter>> {
        unreachable!("{NOT_ASKED}")
    }

    async fn replay_dead(&self, _: RunId, _: Option<&[JobIndex]>) -> Result<u64> {
        unreachable!("{NOT_ASKED}")
    }

    async fn drop_dead(&self, _: RunId, _: Option<&[JobIndex]>) -> Result<u64> {
        unreachable!("{NOT_ASKED}")
    }

    async fn forget(&self, _: RunId) -> Result<()> {
        unreachable!("{NOT_ASKED}")
    }

    async fn announce(&self, _: &WorkerCard) -> Result<Orders> {
        unreachable!("{NOT_ASKED}")
    }

    async fn retire(&self, _: &WorkerId) -> Result<()> {
        unreachable!("{NOT_ASKED}")
    }

    async fn workers(&self) -> Result<Vec<WorkerEntry>> {
        unreachable!("{NOT_ASKED}")
    }

    async fn drain(&self, _: &WorkerId, _: bool) -> Result<bool> {
        unreachable!("{NOT_ASKED}")
    }

    async fn audit(&self, _: RunId, _: bool) -> Result<Audit> {
        unreachable!("{NOT_ASKED}")
    }

    async fn sweep(&self, _: bool) -> Result<Sweep> {
        unreachable!("{NOT_ASKED}")
    }
}

const MB: u64 = 1_000_000;

fn id(n: u8) -> Identity {
    Identity([n; 32])
}

fn bytes(n: u8) -> Bytes {
    Bytes::from(vec![n; 10_000])
}

fn memory() -> Local {
    Local::new(10 * MB, None)
}

fn nothing() -> Local {
    Local::new(0, None)
}

fn plain(server: &Arc<Server>, local: Local) -> Results {
    Results::new(server.clone(), local, None, MB)
}

async fn with_store(server: &Arc<Server>, folder: &Path) -> Results {
    let store = ResultStore::open(&folder.display().to_string()).await.unwrap();
    Results::new(server.clone(), nothing(), Some(Arc::new(store)), 5_000)
}

async fn compute(results: &Results, server: &Server, n: u8) {
    server.commit(id(n), results.pack(id(n), bytes(n)).await.unwrap());
}

async fn probe(results: &Results, n: u8) -> Probe {
    results.probe(&[id(n)]).await.remove(0)
}

#[tokio::test]
async fn results_come_in_order_from_whichever_tier_has_them() {
    let server = Arc::new(Server::default());
    let other = plain(&server, nothing());
    for n in [1, 2, 3] {
        compute(&other, &server, n).await;
    }
    let results = plain(&server, memory());
    compute(&results, &server, 4).await;
    let wanted = [4, 1, 9, 3, 1].map(id);
    let expect = [Some(bytes(4)), Some(bytes(1)), None, Some(bytes(3)), Some(bytes(1))];
    assert_eq!(results.get(&wanted).await.unwrap(), expect);
    let asked = server.calls();
    assert_eq!(results.get(&[4, 1, 3].map(id)).await.unwrap().len(), 3);
    assert_eq!(server.calls(), asked, "a hit filled the tier above");
    assert_eq!(results.get(&[]).await.unwrap(), Vec::<Option<Bytes>>::new());
    assert_eq!(results.stored(&[id(1), id(9)]).await.unwrap(), [true, false]);
}

#[tokio::test]
async fn more_results_than_one_call_may_name_are_asked_for_in_several() {
    let server = Arc::new(Server::default());
    let results = plain(&server, nothing());
    compute(&results, &server, 1).await;
    let found = results.get(&vec![id(1); 3_000]).await.unwrap();
    assert_eq!(found.len(), 3_000);
    assert!(found.iter().all(Option::is_some));
}

#[tokio::test]
async fn without_the_server_this_machine_still_answers() {
    let server = Arc::new(Server::default());
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(DiskTier::start(folder.path(), 10 * MB).unwrap());
    let results = plain(&server, Local::new(0, Some(disk.clone())));
    compute(&results, &server, 1).await;
    disk.flush();
    server.is_down.store(true, Ordering::Relaxed);
    assert_eq!(results.get(&[id(1)]).await.unwrap(), [Some(bytes(1))]);
    let error = results.get(&[id(1), id(2)]).await.expect_err("the server may have it");
    assert!(error.is_retryable(), "{error}");
    assert_eq!(probe(&results, 1).await, Probe::Held(bytes(1)));
    assert_eq!(probe(&results, 2).await, Probe::Absent);
    assert_eq!(results.recall(id(2)).await, None);
    let asked = server.calls();
    probe(&results, 3).await;
    results.note(id(4), Bytes::from_static(b"record"));
    results.share().await;
    assert_eq!(
        server.calls(),
        asked,
        "during the pause it is not asked for what only helps"
    );
}

#[tokio::test]
async fn a_slow_server_is_passed_over() {
    let server = Arc::new(Server::default());
    let results = Results::with_patience(server.clone(), memory(), None, MB, Duration::from_millis(1));
    results.note(id(1), Bytes::from_static(b"record"));
    server.is_slow.store(true, Ordering::Relaxed);
    assert_eq!(probe(&results, 9).await, Probe::Absent);
    assert_eq!(results.recall(id(1)).await.as_deref(), Some(&b"record"[..]));
    let queue = results
        .counts()
        .into_iter()
        .find(|(tier, _)| *tier == Tier::Redis)
        .unwrap()
        .1;
    assert_eq!(queue.errors, 1);
}

#[tokio::test]
async fn a_probe_tells_where_a_result_is() {
    let server = Arc::new(Server::default());
    let results = plain(&server, memory());
    assert_eq!(probe(&results, 1).await, Probe::Absent);
    let packed = results.pack(id(1), bytes(1)).await.unwrap();
    assert_eq!(
        probe(&results, 1).await,
        Probe::Held(bytes(1)),
        "computed here, not committed"
    );
    server.commit(id(1), packed);
    assert_eq!(probe(&results, 1).await, Probe::Stored);
}

#[tokio::test]
async fn records_are_shared_and_never_waited_for() {
    let server = Arc::new(Server::default());
    let (one, other) = (plain(&server, memory()), plain(&server, memory()));
    one.note(id(1), Bytes::from_static(b"record"));
    assert_eq!(one.recall(id(1)).await.as_deref(), Some(&b"record"[..]));
    assert_eq!(other.recall(id(1)).await, None);
    one.share().await;
    assert_eq!(other.recall(id(1)).await.as_deref(), Some(&b"record"[..]));
    let asked = server.calls();
    one.share().await;
    assert_eq!(server.calls(), asked, "each record is shared once");
    (0..2 * MAX_BATCH).for_each(|_| one.note(id(2), Bytes::from_static(b"record")));
    assert_eq!(one.noted().len(), MAX_BATCH);
}

#[tokio::test]
async fn many_jobs_are_probed_with_one_call() {
    let server = Arc::new(Server::default());
    let results = plain(&server, memory());
    compute(&results, &server, 1).await;
    results.pack(id(2), bytes(2)).await.unwrap();
    let asked = server.calls();
    let found = results.probe(&[3, 2, 1].map(id)).await;
    assert_eq!(found, [Probe::Absent, Probe::Held(bytes(2)), Probe::Stored]);
    assert_eq!(server.calls(), asked + 1);
}

#[tokio::test]
async fn large_results_go_by_pointer() {
    let server = Arc::new(Server::default());
    let folder = tempfile::tempdir().unwrap();
    let results = with_store(&server, folder.path()).await;
    compute(&results, &server, 1).await;
    let small = results.pack(id(2), Bytes::from_static(b"small")).await.unwrap();
    server.commit(id(2), small);
    assert!(server.kept.lock().unwrap()[&id(1)].len() < 500, "a pointer is small");
    let other = with_store(&server, folder.path()).await;
    let found = other.get(&[id(2), id(1)]).await.unwrap();
    assert_eq!(found, [Some(Bytes::from_static(b"small")), Some(bytes(1))]);
    assert_eq!(probe(&other, 1).await, Probe::Stored);
    let error = plain(&server, memory()).get(&[id(1)]).await.expect_err("no store");
    assert!(
        !error.is_retryable() && error.to_string().contains("--store"),
        "{error}"
    );
}

#[tokio::test]
async fn a_result_that_left_the_store_is_computed_again() {
    let server = Arc::new(Server::default());
    let folder = tempfile::tempdir().unwrap();
    let results = with_store(&server, folder.path()).await;
    compute(&results, &server, 1).await;
    let store = ResultStore::open(&folder.path().display().to_string()).await.unwrap();
    store.clear().await.unwrap();
    assert_eq!(results.get(&[id(1)]).await.unwrap(), [None]);
    assert_eq!(probe(&results, 1).await, Probe::Absent);
    compute(&results, &server, 1).await;
    assert_eq!(probe(&results, 1).await, Probe::Stored);
    assert_eq!(results.get(&[id(1)]).await.unwrap(), [Some(bytes(1))]);
}

#[tokio::test]
async fn a_result_beyond_every_bound_is_refused_with_the_setting_that_helps() {
    let server = Arc::new(Server::default());
    let results = plain(&server, nothing());
    let error = results
        .pack(id(1), Bytes::from(vec![0; MAX_RESULT_BYTES]))
        .await
        .expect_err("too large");
    assert!(!error.is_retryable());
    assert!(
        error.to_string().contains("--store") && error.to_string().contains("--inline-result"),
        "{error}"
    );
    let folder = tempfile::tempdir().unwrap();
    let stored = with_store(&server, folder.path()).await;
    assert!(
        stored
            .pack(id(1), Bytes::from(vec![0; MAX_RESULT_BYTES]))
            .await
            .unwrap()
            .len()
            < 500
    );
}

#[tokio::test]
async fn what_is_no_envelope_is_no_result() {
    let server = Arc::new(Server::default());
    server.commit(id(1), Bytes::from_static(b"other program"));
    assert_eq!(plain(&server, memory()).get(&[id(1)]).await.unwrap(), [None]);
}
