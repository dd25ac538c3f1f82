//! What a content identity tells apart, and what it does not.

use tickfleet_kernels::scan::options::{
    Adjust, BlendOptions, DataOptions, MapOptions, PlanOptions, RankOptions, SectorFilter, SessionOptions, Side,
    TickerRule, UniverseOptions, Unlisted,
};

use super::*;
use crate::facts::{BlockFacts, BlockPart, FileFacts, FileFormat, JoinedFacts, ModelFacts, SymbolFacts, TableFacts};
use crate::plan::Sharding;
use crate::spec::scan::{DateSelection, JoinedInputs};

fn spec() -> ScanSpec {
    ScanSpec {
        bars: "bars".into(),
        universe: None,
        joined: JoinedInputs::default(),
        dates: DateSelection::AsOf(None),
        session: SessionOptions { session_min_frac: 0.0 },
        map: MapOptions {
            adjust: Adjust::Auto,
            lookback: 60,
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
            min_bars: 1,
            max_stale: 0,
            min_price: 0.0,
            min_dollar_volume: 0.0,
            max_jump: 0.0,
            max_cv: 1.0,
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
            top: 10,
        },
    }
}

/// Facts of two symbols on days 0 to 4, scanned as of day 3, in one block.
fn facts() -> ScanFacts {
    let symbol = |symbol: &str| SymbolFacts {
        symbol: symbol.into(),
        first_day: 0,
        rows: 5,
        block: 0,
    };
    ScanFacts {
        files: Vec::new(),
        blocks: vec![BlockFacts {
            file: 0,
            part: BlockPart::RowGroup(0),
            rows: 10,
            symbols: Some((0, 1)),
            days: Some((0, 4)),
            digest: Digest([0; 32]),
        }],
        dates: vec![0, 1, 2, 3, 4],
        traded: vec![2; 5],
        as_of: vec![3],
        symbols: vec![symbol("A"), symbol("B")],
        mapped: vec![0, 1],
        unplaced_rows: 0,
        first_unplaced: None,
        universe: None,
        joined: JoinedFacts::default(),
    }
}

/// Rows of one symbol on days 0 to 4.
#[derive(Clone)]
struct Bars {
    date: Vec<i32>,
    close: Vec<f64>,
    volume: Vec<f64>,
    adj_close: Option<Vec<f64>>,
}

impl Bars {
    fn new() -> Self {
        Self {
            date: vec![0, 1, 2, 3, 4],
            close: vec![10.0, 11.0, 12.0, 13.0, 14.0],
            volume: vec![100.0; 5],
            adj_close: None,
        }
    }

    fn rows(&self) -> SymbolRows<'_> {
        SymbolRows {
            date: &self.date,
            open: &self.close,
            high: &self.close,
            low: &self.close,
            close: &self.close,
            volume: &self.volume,
            adj_close: self.adj_close.as_deref(),
        }
    }
}

fn content_of(spec: &ScanSpec, facts: &ScanFacts, symbols: &[(&str, &Bars)]) -> Identity {
    let calendar = Calendar::new(facts.dates.clone(), &facts.traded, &spec.session);
    let plan = Plan::new(facts, Sharding::default());
    let identities = Identities {
        spec,
        facts,
        plan: &plan,
        calendar: &calendar,
    };
    let mut content = identities.content(0..facts.as_of.len());
    symbols
        .iter()
        .for_each(|(name, bars)| content.symbol(name, &bars.rows()));
    content.finish()
}

#[test]
fn content_is_what_the_kernel_reads() {
    let (spec, facts, bars) = (spec(), facts(), Bars::new());
    let base = content_of(&spec, &facts, &[("A", &bars), ("B", &bars)]);
    let check = |what: &str, is_same: bool, found: Identity| assert_eq!(found == base, is_same, "{what}");
    let changed = |change: &dyn Fn(&mut Bars)| {
        let mut other = bars.clone();
        change(&mut other);
        content_of(&spec, &facts, &[("A", &bars), ("B", &other)])
    };
    check("a price", false, changed(&|bars| bars.close[2] += 0.01));
    check("a volume", false, changed(&|bars| bars.volume[0] = 0.0));
    check(
        "the last bit",
        false,
        changed(&|bars| bars.close[3] = bars.close[3].next_up()),
    );
    check(
        "a price after the last date",
        true,
        changed(&|bars| bars.close[4] = 99.0),
    );
    check(
        "an adjusted close",
        false,
        changed(&|bars| bars.adj_close = Some(vec![10.0; 5])),
    );
    check(
        "an empty column",
        true,
        changed(&|bars| bars.adj_close = Some(vec![f64::NAN; 5])),
    );
    check("a day", false, changed(&|bars| bars.date[1] = 0));
    check(
        "a name",
        false,
        content_of(&spec, &facts, &[("A", &bars), ("C", &bars)]),
    );
    check("a symbol less", false, content_of(&spec, &facts, &[("A", &bars)]));
    let with_spec = |change: &dyn Fn(&mut ScanSpec)| {
        let mut other = spec.clone();
        change(&mut other);
        content_of(&other, &facts, &[("A", &bars), ("B", &bars)])
    };
    check("a map option", false, with_spec(&|spec| spec.map.lookback = 61));
    check("an option of the ranking", true, with_spec(&|spec| spec.rank.top = 11));
    let with_facts = |change: &dyn Fn(&mut ScanFacts)| {
        let mut other = facts.clone();
        change(&mut other);
        content_of(&spec, &other, &[("A", &bars), ("B", &bars)])
    };
    check(
        "a block",
        true,
        with_facts(&|facts| facts.blocks[0].digest = Digest([1; 32])),
    );
    check("an as-of date", false, with_facts(&|facts| facts.as_of = vec![2]));
    let without = |facts: &mut ScanFacts, at: usize| {
        facts.dates.remove(at);
        facts.traded.remove(at);
    };
    check("a session", false, with_facts(&|facts| without(facts, 1)));
    check("a later session", true, with_facts(&|facts| without(facts, 4)));
}

