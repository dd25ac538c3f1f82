//! Relative volume: a bar against what earlier sessions did in its five minutes.
//!
//! A bucket's statistics are of its sixty bars' sum: a bar has a sixtieth of the mean and 1/√60 of the deviation.

use super::frame::Frame;
use crate::features::episodes::count;
use crate::features::numbers::{EPSILON, mean, ratio_or_null, thirds};
use crate::features::profile::{VARIABLES, Values, bucket_of};
use crate::features::rows::TableBuilder;
use crate::table::Column;

/// Bars of a bucket.
const BARS: f64 = 60.0;
/// Rows that count as recent.
const RECENT: usize = 12;
/// A mean below this in size compares with nothing.
const TINY: f64 = 1e-6;

const TRADE_VOL: usize = 0;
const TRADE_CNT: usize = 1;
const AGGBUY: usize = 2;
const AGGSELL: usize = 3;
const ADD: [usize; 2] = [5, 6];
const REM: [usize; 2] = [7, 8];
const NET: [usize; 2] = [9, 10];
const MSG: usize = 11;

/// A bar's variables with what is expected of them.
struct Row {
    values: [f64; VARIABLES.len()],
    means: [f64; VARIABLES.len()],
    deviations: [f64; VARIABLES.len()],
}

impl Row {
    fn ratio(&self, variable: usize) -> Option<f64> {
        ratio_or_null(Some(self.values[variable]), Some(self.means[variable]))
    }

    fn z(&self, variable: usize) -> Option<f64> {
        ratio_or_null(
            Some(self.values[variable] - self.means[variable]),
            Some(self.deviations[variable]),
        )
    }

    fn asymmetry(&self, [plus, minus]: [usize; 2]) -> Option<f64> {
        Some(self.z(plus)? - self.z(minus)?)
    }

    fn both(&self, [bid, ask]: [usize; 2]) -> [Option<f64>; 2] {
        let (value, mean) = (self.values[bid] + self.values[ask], self.means[bid] + self.means[ask]);
        let [b, a] = [self.deviations[bid], self.deviations[ask]];
        [
            ratio_or_null(Some(value), Some(mean)),
            ratio_or_null(Some(value - mean), Some((b * b + a * a).sqrt())),
        ]
    }
}

pub(super) fn write(frame: &Frame<'_>, values: &[Values], rows: &mut TableBuilder) {
    let expected = expected(frame, values);
    let mut put = |of: &dyn Fn(&Row) -> Option<f64>| {
        rows.extend(Column::F64(expected.iter().map(|row| of(row.as_ref()?)).collect()));
    };
    for variable in [TRADE_VOL, TRADE_CNT] {
        put(&|row| row.ratio(variable));
        put(&|row| row.z(variable));
    }
    for pair in [[AGGBUY, AGGSELL], ADD, NET] {
        pair.iter().for_each(|variable| put(&|row| row.ratio(*variable)));
        pair.iter().for_each(|variable| put(&|row| row.z(*variable)));
    }
    put(&|row| row.both(ADD)[0]);
    put(&|row| row.both(ADD)[1]);
    write_deviations(&expected, rows);
    let mut put = |of: &dyn Fn(&Row) -> Option<f64>| {
        rows.extend(Column::F64(expected.iter().map(|row| of(row.as_ref()?)).collect()));
    };
    for pair in [ADD, REM, NET, [AGGBUY, AGGSELL]] {
        put(&|row| row.asymmetry(pair));
    }
    write_lookback(frame.day.profile.has_statistics(), &expected, rows);
}

/// The rows with statistics for their bucket.
fn expected(frame: &Frame<'_>, values: &[Values]) -> Vec<Option<Row>> {
    let starts = frame.i64s("bar_ts");
    let of = |(start, values): (&i64, &Values)| {
        let bucket = bucket_of(frame.day.session, *start)?;
        let statistics = frame.day.profile.buckets.get(bucket)?.as_ref()?;
        Some(Row {
            values: values.map(|value| value as f64),
            means: std::array::from_fn(|variable| statistics[variable].mean / BARS),
            deviations: std::array::from_fn(|variable| statistics[variable].deviation / BARS.sqrt()),
        })
    };
    starts.iter().zip(frame.part(values)).map(of).collect()
}

