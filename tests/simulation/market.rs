//! The run that every simulation drives: some dozens of symbols of the built-in sample, three sessions, many jobs.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use tickfleet_coordinator::sample::{SEED, Sample};
use tickfleet_kernels::scan::options::{
    Adjust, BlendOptions, DataOptions, MapOptions, PlanOptions, RankOptions, SectorFilter, SessionOptions, Side,
    TickerRule, UniverseOptions, Unlisted,
};
use tickfleet_kernels::scan::session::Calendar;
use tickfleet_proto::convert::ScanRun;
use tickfleet_protocol::digest::digest_of;
use tickfleet_protocol::facts::{JoinedFacts, ScanFacts};
use tickfleet_protocol::identity::KERNEL_VERSION;
use tickfleet_protocol::identity::canonical;
use tickfleet_protocol::ids::{IdempotencyKey, Identity, JobKind};
use tickfleet_protocol::plan::{Job, Sharding};
use tickfleet_protocol::retry::RetryPolicy;
use tickfleet_protocol::spec::scan::{DateSelection, JoinedInputs, ScanSpec};
use tickfleet_runtime::broker::{Broker, Durability, NewRun};
use tickfleet_runtime::data::inputs::Inputs;
use tickfleet_runtime::data::locate::locate;
use tickfleet_runtime::data::survey::survey;
use tickfleet_runtime::pool::Pool;
use tickfleet_worker::run::Run;

/// Every so many-th symbol of the sample.
const STRIDE: usize = 120;
/// As-of dates, the last ones.
const DATES: usize = 3;

/// Writes the bars that [`plan`] reads.
pub(crate) fn write_bars(path: &Path) {
    let sample = Sample::new(SEED);
    let mut text = "symbol,date,open,high,low,close,volume,adj_close\n".to_owned();
    for listing in sample.listings().iter().step_by(STRIDE) {
        for bar in sample.bars(listing) {
            let volume = bar.volume.map(|volume| volume.to_string()).unwrap_or_default();
            let adjusted = bar.adj_close.map(|price| price.to_string()).unwrap_or_default();
            let date = tickfleet_kernels::scan::cells::format_date(bar.date);
            let [open, high, low, close] = [bar.open, bar.high, bar.low, bar.close];
            let symbol = &listing.symbol;
            text.push_str(&format!(
                "{symbol},{date},{open},{high},{low},{close},{volume},{adjusted}\n"
            ));
        }
    }
    std::fs::write(path, text).expect("a temporary folder takes a file");
}

/// The run over these bars, planned as submit plans it.
pub(crate) async fn plan(bars: &Path) -> Run {
    let spec = spec(bars);
    let files = locate("bars", &spec.bars).await.expect("the bars are there");
    let (inputs, pool) = (
        Arc::new(Inputs::new(64 << 20)),
        Pool::new(1).expect("a thread can be started"),
    );
    let survey = survey(&inputs, &pool, files, spec.map.ticker_rule, &mut |_, _| {})
        .await
        .expect("the bars are whole");
    let calendar = Calendar::new(survey.dates.clone(), &survey.traded, &spec.session);
    let sessions = calendar.sessions();
    let facts = ScanFacts {
        mapped: (0..u32::try_from(survey.symbols.len()).expect("dozens of symbols")).collect(),
        as_of: sessions[sessions.len() - DATES..].to_vec(),
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
        symbols: Some(3),
        dates: Some(2),
    };
    let run = Run::new(ScanRun { spec, facts, sharding });
    assert!(
        run.plan.stages()[0] > 20,
        "there are jobs to disturb: {:?}",
        run.plan.stages()
    );
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
            ticker_rule: TickerRule::Us,
        },
        universe_stage: UniverseOptions {
            symbols: Vec::new(),
            sectors: SectorFilter::All,
            industries: Vec::new(),
            exclude_industries: Vec::new(),
            unlisted: Unlisted::Keep,
            ticker_rule: TickerRule::Us,
            allow_leveraged: false,
            min_market_cap: 0.0,
            max_symbols: 0,
        },
        data_stage: DataOptions {
            min_bars: 60,
            max_stale: 0,
            min_price: 5.0,
            min_dollar_volume: 500_000.0,
            max_jump: 3.0,
            max_cv: 0.5,
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

/// The run as a broker takes it, under a key.
pub(crate) fn new_run(run: &Run, key: &str) -> NewRun {
    NewRun {
        key: IdempotencyKey::new(key).expect("a valid key"),
        digest: digest_of(&canonical(&run.record.spec)),
        kind: JobKind::new(KERNEL_VERSION).expect("a valid name"),
        trace: None,
        payload: run.record.encode(),
        stages: run.plan.stages(),
        weight: 1,
        deadline: None,
        // More failures than any simulation injects: none of them may end the run.
        retry: RetryPolicy {
            max_attempts: 32,
            max_kills: 16,
            ..RetryPolicy::default()
        },
        durability: Durability::Memory,
    }
}

/// The result of every as-of date: what the files are made of.
pub(crate) async fn tables(broker: &dyn Broker, run: &Run) -> Vec<Bytes> {
    let dates = 0..run.record.facts.as_of.len();
    let identities: Vec<Identity> = dates.map(|date| run.identities().of(&Job::Reduce { date })).collect();
    let found = broker.results(&identities).await.expect("a broker in memory answers");
    found
        .into_iter()
        .map(|table| table.expect("a run that succeeded has its results"))
        .collect()
}
