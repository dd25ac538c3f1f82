//! The broker of a fleet: the queue in a Redis 7 (or Valkey), shared by any number of processes.
//!
//! The rules are those of [`tickfleet_protocol::state`], carried out by Lua scripts, each atomic, in one round trip a
//! call. Nothing about a run is kept here, so any process may stop at any instant, and any call may be sent again. A
//! job that nobody holds costs no memory, a done one a bit. Read next: `claim`, [`scripts`], `bell`.

mod audit;
mod bell;
mod blocking;
mod census;
mod check;
mod claim;
mod commit;
mod decode;
mod fault;
mod fleet;
mod hold;
mod layout;
mod life;
mod link;
mod read;
mod recall;
mod results;
pub mod scripts;
mod server;
mod url;

use std::{
    sync::{Arc, Mutex, MutexGuard, atomic::AtomicU16},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
pub use census::KeptResults;
pub use check::{ConnectError, ServerReport};
pub use fault::Fault;
use tickfleet_protocol::{
    fleet::{Orders, WorkerCard, WorkerEntry},
    ids::{EventId, Identity, JobIndex, RunId, Token, WorkerId},
    limits::RUN_RETENTION_MS,
};
use tokio::sync::watch;
pub use url::{RedisUrl, UrlError};

use self::{
    bell::Bell,
    blocking::BlockingPool,
    layout::Layout,
    link::{Link, Patience},
    recall::Recalls,
    server::Server,
};
use super::{
    Audit, Broker, Claim, ClaimRequest, Commit, CommitOutcome, DeadLetter, FailOutcome, Failure, Held, NewRun,
    Progress, Result, RunRecord, RunSummary, Submitted, Sweep, token::TokenSource,
};

/// Most shards: each costs every process a listening connection, and a claim that finds nothing a round trip.
const MAX_SHARDS: u16 = 64;

/// Most connections for blocking reads.
const MAX_BLOCKING_CONNECTIONS: usize = 4_096;

/// How to use a Redis as a broker.
#[derive(Clone, Debug)]
pub struct RedisOptions {
    /// Where it is.
    pub url: RedisUrl,
    /// The certificate of the authority that signed the server's, in PEM, where it is none that the world knows: for a
    /// single server with TLS.
    pub ca_pem: Option<Vec<u8>>,
    /// What all keys begin with; queues under different prefixes know nothing of each other.
    pub prefix: String,
    /// Parts of the queue, 1 to 64, the same for every process that uses the prefix: more than one spreads runs over
    /// the nodes of a cluster. Fairness between runs is exact within a shard; shards take turns.
    pub shards: u16,
    /// How long a connection may take to open.
    pub connect_timeout: Duration,
    /// How long an answer may take, waiting apart; a result of the largest size has to fit.
    pub reply_timeout: Duration,
    /// How long a result is kept after it was last committed; at least as long as an ended run is.
    pub result_life: Duration,
    /// Most connections for reads that wait, 1 to 4,096: a worker needs one a shard, a coordinator one a follower.
    pub blocking_connections: usize,
}

impl RedisOptions {
    /// The defaults for an address: prefix `tf`; one shard, or eight in a cluster; results live for a week.
    pub fn new(url: RedisUrl) -> Self {
        let shards = if url.is_cluster() { 8 } else { 1 };
        Self {
            url,
            ca_pem: None,
            prefix: "tf".to_owned(),
            shards,
            connect_timeout: Duration::from_secs(5),
            reply_timeout: Duration::from_secs(10),
            result_life: Duration::from_secs(7 * 24 * 60 * 60),
            blocking_connections: 256,
        }
    }

    fn check(&self) -> std::result::Result<(), ConnectError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        let what = if self.prefix.is_empty() || !self.prefix.bytes().all(is_plain) {
            "the prefix of the keys is made of letters, digits and -_.:"
        } else if !(1..=MAX_SHARDS).contains(&self.shards) {
            "the number of shards is 1 to 64"
        } else if self.result_life < Duration::from_millis(RUN_RETENTION_MS) {
            "results are kept at least as long as ended runs, a day"
        } else if !(1..=MAX_BLOCKING_CONNECTIONS).contains(&self.blocking_connections) {
            "the number of blocking connections is 1 to 4096"
        } else if self.ca_pem.is_some() && !(self.url.is_tls() && self.url.is_single()) {
            "an authority of one's own is for a single server with TLS: rediss://"
        } else {
            return Ok(());
        };
        Err(ConnectError::Setting { what })
    }
}

/// A broker whose state is in Redis.
pub struct RedisBroker {
    server: Arc<Server>,
    blocking: Arc<BlockingPool>,
    bell: Bell,
    tokens: Mutex<TokenSource>,
    result_life_ms: u64,
    /// The shard that the next claim asks first.
    next_shard: AtomicU16,
    recalls: Recalls,
    report: ServerReport,
    has_replica_waits: bool,
}

impl RedisBroker {
    /// Connects, and checks that the server can be trusted with jobs.
    pub async fn connect(options: &RedisOptions) -> std::result::Result<Self, ConnectError> {
        Self::connect_with_offset(options, watch::Sender::new(0).subscribe()).await
    }

