//! Episodes: the stretches of bars around each touch of a level, with what came of it.
//!
//! An outcome looks forward and is a label, no feature. Read `approach` next.

use super::columns::EPISODES;
use super::levels::{LEVEL_TYPES, Level, POLARITIES};
use super::numbers::{EPSILON, mean, px};
use super::rows::{Cell, TableBuilder};
use crate::scan::civil::date_from_days;
use crate::table::Table;

/// Bars before a trigger whose mean price tells from where the level was reached.
const DIRECTION_BARS: usize = 12;
/// Bars outside the band after which a return is a new visit.
const EXIT_BARS: usize = 6;
/// Bars after a trigger beyond which no visit extends an episode.
const REACH_BARS: usize = 500;

/// What makes an episode; counts are of bars.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EpisodeOptions {
    /// Largest distance that touches a level, points.
    pub trigger_band: f64,
    /// Bars before the trigger.
    pub lookback: usize,
    /// Bars after it.
    pub forward: usize,
    /// Bars after each further visit.
    pub extension: usize,
    /// Bars between triggers.
    pub cooldown: usize,
}

impl Default for EpisodeOptions {
    fn default() -> Self {
        Self {
            trigger_band: 1.0,
            lookback: 180,
            forward: 96,
            extension: 96,
            cooldown: 24,
        }
    }
}

/// A touch of a level and the bars around it, as rows of the day's bars.
#[derive(Debug, Clone, PartialEq)]
pub struct Episode {
    /// The level.
    pub level: Level,
    /// First row, row of the trigger, last row.
    pub rows: [usize; 3],
    /// 1 when the level is reached from below, -1 from above.
    pub direction: i8,
    /// The day ended the lookback.
    pub truncated_lookback: bool,
    /// The level's validity ended the forward bars.
    pub truncated_forward: bool,
    /// How often a further visit moved the end.
    pub extensions: i64,
    /// Mean distance along the direction over bars 1-48 and 49-72 after the trigger, points.
    pub drift: [Option<f64>; 2],
}

/// The bars of a day as episodes see them.
struct Prices<'a> {
    micro: &'a [Option<f64>],
    trades: &'a [Option<i64>],
    volume: &'a [Option<i64>],
    /// Bars before the level's end.
    valid: usize,
    level: f64,
    pt: f64,
    band: f64,
}

/// All episodes of a day: in level order, then by trigger. `point` is in 1e-9 units.
#[must_use]
pub fn episodes(bars: &Table, levels: &[Level], point: i64, options: &EpisodeOptions) -> Vec<Episode> {
    levels
        .iter()
        .flat_map(|level| of_level(bars, *level, px(point), options))
        .collect()
}

impl Episode {
    /// Whether the level is reached from its usual side: a high from below, a low from above.
    #[must_use]
    pub fn is_standard(&self) -> bool {
        self.direction == POLARITIES[self.level.index]
    }

    /// What came of the touch; null when no bar followed it.
    #[must_use]
    pub fn outcome(&self) -> Option<&'static str> {
        let [first, second] = self.drift;
        let first = first?;
        let beyond = |sign: f64| second.is_some_and(|x| x * sign > 2.0 + EPSILON);
        Some(if first > 1.0 + EPSILON {
            if beyond(1.0) { "STRONG_BREAK" } else { "WEAK_BREAK" }
        } else if first < -1.0 - EPSILON {
            if beyond(-1.0) { "STRONG_BOUNCE" } else { "WEAK_BOUNCE" }
        } else {
            "CHOP"
        })
    }

    /// The mean of both drifts.
    #[must_use]
    pub fn score(&self) -> Option<f64> {
        Some((self.drift[0]? + self.drift[1]?) / 2.0)
    }

    /// The episode's name: date (days since 1970-01-01), symbol, level and the trigger bar's start.
    #[must_use]
    pub fn id(&self, symbol: &str, date: i32, trigger_ts: i64) -> String {
        let (year, month, day) = date_from_days(date);
        format!(
            "{year:04}-{month:02}-{day:02}_{symbol}_{}_{trigger_ts}",
            LEVEL_TYPES[self.level.index]
        )
    }
}

