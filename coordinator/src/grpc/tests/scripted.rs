//! A cluster that answers by a script: something of every kind, more of it than one message takes.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, StringArray};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};
use tickfleet_kernels::scan::provisional::ProvisionalRow;
use tickfleet_kernels::scan::score::Signal;
use tickfleet_proto::convert::{FirstRejects, ScanRun};
use tickfleet_protocol::facts::{JoinedFacts, RowPlace, ScanFacts};
use tickfleet_protocol::fleet::{WorkerCard, WorkerEntry};
use tickfleet_protocol::ids::{
    Digest, EventId, IdempotencyKey, JobIndex, JobKind, JobRef, Millis, RunId, StageIndex, WorkerId,
};
use tickfleet_protocol::plan::Sharding;
use tickfleet_protocol::state::Census;
use tickfleet_runtime::broker::{
    Audit, AuditFault, Counts, DeadCause, DeadLetter, Durability, Progress, ProgressKind, RunState, RunSummary,
    StageCounts,
};
use tickfleet_runtime::failure::{ExitStatus, Failure, FailureKind};

use crate::cluster::{
    Accepted, Cluster, DayTables, Head, Opening, Part, Planned, ProvisionalDay, Request, Result, Status,
};
use crate::report::Note;

/// How a scripted cluster answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    Answer,
    Refuse,
    KeepSilent,
}

/// A cluster that answers by a script.
pub(super) struct Scripted(pub(super) Script);

impl Scripted {
    async fn answer<T>(&self, value: T) -> Result<T> {
        match self.0 {
            Script::Answer => Ok(value),
            Script::Refuse => Err(refusal()),
            Script::KeepSilent => std::future::pending().await,
        }
    }
}

fn refusal() -> Failure {
    Failure::new(ExitStatus::BadInput, "not so")
        .of_kind(FailureKind::Precondition)
        .at("here")
        .why("therefore")
        .help("do otherwise")
}

pub(super) fn run() -> RunId {
    RunId::from_parts(Millis(7), [1; 10])
}

fn job(index: u64) -> JobRef {
    JobRef {
        run: run(),
        stage: StageIndex(0),
        index: JobIndex(index),
    }
}

fn summary(index: u8) -> RunSummary {
    RunSummary {
        run: RunId::from_parts(Millis(7), [index; 10]),
        key: IdempotencyKey::new("key").unwrap(),
        digest: Digest([index; 32]),
        kind: JobKind::new("scan/1").unwrap(),
        trace: None,
        state: RunState::Running,
        open_stage: StageIndex(0),
        stages: vec![StageCounts::default(); 2],
        weight: 1,
        deadline: None,
        submitted_at: Millis(3),
        ended_at: None,
    }
}

pub(super) fn request() -> Request {
    let spec = r#"{"bars":"/b.csv","universe":null,"dates":{"as_of":null},"session":{"session_min_frac":0.1},
        "map":{"adjust":"auto","lookback":504,"ticker_rule":"us"},
        "universe_stage":{"symbols":[],"sectors":"all","industries":[],"exclude_industries":[],"unlisted":"keep",
        "ticker_rule":"us","allow_leveraged":false,"min_market_cap":0.0,"max_symbols":0},
        "data_stage":{"min_bars":60,"max_stale":0,"min_price":1.0,"min_dollar_volume":0.0,"max_jump":3.0,"max_cv":0.5,
        "max_atr_pct":1.0},
        "joined":{"fundamentals":null,"events":null,"predictions":null,"model":null,"model_device":"cpu"},
        "blend":{"ml_weight":0.35},"plan":{"account":10000.0,"risk_pct":1.0,"rr":2.0},
        "rank":{"side":"both","min_tech_rating":0.1,"min_ics":0.0,"min_merit":0.0,"max_per_sector":5,"top":50}}"#;
    Request {
        spec: serde_json::from_str(spec).expect("a spec"),
        shard_size: Some(3),
        key: IdempotencyKey::new("key").unwrap(),
        weight: 4,
        durability: Durability::Logged,
        trace: Some("00-aa-bb-01".to_owned()),
    }
}

