//! From layers to a canonical spec: precedence, then the rules between settings. Pure.

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as WordError, StrDeserializer};
use tickfleet_kernels::scan::options::{
    BlendOptions, DataOptions, MapOptions, PlanOptions, RankOptions, SectorFilter, SessionOptions, TickerRule,
    UniverseOptions,
};
use tickfleet_kernels::scan::sector::{self, Parsed, Sector};
use tickfleet_kernels::scan::ticker;
use tickfleet_protocol::ids::IdempotencyKey;
use tickfleet_protocol::limits::DEFAULT_WEIGHT;
use tickfleet_protocol::spec::scan::{DateSelection, JoinedInputs, ScanSpec};
use tickfleet_runtime::broker::Durability;

use super::request::Request;
use tickfleet_runtime::settings::SettingsError;
use tickfleet_runtime::settings::nearest;
use tickfleet_runtime::settings::registry::{self, Setting};
use tickfleet_runtime::settings::value::Value;
use tickfleet_runtime::settings::{Given, Layer, Origin};
use tickfleet_runtime::settings::{InForce, names_sectors};

/// What `bars` is when `--sample` is given.
pub const SAMPLE_BARS: &str = "sample://bars";
/// What `universe` is when `--sample` is given.
pub const SAMPLE_UNIVERSE: &str = "sample://universe";

/// Where a run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Into this process, and it ends with it.
    Here,
    /// To a coordinator.
    Cluster,
}

impl Place {
    /// How safe a run should be there before it counts as accepted.
    #[must_use]
    pub const fn durability(self) -> Durability {
        match self {
            Self::Here => Durability::Memory,
            Self::Cluster => Durability::Logged,
        }
    }
}

/// How a run goes: nothing here changes a byte of its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOptions {
    /// The bars are the built-in sample.
    pub sample: bool,
    /// Where the results go; none = a table on the terminal.
    pub out: Option<String>,
    /// Machine-readable events, one a line.
    pub json: bool,
    /// Show the plan, run nothing.
    pub dry_run: bool,
    /// No progress and no notices.
    pub quiet: bool,
    /// Where it goes.
    pub place: Place,
    /// Show its rows before its end.
    pub stream: bool,
    /// Do not wait for its end.
    pub no_wait: bool,
    /// What makes the submission repeatable; none = a key of its own.
    pub key: Option<IdempotencyKey>,
    /// Share of the workers against other runs.
    pub weight: u32,
    /// Jobs computed side by side, 1..=1024; none = as many as the machine's cores.
    pub lanes: Option<usize>,
    /// Symbols in a job, at least 1; none = planned.
    pub shard_size: Option<usize>,
    /// Bound of the input cache in bytes.
    pub memory_bytes: u64,
    /// What is logged: off, error, warn, info, debug or trace.
    pub log: String,
}

/// A scan with nothing left to decide.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// What is computed.
    pub spec: ScanSpec,
    /// How the run goes.
    pub run: RunOptions,
    /// Every setting and where it came from.
    pub settings: InForce,
}

/// Resolves layers, the strongest first, for one run.
///
/// # Errors
/// Settings of parts that this version doesn't compute, settings that exclude each other, no bars, what needs
/// a cluster without one.
pub fn resolve(mut layers: Vec<Layer>, request: &Request) -> Result<Resolved, SettingsError> {
    if request.sample {
        layers.insert(0, sample(&layers)?);
    }
    let settings = InForce::merge(&layers);
    let place = place(&settings, request)?;
    let run = RunOptions {
        sample: request.sample,
        out: request.out.clone(),
        json: request.json,
        dry_run: request.dry_run,
        quiet: request.quiet,
        place,
        stream: request.stream,
        no_wait: request.no_wait,
        key: request.key.clone(),
        weight: request.weight.unwrap_or(DEFAULT_WEIGHT),
        lanes: settings.count(&registry::LANES).map(to_usize),
        shard_size: settings.count(&registry::SHARD_SIZE).map(to_usize),
        memory_bytes: settings.count(&registry::MEMORY).expect("memory has a default"),
        log: settings.text(&registry::LOG).expect("log has a default").to_owned(),
    };
    Ok(Resolved {
        spec: spec(&settings)?,
        run,
        settings,
    })
}