/// The rows of `episodes` for a symbol and date (days since 1970-01-01).
#[must_use]
pub fn episode_table(bars: &Table, episodes: &[Episode], symbol: &str, date: i32) -> Table {
    let mut rows = TableBuilder::new(&EPISODES);
    let ts = |row: usize| bars.i64s("bar_ts")[row];
    for episode in episodes {
        let [first, trigger, last] = episode.rows;
        rows.put(symbol.to_owned());
        rows.put(Cell::Date(Some(date)));
        rows.put(ts(trigger).map(|trigger| episode.id(symbol, date, trigger)));
        rows.put(LEVEL_TYPES[episode.level.index].to_owned());
        rows.put(POLARITIES[episode.level.index]);
        rows.put(px(episode.level.price));
        rows.put_all([ts(trigger), ts(first), ts(last)]);
        rows.put_all([last + 1 - first, trigger - first].map(count));
        rows.put(bars.f64s("bar5s_microprice_eob")[trigger]);
        rows.put(episode.direction);
        rows.put(episode.is_standard());
        rows.put(episode.outcome().map(str::to_owned));
        rows.put_all([episode.score(), episode.drift[0], episode.drift[1]]);
        rows.put_all([
            episode.truncated_lookback,
            episode.truncated_forward,
            episode.extensions > 0,
        ]);
        rows.put(episode.extensions);
    }
    rows.finish()
}

/// A number of rows as a cell.
pub(super) fn count(rows: usize) -> i64 {
    i64::try_from(rows).expect("a day has few rows")
}

fn of_level(bars: &Table, level: Level, pt: f64, options: &EpisodeOptions) -> Vec<Episode> {
    let starts = bars.i64s("bar_ts");
    let before = |time: i64| {
        starts
            .iter()
            .take_while(|start| start.is_some_and(|it| it < time))
            .count()
    };
    let prices = Prices {
        micro: bars.f64s("bar5s_microprice_eob"),
        trades: bars.i64s("bar5s_trade_cnt_sum"),
        volume: bars.i64s("bar5s_trade_vol_sum"),
        valid: before(level.valid_to),
        level: px(level.price),
        pt,
        band: options.trigger_band + EPSILON,
    };
    let mut found: Vec<Episode> = Vec::new();
    for t in before(level.valid_from)..prices.valid {
        let cooling = found.last().is_some_and(|last| t < last.rows[1] + options.cooldown);
        if !cooling && prices.triggers(t) {
            found.push(prices.episode(level, t, options));
        }
    }
    found
}

impl Prices<'_> {
    fn touches(&self, row: usize) -> bool {
        self.micro[row].is_some_and(|x| (x - self.level).abs() / self.pt <= self.band)
    }

    /// A bar without trades only continues a touch.
    fn triggers(&self, t: usize) -> bool {
        self.touches(t) && !(self.trades[t] == Some(0) && t > 0 && self.touches(t - 1))
    }

    fn episode(&self, level: Level, t: usize, options: &EpisodeOptions) -> Episode {
        let from = mean(&self.micro[t.saturating_sub(DIRECTION_BARS)..t]).or(self.micro[t]);
        let direction = if from.is_some_and(|from| from - self.level < -EPSILON) {
            1
        } else {
            -1
        };
        let (last, extensions) = self.forward_end(t, options);
        Episode {
            level,
            rows: [t.saturating_sub(options.lookback), t, last],
            direction,
            truncated_lookback: t < options.lookback,
            truncated_forward: last + 1 >= self.valid,
            extensions,
            drift: [
                self.drift(t + 1, t + 48, direction),
                self.drift(t + 49, t + 72, direction),
            ],
        }
    }

    /// The last row, moved by every visit that follows an exit, and how often it moved.
    fn forward_end(&self, t: usize, options: &EpisodeOptions) -> (usize, i64) {
        let mut last = (t + options.forward).min(self.valid - 1);
        let (mut outside, mut exited, mut moves) = (0, false, 0);
        for s in t + 1..self.valid.min(t + REACH_BARS) {
            if self.micro[s].is_none() {
                // A bar without a price is neither in nor out.
            } else if !self.touches(s) {
                outside += 1;
                exited |= outside >= EXIT_BARS;
            } else {
                if exited {
                    let moved = last.max((s + options.extension).min(self.valid - 1));
                    moves += i64::from(moved > last);
                    (last, exited) = (moved, false);
                }
                outside = 0;
            }
            if s > last && exited {
                break;
            }
        }
        (last, moves)
    }

    /// Mean distance over these rows, weighted by volume where there is any.
    fn drift(&self, from: usize, to: usize, direction: i8) -> Option<f64> {
        let (mut weighted, mut volume, mut plain, mut rows) = (0.0, 0, 0.0, 0);
        for row in from..=to.min(self.micro.len().saturating_sub(1)) {
            let Some(x) = self.micro[row] else {
                continue;
            };
            let distance = (x - self.level) / self.pt * f64::from(direction);
            let traded = self.volume[row].unwrap_or(0);
            weighted += distance * traded as f64;
            volume += traded;
            plain += distance;
            rows += 1;
        }
        if volume > 0 {
            Some(weighted / volume as f64)
        } else {
            (rows > 0).then(|| plain / f64::from(rows))
        }
    }
}

#[cfg(test)]
mod tests;