/// What has accumulated over the rows with statistics, less what was expected.
fn write_deviations(expected: &[Option<Row>], rows: &mut TableBuilder) {
    let running = |of: &dyn Fn(&Row) -> (f64, f64)| {
        let (mut value, mut mean) = (0.0, 0.0);
        let add = |row: &Option<Row>| {
            let (v, m) = of(row.as_ref()?);
            (value, mean) = (value + v, mean + m);
            Some((value - mean, mean))
        };
        expected.iter().map(add).collect::<Vec<_>>()
    };
    let first = |sums: &[Option<(f64, f64)>]| Column::F64(sums.iter().map(|sum| sum.map(|it| it.0)).collect());
    let volume = running(&|row| (row.values[TRADE_VOL], row.means[TRADE_VOL]));
    rows.extend(first(&volume));
    let share = |sum: &Option<(f64, f64)>| ratio_or_null(sum.map(|it| it.0), sum.map(|it| it.1));
    rows.extend(Column::F64(volume.iter().map(share).collect()));
    let [bid, ask] = NET;
    rows.extend(first(&running(&|row| {
        (row.values[bid] - row.values[ask], row.means[bid] - row.means[ask])
    })));
    rows.extend(first(&running(&|row| (row.values[MSG], row.means[MSG]))));
}

/// What the episode's rows so far were like; nothing on a date without statistics.
fn write_lookback(has_statistics: bool, expected: &[Option<Row>], rows: &mut TableBuilder) {
    let len = expected.len();
    if !has_statistics {
        for column in 0..8 {
            let is_count = matches!(column, 3 | 4);
            rows.extend(if is_count {
                Column::I64(vec![None; len])
            } else {
                Column::F64(vec![None; len])
            });
        }
        return;
    }
    let ratios: Vec<_> = expected.iter().map(|row| row.as_ref()?.ratio(TRADE_VOL)).collect();
    let asymmetries: Vec<_> = expected.iter().map(|row| row.as_ref()?.asymmetry(NET)).collect();
    let known: Vec<Option<f64>> = ratios.iter().copied().filter(Option::is_some).collect();
    let mut seen = 0;
    let upto = |ratio: &Option<f64>| {
        seen += usize::from(ratio.is_some());
        &known[..seen]
    };
    let so_far: Vec<&[Option<f64>]> = ratios.iter().map(upto).collect();
    let column = |of: &dyn Fn(&[Option<f64>]) -> Option<f64>| Column::F64(so_far.iter().map(|it| of(it)).collect());
    rows.extend(column(&mean));
    rows.extend(column(&|seen| seen.iter().flatten().copied().reduce(f64::max)));
    rows.extend(column(&trend));
    let counted = |of: &dyn Fn(f64) -> bool| {
        Column::I64(
            so_far
                .iter()
                .map(|it| Some(count(it.iter().flatten().filter(|x| of(**x)).count())))
                .collect(),
        )
    };
    rows.extend(counted(&|x| x > 1.5 + EPSILON));
    rows.extend(counted(&|x| x < 0.5 - EPSILON));
    rows.extend(Column::F64((0..len).map(|row| mean(&asymmetries[..=row])).collect()));
    for values in [&ratios, &asymmetries] {
        rows.extend(Column::F64((0..len).map(|row| recent(&values[..=row])).collect()));
    }
}

/// The mean of the last third less that of the first; 0 of one value.
fn trend(seen: &[Option<f64>]) -> Option<f64> {
    let third = thirds(seen.len());
    match seen.len() {
        0 => None,
        1 => Some(0.0),
        n => Some(mean(&seen[n - third..])? - mean(&seen[..third])?),
    }
}

/// The mean of the latest rows over that of all; null when the latter is about 0.
fn recent(seen: &[Option<f64>]) -> Option<f64> {
    let (latest, all) = (mean(&seen[seen.len().saturating_sub(RECENT)..])?, mean(seen)?);
    (all.abs() > TINY).then(|| latest / all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trend_is_of_thirds_and_none_of_nothing() {
        assert_eq!((trend(&[]), trend(&[Some(4.0)])), (None, Some(0.0)));
        assert_eq!(trend(&[Some(1.0), Some(5.0)]), Some(4.0));
    }

    #[test]
    fn the_latest_rows_compare_with_no_mean_of_about_zero() {
        assert_eq!(recent(&[Some(1.0), Some(-1.0)]), None);
        assert_eq!(recent(&[None]), None);
        assert_eq!(recent(&[Some(2.0); 20]), Some(1.0));
    }
}
