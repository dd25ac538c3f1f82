//! Scans on workers of this process: a cluster over a Redis, or a worker alone that says what is right.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tickfleet_worker::jobs::Kind;

use bytes::Bytes;
use tempfile::TempDir;
use tickfleet_kernels::scan::options::{
    Adjust, BlendOptions, DataOptions, MapOptions, PlanOptions, RankOptions, SectorFilter, SessionOptions, Side,
    TickerRule, UniverseOptions, Unlisted,
};
use tickfleet_kernels::scan::session::Calendar;
use tickfleet_proto::convert::ScanRun;
use tickfleet_protocol::digest::digest_of;
use tickfleet_protocol::facts::{JoinedFacts, ScanFacts};
use tickfleet_protocol::identity::{KERNEL_VERSION, canonical};
use tickfleet_protocol::ids::{EventId, IdempotencyKey, Identity, JobKind, WorkerId};
use tickfleet_protocol::plan::{Job, Sharding};
use tickfleet_protocol::retry::RetryPolicy;
use tickfleet_protocol::spec::scan::{DateSelection, JoinedInputs, ScanSpec};
use tickfleet_runtime::broker::memory::MemoryBroker;
use tickfleet_runtime::broker::redis::{RedisBroker, RedisOptions};
use tickfleet_runtime::broker::{Broker, Durability, NewRun, ProgressKind, RunState};
use tickfleet_runtime::cache::{DiskTier, Local, ResultStore, Results};
use tickfleet_runtime::data::inputs::Inputs;
use tickfleet_runtime::data::locate::locate;
use tickfleet_runtime::data::survey::survey;
use tickfleet_runtime::pool::Pool;
use tickfleet_runtime::shutdown::{Shutdown, Stop};
use tickfleet_tests::redis_server::RedisServer;
use tickfleet_worker::jobs::WorkCounts;
use tickfleet_worker::run::Run;
use tickfleet_worker::{Worker, WorkerOptions};

use crate::bars::{self, Bar};

/// Symbols of the market.
pub(crate) const SYMBOLS: usize = 24;
/// Symbols in a job.
const SHARD: u32 = 4;
/// Map jobs of a scan.
pub(crate) const MAPS: u64 = (SYMBOLS as u64).div_ceil(SHARD as u64);
/// As-of dates, each a reduce job.
pub(crate) const DATES: u64 = 2;
/// All rows in one group: whatever changes, changes every job's block.
pub(crate) const ONE_GROUP: usize = 1 << 20;
/// Far beyond any honest scan.
const PATIENCE: Duration = Duration::from_secs(120);

/// A market in files, and a Redis.
pub(crate) struct Bench {
    pub(crate) folder: TempDir,
    pub(crate) server: RedisServer,
    files: std::sync::atomic::AtomicU32,
}

/// A worker's caches beyond Redis.
#[derive(Clone, Default)]
pub(crate) struct Caching {
    /// Bytes in memory.
    pub(crate) memory: u64,
    /// Folder of the disk cache.
    pub(crate) disk: Option<PathBuf>,
    /// The store, and the largest result that is not sent there.
    pub(crate) store: Option<(PathBuf, u64)>,
}

