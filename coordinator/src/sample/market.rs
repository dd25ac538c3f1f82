//! What moves every symbol: a market factor and a factor for each sector, with calm and wild spells.

use super::random::{Purpose, Random};
use super::sector::SECTORS;

/// Yearly log drift of the market.
const DRIFT: f64 = 0.11;
/// Daily standard deviation of the market in its middle state.
const VOLATILITY: f64 = 0.0085;

/// Daily log returns of the factors.
#[derive(Debug)]
pub(super) struct Market {
    market: Vec<f64>,
    sectors: Vec<Vec<f64>>,
}

/// The logarithm of a volatility's deviation from its middle: persistent, so that wild days come together.
#[derive(Debug, Default)]
pub(super) struct Spell(f64);

impl Spell {
    /// The next day's multiple of the middle volatility, at most 4.
    pub(super) fn next(&mut self, random: &mut Random) -> f64 {
        self.0 = 0.96 * self.0 + 0.09 * random.normal();
        libm::exp(self.0).min(4.0)
    }
}

impl Market {
    pub(super) fn new(seed: u64, sessions: usize) -> Self {
        let market = factor(&mut Random::new(seed, Purpose::Market, 0), sessions, DRIFT, VOLATILITY);
        let sectors = (1..).zip(&SECTORS).map(|(index, sector)| {
            factor(
                &mut Random::new(seed, Purpose::Market, index),
                sessions,
                sector.drift,
                sector.volatility,
            )
        });
        Self {
            market,
            sectors: sectors.collect(),
        }
    }

    /// The market's log return in a session.
    pub(super) fn market(&self, session: usize) -> f64 {
        self.market[session]
    }

    /// A sector's log return beyond the market's in a session.
    pub(super) fn sector(&self, sector: usize, session: usize) -> f64 {
        self.sectors[sector][session]
    }
}

fn factor(random: &mut Random, sessions: usize, drift: f64, volatility: f64) -> Vec<f64> {
    let mut spell = Spell::default();
    (0..sessions)
        .map(|_| {
            let today = volatility * spell.next(random);
            drift / 252.0 - 0.5 * today * today + today * random.normal()
        })
        .collect()
}
