//! event_score, ics and merit, read in the row's direction (section 5.7).

use super::super::compare::{ge, gt, le};
use super::{Row, Score, Term, direction};

/// What a flag takes off the merit; flags that are not here take nothing.
const PENALTIES: [(&str, f64); 8] = [
    ("EARNINGS_SOON", 12.0),
    ("EARNINGS_7D", 6.0),
    ("LOW_LIQUIDITY", 8.0),
    ("HIGH_ATR", 8.0),
    ("VERY_HIGH_ATR", 14.0),
    ("SMALL_CAP", 6.0),
    ("MICRO_CAP", 20.0),
    ("ULTRA_RISK", 25.0),
];

/// The terms that ics and merit share, 0 to 100 each.
struct Faces {
    technical: Option<f64>,
    alpha: Option<f64>,
    quality: Option<f64>,
    liquidity: Option<f64>,
    calm: Option<f64>,
}

impl Faces {
    fn of(row: &dyn Row) -> Self {
        let is_long = direction(row) > 0.0;
        let face = |column: &str| row.number(column).map(|p| if is_long { p } else { 100.0 - p });
        Self {
            technical: face("tech_pct"),
            alpha: face("alpha_pct"),
            quality: Some(face("quality_score").unwrap_or(50.0)),
            liquidity: row.number("liquidity_pct"),
            calm: row.number("stability_pct"),
        }
    }
}

/// event_score: 50, and what is due, what was, and what is paid.
pub(super) fn event_score(row: &dyn Row) -> Option<Score> {
    let value = row.number("event_score")?;
    let s = direction(row);
    let number = |column: &str| row.number(column);
    let due = number("days_to_earnings");
    let (surprise, since) = (number("last_surprise"), number("days_since_earnings"));
    let dividend = number("days_to_ex_div");
    let (streak, average) = (number("earnings_streak"), number("surprise_avg_4"));
    let pays = number("dividend_yield");
    let when = |holds: bool, points: f64| if holds { points } else { 0.0 };
    let is_recent = since.is_some_and(|days| le(days, 10.0));
    let terms = vec![
        Term::points("start", None, 50.0),
        Term::points(
            "days_to_earnings",
            due,
            when(due.is_some_and(|days| le(days, 5.0)), -10.0),
        ),
        Term::points(
            "last_surprise",
            surprise,
            s * 5.0 * when(is_recent, surprise.map_or(0.0, sign)),
        ),
        Term::points(
            "days_to_ex_div",
            dividend,
            s * when(dividend.is_some_and(|days| le(days, 10.0)), 2.0),
        ),
        Term::points(
            "earnings_streak",
            streak,
            s * 4.0 * streak.map_or(0.0, |streak| streak.clamp(-5.0, 5.0) / 5.0),
        ),
        Term::points(
            "surprise_avg_4",
            average,
            s * 3.0 * average.map_or(0.0, |average| (1e4 * average).clamp(-500.0, 500.0) / 500.0),
        ),
        Term::points(
            "dividend_yield",
            pays,
            s * pays.map_or(0.0, |pays| {
                when(ge(pays, 0.01) && le(pays, 0.06), 3.0) - when(gt(pays, 0.08), 5.0)
            }),
        ),
    ];
    Some(Score::clipped("event_score", value, terms, (0.0, 100.0)))
}

/// ics: a weighted mean of what is known of a row.
pub(super) fn ics(row: &dyn Row) -> Option<Score> {
    let value = row.number("ics")?;
    let faces = Faces::of(row);
    Some(Score {
        name: "ics",
        value,
        terms: vec![
            Term::weighted("T", faces.technical, 0.28),
            Term::weighted("A", faces.alpha, 0.22),
            Term::weighted("Q", faces.quality, 0.18),
            Term::weighted("V", faces.calm, 0.12),
            Term::weighted("L", faces.liquidity, 0.10),
            Term::weighted("event_score", row.number("event_score"), 0.10),
        ],
    })
}

/// merit: what the ranking goes by.
pub(super) fn merit(row: &dyn Row) -> Option<Score> {
    let value = row.number("merit")?;
    let faces = Faces::of(row);
    let is_long = direction(row) > 0.0;
    let chance = row
        .number("win_prob")
        .map(|p| 100.0 * if is_long { p } else { 1.0 - p });
    let apart = faces.technical.zip(faces.alpha).map(|(t, a)| 50.0 - (t - a).abs());
    let mut terms = vec![
        Term::weighted("T", faces.technical, 0.26),
        Term::weighted("A", faces.alpha, 0.22),
        Term::weighted("W", chance.or(faces.alpha), 0.18),
        Term::weighted("ics", row.number("ics"), 0.14),
        Term::weighted("Q", faces.quality, 0.14),
        Term::weighted("L", faces.liquidity, 0.04),
        Term::weighted("V", faces.calm, 0.02),
        Term::weighted("agreement", apart, 0.20),
    ];
    let flags: Vec<&str> = row.text("flags").unwrap_or_default().split(',').collect();
    let raised = PENALTIES.into_iter().filter(|(flag, _)| flags.contains(flag));
    terms.extend(raised.map(|(flag, penalty)| Term::points(flag, None, -penalty)));
    Some(Score::clipped("merit", value, terms, (0.0, 100.0)))
}

fn sign(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x.signum() }
}