/// What a scan gave, and how.
#[derive(Debug, PartialEq)]
pub(crate) struct Scanned {
    /// The result of each as-of date.
    pub(crate) tables: Vec<Bytes>,
    /// Kernels that ran, and results that were found by content.
    pub(crate) work: WorkCounts,
    /// Results that were found by identity.
    pub(crate) found: u64,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder can be made"),
            server: RedisServer::start(),
            files: std::sync::atomic::AtomicU32::new(0),
        }
    }

    /// A scan of these bars, planned as submit plans it. Each has a file of its own.
    pub(crate) async fn plan(&self, bars: &[Bar], group: usize) -> Run {
        let number = self.files.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = self.folder.path().join(format!("bars-{number}.parquet"));
        bars::write(&path, bars, group);
        plan(&path).await
    }

    /// A broker of the Redis.
    pub(crate) async fn broker(&self) -> Arc<dyn Broker> {
        let url = self.server.url().parse().expect("a server's address is well formed");
        let broker = RedisBroker::connect(&RedisOptions::new(url)).await;
        Arc::new(broker.expect("the server is fit"))
    }

    /// Runs a scan on a new worker of the cluster.
    pub(crate) async fn scan(&self, run: &Run, key: &str, caching: &Caching) -> Scanned {
        self.scan_through(self.broker().await, run, key, caching).await
    }

    /// Runs a scan on a new worker that reaches the cluster through a broker.
    pub(crate) async fn scan_through(
        &self,
        broker: Arc<dyn Broker>,
        run: &Run,
        key: &str,
        caching: &Caching,
    ) -> Scanned {
        let disk = caching.disk.as_ref().map(|folder| {
            let tier = DiskTier::start(folder, 100 << 20).expect("a thread can be started");
            // The first scan is done: what the folder holds is known.
            tier.flush();
            Arc::new(tier)
        });
        let store = match &caching.store {
            None => None,
            Some((folder, _)) => Some(Arc::new(
                ResultStore::open(&folder.display().to_string())
                    .await
                    .expect("a temporary folder is a store"),
            )),
        };
        let inline = caching.store.as_ref().map_or(u64::MAX, |(_, inline)| *inline);
        let local = Local::new(caching.memory, disk.clone());
        let results = Arc::new(Results::new(broker.clone(), local, store.clone(), inline));
        // What the queue and the store have, for a reader that has nothing of its own.
        let reader = Results::new(self.broker().await, Local::new(0, None), store, inline);
        let scanned = scan(broker, results, &reader, run, key).await;
        if let Some(disk) = disk {
            disk.flush();
        }
        scanned
    }
}

/// What a worker alone, with no cache at all, makes of a scan: what is right.
pub(crate) async fn alone(run: &Run) -> Vec<Bytes> {
    let broker: Arc<dyn Broker> = Arc::new(MemoryBroker::new(1 << 30));
    let results = Arc::new(Results::alone(broker.clone()));
    let scanned = scan(broker, results.clone(), &results, run, "alone").await;
    let expect = WorkCounts {
        maps: MAPS,
        reduces: DATES,
        copied: 0,
    };
    assert_eq!(scanned.work, expect, "a worker alone looks for nothing by content");
    scanned.tables
}

async fn scan(broker: Arc<dyn Broker>, results: Arc<Results>, reader: &Results, run: &Run, key: &str) -> Scanned {
    let options = WorkerOptions {
        id: WorkerId::new("w").expect("a valid name"),
        read_ahead: 2,
        lease: Duration::from_secs(15),
        job_max: PATIENCE,
        drain_max: PATIENCE,
        kinds: Kind::ALL.map(Kind::job_kind).to_vec(),
        solo: None,
    };
    let pool = Pool::new(2).expect("threads can be started");
    let inputs = Arc::new(Inputs::new(64 << 20));
    let worker = Worker::with_results(broker.clone(), results, inputs, pool, options);
    let (observer, stop) = (worker.observer(), Stop::default());
    let task = tokio::spawn(worker.run(stop.asked()));
    let state = tokio::time::timeout(PATIENCE, ended(broker.as_ref(), run, key)).await;
    assert_eq!(state.expect("a scan ends"), RunState::Succeeded, "{key}");
    let dates = 0..run.record.facts.as_of.len();
    let identities: Vec<Identity> = dates.map(|date| run.identities().of(&Job::Reduce { date })).collect();
    let tables = reader.get(&identities).await.expect("the queue answers");
    stop.ask(Shutdown::Draining);
    let drained = task.await.expect("a worker does not panic");
    drained.expect("a worker that has started works");
    let whole = |table: Option<Bytes>| table.expect("a run that succeeded has its results");
    Scanned {
        tables: tables.into_iter().map(whole).collect(),
        work: observer.work(),
        found: observer.status().found.load(std::sync::atomic::Ordering::Relaxed),
    }
}

