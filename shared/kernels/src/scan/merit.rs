//! ICS, MERIT and band: one number for how good a row is in its own direction (section 5.7).
//!
//! Percentiles are turned round for shorts, so a good short scores as a good long does.

use super::compare::{ge, some_ge, some_gt, some_le};
use super::events::{EventFacts, sign};
use super::score::Signal;
use super::section::Section;

/// What the scores are made from.
#[derive(Debug, Clone, Copy)]
pub struct MeritInput<'a> {
    /// The row's signal.
    pub signal: Signal,
    /// The row against the others.
    pub section: &'a Section,
    /// What the events say.
    pub events: &'a EventFacts,
    /// Dividends a share over the close, a fraction.
    pub dividend_yield: Option<f64>,
    /// Probability that a long position wins.
    pub win_prob: Option<f64>,
    /// Points that the flags cost.
    pub penalties: f64,
}

/// The scores of a row; `None` is null.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Merit {
    /// What the calendar says, 0 to 100.
    pub event_score: f64,
    /// Score of the row's quality as an idea, 0 to 100.
    pub ics: Option<f64>,
    /// Score that the ranking goes by, 0 to 100.
    pub merit: Option<f64>,
}

impl Merit {
    /// The letter of the merit.
    #[must_use]
    pub fn band(&self) -> Option<&'static str> {
        let merit = self.merit?;
        let bands = [(90.0, "A+"), (80.0, "A"), (70.0, "B"), (60.0, "C")];
        let found = bands.into_iter().find(|(least, _)| ge(merit, *least));
        Some(found.map_or("D", |(_, band)| band))
    }
}

/// The scores of a row.
#[must_use]
pub fn merit(input: &MeritInput<'_>) -> Merit {
    let section = input.section;
    let is_short = input.signal.direction() < 0.0;
    let face = |percentile: Option<f64>| percentile.map(|p| if is_short { 100.0 - p } else { p });
    let (tech, alpha) = (face(section.tech_pct), face(section.alpha_pct));
    let quality = face(section.quality_score).unwrap_or(50.0);
    let event_score = event_score(input);
    let ics = || {
        Some(
            0.28 * tech?
                + 0.22 * alpha?
                + 0.18 * quality
                + 0.12 * section.stability_pct?
                + 0.10 * section.liquidity_pct?
                + 0.10 * event_score,
        )
    };
    let ics = ics();
    let win = match input.win_prob {
        Some(p) => Some(100.0 * if is_short { 1.0 - p } else { p }),
        None => alpha,
    };
    let merit = || {
        let (tech, alpha) = (tech?, alpha?);
        let sum = 0.26 * tech
            + 0.22 * alpha
            + 0.18 * win?
            + 0.14 * ics?
            + 0.14 * quality
            + 0.04 * section.liquidity_pct?
            + 0.02 * section.stability_pct?
            + 0.20 * (50.0 - (tech - alpha).abs());
        Some((sum - input.penalties).clamp(0.0, 100.0))
    };
    Merit {
        event_score,
        ics,
        merit: merit(),
    }
}

