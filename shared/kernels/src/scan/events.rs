//! The events table and what it says of a symbol as of a date: earnings, surprises, dividends (sections 1 and 5.3).
//!
//! No look-ahead: of what lies after the date only a day counts, and only if it was announced by then.

use super::cells;
use super::options::TickerRule;
use super::ticker;

/// Surprises that the mean looks back on.
const AVERAGED: usize = 4;

/// What happens on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// Earnings are published.
    Earnings,
    /// The share trades without its next dividend from here on.
    ExDividend,
}

impl EventKind {
    /// The kind that a cell names, in any case; `None` for kinds that the scan does not look at.
    #[must_use]
    pub fn parse(cell: &str) -> Option<Self> {
        let text = cells::text(cell)?;
        [("earnings", Self::Earnings), ("ex_dividend", Self::ExDividend)]
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(&text))
            .map(|(_, kind)| kind)
    }
}

/// An event of a symbol. Days are days since 1970-01-01.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Canonical symbol.
    pub symbol: String,
    /// The day of the event.
    pub day: i32,
    /// What happens.
    pub kind: EventKind,
    /// Earnings against what was expected, a fraction.
    pub surprise: Option<f64>,
    /// Day on which the event's day became known; `None` = always.
    pub announced_on: Option<i32>,
}

impl Event {
    /// Whether it was known by a day that it would come.
    #[must_use]
    pub fn is_visible(&self, as_of: i32) -> bool {
        self.announced_on.is_none_or(|announced| announced <= as_of)
    }
}

/// The table: sorted by symbol and day, events of one day in input order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Events {
    rows: Vec<Event>,
}

/// Gathers events in input order.
#[derive(Debug)]
pub struct EventsBuilder {
    rule: TickerRule,
    rows: Vec<Event>,
}

/// A row of the table as it was read.
#[derive(Debug, Clone, Copy, Default)]
pub struct EventCells<'a> {
    /// Symbol in any spelling.
    pub symbol: &'a str,
    /// The day; null when missing or unreadable.
    pub day: Option<i32>,
    /// The name of the kind.
    pub kind: Option<&'a str>,
    /// Surprise, a fraction; non-finite is null.
    pub surprise: Option<f64>,
    /// Day of the announcement.
    pub announced_on: Option<i32>,
}

impl EventsBuilder {
    /// A builder that makes symbols canonical by this rule.
    #[must_use]
    pub fn new(rule: TickerRule) -> Self {
        Self { rule, rows: Vec::new() }
    }

    /// Takes the next row of the input; false when it has no symbol or date and is skipped. Other kinds of events are
    /// passed over.
    pub fn push(&mut self, cells: &EventCells<'_>) -> bool {
        let symbol = ticker::canonical(cells.symbol, self.rule).into_owned();
        let (false, Some(day)) = (symbol.is_empty(), cells.day) else {
            return false;
        };
        if let Some(kind) = cells.kind.and_then(EventKind::parse) {
            self.rows.push(Event {
                symbol,
                day,
                kind,
                surprise: cells.surprise.filter(|x| x.is_finite()),
                announced_on: cells.announced_on,
            });
        }
        true
    }

    /// The table.
    #[must_use]
    pub fn finish(mut self) -> Events {
        // Stable: events of one symbol and day stay in input order.
        self.rows.sort_by(|a, b| (&a.symbol, a.day).cmp(&(&b.symbol, b.day)));
        Events { rows: self.rows }
    }
}

/// What the events say of a symbol as of a date; days are calendar days.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct EventFacts {
    /// Days to the nearest known earnings, 0 on the day.
    pub days_to_earnings: Option<i32>,
    /// Days since the last earnings.
    pub days_since_earnings: Option<i32>,
    /// Surprise of the last earnings, a fraction.
    pub last_surprise: Option<f64>,
    /// Length of the run of surprises of the last one's sign, negative for misses, 0 if the last was none.
    pub earnings_streak: Option<i32>,
    /// Mean of the last surprises, at most four, a fraction.
    pub surprise_avg_4: Option<f64>,
    /// Days to the nearest known ex-dividend day.
    pub days_to_ex_div: Option<i32>,
}

impl Events {
    /// The events, sorted by symbol and day.
    #[must_use]
    pub fn rows(&self) -> &[Event] {
        &self.rows
    }

    /// What is known of a canonical symbol as of a date.
    #[must_use]
    pub fn facts(&self, symbol: &str, as_of: i32) -> EventFacts {
        let start = self.rows.partition_point(|row| row.symbol.as_str() < symbol);
        let end = start + self.rows[start..].partition_point(|row| row.symbol == symbol);
        facts(&self.rows[start..end], as_of)
    }
}

