//! Every setting, described once.
//!
//! The command line, the environment, the files, the help texts and `coordinator config` are all made from this list, so
//! they can't disagree. A setting's key is its flag (with dashes), its key in a file's table and the end of its variable.
//! Nothing here decides a value: reading is in [`super::value`], precedence and dependent defaults in [`super::in_force`].

use self::Fallback::{Found, Nothing, Value};
use super::value::{Bounds, Kind};

/// A table of a settings file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// `[scan]`: what a scan computes.
    Scan,
    /// `[worker]`: the machine that computes.
    Worker,
    /// `[cluster]`: where the cluster is, and how a run is cut.
    Cluster,
    /// `[telemetry]`: what is logged, traced and counted.
    Telemetry,
}

impl Table {
    /// All tables, in the order in which they are printed.
    pub const ALL: [Self; 4] = [Self::Scan, Self::Worker, Self::Cluster, Self::Telemetry];

    /// The table's name in a file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scan => "scan",
            Self::Worker => "worker",
            Self::Cluster => "cluster",
            Self::Telemetry => "telemetry",
        }
    }

    /// What its environment variables begin with. Only a job's table is part of the name: two jobs may share a key.
    #[must_use]
    pub const fn variable_prefix(self) -> &'static str {
        match self {
            Self::Scan => "TICKFLEET_SCAN_",
            Self::Worker | Self::Cluster | Self::Telemetry => "TICKFLEET_",
        }
    }
}

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// The file's table.
    pub table: Table,
    /// The key in the table; unique over all tables.
    pub key: &'static str,
    /// Heading of the help text.
    pub heading: &'static str,
    /// What a value looks like.
    pub kind: Kind,
    /// What holds when nobody sets it.
    pub default: Fallback,
    /// One sentence for the help text.
    pub help: &'static str,
}

impl Setting {
    /// The flag, with its dashes.
    #[must_use]
    pub fn flag(&self) -> String {
        format!("--{}", self.long())
    }

    /// The flag's name without the leading dashes.
    #[must_use]
    pub fn long(&self) -> String {
        self.key.replace('_', "-")
    }

    /// The environment variable.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("{}{}", self.table.variable_prefix(), self.key.to_ascii_uppercase())
    }

    /// The setting of a table and key.
    #[must_use]
    pub fn find(table: Table, key: &str) -> Option<&'static Self> {
        ALL.iter()
            .copied()
            .find(|setting| setting.table == table && setting.key == key)
    }
}

