//! What goes on the wire comes back as it was; what contradicts itself is refused.

use bytes::Bytes;
use proptest::prelude::*;
use prost::Message;
use tickfleet_kernels::scan::options::{
    Adjust, BlendOptions, DataOptions, MapOptions, PlanOptions, RankOptions, SectorFilter, SessionOptions, Side,
    TickerRule, UniverseOptions, Unlisted,
};
use tickfleet_protocol::facts::{
    BlockFacts, BlockPart, FileFacts, FileFormat, JoinedFacts, ModelFacts, RowPlace, ScanFacts, SymbolFacts, TableFacts,
};
use tickfleet_protocol::ids::Digest;
use tickfleet_protocol::plan::Sharding;
use tickfleet_protocol::spec::scan::{DateSelection, JoinedInputs, ScanSpec};

use super::*;
use crate::wire;

fn spec(min_price: f64) -> ScanSpec {
    ScanSpec {
        bars: "bars.parquet".into(),
        universe: None,
        joined: JoinedInputs::default(),
        dates: DateSelection::Range(Some(16_000), None),
        session: SessionOptions { session_min_frac: 0.1 },
        map: MapOptions {
            adjust: Adjust::Auto,
            lookback: 504,
            ticker_rule: TickerRule::Us,
        },
        universe_stage: UniverseOptions {
            symbols: vec!["A".into()],
            sectors: SectorFilter::List(vec![None]),
            industries: Vec::new(),
            exclude_industries: vec!["closed-end".into()],
            unlisted: Unlisted::Keep,
            ticker_rule: TickerRule::Us,
            allow_leveraged: false,
            min_market_cap: 0.0,
            max_symbols: 7,
        },
        data_stage: DataOptions {
            min_bars: 60,
            max_stale: 0,
            min_price,
            min_dollar_volume: 5e5,
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
            side: Side::Both,
            min_tech_rating: 0.1,
            min_ics: 0.0,
            min_merit: 0.0,
            max_per_sector: 5,
            top: 50,
        },
    }
}

fn facts(days: &[i32], symbols: u32, text: bool) -> ScanFacts {
    let part = if text {
        BlockPart::Text {
            start: 1,
            end: 9,
            line: 2,
        }
    } else {
        BlockPart::RowGroup(3)
    };
    let last = symbols.checked_sub(1);
    ScanFacts {
        files: vec![FileFacts {
            uri: "/b.csv".into(),
            size: 9,
            version: "v".into(),
            format: FileFormat::CsvZstd,
            hive: vec![("symbol".into(), "A".into())],
        }],
        blocks: vec![BlockFacts {
            file: 0,
            part,
            rows: 5,
            symbols: last.map(|last| (0, last)),
            days: days.first().copied().zip(days.last().copied()),
            digest: Digest([7; 32]),
        }],
        dates: days.to_vec(),
        traded: days.iter().map(|day| day.unsigned_abs()).collect(),
        as_of: days.to_vec(),
        symbols: (0..symbols)
            .map(|at| SymbolFacts {
                symbol: format!("S{at:05}"),
                first_day: -5,
                rows: at,
                block: 0,
            })
            .collect(),
        mapped: (0..symbols).collect(),
        unplaced_rows: 1,
        first_unplaced: Some(RowPlace { block: 0, row: 4 }),
        universe: None,
        joined: joined(days),
    }
}

fn joined(days: &[i32]) -> JoinedFacts {
    let file = FileFacts {
        uri: "/m.onnx".into(),
        size: 3,
        version: "v".into(),
        format: FileFormat::Onnx,
        hive: Vec::new(),
    };
    let table = |digest| TableFacts {
        files: vec![file.clone()],
        digest: Digest([digest; 32]),
        unplaced_rows: u64::from(digest),
    };
    JoinedFacts {
        fundamentals: Some(table(1)),
        events: None,
        predictions: Some(table(2)),
        model: Some(ModelFacts {
            file: file.clone(),
            digest: Digest([3; 32]),
            features: vec!["rsi_14".into(), "bars".into()],
        }),
        known: days.iter().map(|day| Digest([day.to_le_bytes()[0]; 32])).collect(),
    }
}

proptest! {
    #[test]
    fn a_run_comes_back_as_it_was(
        days in prop::collection::btree_set(-20_000i32..60_000, 0..40),
        symbols in 0u32..50,
        text in any::<bool>(),
        min_price in 0.0f64..1e9,
        shard in prop::option::of(1u32..9_000),
    ) {
        let days: Vec<i32> = days.into_iter().collect();
        let run = ScanRun {
            spec: spec(min_price),
            facts: facts(&days, symbols, text),
            sharding: Sharding { symbols: shard, dates: None },
        };
        prop_assert_eq!(ScanRun::decode(run.encode()).unwrap(), run);
    }

    #[test]
    fn any_bytes_are_a_run_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        // Reaching the end without a panic is the law; random bytes are hardly ever a run.
        let _ = ScanRun::decode(Bytes::from(bytes));
    }
}

#[test]
fn contradictions_are_refused() {
    type Break = fn(&mut wire::ScanFacts);
    let cases: [(&str, Break); 7] = [
        ("traded", |facts| facts.traded.clear()),
        ("dates", |facts| facts.dates.reverse()),
        ("symbol", |facts| facts.symbol_rows.clear()),
        ("mapped", |facts| facts.mapped.push(99)),
        ("blocks", |facts| facts.blocks[0].file = 1),
        ("part", |facts| facts.blocks[0].part = None),
        ("joined", |facts| {
            facts.joined.as_mut().unwrap().known.clear();
        }),
    ];
    for (field, spoil) in cases {
        let mut wire = wire::ScanFacts::from(&facts(&[1, 2, 3], 4, false));
        spoil(&mut wire);
        let spec = String::from_utf8(tickfleet_protocol::identity::canonical(&spec(1.0))).unwrap();
        let run = wire::ScanRun {
            spec,
            facts: Some(wire),
            sharding: None,
        };
        let error = ScanRun::decode(run.encode_to_vec().into())
            .expect_err(field)
            .to_string();
        assert!(error.contains(field), "{field}: {error}");
    }
}

#[test]
fn results_come_back_as_they_were() {
    let place = |row| Some(RowPlace { block: 2, row });
    let first = FirstRejects {
        bad_price: place(1),
        duplicate: place(9),
        ..FirstRejects::default()
    };
    let map = MapOutput {
        rows: Bytes::from_static(b"rows"),
        first_rejects: first,
    };
    assert_eq!(MapOutput::decode(map.encode()).unwrap(), map);
    let earlier = FirstRejects {
        bad_price: place(0),
        bad_volume: place(5),
        ..FirstRejects::default()
    };
    let merged = first.merge(earlier);
    assert_eq!(
        merged,
        FirstRejects {
            bad_price: place(0),
            bad_volume: place(5),
            duplicate: place(9),
            ghost_session: None
        }
    );
    let (scored, rejected, funnel) = (
        Bytes::from_static(b"s"),
        Bytes::from_static(b"r"),
        Bytes::from_static(b"f"),
    );
    let reduce = ReduceOutput {
        ranked: Bytes::from_static(b"ranked"),
        scored,
        rejected,
        funnel,
        first_rejects: merged,
    };
    assert_eq!(ReduceOutput::decode(reduce.encode()).unwrap(), reduce);
}