fn accepted() -> Accepted {
    Accepted {
        run: run(),
        created: true,
        durability: Durability::Memory,
        stages: vec![4, 2],
        notices: vec!["know this".to_owned()],
    }
}

/// A record of several pieces.
pub(super) fn record(request: &Request) -> ScanRun {
    ScanRun {
        spec: request.spec.clone(),
        facts: ScanFacts {
            files: Vec::new(),
            blocks: Vec::new(),
            dates: (0..400_000).collect(),
            traded: vec![1; 400_000],
            as_of: vec![2, 3],
            symbols: Vec::new(),
            mapped: Vec::new(),
            unplaced_rows: 1,
            first_unplaced: None,
            universe: None,
            joined: JoinedFacts::default(),
        },
        sharding: Sharding {
            symbols: request.shard_size.and_then(|size| u32::try_from(size).ok()),
            dates: None,
        },
    }
}

fn event(id: u64) -> (EventId, Progress) {
    let kind = ProgressKind::Committed {
        stage: StageIndex(0),
        jobs: id,
    };
    let progress = Progress {
        at: Millis(id),
        counts: Counts::default(),
        kind,
    };
    (EventId(id), progress)
}

/// Results over two dates; one table takes several messages, one has no row.
pub(super) fn parts() -> Vec<Part> {
    let table = |rows: u32| {
        let numbers: ArrayRef = Arc::new(Float64Array::from_iter(
            (0..rows).map(|row| (row % 3 > 0).then(|| f64::from(row))),
        ));
        let texts: ArrayRef = Arc::new(StringArray::from_iter(
            (0..rows).map(|row| (row % 5 > 0).then(|| format!("é{row}"))),
        ));
        RecordBatch::try_from_iter([("number", numbers), ("text", texts)]).expect("columns of one length")
    };
    let day = |date| {
        let first_rejects = FirstRejects {
            bad_price: Some(RowPlace { block: 1, row: 2 }),
            ..FirstRejects::default()
        };
        Part::Day(Box::new(DayTables {
            date,
            ranked: table(5),
            scored: table(200_000),
            rejected: table(0),
            funnel: table(7),
            first_rejects,
        }))
    };
    let head = Head {
        run: run(),
        metadata: BTreeMap::from([("tickfleet.run_id".to_owned(), run().to_string())]),
        as_of: vec![16_000, 16_001],
        unplaced_rows: 3,
    };
    let note = Note {
        reason: "bad_price".to_owned(),
        place: "b.csv:3".to_owned(),
        why: "open is 0".to_owned(),
    };
    vec![Part::Head(head), day(0), day(1), Part::Notes(vec![note])]
}

/// Rows of two dates, as many as may be told in one message.
fn provisional() -> Vec<ProvisionalDay> {
    let signals = [
        Signal::StrongShort,
        Signal::Short,
        Signal::Avoid,
        Signal::Long,
        Signal::StrongLong,
    ];
    let row = |at: u32| ProvisionalRow {
        symbol: format!("S{at}"),
        signal: signals[at as usize % signals.len()],
        tech_rating: f64::from(at) / 3.0 - 26.0,
        close: f64::from(at) + 0.1,
    };
    let day = |as_of, done, rows| ProvisionalDay {
        as_of,
        done,
        total: 9,
        rows: (0..rows).map(row).collect(),
    };
    vec![day(16_001, 1, 0), day(16_000, 2, 10_000), day(16_001, 9, 5)]
}

fn letter(index: u64) -> DeadLetter {
    DeadLetter {
        job: job(index),
        cause: DeadCause::WorkersLost,
        reason: "x".repeat(2_048),
        worker: WorkerId::new("w").unwrap(),
        attempts: 1,
        kills: 4,
        at: Millis(9),
    }
}

fn worker(index: u32) -> WorkerEntry {
    let card = WorkerCard {
        id: WorkerId::new(&format!("w{index}")).unwrap(),
        kinds: vec![JobKind::new("scan/1").unwrap()],
        host: "host".to_owned(),
        pid: index,
        version: "0".to_owned(),
        cores: 2,
        performance_cores: None,
        efficiency_cores: Some(1),
        lanes: 2,
        memory_bytes: 5,
        started_at: Millis(1),
        is_draining: false,
        jobs: (0..32).map(job).collect(),
        held: 40,
        done: 2,
        failed: 1,
    };
    WorkerEntry {
        card,
        seen_at: Millis(2),
        is_told_to_drain: false,
    }
}