fn spec(settings: &InForce) -> Result<ScanSpec, SettingsError> {
    let ticker_rule: TickerRule = word(settings, &registry::TICKER_RULE);
    let map = MapOptions {
        adjust: word(settings, &registry::ADJUST),
        lookback: size(settings, &registry::LOOKBACK),
        ticker_rule,
    };
    Ok(ScanSpec {
        bars: settings.text(&registry::BARS).ok_or(SettingsError::NoBars)?.to_owned(),
        universe: settings.text(&registry::UNIVERSE).map(str::to_owned),
        joined: joined(settings)?,
        dates: dates(settings)?,
        session: SessionOptions {
            session_min_frac: settings.number(&registry::SESSION_MIN_FRAC),
        },
        universe_stage: universe(settings, ticker_rule)?,
        data_stage: data(settings, map.lookback)?,
        blend: BlendOptions {
            ml_weight: settings.number(&registry::ML_WEIGHT),
        },
        plan: PlanOptions {
            account: settings.number(&registry::ACCOUNT),
            risk_pct: settings.number(&registry::RISK_PCT),
            rr: settings.number(&registry::RR),
        },
        rank: RankOptions {
            side: word(settings, &registry::SIDE),
            min_tech_rating: settings.number(&registry::MIN_TECH_RATING),
            min_ics: settings.number(&registry::MIN_ICS),
            min_merit: settings.number(&registry::MIN_MERIT),
            max_per_sector: size(settings, &registry::MAX_PER_SECTOR),
            top: size(settings, &registry::TOP),
        },
        map,
    })
}

/// Predictions come from a table or from a model, never from both.
fn joined(settings: &InForce) -> Result<JoinedInputs, SettingsError> {
    let uri = |setting| settings.text(setting).map(str::to_owned);
    let (predictions, model) = (uri(&registry::PREDICTIONS), uri(&registry::MODEL));
    if predictions.is_some() && model.is_some() {
        return Err(SettingsError::Conflict {
            what: "predictions and model exclude each other: both say what is predicted".to_owned(),
            origins: [&registry::PREDICTIONS, &registry::MODEL]
                .map(|setting| settings.origin(setting).clone())
                .into(),
            help: "drop one of them",
        });
    }
    Ok(JoinedInputs {
        fundamentals: uri(&registry::FUNDAMENTALS),
        events: uri(&registry::EVENTS),
        predictions,
        model,
        model_device: word(settings, &registry::MODEL_DEVICE),
    })
}

fn dates(settings: &InForce) -> Result<DateSelection, SettingsError> {
    let origin = |setting| settings.origin(setting).clone();
    let [as_of, from, to] = [&registry::AS_OF, &registry::FROM, &registry::TO].map(|setting| settings.day(setting));
    if as_of.is_some() && (from.is_some() || to.is_some()) {
        let range = if from.is_some() { &registry::FROM } else { &registry::TO };
        return Err(SettingsError::Conflict {
            what: format!("as_of and {} exclude each other", range.key),
            origins: vec![origin(&registry::AS_OF), origin(range)],
            help: "give as_of for one session, or from and to for every session between them",
        });
    }
    match (from, to) {
        (None, None) => Ok(DateSelection::AsOf(as_of)),
        (Some(first), Some(last)) if first > last => Err(SettingsError::Conflict {
            what: "from is after to, so no session is between them".to_owned(),
            origins: vec![origin(&registry::FROM), origin(&registry::TO)],
            help: "swap them",
        }),
        (first, last) => Ok(DateSelection::Range(first, last)),
    }
}

fn universe(settings: &InForce, ticker_rule: TickerRule) -> Result<UniverseOptions, SettingsError> {
    let symbols = settings
        .list(&registry::SYMBOLS)
        .iter()
        .map(|symbol| ticker::canonical(symbol, ticker_rule).into_owned());
    Ok(UniverseOptions {
        symbols: sorted(symbols),
        sectors: sectors(settings)?,
        industries: sorted(settings.list(&registry::INDUSTRIES).iter().cloned()),
        exclude_industries: sorted(settings.list(&registry::EXCLUDE_INDUSTRIES).iter().cloned()),
        unlisted: word(settings, &registry::UNLISTED),
        ticker_rule,
        allow_leveraged: settings.switch(&registry::ALLOW_LEVERAGED),
        min_market_cap: settings.number(&registry::MIN_MARKET_CAP),
        max_symbols: size(settings, &registry::MAX_SYMBOLS),
    })
}

