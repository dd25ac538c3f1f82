//! What the joined tables say that was known by a date, as a digest for each as-of date.
//!
//! A reduce job's identity hangs on this, not on the tables' bytes: rows that come later leave it as it was, so a table
//! that grew by a filing lets the results of earlier dates stand. Two inputs of one digest give one result; the contrary
//! need not hold. Read next: [`crate::identity`].

use tickfleet_kernels::scan::events::{Event, Events};
use tickfleet_kernels::scan::fundamentals::Fundamentals;
use tickfleet_kernels::scan::predictions::Predictions;

use crate::digest::{Digest, Digester};
use crate::spec::scan::Day;

/// One digest for each of `as_of` (ascending) of the rows that count as of then. Without tables they are all alike.
pub fn known(
    as_of: &[Day],
    fundamentals: Option<&Fundamentals>,
    events: Option<&Events>,
    predictions: Option<&Predictions>,
) -> Vec<Digest> {
    let tables = [
        fundamentals.map_or_else(Vec::new, filings),
        events.map_or_else(Vec::new, announcements),
        events.map_or_else(Vec::new, surprises),
    ];
    let grown = tables.map(|rows| grown(as_of, rows));
    let predicted = predictions.map_or_else(Vec::new, |table| by_day(as_of, table));
    let of_date = |date: usize| {
        let mut digester = Digester::new("known");
        grown.iter().for_each(|table| {
            digester.digest(&table[date]);
        });
        predicted.get(date).into_iter().for_each(|table| {
            digester.digest(table);
        });
        digester.finish()
    };
    (0..as_of.len()).map(of_date).collect()
}

/// A row's day and what stands there.
type Known = (Day, Vec<u8>);

/// The digest of all rows up to each date. Rows of one day keep their order.
fn grown(as_of: &[Day], mut rows: Vec<Known>) -> Vec<Digest> {
    rows.sort_by_key(|(day, _)| *day);
    let (mut rows, mut digester) = (rows.iter().peekable(), Digester::new("known rows"));
    let up_to = |&last: &Day| {
        while let Some((_, bytes)) = rows.next_if(|(day, _)| *day <= last) {
            digester.part(bytes);
        }
        digester.finish()
    };
    as_of.iter().map(up_to).collect()
}

fn filings(table: &Fundamentals) -> Vec<Known> {
    let row = |row: &tickfleet_kernels::scan::fundamentals::FundamentalsRow| {
        let mut bytes = row.symbol.as_bytes().to_vec();
        push_day(&mut bytes, row.published);
        row.figures
            .values()
            .into_iter()
            .for_each(|value| push_number(&mut bytes, value));
        (row.published.unwrap_or(Day::MIN), bytes)
    };
    table.rows().iter().map(row).collect()
}

/// Events from the day on which they count: when they happen, or before that when they are announced.
fn announcements(table: &Events) -> Vec<Known> {
    let row = |event: &Event| {
        let mut bytes = event.symbol.as_bytes().to_vec();
        push_day(&mut bytes, Some(event.day));
        bytes.push(event.kind as u8);
        // An event that was announced after its day is not seen coming on that day.
        bytes.push(u8::from(event.is_visible(event.day)));
        (event.day.min(event.announced_on.unwrap_or(Day::MIN)), bytes)
    };
    table.rows().iter().map(row).collect()
}

fn surprises(table: &Events) -> Vec<Known> {
    let row = |event: &Event| {
        let mut bytes = event.symbol.as_bytes().to_vec();
        push_day(&mut bytes, Some(event.day));
        push_number(&mut bytes, event.surprise);
        (event.day, bytes)
    };
    table.rows().iter().map(row).collect()
}

/// The digest of the rows of exactly each date.
fn by_day(as_of: &[Day], table: &Predictions) -> Vec<Digest> {
    let mut digesters: Vec<Digester> = as_of.iter().map(|_| Digester::new("predicted rows")).collect();
    for row in table.rows() {
        if let Ok(date) = as_of.binary_search(&row.day) {
            let mut bytes = row.symbol.as_bytes().to_vec();
            let predicted = &row.prediction;
            for value in [predicted.pred_5d, predicted.pred_10d, predicted.win_prob] {
                push_number(&mut bytes, value);
            }
            digesters[date].part(&bytes);
        }
    }
    digesters.iter().map(Digester::finish).collect()
}

fn push_day(bytes: &mut Vec<u8>, day: Option<Day>) {
    bytes.push(u8::from(day.is_some()));
    bytes.extend(day.unwrap_or_default().to_le_bytes());
}