fn audit(run: RunId, repair: bool) -> Audit {
    let fault = |job| AuditFault {
        job,
        what: "a counter disagrees".to_owned(),
        is_mended: repair,
    };
    Audit {
        run,
        census: Census::default(),
        faults: vec![fault(None), fault(Some(job(2)))],
        unlisted: 1,
    }
}

fn status() -> Status {
    Status {
        version: "1".to_owned(),
        broker: "redis".to_owned(),
        advice: vec!["more memory".to_owned()],
        workers: 1,
        lanes: 2,
        running: 3,
        runs: 4,
        backlog: 5,
        dead: 6,
    }
}

#[async_trait]
impl Cluster for Scripted {
    async fn submit(&self, asked: Request, progress: &mut (dyn FnMut(Opening) + Send)) -> Result<Accepted> {
        assert_eq!(
            format!("{asked:?}"),
            format!("{:?}", request()),
            "the request comes whole"
        );
        progress(Opening { done: 1, total: 2 });
        self.answer(accepted()).await
    }

    async fn plan(&self, request: Request, progress: &mut (dyn FnMut(Opening) + Send)) -> Result<Planned> {
        progress(Opening { done: 2, total: 2 });
        let (record, notices) = (record(&request), vec!["note".to_owned()]);
        self.answer(Planned { record, notices }).await
    }

    async fn get(&self, _: RunId) -> Result<RunSummary> {
        self.answer(summary(1)).await
    }

    async fn list(&self) -> Result<Vec<RunSummary>> {
        self.answer(
            (0..9_999_u32)
                .map(|run| summary(u8::try_from(run % 251).unwrap()))
                .collect(),
        )
        .await
    }

    async fn watch(&self, _: RunId, after: EventId) -> Result<BoxStream<'static, Result<(EventId, Progress)>>> {
        let events = (after.0 + 1..=4).map(event).map(Ok);
        self.answer(stream::iter(events).boxed()).await
    }

    async fn provisional(&self, _: RunId) -> Result<BoxStream<'static, Result<ProvisionalDay>>> {
        self.answer(stream::iter(provisional()).map(Ok).boxed()).await
    }

    async fn closes(&self, _: RunId, symbol: &str, as_of: i32, most: usize) -> Result<Vec<f64>> {
        self.answer(vec![symbol.len() as f64, f64::from(as_of), most as f64])
            .await
    }

    async fn results(&self, _: RunId) -> Result<BoxStream<'static, Result<Part>>> {
        self.answer(stream::iter(parts()).map(Ok).boxed()).await
    }

    async fn cancel(&self, _: RunId) -> Result<bool> {
        self.answer(true).await
    }

    async fn forget(&self, _: RunId) -> Result<()> {
        self.answer(()).await
    }

    async fn dead(&self, _: RunId) -> Result<Vec<DeadLetter>> {
        self.answer((0..1_000).map(letter).collect()).await
    }

    async fn retry(&self, _: RunId, jobs: Option<Vec<JobIndex>>) -> Result<u64> {
        self.answer(jobs.map_or(99, |jobs| jobs.iter().map(|job| job.0).sum()))
            .await
    }

    async fn drop_dead(&self, run: RunId, jobs: Option<Vec<JobIndex>>) -> Result<u64> {
        self.retry(run, jobs).await
    }

    async fn workers(&self) -> Result<Vec<WorkerEntry>> {
        self.answer((0..2_000).map(worker).collect()).await
    }

    async fn drain(&self, worker: WorkerId, is_draining: bool) -> Result<bool> {
        self.answer(worker.as_str() == "w" && is_draining).await
    }

    async fn audit(&self, run: RunId, repair: bool) -> Result<Audit> {
        self.answer(audit(run, repair)).await
    }

    async fn status(&self) -> Result<Status> {
        self.answer(status()).await
    }
}