/// Submits a run and waits for its end.
async fn ended(broker: &dyn Broker, run: &Run, key: &str) -> RunState {
    let new = NewRun {
        key: IdempotencyKey::new(key).expect("a valid key"),
        digest: digest_of(&canonical(&run.record.spec)),
        kind: JobKind::new(KERNEL_VERSION).expect("a valid name"),
        trace: None,
        payload: run.record.encode(),
        stages: run.plan.stages(),
        weight: 1,
        deadline: None,
        retry: RetryPolicy::default(),
        durability: Durability::Memory,
    };
    let submitted = broker.submit(new).await.expect("the queue takes the run");
    assert!(submitted.created, "{key} is a new key");
    let mut after = EventId::START;
    loop {
        let events = broker.events(submitted.run, after, Duration::from_secs(5)).await;
        for (id, progress) in events.expect("the queue has the run") {
            after = id;
            if let ProgressKind::Ended { state } = progress.kind {
                if state != RunState::Succeeded {
                    eprintln!("{:?}", broker.dead(submitted.run).await);
                }
                return state;
            }
        }
    }
}

async fn plan(bars: &Path) -> Run {
    let spec = spec(bars);
    let files = locate("bars", &spec.bars).await.expect("the bars are there");
    let inputs = Arc::new(Inputs::new(64 << 20));
    let pool = Pool::new(1).expect("a thread can be started");
    let survey = survey(&inputs, &pool, files, spec.map.ticker_rule, &mut |_, _| {}).await;
    let survey = survey.expect("the bars are whole");
    let calendar = Calendar::new(survey.dates.clone(), &survey.traded, &spec.session);
    let sessions = calendar.sessions();
    let facts = ScanFacts {
        mapped: (0..u32::try_from(survey.symbols.len()).expect("few symbols")).collect(),
        as_of: sessions[sessions.len() - usize::try_from(DATES).expect("few dates")..].to_vec(),
        files: survey.files,
        blocks: survey.blocks,
        dates: survey.dates,
        traded: survey.traded,
        symbols: survey.symbols,
        unplaced_rows: survey.unplaced_rows,
        first_unplaced: survey.first_unplaced,
        universe: None,
        joined: JoinedFacts::default(),
    };
    let sharding = Sharding {
        symbols: Some(SHARD),
        dates: None,
    };
    let run = Run::new(ScanRun { spec, facts, sharding });
    assert_eq!(run.plan.stages(), [MAPS, DATES]);
    run
}

fn spec(bars: &Path) -> ScanSpec {
    ScanSpec {
        bars: bars.display().to_string(),
        universe: None,
        joined: JoinedInputs::default(),
        dates: DateSelection::AsOf(None),
        session: SessionOptions { session_min_frac: 0.1 },
        map: MapOptions {
            adjust: Adjust::Auto,
            lookback: 504,
            ticker_rule: TickerRule::Any,
        },
        universe_stage: UniverseOptions {
            symbols: Vec::new(),
            sectors: SectorFilter::All,
            industries: Vec::new(),
            exclude_industries: Vec::new(),
            unlisted: Unlisted::Keep,
            ticker_rule: TickerRule::Any,
            allow_leveraged: true,
            min_market_cap: 0.0,
            max_symbols: 0,
        },
        data_stage: DataOptions {
            min_bars: 30,
            max_stale: 5,
            min_price: 1.0,
            min_dollar_volume: 0.0,
            max_jump: 0.0,
            max_cv: 10.0,
            max_atr_pct: 1.0,
        },
        blend: BlendOptions { ml_weight: 0.35 },
        plan: PlanOptions {
            account: 10_000.0,
            risk_pct: 1.0,
            rr: 2.0,
        },
        rank: RankOptions {
            side: Side::All,
            min_tech_rating: 0.0,
            min_ics: 0.0,
            min_merit: 0.0,
            max_per_sector: 0,
            top: 50,
        },
    }
}