fn sectors(settings: &InForce) -> Result<SectorFilter, SettingsError> {
    let items = settings.list(&registry::SECTORS);
    if let ([only], false) = (items, names_sectors(items)) {
        return Ok(if only.eq_ignore_ascii_case("all") {
            SectorFilter::All
        } else {
            SectorFilter::Liquid
        });
    }
    if items.is_empty() {
        return Err(no_sector("", settings));
    }
    let mut list: Vec<Option<Sector>> = Vec::new();
    for name in items {
        list.push(match sector::parse(name) {
            Parsed::Known(sector) => Some(sector),
            Parsed::Unknown => None,
            Parsed::Unmapped => return Err(no_sector(name, settings)),
        });
    }
    list.sort_unstable();
    list.dedup();
    Ok(SectorFilter::List(list))
}

fn no_sector(found: &str, settings: &InForce) -> SettingsError {
    let names = Sector::ALL.map(Sector::name);
    let mut error = SettingsError::bad_value(&registry::SECTORS, found, settings.origin(&registry::SECTORS).clone());
    if let SettingsError::BadValue {
        expected,
        nearest: meant,
        ..
    } = &mut error
    {
        *expected = format!("liquid, all, or a list of {}, unknown", names.join(", "));
        *meant = nearest(found, names);
    }
    error
}

fn data(settings: &InForce, lookback: usize) -> Result<DataOptions, SettingsError> {
    let min_bars = size(settings, &registry::MIN_BARS);
    if min_bars > lookback {
        return Err(SettingsError::Conflict {
            what: format!("min_bars ({min_bars}) is more than lookback ({lookback}), so no symbol could pass"),
            origins: [&registry::MIN_BARS, &registry::LOOKBACK]
                .map(|setting| settings.origin(setting).clone())
                .into(),
            help: "raise lookback or lower min_bars",
        });
    }
    Ok(DataOptions {
        min_bars,
        max_stale: size(settings, &registry::MAX_STALE),
        min_price: settings.number(&registry::MIN_PRICE),
        min_dollar_volume: settings.number(&registry::MIN_DOLLAR_VOLUME),
        max_jump: settings.number(&registry::MAX_JUMP),
        max_cv: settings.number(&registry::MAX_CV),
        max_atr_pct: settings.number(&registry::MAX_ATR_PCT),
    })
}

/// The sample's layer. A flag that names other input beside `--sample` is refused; a file's or a variable's is beaten.
fn sample(layers: &[Layer]) -> Result<Layer, SettingsError> {
    let flag = || Origin::Flag("--sample".to_owned());
    let inputs = [(&registry::BARS, SAMPLE_BARS), (&registry::UNIVERSE, SAMPLE_UNIVERSE)];
    for (setting, _) in inputs {
        let given = layers
            .iter()
            .find_map(|layer| layer.get(setting))
            .map(|given| &given.origin);
        if let Some(origin @ Origin::Flag(named)) = given {
            return Err(SettingsError::Conflict {
                what: format!("--sample and {named} exclude each other: the sample has its own bars and universe"),
                origins: vec![flag(), origin.clone()],
                help: "drop one of them; coordinator data sample DIR writes the sample as files to start from",
            });
        }
    }
    let given = inputs.map(|(setting, uri)| Given {
        setting,
        value: Value::Text(uri.to_owned()),
        origin: flag(),
    });
    Ok(Layer { given: given.into() })
}

/// To the coordinator that is named, else into this process, where what only a cluster can do is refused.
fn place(settings: &InForce, request: &Request) -> Result<Place, SettingsError> {
    if settings.text(&registry::COORDINATOR).is_some() {
        return Ok(Place::Cluster);
    }
    let asked = [
        ("--no-wait", request.no_wait),
        ("--key", request.key.is_some()),
        ("--weight", request.weight.is_some()),
    ];
    match asked.into_iter().find(|(_, is_asked)| *is_asked) {
        Some((flag, _)) => Err(SettingsError::NeedsCluster { flag }),
        None => Ok(Place::Here),
    }
}

/// A checked word as the enum that it names.
fn word<'a, T: Deserialize<'a>>(settings: &'a InForce, setting: &Setting) -> T {
    let text = settings.text(setting).expect("a word with a default");
    let words: StrDeserializer<'a, WordError> = text.into_deserializer();
    T::deserialize(words).expect("the registry's words are the enum's variants")
}

fn size(settings: &InForce, setting: &Setting) -> usize {
    to_usize(settings.count(setting).expect("a count with a default"))
}

fn to_usize(count: u64) -> usize {
    usize::try_from(count).expect("counts are bounded by 32 bits")
}

fn sorted(items: impl Iterator<Item = String>) -> Vec<String> {
    let mut items: Vec<String> = items.collect();
    items.sort_unstable();
    items.dedup();
    items
}
