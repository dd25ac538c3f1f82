//! One symbol's bars before any dirt: a geometric walk with market, sector, spells of volatility, overnight gaps,
//! splits, dividends, and volume that follows size and news.
//!
//! Never looks at another symbol. Read next: `dirt`.

use super::bar::Bar;
use super::listing::Listing;
use super::market::{Market, Spell};
use super::random::{Purpose, Random};

/// Sessions between two dividends.
const DIVIDEND_SESSIONS: usize = 63;
/// Share of a day's own movement that happens overnight.
const OVERNIGHT: f64 = 0.4;
/// How far, in log terms, a walk may leave its first price.
const WALK_MAX: f64 = 2.5;

/// A split: each unit becomes `ratio` units before the open of `session`.
#[derive(Debug, Clone, Copy)]
struct Split {
    session: usize,
    ratio: f64,
    /// Whether the adjusted close knows of it.
    is_marked: bool,
}

/// Where a walk stands.
struct Walk {
    /// Log distance from the first price, splits aside.
    level: f64,
    spell: Spell,
    /// The last raw close.
    close: f64,
}

/// The bars of a listing's sessions.
pub(super) fn bars(seed: u64, listing: &Listing, market: &Market, sessions: &[i32]) -> Vec<Bar> {
    let mut random = Random::new(seed, Purpose::Path, listing.index);
    let split = split(&mut random, listing);
    let dividend_phase = random.below(DIVIDEND_SESSIONS);
    let mut walk = Walk {
        level: 0.0,
        spell: Spell::default(),
        close: rounded(listing.price),
    };
    let mut units = 1.0;
    let mut bars = Vec::with_capacity(listing.sessions.len());
    // What each bar's events multiply earlier prices by.
    let mut factors = Vec::with_capacity(listing.sessions.len());
    for session in listing.sessions.clone() {
        let mut factor = 1.0;
        if let Some(split) = split.filter(|split| split.session == session) {
            units *= split.ratio;
            walk.close = rounded(walk.close / split.ratio);
            factor = if split.is_marked { 1.0 / split.ratio } else { 1.0 };
        }
        if listing.dividend_yield > 0.0 && session % DIVIDEND_SESSIONS == dividend_phase {
            factor *= 1.0 - listing.dividend_yield * DIVIDEND_SESSIONS as f64 / 252.0;
        }
        factors.push(factor);
        bars.push(step(
            &mut random,
            listing,
            market,
            session,
            sessions[session],
            units,
            &mut walk,
        ));
    }
    adjust(&mut bars, &factors);
    bars
}

/// High prices split, low prices split in reverse; a few of either are not told to the adjusted close.
fn split(random: &mut Random, listing: &Listing) -> Option<Split> {
    let (chance, ratio) = match listing.price {
        price if price > 90.0 => (0.15, *random.weighted(&[(2.0, 0.6), (3.0, 0.4)])),
        price if price < 2.5 => (0.20, 0.1),
        _ => (0.01, 2.0),
    };
    let is_split = random.chance(chance) && listing.sessions.len() > 1;
    is_split.then(|| Split {
        session: listing.sessions.start + 1 + random.below(listing.sessions.len() - 1),
        ratio,
        is_marked: !random.chance(0.12),
    })
}

/// One session; `units` is how many units one unit of the first session has become.
fn step(
    random: &mut Random,
    listing: &Listing,
    market: &Market,
    session: usize,
    date: i32,
    units: f64,
    walk: &mut Walk,
) -> Bar {
    let wildness = walk.spell.next(random);
    let sigma = listing.volatility * wildness;
    let news = if random.chance(0.008) {
        4.0 * sigma * random.normal()
    } else {
        0.0
    };
    let common = listing.beta * market.market(session) + market.sector(listing.sector, session);
    let drift = listing.drift / 252.0 - 0.5 * sigma * sigma;
    let overnight = 0.3 * common + news + OVERNIGHT * sigma * random.normal();
    let intraday = 0.7 * common + drift + libm::sqrt(1.0 - OVERNIGHT * OVERNIGHT) * sigma * random.normal();
    let (above, below) = (
        0.45 * sigma * random.normal().abs(),
        0.45 * sigma * random.normal().abs(),
    );
    let busy = libm::exp(0.45 * random.normal() + 0.9 * (wildness - 1.0).min(1.5));
    let surge = 1.0 + 12.0 * (overnight + intraday).abs();
    if random.chance(listing.idle) {
        let close = walk.close;
        return Bar {
            date,
            open: close,
            high: close,
            low: close,
            close,
            volume: Some(0),
            adj_close: None,
        };
    }
    let opened = (walk.level + overnight).clamp(-WALK_MAX, WALK_MAX);
    walk.level = (opened + intraday).clamp(-WALK_MAX, WALK_MAX);
    let price = |level: f64| rounded(listing.price * libm::exp(level) / units);
    let (open, close) = (price(opened), price(walk.level));
    walk.close = close;
    Bar {
        date,
        open,
        high: price(opened.max(walk.level) + above),
        low: price(opened.min(walk.level) - below),
        close,
        volume: Some(whole(listing.units * units * listing.turnover * busy * surge)),
        adj_close: None,
    }
}

/// Fills the adjusted closes: the close times the factors of all later events.
fn adjust(bars: &mut [Bar], factors: &[f64]) {
    let mut cumulative = 1.0;
    for (bar, factor) in bars.iter_mut().zip(factors).rev() {
        bar.adj_close = Some(bar.close * cumulative);
        cumulative *= factor;
    }
}

/// A price as it is quoted: cents, below one unit of currency hundredths of a cent, never zero.
fn rounded(price: f64) -> f64 {
    let ticks = if price < 1.0 { 1e4 } else { 1e2 };
    ((price * ticks).round() / ticks).max(1e-4)
}

/// A volume: whole units.
#[allow(clippy::cast_possible_truncation)]
fn whole(volume: f64) -> i64 {
    volume as i64
}