fn push_number(bytes: &mut Vec<u8>, number: Option<f64>) {
    bytes.push(u8::from(number.is_some()));
    bytes.extend(number.unwrap_or_default().to_bits().to_le_bytes());
}

#[cfg(test)]
mod tests {
    use tickfleet_kernels::scan::events::{EventCells, EventsBuilder};
    use tickfleet_kernels::scan::fundamentals::{Figures, FundamentalsBuilder, Published};
    use tickfleet_kernels::scan::options::TickerRule;
    use tickfleet_kernels::scan::predictions::{Prediction, PredictionsBuilder};

    use super::*;

    const AS_OF: [Day; 3] = [10, 20, 30];

    fn filings(rows: &[(Day, f64)]) -> Fundamentals {
        let mut builder = FundamentalsBuilder::new(TickerRule::Us);
        for (day, revenue) in rows {
            let figures = Figures {
                revenue: Some(*revenue),
                ..Figures::default()
            };
            builder.push("A", Published::On(*day), figures);
        }
        builder.finish()
    }

    fn events(rows: &[(Day, Option<Day>, f64)]) -> Events {
        let mut builder = EventsBuilder::new(TickerRule::Us);
        for (day, announced_on, surprise) in rows {
            builder.push(&EventCells {
                symbol: "A",
                day: Some(*day),
                kind: Some("earnings"),
                surprise: Some(*surprise),
                announced_on: *announced_on,
            });
        }
        builder.finish()
    }

    fn predictions(rows: &[(Day, f64)]) -> Predictions {
        let mut builder = PredictionsBuilder::new(TickerRule::Us);
        for (day, value) in rows {
            builder.push("A", Some(*day), Prediction::new(Some(*value), None, None));
        }
        builder.finish()
    }

    /// Which of the as-of dates tell two inputs apart.
    #[track_caller]
    fn check(what: &str, a: &[Digest], b: &[Digest], expect: [bool; 3]) {
        let differ: Vec<bool> = a.iter().zip(b).map(|(a, b)| a != b).collect();
        assert_eq!(differ, expect, "{what}");
    }

    #[test]
    fn later_rows_leave_earlier_dates_alone() {
        let of = |rows: &[(Day, f64)]| known(&AS_OF, Some(&filings(rows)), None, None);
        let base = of(&[(5, 1.0), (15, 2.0)]);
        check("another first", &base, &of(&[(5, 9.0), (15, 2.0)]), [true; 3]);
        check(
            "another second",
            &base,
            &of(&[(5, 1.0), (15, 9.0)]),
            [false, true, true],
        );
        check(
            "one more",
            &base,
            &of(&[(25, 9.0), (5, 1.0), (15, 2.0)]),
            [false, false, true],
        );
        check("one beyond", &base, &of(&[(5, 1.0), (15, 2.0), (31, 9.0)]), [false; 3]);
    }

    #[test]
    fn events_count_from_their_announcement_and_surprises_from_their_day() {
        let of = |rows: &[(Day, Option<Day>, f64)]| known(&AS_OF, None, Some(&events(rows)), None);
        let base = of(&[(25, Some(15), 0.1)]);
        check("a surprise", &base, &of(&[(25, Some(15), 0.2)]), [false, false, true]);
        check("a day", &base, &of(&[(26, Some(15), 0.1)]), [false, true, true]);
        check(
            "an earlier announcement",
            &base,
            &of(&[(25, Some(9), 0.1)]),
            [true, false, false],
        );
        check("known always", &base, &of(&[(25, None, 0.1)]), [true, false, false]);
        check(
            "announced late",
            &base,
            &of(&[(25, Some(26), 0.1)]),
            [false, true, true],
        );
        check("none", &base, &of(&[]), [false, true, true]);
    }

    #[test]
    fn predictions_count_on_their_day() {
        let of = |rows: &[(Day, f64)]| known(&AS_OF, None, None, Some(&predictions(rows)));
        let base = of(&[(10, 0.1), (20, 0.2)]);
        check(
            "of the second",
            &base,
            &of(&[(10, 0.1), (20, 0.3)]),
            [false, true, false],
        );
        check(
            "of no as-of date",
            &base,
            &of(&[(10, 0.1), (20, 0.2), (21, 0.3)]),
            [false; 3],
        );
        check(
            "of the third",
            &base,
            &of(&[(10, 0.1), (20, 0.2), (30, 0.3)]),
            [false, false, true],
        );
    }
}