#[test]
fn rows_do_not_run_from_one_symbol_into_the_next() {
    let (spec, facts) = (spec(), facts());
    let part = |rows: std::ops::Range<usize>| {
        let bars = Bars::new();
        Bars {
            date: bars.date[rows.clone()].to_vec(),
            close: bars.close[rows.clone()].to_vec(),
            volume: bars.volume[rows].to_vec(),
            adj_close: None,
        }
    };
    let split = |at: usize| content_of(&spec, &facts, &[("A", &part(0..at)), ("A", &part(at..3))]);
    assert_ne!(split(1), split(2));
}

#[test]
fn a_content_identity_is_no_identity_of_a_job() {
    let (spec, facts) = (spec(), facts());
    let calendar = Calendar::new(facts.dates.clone(), &facts.traded, &spec.session);
    let plan = Plan::new(&facts, Sharding::default());
    let identities = Identities {
        spec: &spec,
        facts: &facts,
        plan: &plan,
        calendar: &calendar,
    };
    let job = Job::Map {
        symbols: 0..0,
        dates: 0..1,
    };
    assert_ne!(identities.of(&job), identities.content(0..1).finish());
}

fn model(digest: u8, features: &[&str]) -> ModelFacts {
    ModelFacts {
        file: FileFacts {
            uri: "m.onnx".into(),
            size: 1,
            version: "v".into(),
            format: FileFormat::Onnx,
            hive: Vec::new(),
        },
        digest: Digest([digest; 32]),
        features: features.iter().map(|name| (*name).to_owned()).collect(),
    }
}

#[test]
fn a_reduce_hangs_on_what_it_joins() {
    let (spec, facts) = (spec(), facts());
    let calendar = Calendar::new(facts.dates.clone(), &facts.traded, &spec.session);
    let of = |spec: &ScanSpec, facts: &ScanFacts| {
        let plan = Plan::new(facts, Sharding::default());
        let identities = Identities {
            spec,
            facts,
            plan: &plan,
            calendar: &calendar,
        };
        [
            Job::Map {
                symbols: 0..2,
                dates: 0..1,
            },
            Job::Reduce { date: 0 },
        ]
        .map(|job| identities.of(&job))
    };
    let base = of(&spec, &facts);
    let check = |what: &str, [map, reduce]: [Identity; 2]| {
        assert_eq!(map, base[0], "{what} is nothing to a map");
        assert_ne!(reduce, base[1], "{what}");
    };
    let with_spec = |change: &dyn Fn(&mut ScanSpec)| {
        let mut other = spec.clone();
        change(&mut other);
        of(&other, &facts)
    };
    check("the account", with_spec(&|spec| spec.plan.account = 1.0));
    check(
        "the weight of predictions",
        with_spec(&|spec| spec.blend.ml_weight = 0.5),
    );
    check("the least ICS", with_spec(&|spec| spec.rank.min_ics = 1.0));
    let table = |digest| TableFacts {
        files: Vec::new(),
        digest: Digest([digest; 32]),
        unplaced_rows: 0,
    };
    let with_facts = |change: &dyn Fn(&mut JoinedFacts)| {
        let mut other = facts.clone();
        change(&mut other.joined);
        of(&spec, &other)
    };
    let filed = |digest, known| {
        with_facts(&move |joined| {
            joined.fundamentals = Some(table(digest));
            joined.known = vec![Digest([known; 32])];
        })
    };
    check("a table", filed(1, 1));
    assert_eq!(
        filed(1, 1),
        filed(2, 1),
        "what was known by then counts, not the table's bytes"
    );
    assert_ne!(filed(1, 1)[1], filed(1, 2)[1]);
    let with_model = |digest, features: &[&str]| with_facts(&|joined| joined.model = Some(model(digest, features)));
    check("a model", with_model(1, &["a"]));
    assert_ne!(with_model(1, &["a"])[1], with_model(2, &["a"])[1]);
    assert_ne!(with_model(1, &["a"])[1], with_model(1, &["b"])[1]);
}