/// What holds when nobody sets a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// Nothing.
    Nothing,
    /// This value, as a flag would say it.
    Value(&'static str),
    /// What the run finds out by itself, in words.
    Found(&'static str),
}

const INPUT: &str = "Input";
const DATES: &str = "Dates";
const UNIVERSE_STAGE: &str = "Universe";
const QUALITY: &str = "Data quality";
const RANKING: &str = "Ranking";
const MACHINE: &str = "Machine";
const CLUSTER: &str = "Cluster";
const PLAN: &str = "Trade plan";

const AT_LEAST_0: Bounds = Bounds::AtLeast(0.0);
const UNLIMITED: u64 = u32::MAX as u64;

macro_rules! settings {
    ($($name:ident = $table:ident $key:literal, $heading:expr, $kind:expr, $default:expr, $help:expr;)*) => {
        $(
            #[doc = $help]
            pub static $name: Setting =
                Setting { table: Table::$table, key: $key, heading: $heading, kind: $kind, default: $default, help: $help };
        )*

        /// Every setting, in the order of the help text.
        pub static ALL: &[&Setting] = &[$(&$name),*];
    };
}

settings! {
    BARS = Scan "bars", INPUT, Kind::Location, Nothing,
        "Daily bars: a file, folder or glob of CSV or Parquet, here or at s3://, gs://, az://, http(s)://, postgres://";
    UNIVERSE = Scan "universe", INPUT, Kind::Location, Nothing,
        "Universe table with sector, industry and market cap";
    FUNDAMENTALS = Scan "fundamentals", INPUT, Kind::Location, Nothing,
        "Fundamentals table: figures of companies and the days on which they became public";
    EVENTS = Scan "events", INPUT, Kind::Location, Nothing,
        "Events table: earnings with their surprises, ex-dividend days";
    PREDICTIONS = Scan "predictions", INPUT, Kind::Location, Nothing,
        "Predictions table: returns over 5 and 10 sessions, and the probability of a win";
    MODEL = Scan "model", INPUT, Kind::Location, Nothing,
        "ONNX model that predicts instead of --predictions; needs ONNX Runtime (pip install onnxruntime)";
    MODEL_DEVICE = Scan "model_device", INPUT, Kind::Choice(&["cpu", "gpu"]), Value("cpu"),
        "Where the model runs; gpu needs CUDA and its ONNX Runtime on every worker, and may differ in the last digits";
    ADJUST = Scan "adjust", INPUT, Kind::Choice(&["auto", "none", "adj_close"]), Value("auto"),
        "How adj_close adjusts prices for splits and dividends";
    TICKER_RULE = Scan "ticker_rule", INPUT, Kind::Choice(&["us", "any"]), Value("us"),
        "Which symbols are tickers: US grammar, or any text";
    SESSION_MIN_FRAC = Scan "session_min_frac", INPUT, Kind::Number(Bounds::Between(0.0, 1.0)), Value("0.1"),
        "A date is a session when this fraction of the recent most symbols trade";

    AS_OF = Scan "as_of", DATES, Kind::Day, Found("the last session"),
        "Scan the last session up to this day";
    FROM = Scan "from", DATES, Kind::Day, Nothing,
        "Scan every session from this day on";
    TO = Scan "to", DATES, Kind::Day, Nothing,
        "Scan every session up to this day";

    SYMBOLS = Scan "symbols", UNIVERSE_STAGE, Kind::List, Value(""),
        "Only these symbols; --sectors then defaults to all, --unlisted to keep";
    INDUSTRIES = Scan "industries", UNIVERSE_STAGE, Kind::List, Value(""),
        "Only industries that contain one of these texts";
    EXCLUDE_INDUSTRIES = Scan "exclude_industries", UNIVERSE_STAGE, Kind::List,
        Value("closed-end,exchange traded fund,exchange-traded fund"),
        "No industries that contain one of these texts";
    SECTORS = Scan "sectors", UNIVERSE_STAGE, Kind::List, Value("liquid"),
        "Sectors that pass: liquid (all but Materials, Real Estate, Utilities), all, or a list of names; unknown = no sector";
    UNLISTED = Scan "unlisted", UNIVERSE_STAGE, Kind::Choice(&["reject", "keep"]), Value("reject"),
        "Symbols that the universe table lacks";
    ALLOW_LEVERAGED = Scan "allow_leveraged", UNIVERSE_STAGE, Kind::Switch, Value("false"),
        "Keep leveraged and volatility funds";
    MIN_MARKET_CAP = Scan "min_market_cap", UNIVERSE_STAGE, Kind::Number(AT_LEAST_0), Value("0"),
        "Smallest market cap in quote currency, where it is known; 0 = off";
    MAX_SYMBOLS = Scan "max_symbols", UNIVERSE_STAGE, Kind::Count(0, UNLIMITED), Value("0"),
        "Keep this many symbols by market cap; 0 = off";

    LOOKBACK = Scan "lookback", QUALITY, Kind::Count(60, 5000), Value("504"),
        "Bars in the window of each symbol";
    MIN_BARS = Scan "min_bars", QUALITY, Kind::Count(30, 5000), Value("60"),
        "Fewest bars in the window; at most --lookback";
    MAX_STALE = Scan "max_stale", QUALITY, Kind::Count(0, 250), Value("0"),
        "Most sessions missed at the end";
    MIN_PRICE = Scan "min_price", QUALITY, Kind::Number(AT_LEAST_0), Value("5"),
        "Smallest last close, quote currency";
    MIN_DOLLAR_VOLUME = Scan "min_dollar_volume", QUALITY, Kind::Number(AT_LEAST_0), Value("500000"),
        "Smallest mean of close x volume over 20 bars";
    MAX_JUMP = Scan "max_jump", QUALITY, Kind::Number(Bounds::ZeroOrMoreThan(1.0)), Value("3"),
        "Reject a one-bar price ratio this large in a year (unadjusted splits); 0 = off";
    MAX_CV = Scan "max_cv", QUALITY, Kind::Number(Bounds::MoreThan(0.0)), Value("0.5"),
        "Largest standard deviation / mean of 20 closes";
    MAX_ATR_PCT = Scan "max_atr_pct", QUALITY, Kind::Number(Bounds::MoreThan(0.0)), Value("1"),
        "Largest 14-bar average true range, as a fraction of the close";

    PROFILE = Scan "profile", RANKING, Kind::Choice(&["conservative", "balanced", "aggressive"]), Nothing,
        "Preset of min_ics, min_tech_rating, max_atr_pct, min_price and min_dollar_volume; values given beat it";
    SIDE = Scan "side", RANKING, Kind::Choice(&["long", "short", "both", "all"]), Value("long"),
        "Signals that are ranked";
    MIN_TECH_RATING = Scan "min_tech_rating", RANKING, Kind::Number(Bounds::Between(0.0, 26.0)), Value("0"),
        "Smallest |tech_rating|";
    MIN_ICS = Scan "min_ics", RANKING, Kind::Number(Bounds::Between(0.0, 100.0)), Value("0"),
        "Smallest ICS, the score of a row as an idea in its direction";
    MIN_MERIT = Scan "min_merit", RANKING, Kind::Number(Bounds::Between(0.0, 100.0)), Value("0"),
        "Smallest MERIT, the score that the ranking goes by";
    ML_WEIGHT = Scan "ml_weight", RANKING, Kind::Number(Bounds::Between(0.0, 1.0)), Value("0.35"),
        "Weight of the predictions in the alpha score, where they are known";
    MAX_PER_SECTOR = Scan "max_per_sector", RANKING, Kind::Count(0, UNLIMITED), Value("5"),
        "Most ranked rows of one sector; 0 = off, the default when --sectors is a list";
    TOP = Scan "top", RANKING, Kind::Count(1, 100_000), Value("50"),
        "Most ranked rows";

    ACCOUNT = Scan "account", PLAN, Kind::Number(Bounds::MoreThan(0.0)), Value("10000"),
        "Account, quote currency";
    RISK_PCT = Scan "risk_pct", PLAN, Kind::Number(Bounds::MoreThanTo(0.0, 100.0)), Value("1"),
        "Percent of the account that one plan may lose";
    RR = Scan "rr", PLAN, Kind::Number(Bounds::MoreThanTo(0.0, 100.0)), Value("2"),
        "Reward for a unit of risk: how far the target is";

    LANES = Worker "lanes", MACHINE, Kind::Count(1, 1024), Found("the machine's cores"),
        "Jobs computed side by side";
    MEMORY = Worker "memory", MACHINE, Kind::Size(1_000_000), Value("256MB"),
        "Bound of the input cache";
    NAME = Worker "name", MACHINE, Kind::Text, Found("host name and process id"),
        "The worker's name in claims and lists";
    KINDS = Worker "kinds", MACHINE, Kind::List, Found("every kind that this version computes"),
        "Claim only jobs of these kinds, such as scan/2";
    LEASE_MS = Worker "lease_ms", MACHINE, Kind::Count(1_000, 600_000), Value("15000"),
        "How long a job waits for a worker that has died, in milliseconds";
    JOB_MAX_S = Worker "job_max_s", MACHINE, Kind::Count(1, 86_400), Value("900"),
        "Longest a job may compute before it counts as hung, in seconds";
    JOB_MEMORY = Worker "job_memory", MACHINE, Kind::Size(64_000_000), Value("2GB"),
        "Memory limit of a job that runs alone because workers died holding it";
    HEALTH = Worker "health", MACHINE, Kind::Text, Nothing,
        "Serve the worker's /healthz, /readyz and /metrics on this address";
    CACHE_DIR = Worker "cache_dir", MACHINE, Kind::Location, Found("tickfleet in the user's cache folder"),
        "Folder of the disk cache";
    CACHE_DISK = Worker "cache_disk", MACHINE, Kind::Size(0), Value("4GB"),
        "Bound of the disk cache; 0 = none";

    SOURCE_TIMEOUT_S = Worker "source_timeout_s", MACHINE, Kind::Count(1, 3_600), Value("60"),
        "Longest time of one request to object storage, a web server or a database, in seconds";
    SOURCE_RETRIES = Worker "source_retries", MACHINE, Kind::Count(0, 20), Value("6"),
        "Most tries again of such a request";
    POLYGON_URL = Worker "polygon_url", MACHINE, Kind::Text, Value("https://api.polygon.io"),
        "The Polygon-compatible service that data sync asks; its key is in POLYGON_API_KEY";
    POLYGON_RATE = Worker "polygon_rate", MACHINE, Kind::Count(1, 60_000), Value("5"),
        "Most calls a minute to that service";

    COORDINATOR = Cluster "coordinator", CLUSTER, Kind::Text, Nothing,
        "Use this coordinator, such as http://127.0.0.1:50051";
    REDIS = Cluster "redis", CLUSTER, Kind::Text, Value("redis://127.0.0.1:6379"),
        "The queue's Redis: redis://, rediss://, redis+sentinel:// or redis+cluster://";
    REDIS_PREFIX = Cluster "redis_prefix", CLUSTER, Kind::Text, Value("tf"),
        "What all keys in Redis begin with";
    STORE = Cluster "store", CLUSTER, Kind::Location, Nothing,
        "Folder that coordinators and workers share, or s3://, gs://, az://, for results too large for Redis";
    INLINE_RESULT = Cluster "inline_result", CLUSTER, Kind::Size(0), Value("4MB"),
        "Largest result kept in Redis where there is a store";
    LISTEN = Cluster "listen", CLUSTER, Kind::Text, Value("127.0.0.1:50051"),
        "Address of the coordinator's gRPC";
    HTTP = Cluster "http", CLUSTER, Kind::Text, Value("127.0.0.1:8080"),
        "Address of the coordinator's /healthz, /readyz and /metrics";
    SHARD_SIZE = Cluster "shard_size", MACHINE, Kind::Count(1, UNLIMITED), Found("planned"),
        "Symbols in a job";
    LOG = Telemetry "log", MACHINE, Kind::Choice(&["off", "error", "warn", "info", "debug", "trace"]), Value("error"),
        "What is logged on standard error";
    LOG_FORMAT = Telemetry "log_format", MACHINE, Kind::Choice(&["text", "json"]), Value("text"),
        "How log lines look";
    OTLP = Telemetry "otlp", MACHINE, Kind::Text, Nothing,
        "Export traces and metrics to this OTLP collector over gRPC, such as http://127.0.0.1:4317";
    JOB_SPANS = Telemetry "job_spans", MACHINE, Kind::Choice(&["child", "link"]), Value("child"),
        "Trace jobs under their run, or each job in a trace of its own that links to the run";
    JOB_SPANS_RATIO = Telemetry "job_spans_ratio", MACHINE, Kind::Number(Bounds::Between(0.0, 1.0)), Value("1"),
        "The part of a run's jobs that is traced, 0 to 1";
}
