//! Who is listed: symbols that no exchange knows, and what the universe table says of them.
//!
//! Most are common shares. Some are there to be refused: preferreds, warrants, odd tickers, closed-end funds, leveraged
//! funds, symbols without bars or without a universe row. Read next: `path`.

use super::calendar::SESSIONS;
use super::random::{Purpose, Random};
use super::sector::{SECTORS, SPELLING_WEIGHTS, SectorProfile};

/// Distinct symbols of the universe table.
pub const SYMBOLS: usize = 5_277;

/// Symbols with bars that the universe table lacks.
const UNLISTED: usize = 12;
/// Leveraged and volatility funds: the only tickers here that exist, since it is by ticker that they are known.
const LEVERAGED: [&str; 8] = ["TQQQ", "SQQQ", "SOXL", "SOXS", "SPXL", "TNA", "UVXY", "LABU"];
/// First two letters of a made-up ticker: pairs that listed companies all but never start with.
const STEMS: [&str; 9] = ["JQ", "JX", "KQ", "QX", "QZ", "XQ", "XZ", "ZQ", "ZX"];

/// One symbol of the sample and what its bars are made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// The symbol as the bars spell it.
    pub symbol: String,
    /// Its universe row; `None` for symbols that the table lacks.
    pub universe: Option<UniverseRow>,
    /// Sessions with bars, as indices into the calendar; empty for a symbol without bars.
    pub sessions: std::ops::Range<usize>,
    /// Names its random streams.
    pub(super) index: u64,
    /// Index into the sectors.
    pub(super) sector: usize,
    /// Price at the first session, quote currency.
    pub(super) price: f64,
    /// Units outstanding at the first session.
    pub(super) units: f64,
    /// Share of the units that changes hands on a usual day.
    pub(super) turnover: f64,
    /// Multiple of the market's return.
    pub(super) beta: f64,
    /// Yearly log drift of its own.
    pub(super) drift: f64,
    /// Daily standard deviation of its own returns.
    pub(super) volatility: f64,
    /// Yearly dividend as a share of the price; 0 for none.
    pub(super) dividend_yield: f64,
    /// Share of the sessions on which nobody trades.
    pub(super) idle: f64,
}

/// One row of the universe table; empty texts are missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UniverseRow {
    /// The symbol as the universe spells it.
    pub symbol: String,
    /// A made-up name.
    pub name: String,
    /// Sector in one of several vocabularies.
    pub sector: String,
    /// Industry.
    pub industry: String,
    /// Market cap as a screener prints it.
    pub market_cap: String,
    /// Whether an older row of this symbol stands before it.
    pub(super) supersedes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Common,
    ShareClass,
    Preferred,
    Warrant,
    Unit,
    OddTicker,
    Fund,
    Leveraged,
    Unlisted,
}

impl UniverseRow {
    /// The row, after the older one that it supersedes if there is one.
    pub(super) fn with_superseded(&self) -> impl Iterator<Item = Self> {
        let older = self.supersedes.then(|| Self {
            sector: String::new(),
            market_cap: "1".into(),
            ..self.clone()
        });
        older.into_iter().chain([self.clone()])
    }
}

/// Every listing of a seed, ordered by symbol.
pub(super) fn listings(seed: u64) -> Vec<Listing> {
    let mut listings: Vec<_> = (0..SYMBOLS + UNLISTED).map(|number| listing(seed, number)).collect();
    listings.sort_by(|a, b| a.symbol.cmp(&b.symbol));
    listings
}

fn listing(seed: u64, number: usize) -> Listing {
    let index = u64::try_from(number).expect("a listing's number fits");
    let mut random = Random::new(seed, Purpose::Listing, index);
    let kind = kind(&mut random, number);
    let symbol = symbol(kind, number);
    let sectors: Vec<_> = (0..).zip(&SECTORS).map(|(at, sector)| (at, sector.weight)).collect();
    let sector = *random.weighted(&sectors);
    // Large companies trade at higher prices, more often, and more calmly.
    let size = random.normal();
    let cap = 9e8 * libm::exp(1.9 * size);
    let price = (24.0 * libm::exp(0.40 * size + 0.75 * random.normal())).clamp(0.4, 2_500.0);
    let volatility = (0.0175 * libm::exp(-0.22 * size + 0.30 * random.normal())).clamp(0.004, 0.07);
    let universe =
        (kind != Kind::Unlisted).then(|| universe_row(&mut random, kind, number, &symbol, &SECTORS[sector], cap));
    Listing {
        universe,
        sessions: sessions(&mut random, kind),
        index,
        sector,
        price,
        units: cap / price,
        turnover: 0.005 * libm::exp(0.6 * random.normal()),
        beta: random.between(0.3, 1.7),
        drift: 0.20 * random.normal() - 0.02,
        volatility,
        dividend_yield: if size > 0.0 && random.chance(0.45) {
            random.between(0.005, 0.05)
        } else {
            0.0
        },
        idle: if cap < 4e7 { random.between(0.05, 0.6) } else { 0.0 },
        symbol,
    }
}

