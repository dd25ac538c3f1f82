//! Row hygiene by example, and against a plain restatement of the rule.

use proptest::prelude::*;

use super::super::options::SessionOptions;
use super::*;

const NAN: f64 = f64::NAN;

/// Sessions on days 1, 2, 3 and 5; day 4 is a ghost.
fn calendar() -> Calendar {
    Calendar::new(
        vec![1, 2, 3, 4, 5],
        &[50, 50, 50, 1, 50],
        &SessionOptions { session_min_frac: 0.1 },
    )
}

/// Rows of (date, high, volume) with open 10, low 9 and close 11.
fn run(rows: &[(i32, f64, f64)], as_of: &[i32]) -> (Kept, Vec<Snapshot>, Vec<(usize, RejectKind)>) {
    let date: Vec<i32> = rows.iter().map(|r| r.0).collect();
    let high: Vec<f64> = rows.iter().map(|r| r.1).collect();
    let volume: Vec<f64> = rows.iter().map(|r| r.2).collect();
    let [open, low, close] = [10.0, 9.0, 11.0].map(|x| vec![x; rows.len()]);
    let rows = SymbolRows {
        date: &date,
        open: &open,
        high: &high,
        low: &low,
        close: &close,
        volume: &volume,
        adj_close: None,
    };
    let (mut kept, mut snapshots, mut rejects) = (Kept::default(), Vec::new(), Vec::new());
    sift(
        &rows,
        &calendar(),
        as_of,
        &mut |row, kind| rejects.push((row, kind)),
        &mut kept,
        &mut snapshots,
    );
    (kept, snapshots, rejects)
}

#[test]
fn the_first_fault_is_the_reason() {
    use RejectKind::{BadPrice, BadVolume, GhostSession};
    for (row, expect) in [
        ((1, NAN, NAN), Some(BadPrice)),
        ((1, 0.0, 5.0), Some(BadPrice)),
        ((1, -1.0, 5.0), Some(BadPrice)),
        ((4, f64::INFINITY, 5.0), Some(BadPrice)),
        ((4, 12.0, -1.0), Some(BadVolume)),
        ((1, 12.0, NAN), Some(BadVolume)),
        ((1, 12.0, f64::INFINITY), Some(BadVolume)),
        ((4, 12.0, 5.0), Some(GhostSession)),
        ((6, 12.0, 5.0), Some(GhostSession)),
        ((1, 12.0, 0.0), None),
    ] {
        let (kept, _, rejects) = run(&[row], &[9]);
        assert_eq!(rejects.first().map(|r| r.1), expect, "{row:?}");
        assert_eq!(kept.date.len(), usize::from(expect.is_none()));
    }
}

#[test]
fn the_last_valid_row_of_a_date_wins() {
    let rows = [
        (1, 12.0, 1.0),
        (1, 13.0, 2.0),
        (1, NAN, 3.0),
        (2, NAN, 1.0),
        (2, 12.0, 4.0),
        (4, 12.0, 1.0),
        (4, 12.0, 2.0),
    ];
    let (kept, snapshots, rejects) = run(&rows, &[9]);
    assert_eq!(kept.date, [1, 2]);
    assert_eq!(kept.volume, [2.0, 4.0]);
    let expect = Hygiene {
        read: 7,
        bad_price: 2,
        ghost_session: 2,
        duplicate: 1,
        kept: 2,
        ..Hygiene::default()
    };
    assert_eq!(snapshots[0].hygiene, expect);
    let duplicates: Vec<_> = rejects.iter().filter(|r| r.1 == RejectKind::Duplicate).collect();
    assert_eq!(duplicates, [&(0, RejectKind::Duplicate)]);
}

#[test]
fn highs_and_lows_are_repaired_and_noted() {
    let (kept, snapshots, _) = run(&[(1, 12.0, 0.0), (2, 9.5, 1.0)], &[9]);
    assert_eq!(kept.high, [12.0, 11.0]);
    assert_eq!(kept.low, [9.0, 9.0]);
    assert_eq!(
        (snapshots[0].hygiene.ohlc_repaired, snapshots[0].hygiene.zero_volume),
        (1, 1)
    );
}

#[test]
fn an_as_of_date_sees_only_rows_up_to_it() {
    let rows = [
        (1, 12.0, 1.0),
        (2, NAN, 1.0),
        (3, 12.0, 1.0),
        (3, 12.0, 1.0),
        (5, 12.0, 1.0),
    ];
    let (_, snapshots, _) = run(&rows, &[0, 1, 2, 3, 4, 5, 6]);
    let seen: Vec<_> = snapshots
        .iter()
        .map(|s| (s.hygiene.read, s.hygiene.duplicate, s.kept))
        .collect();
    assert_eq!(
        seen,
        [
            (0, 0, 0),
            (1, 0, 1),
            (2, 0, 1),
            (4, 1, 2),
            (4, 1, 2),
            (5, 1, 3),
            (5, 1, 3)
        ]
    );
    assert!(snapshots.iter().all(|s| s.hygiene.adds_up()));
}

/// The rule as it is written: of each date's rows, the first fault of each, and the last of the valid ones.
fn restated(rows: &[(i32, f64, f64)], as_of: i32) -> (Hygiene, Vec<(i32, f64)>) {
    let (mut hygiene, mut kept) = (Hygiene::default(), Vec::new());
    let valid = |row: &(i32, f64, f64)| row.1 > 0.0 && row.1.is_finite() && row.2 >= 0.0 && row.2.is_finite();
    for (i, row) in rows.iter().enumerate().filter(|(_, row)| row.0 <= as_of) {
        hygiene.read += 1;
        if !(row.1 > 0.0 && row.1.is_finite()) {
            hygiene.bad_price += 1;
        } else if !valid(row) {
            hygiene.bad_volume += 1;
        } else if !calendar().is_session(row.0) {
            hygiene.ghost_session += 1;
        } else if rows[i + 1..].iter().any(|later| later.0 == row.0 && valid(later)) {
            hygiene.duplicate += 1;
        } else {
            hygiene.kept += 1;
            hygiene.ohlc_repaired += i64::from(row.1 < 11.0);
            hygiene.zero_volume += i64::from(row.2 == 0.0);
            kept.push((row.0, row.2));
        }
    }
    (hygiene, kept)
}

proptest! {
    #[test]
    fn the_pass_agrees_with_the_rule(
        mut rows in prop::collection::vec(
            (
                0..7_i32,
                prop_oneof![6 => 9.0..14.0, 1 => prop::sample::select(vec![NAN, 0.0, -1.0, f64::INFINITY])],
                prop_oneof![6 => 0.0..9.0, 1 => prop::sample::select(vec![NAN, 0.0, -1.0, f64::INFINITY])],
            ),
            0..12,
        ),
        distinct in any::<bool>(),
    ) {
        rows.sort_by_key(|row| row.0);
        if distinct {
            rows.dedup_by_key(|row| row.0);
        }
        let as_of = [0, 2, 4, 9];
        let (kept, snapshots, rejects) = run(&rows, &as_of);
        for (day, snapshot) in as_of.into_iter().zip(&snapshots) {
            let (hygiene, bars) = restated(&rows, day);
            prop_assert_eq!(snapshot.hygiene, hygiene);
            let got: Vec<_> = kept.date.iter().copied().zip(kept.volume.iter().copied()).take(snapshot.kept).collect();
            prop_assert_eq!(got, bars);
        }
        prop_assert_eq!(rejects.len() + kept.date.len(), rows.len());
    }
}