/// Earnings ahead, surprises and dividends; terms without a value count nothing.
fn event_score(input: &MeritInput<'_>) -> f64 {
    let (events, dividend) = (input.events, input.dividend_yield);
    let within = |days: Option<i32>, most: i32| days.is_some_and(|days| days <= most);
    let given = |holds: bool, points: f64| if holds { points } else { 0.0 };
    let surprise = match events.last_surprise {
        Some(surprise) if within(events.days_since_earnings, 10) => 5.0 * f64::from(sign(surprise)),
        _ => 0.0,
    };
    let streak = 4.0 * f64::from(events.earnings_streak.unwrap_or(0).clamp(-5, 5)) / 5.0;
    let average = 3.0 * (1e4 * events.surprise_avg_4.unwrap_or(0.0)).clamp(-500.0, 500.0) / 500.0;
    let favour = surprise
        + given(within(events.days_to_ex_div, 10), 2.0)
        + streak
        + average
        + given(some_ge(dividend, 0.01) && some_le(dividend, 0.06), 3.0)
        - given(some_gt(dividend, 0.08), 5.0);
    let soon = given(within(events.days_to_earnings, 5), 10.0);
    (50.0 - soon + input.signal.direction() * favour).clamp(0.0, 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section() -> Section {
        Section {
            tech_pct: Some(90.0),
            alpha_pct: Some(80.0),
            quality_score: Some(70.0),
            stability_pct: Some(60.0),
            liquidity_pct: Some(50.0),
            ..Section::default()
        }
    }

    fn scored(signal: Signal, section: &Section, win_prob: Option<f64>, penalties: f64) -> Merit {
        merit(&MeritInput {
            signal,
            section,
            events: &EventFacts::default(),
            dividend_yield: None,
            win_prob,
            penalties,
        })
    }

    fn close(got: Option<f64>, expect: f64) {
        assert!((got.unwrap() - expect).abs() < 1e-12, "{got:?}, expected {expect}");
    }

    #[test]
    fn by_hand_in_both_directions() {
        let long = scored(Signal::Long, &section(), None, 0.0);
        let ics = 0.28 * 90.0 + 0.22 * 80.0 + 0.18 * 70.0 + 0.12 * 60.0 + 0.10 * 50.0 + 0.10 * 50.0;
        close(long.ics, ics);
        let merit = 0.26 * 90.0 + 0.40 * 80.0 + 0.14 * ics + 0.14 * 70.0 + 0.04 * 50.0 + 0.02 * 60.0 + 0.20 * 40.0;
        close(long.merit, merit);
        let short = scored(Signal::Short, &section(), Some(0.3), 5.0);
        let ics = 0.28 * 10.0 + 0.22 * 20.0 + 0.18 * 30.0 + 0.12 * 60.0 + 0.10 * 50.0 + 0.10 * 50.0;
        close(short.ics, ics);
        let merit = 0.26 * 10.0 + 0.22 * 20.0 + 0.18 * 70.0 + 0.14 * ics + 0.14 * 30.0 + 2.0 + 1.2 + 0.20 * 40.0 - 5.0;
        close(short.merit, merit);
    }

    #[test]
    fn nulls_and_bounds() {
        let unknown = Section {
            quality_score: None,
            ..section()
        };
        let neutral = Section {
            quality_score: Some(50.0),
            ..section()
        };
        for signal in [Signal::Long, Signal::Short] {
            assert_eq!(scored(signal, &unknown, None, 0.0), scored(signal, &neutral, None, 0.0));
        }
        let none = scored(Signal::Long, &Section::default(), Some(0.5), 0.0);
        assert_eq!(
            (none.ics, none.merit, none.band(), none.event_score),
            (None, None, None, 50.0)
        );
        assert_eq!(scored(Signal::Long, &section(), None, 500.0).merit, Some(0.0));
    }

    #[test]
    fn bands() {
        for (merit, expect) in [
            (100.0, "A+"),
            (90.0 - 1e-13, "A+"),
            (89.9, "A"),
            (70.0, "B"),
            (60.0, "C"),
            (59.9, "D"),
        ] {
            let scores = Merit {
                event_score: 0.0,
                ics: None,
                merit: Some(merit),
            };
            assert_eq!(scores.band(), Some(expect), "{merit}");
        }
    }

    #[test]
    fn the_calendar_in_both_directions() {
        let events = EventFacts {
            days_to_earnings: Some(5),
            days_since_earnings: Some(10),
            last_surprise: Some(-0.01),
            earnings_streak: Some(-7),
            surprise_avg_4: Some(-0.02),
            days_to_ex_div: Some(10),
        };
        // 5 and 4 points and 1.2 against a long, 2 for the dividend and 3 for its size.
        let favour = -5.0 + 2.0 - 4.0 - 1.2 + 3.0;
        for (signal, expect) in [
            (Signal::Long, 40.0 + favour),
            (Signal::Avoid, 40.0 + favour),
            (Signal::Short, 40.0 - favour),
        ] {
            let input = MeritInput {
                signal,
                section: &section(),
                events: &events,
                dividend_yield: Some(0.06),
                win_prob: None,
                penalties: 0.0,
            };
            close(Some(merit(&input).event_score), expect);
            let greedy = MeritInput {
                dividend_yield: Some(0.09),
                ..input
            };
            close(Some(merit(&greedy).event_score), expect - 8.0 * signal.direction());
        }
    }
}