fn kind(random: &mut Random, number: usize) -> Kind {
    match number {
        0..SYMBOLS if number < LEVERAGED.len() => Kind::Leveraged,
        SYMBOLS.. => Kind::Unlisted,
        _ => *random.weighted(&[
            (Kind::ShareClass, 0.004),
            (Kind::Preferred, 0.006),
            (Kind::Warrant, 0.005),
            (Kind::Unit, 0.003),
            (Kind::OddTicker, 0.002),
            (Kind::Fund, 0.015),
            (Kind::Common, 0.965),
        ]),
    }
}

/// A ticker made from the listing's number, so that no two are the same.
fn symbol(kind: Kind, number: usize) -> String {
    if kind == Kind::Leveraged {
        return LEVERAGED[number].to_owned();
    }
    let letter = |at: usize| char::from(b'A' + u8::try_from(at % 26).expect("a letter"));
    // The factor has no divisor in common with the count of stems: neighbours spread over the alphabet.
    let stem = format!(
        "{}{}{}",
        STEMS[number * 5 % STEMS.len()],
        letter(number / STEMS.len()),
        letter(number / STEMS.len() / 26)
    );
    match kind {
        Kind::Common | Kind::Fund | Kind::Leveraged | Kind::Unlisted => stem,
        Kind::ShareClass if number.is_multiple_of(2) => format!("{stem}-B"),
        Kind::ShareClass => format!("{stem}.A"),
        Kind::Preferred if number.is_multiple_of(2) => format!("{stem}^C"),
        Kind::Preferred => format!("{stem}P"),
        Kind::Warrant => format!("{stem}W"),
        Kind::Unit => format!("{stem}U"),
        Kind::OddTicker => format!("{stem}1"),
    }
}

/// Most trade from the first day to the last; some come late, some leave early, a few were never there.
fn sessions(random: &mut Random, kind: Kind) -> std::ops::Range<usize> {
    if kind == Kind::Leveraged || kind == Kind::Unlisted {
        return 0..SESSIONS;
    }
    let first = if random.chance(0.06) {
        1 + random.below(SESSIONS - 10)
    } else {
        0
    };
    let last = if random.chance(0.03) {
        first + 1 + random.below(SESSIONS - first - 1)
    } else {
        SESSIONS
    };
    if random.chance(0.003) { 0..0 } else { first..last }
}

fn universe_row(
    random: &mut Random,
    kind: Kind,
    number: usize,
    symbol: &str,
    sector: &SectorProfile,
    cap: f64,
) -> UniverseRow {
    let spelling = *random.weighted(&SPELLING_WEIGHTS);
    let sector_text = match random.uniform() {
        x if x < 0.006 => "unknown",
        x if x < 0.012 => "",
        x if x < 0.014 => "Miscellaneous",
        _ => sector.spellings[spelling],
    };
    let industry = match kind {
        Kind::Fund => "Closed-End Fund - Equity",
        Kind::Leveraged => "Exchange Traded Fund",
        _ if random.chance(0.01) => "",
        _ => random.pick(&sector.industries),
    };
    let suffix = match kind {
        Kind::Fund | Kind::Leveraged => "Fund",
        Kind::Preferred => "Preferred",
        Kind::Warrant => "Warrant",
        Kind::Unit => "Unit",
        _ => "Inc",
    };
    UniverseRow {
        // Another spelling than the bars': the join is by the canonical one.
        symbol: symbol.replace('-', "/"),
        name: format!("Synthetic {:04} {suffix}", number + 1),
        sector: sector_text.to_owned(),
        industry: industry.to_owned(),
        market_cap: market_cap(random, cap),
        supersedes: random.chance(0.001),
    }
}

fn market_cap(random: &mut Random, cap: f64) -> String {
    match random.uniform() {
        x if x < 0.020 => String::new(),
        x if x < 0.030 => "0.00".to_owned(),
        x if x < 0.040 && cap > 1e9 => format!("${:.2}B", cap / 1e9),
        _ => format!("{cap:.0}"),
    }
}