    /// As [`RedisBroker::connect`], with the time of every call moved on by what `offset_ms` says at that moment: for
    /// tests that can't wait for a lease to end.
    pub async fn connect_with_offset(
        options: &RedisOptions,
        offset_ms: watch::Receiver<u64>,
    ) -> std::result::Result<Self, ConnectError> {
        options.check()?;
        // The first provider of the process stays; a second call finds it and is of no effect.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let patience = Patience {
            connect: options.connect_timeout,
            reply: options.reply_timeout,
        };
        let address = |source| ConnectError::Address {
            url: options.url.to_string(),
            source,
        };
        let nodes = options.url.nodes(options.ca_pem.as_deref()).map_err(address)?;
        let server = Arc::new(Server {
            link: Link::new(&options.url, nodes.clone(), patience).map_err(address)?,
            layout: Layout::new(&options.prefix, options.shards),
            offset_ms,
        });
        let report = check::check_server(&server, &options.url).await?;
        for advice in &report.advice {
            tracing::warn!(redis = %options.url, "{advice}");
        }
        check::check_shards(&server, &options.url, &options.prefix, options.shards).await?;
        let pool = BlockingPool::new(&options.url, nodes, patience, options.blocking_connections).map_err(address)?;
        let blocking = Arc::new(pool);
        Ok(Self {
            bell: Bell::new(Arc::clone(&server), Arc::clone(&blocking)),
            server,
            blocking,
            tokens: Mutex::new(TokenSource::random()),
            result_life_ms: super::clock::whole_ms(options.result_life),
            next_shard: AtomicU16::new(0),
            recalls: Recalls::default(),
            report,
            has_replica_waits: !options.url.is_cluster(),
        })
    }

    /// What was found of the server when this broker connected.
    pub const fn report(&self) -> &ServerReport {
        &self.report
    }

    fn tokens(&self) -> MutexGuard<'_, TokenSource> {
        self.tokens.lock().expect("drawing bits does not panic")
    }
}

#[async_trait]
impl Broker for RedisBroker {
    async fn submit(&self, run: NewRun) -> Result<Submitted> {
        self.submit_run(run).await
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Claim>> {
        self.claim_jobs(request).await
    }

    async fn beat(&self, held: &[Held], lease_ms: u64) -> Result<Vec<Token>> {
        self.renew(held, lease_ms).await
    }

    async fn commit(&self, commits: Vec<Commit>) -> Result<Vec<CommitOutcome>> {
        self.commit_jobs(&commits).await
    }

    async fn fail(&self, failures: Vec<Failure>) -> Result<Vec<FailOutcome>> {
        self.fail_jobs(&failures).await
    }

    async fn hand_back(&self, held: &[Held]) -> Result<()> {
        self.return_jobs(held).await
    }

    async fn cancel(&self, run: RunId) -> Result<bool> {
        self.cancel_run(run).await
    }

    async fn run(&self, run: RunId) -> Result<Option<RunRecord>> {
        self.read_run(run).await
    }

    async fn summary(&self, run: RunId) -> Result<Option<RunSummary>> {
        self.read_summary(run).await
    }

    async fn list(&self) -> Result<Vec<RunSummary>> {
        self.read_runs().await
    }

    async fn events(&self, run: RunId, after: EventId, wait: Duration) -> Result<Vec<(EventId, Progress)>> {
        self.read_events(run, after, wait).await
    }

    async fn results(&self, identities: &[Identity]) -> Result<Vec<Option<Bytes>>> {
        self.read_results(identities).await
    }

    async fn stored(&self, identities: &[Identity]) -> Result<Vec<bool>> {
        self.look_for_results(identities).await
    }

    async fn keep(&self, results: Vec<(Identity, Bytes)>) -> Result<()> {
        self.keep_results(&results).await
    }

    async fn dead(&self, run: RunId) -> Result<Vec<DeadLetter>> {
        self.read_dead(run).await
    }

    async fn replay_dead(&self, run: RunId, jobs: Option<&[JobIndex]>) -> Result<u64> {
        self.replay_jobs(run, jobs).await
    }

    async fn drop_dead(&self, run: RunId, jobs: Option<&[JobIndex]>) -> Result<u64> {
        self.drop_jobs(run, jobs).await
    }

    async fn forget(&self, run: RunId) -> Result<()> {
        self.forget_run(run).await
    }

    async fn audit(&self, run: RunId, repair: bool) -> Result<Audit> {
        self.audit_run(run, repair).await
    }

    async fn sweep(&self, repair: bool) -> Result<Sweep> {
        self.sweep_shards(repair).await
    }

    async fn announce(&self, card: &WorkerCard) -> Result<Orders> {
        self.show_card(card).await
    }

    async fn retire(&self, worker: &WorkerId) -> Result<()> {
        self.take_card(worker).await
    }

    async fn workers(&self) -> Result<Vec<WorkerEntry>> {
        self.read_workers().await
    }

    async fn drain(&self, worker: &WorkerId, is_draining: bool) -> Result<bool> {
        self.tell_to_drain(worker, is_draining).await
    }
}
