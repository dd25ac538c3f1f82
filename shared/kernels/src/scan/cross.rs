//! A column over the scored rows of one as-of date: percentiles and standard scores, whole or within sectors (sections 0
//! and 5.4).
//!
//! Values come in symbol order and sums run in that order, so no split of the work can change a bit. Null stays null.

use super::compare::key;
use super::indicators::stats::{deviation, mean};
use super::sector::Sector;

/// Values that a sector must hold for its rows to be held against it alone.
const SECTOR_MIN: usize = 5;
/// Standard scores beyond this many deviations are cut.
const Z_MAX: f64 = 3.0;

/// Average rank of each value as a percentile, 100 * (rank - 0.5) / n, ascending; equal sort keys share their rank.
#[must_use]
pub fn percentiles(values: &[Option<f64>]) -> Vec<Option<f64>> {
    spread(values, |values| {
        let keys: Vec<f64> = values.iter().map(|x| key(*x)).collect();
        let mut order: Vec<usize> = (0..keys.len()).collect();
        order.sort_by(|a, b| keys[*a].total_cmp(&keys[*b]));
        let mut ranked = vec![0.0; keys.len()];
        let mut below = 0;
        for ties in order.chunk_by(|a, b| keys[*a].total_cmp(&keys[*b]).is_eq()) {
            // Ranks from 1: `below + 1` to `below + ties`, whose mean less a half is this.
            let rank = count(below) + count(ties.len()) / 2.0;
            ties.iter()
                .for_each(|at| ranked[*at] = 100.0 * rank / count(keys.len()));
            below += ties.len();
        }
        ranked
    })
}

/// Standard score of each value, cut at 3 deviations; 0 for all where they do not vary.
#[must_use]
pub fn z_scores(values: &[Option<f64>]) -> Vec<Option<f64>> {
    spread(values, |values| {
        if values.len() < 2 {
            return vec![0.0; values.len()];
        }
        let mean = mean(values);
        let deviation = deviation(values, mean, 1.0);
        // What overflowed varies beyond measure: no score can be told from another.
        if !deviation.is_finite() || deviation <= 1e-12 * mean.abs() {
            return vec![0.0; values.len()];
        }
        let z = |x: &f64| ((x - mean) / deviation).clamp(-Z_MAX, Z_MAX);
        values.iter().map(z).collect()
    })
}

/// `measure` within the row's sector; over all rows where the sector is null or holds too few values.
#[must_use]
pub fn by_sector(
    values: &[Option<f64>],
    sectors: &[Option<Sector>],
    measure: fn(&[Option<f64>]) -> Vec<Option<f64>>,
) -> Vec<Option<f64>> {
    let mut measured = measure(values);
    for sector in Sector::ALL {
        let rows: Vec<usize> = (0..values.len())
            .filter(|row| sectors[*row] == Some(sector) && values[*row].is_some())
            .collect();
        if rows.len() >= SECTOR_MIN {
            let within: Vec<Option<f64>> = rows.iter().map(|row| values[*row]).collect();
            for (row, value) in rows.iter().zip(measure(&within)) {
                measured[*row] = value;
            }
        }
    }
    measured
}

/// The mean of the values that are not null; null if all are.
#[must_use]
pub fn mean_of_known(values: &[Option<f64>]) -> Option<f64> {
    let known: Vec<f64> = values.iter().copied().flatten().collect();
    (!known.is_empty()).then(|| mean(&known)).filter(|x| x.is_finite())
}

/// Measures the values that are not null and puts the answers where these stood.
fn spread(values: &[Option<f64>], measure: impl Fn(&[f64]) -> Vec<f64>) -> Vec<Option<f64>> {
    let known: Vec<f64> = values.iter().copied().flatten().collect();
    let mut measured = measure(&known).into_iter();
    values.iter().map(|value| value.and_then(|_| measured.next())).collect()
}

#[allow(clippy::cast_precision_loss)]
fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn percentiles_share_ties_and_skip_nulls() {
        for (values, expect) in [
            (vec![], vec![]),
            (vec![None], vec![None]),
            (vec![Some(7.0)], vec![Some(50.0)]),
            (vec![Some(3.0), None, Some(1.0)], vec![Some(75.0), None, Some(25.0)]),
            (
                vec![Some(1.0), Some(2.0), Some(1.0), Some(9.0)],
                vec![Some(25.0), Some(62.5), Some(25.0), Some(87.5)],
            ),
            (vec![Some(1.0), Some(1.0 + 1e-14)], vec![Some(50.0), Some(50.0)]),
            (vec![Some(0.0), Some(-0.0)], vec![Some(50.0), Some(50.0)]),
        ] {
            assert_eq!(percentiles(&values), expect, "{values:?}");
        }
    }

    #[test]
    fn scores_are_cut_and_flat_values_have_none() {
        let root = 1.0 / 2.0_f64.sqrt();
        assert_eq!(z_scores(&[Some(1.0), None, Some(3.0)]), [Some(-root), None, Some(root)]);
        assert_eq!(z_scores(&[Some(4.0)]), [Some(0.0)]);
        assert_eq!(z_scores(&[Some(0.1); 3]), [Some(0.0); 3]);
        assert_eq!(z_scores(&[Some(f64::MAX), Some(-f64::MAX)]), [Some(0.0); 2]);
        let mut values = vec![Some(0.0); 99];
        values.push(Some(1e6));
        assert_eq!(z_scores(&values)[99], Some(3.0));
    }

    #[test]
    fn sectors_with_five_values_are_measured_alone() {
        let energy = Some(Sector::Energy);
        let sectors = [
            energy,
            energy,
            energy,
            energy,
            energy,
            energy,
            None,
            Some(Sector::Utilities),
        ];
        let values = [
            Some(1.0),
            Some(2.0),
            Some(3.0),
            Some(4.0),
            Some(5.0),
            None,
            Some(0.0),
            Some(9.0),
        ];
        let found = by_sector(&values, &sectors, percentiles);
        let whole = percentiles(&values);
        assert_eq!(found[..5], [10.0, 30.0, 50.0, 70.0, 90.0].map(Some));
        assert_eq!((found[5], found[6], found[7]), (None, whole[6], whole[7]));
        let four = [
            None,
            Some(2.0),
            Some(3.0),
            Some(4.0),
            Some(5.0),
            None,
            Some(0.0),
            Some(9.0),
        ];
        assert_eq!(by_sector(&four, &sectors, percentiles), percentiles(&four));
    }

    proptest! {
        #[test]
        fn percentiles_are_within_bounds_and_average_fifty(
            values in prop::collection::vec(prop::option::of(-1e3..1e3), 1..50),
        ) {
            let found: Vec<f64> = percentiles(&values).into_iter().flatten().collect();
            prop_assert_eq!(found.len(), values.iter().flatten().count());
            prop_assert!(found.iter().all(|p| *p > 0.0 && *p < 100.0));
            if !found.is_empty() {
                prop_assert!((mean(&found) - 50.0).abs() < 1e-9);
            }
        }

        #[test]
        fn scores_keep_the_order(values in prop::collection::vec(-1e3..1e3, 2..50)) {
            let some: Vec<Option<f64>> = values.iter().copied().map(Some).collect();
            let found = z_scores(&some);
            for (a, b) in values.iter().zip(&found).zip(values.iter().zip(&found).skip(1)) {
                prop_assert!(a.0 < b.0 || a.1 >= b.1);
                prop_assert!(a.0 > b.0 || a.1 <= b.1);
            }
        }
    }
}