/// What one symbol's events, by day, say as of a date.
fn facts(events: &[Event], as_of: i32) -> EventFacts {
    let next = |kind| {
        let found = events
            .iter()
            .find(|event| event.kind == kind && event.day >= as_of && event.is_visible(as_of));
        found.and_then(|event| event.day.checked_sub(as_of))
    };
    let past = || {
        let past = events.iter().rev();
        past.filter(|event| event.kind == EventKind::Earnings && event.day <= as_of)
    };
    let surprises: Vec<f64> = past().filter_map(|event| event.surprise).collect();
    let last = past().next();
    EventFacts {
        days_to_earnings: next(EventKind::Earnings),
        days_since_earnings: last.and_then(|event| as_of.checked_sub(event.day)),
        last_surprise: last.and_then(|event| event.surprise),
        earnings_streak: streak(&surprises),
        surprise_avg_4: average(&surprises),
        days_to_ex_div: next(EventKind::ExDividend),
    }
}

/// The run of surprises, latest first, that have the sign of the latest.
fn streak(surprises: &[f64]) -> Option<i32> {
    let sign = sign(*surprises.first()?);
    let run = surprises.iter().take_while(|surprise| self::sign(**surprise) == sign);
    let length = i32::try_from(run.count()).unwrap_or(i32::MAX);
    Some(sign * length)
}

/// -1, 0 or 1, exactly.
pub(super) fn sign(x: f64) -> i32 {
    i32::from(x > 0.0) - i32::from(x < 0.0)
}

/// The mean of the latest surprises, given latest first, summed from the oldest.
fn average(surprises: &[f64]) -> Option<f64> {
    let latest = &surprises[..surprises.len().min(AVERAGED)];
    let count = u32::try_from(latest.len()).expect("at most four");
    let mean = latest.iter().rev().sum::<f64>() / f64::from(count);
    mean.is_finite().then_some(mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[(i32, &str, Option<f64>, Option<i32>)]) -> Events {
        let mut builder = EventsBuilder::new(TickerRule::Us);
        for (day, kind, surprise, announced_on) in rows {
            assert!(builder.push(&EventCells {
                symbol: "a",
                day: Some(*day),
                kind: Some(kind),
                surprise: *surprise,
                announced_on: *announced_on,
            }));
        }
        builder.finish()
    }

    #[test]
    fn future_events_count_once_they_are_announced() {
        let table = table(&[
            (120, "Earnings", None, Some(101)),
            (130, "EARNINGS", Some(9.0), Some(100)),
            (115, "ex_dividend", None, None),
            (99, "split", None, None),
        ]);
        for (as_of, earnings, dividend) in [
            (99, None, Some(16)),
            (100, Some(30), Some(15)),
            (101, Some(19), Some(14)),
            (115, Some(5), Some(0)),
            (120, Some(0), None),
            (121, Some(9), None),
        ] {
            let found = table.facts("A", as_of);
            assert_eq!(
                (found.days_to_earnings, found.days_to_ex_div),
                (earnings, dividend),
                "{as_of}"
            );
        }
        assert_eq!(
            table.facts("A", 119).last_surprise,
            None,
            "a surprise to come is not known"
        );
        assert_eq!(table.facts("B", 119), EventFacts::default());
    }

    #[test]
    fn surprises_of_the_past() {
        let table = table(&[
            (10, "earnings", Some(-0.5), None),
            (20, "earnings", Some(0.1), None),
            (30, "earnings", Some(0.2), None),
            (40, "earnings", None, Some(99)),
            (50, "earnings", Some(0.3), None),
            (60, "earnings", Some(0.0), None),
            (70, "earnings", Some(-0.1), None),
            (70, "earnings", None, None),
        ]);
        for (as_of, since, last, streak) in [
            (9, None, None, None),
            (15, Some(5), Some(-0.5), Some(-1)),
            (30, Some(0), Some(0.2), Some(2)),
            (45, Some(5), None, Some(2)),
            (50, Some(0), Some(0.3), Some(3)),
            (60, Some(0), Some(0.0), Some(0)),
            (71, Some(1), None, Some(-1)),
        ] {
            let found = table.facts("A", as_of);
            let got = (found.days_since_earnings, found.last_surprise, found.earnings_streak);
            assert_eq!(got, (since, last, streak), "{as_of}");
        }
        let mean = |as_of| table.facts("A", as_of).surprise_avg_4;
        assert_eq!(mean(9), None);
        assert_eq!(mean(10), Some(-0.5));
        assert!((mean(71).unwrap() - (0.2 + 0.3 + 0.0 - 0.1) / 4.0).abs() < 1e-15);
    }

    #[test]
    fn rows_without_symbol_or_day_are_skipped() {
        let mut builder = EventsBuilder::new(TickerRule::Us);
        let cells = EventCells {
            symbol: "A",
            day: Some(1),
            ..EventCells::default()
        };
        assert!(builder.push(&cells), "another kind of event is no fault");
        assert!(!builder.push(&EventCells { day: None, ..cells }));
        assert!(!builder.push(&EventCells { symbol: " ", ..cells }));
        assert_eq!(builder.finish().rows().len(), 0);
    }
}
