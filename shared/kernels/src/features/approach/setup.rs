//! The setup: the rows before the trigger in 38 numbers, which stand from the trigger on.

use super::frame::Frame;
use super::level::LevelColumns;
use super::motion::Motion;
use crate::features::episodes::count;
use crate::features::numbers::{EPSILON, mean, ratio_or_zero, thirds};
use crate::features::rows::{Cell, TableBuilder};
use crate::features::wall::Wall;
use crate::table::Column;

/// Rows that count as recent.
const RECENT: usize = 12;

pub(super) fn write(frame: &Frame<'_>, motion: &Motion, level: &LevelColumns<'_>, rows: &mut TableBuilder) {
    let k = frame.before;
    let mut cells = Vec::new();
    cells.extend(distance(&frame.distance[..k]));
    cells.extend(velocity(&motion.velocity[..k]));
    cells.extend(imbalance(&frame.f64s("bar5s_state_obi0_eob")[..k]));
    cells.extend(imbalance(&frame.f64s("bar5s_state_obi10_eob")[..k]));
    cells.extend(volume(frame, motion));
    cells.extend(walls(frame));
    cells.extend(size(&level.size_at_level()[..k]));
    cells.extend(flow(&level.toward()[..k]));
    for cell in cells {
        rows.extend(standing(&cell, k, frame.len));
    }
}

/// A column that is null before the trigger and where there are no rows before it.
fn standing(cell: &Cell, before: usize, len: usize) -> Column {
    fn fill<T: Copy>(value: Option<T>, before: usize, len: usize) -> Vec<Option<T>> {
        let of = |row: usize| value.filter(|_| before > 0 && row >= before);
        (0..len).map(of).collect()
    }
    match cell {
        Cell::F64(value) => Column::F64(fill(*value, before, len)),
        Cell::I64(value) => Column::I64(fill(*value, before, len)),
        _ => panic!("a setup is of numbers"),
    }
}

fn distance(all: &[Option<f64>]) -> [Cell; 7] {
    let series: Vec<f64> = all.iter().flatten().copied().collect();
    let sizes = || series.iter().map(|x| x.abs());
    let (nearest, farthest) = (sizes().reduce(f64::min), sizes().reduce(f64::max));
    let change = |pair: &[f64]| pair[1].abs() - pair[0].abs();
    let nearer = count(series.windows(2).filter(|pair| change(pair) < -EPSILON).count());
    let farther = count(series.windows(2).filter(|pair| change(pair) > EPSILON).count());
    let range = farthest.zip(nearest).map(|(farthest, nearest)| farthest - nearest);
    [
        series.first().copied().into(),
        nearest.into(),
        farthest.into(),
        range.into(),
        nearer.into(),
        farther.into(),
        ratio_or_zero(nearer as f64, all.len() as f64).into(),
    ]
}

fn velocity(all: &[Option<f64>]) -> [Cell; 4] {
    let third = thirds(all.len());
    let part = |from: usize, to: usize| mean(&all[from.min(all.len())..to.min(all.len()).max(from.min(all.len()))]);
    let (early, mid, late) = (part(0, third), part(third, 2 * third), part(2 * third, all.len()));
    [
        early.into(),
        mid.into(),
        late.into(),
        late.zip(early).map(|(late, early)| late - early).into(),
    ]
}

fn imbalance(all: &[Option<f64>]) -> [Cell; 5] {
    let series: Vec<f64> = all.iter().flatten().copied().collect();
    let (start, end) = (series.first().copied(), series.last().copied());
    [
        start.into(),
        end.into(),
        end.zip(start).map(|(end, start)| end - start).into(),
        series.iter().copied().reduce(f64::min).into(),
        series.iter().copied().reduce(f64::max).into(),
    ]
}

fn volume(frame: &Frame<'_>, motion: &Motion) -> [Cell; 4] {
    let total = |name: &str| frame.i64s(name)[..frame.before].iter().sum::<i64>();
    let (all, signed) = (total("bar5s_trade_vol_sum"), total("bar5s_trade_signed_vol_sum"));
    let flow = motion.flow_imbalance[..frame.before].last().copied();
    [
        all.into(),
        signed.into(),
        ratio_or_zero(signed as f64, all as f64).into(),
        flow.into(),
    ]
}

fn walls(frame: &Frame<'_>) -> [Cell; 5] {
    let [bid, ask] = ["bid", "ask"].map(|side| &frame.f64s(&format!("bar5s_wall_{side}_maxz_eob"))[..frame.before]);
    let highest = |all: &[Option<f64>]| all.iter().flatten().copied().reduce(f64::max);
    let strong = |all: &[Option<f64>]| count(all.iter().filter(|z| Wall::is_strong(**z)).count());
    [
        highest(bid).into(),
        highest(ask).into(),
        strong(bid).into(),
        strong(ask).into(),
        (strong(ask) - strong(bid)).into(),
    ]
}

fn size(all: &[i64]) -> [Cell; 6] {
    let (start, end) = (all.first().copied(), all.last().copied());
    [
        start.into(),
        end.into(),
        end.zip(start).map(|(end, start)| end - start).into(),
        all.iter().max().copied().into(),
        recent(all).into(),
        late_over_early(all).into(),
    ]
}

fn flow(toward: &[i64]) -> [Cell; 2] {
    [recent(toward).into(), late_over_early(toward).into()]
}

fn recent(all: &[i64]) -> i64 {
    all[all.len().saturating_sub(RECENT)..].iter().sum()
}

/// Σ of the last third over Σ of the first; 0 below three rows or when the first sum is not positive.
fn late_over_early(all: &[i64]) -> f64 {
    let third = thirds(all.len());
    if all.len() < 3 {
        return 0.0;
    }
    let early: i64 = all[..third].iter().sum();
    let late: i64 = all[all.len() - third..].iter().sum();
    if early <= 0 { 0.0 } else { late as f64 / early as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setup_stands_from_the_trigger_on_and_not_without_rows_before_it() {
        let cell = Cell::I64(Some(4));
        assert_eq!(standing(&cell, 2, 4), Column::I64(vec![None, None, Some(4), Some(4)]));
        assert_eq!(standing(&cell, 0, 2), Column::I64(vec![None, None]));
    }

    #[test]
    fn distances_are_compared_in_size_over_the_rows_that_have_one() {
        let cells = distance(&[Some(-4.0), None, Some(3.0), Some(-3.0), Some(5.0)]);
        let expect: [Cell; 7] = [
            (-4.0).into(),
            3.0.into(),
            5.0.into(),
            2.0.into(),
            1_i64.into(),
            1_i64.into(),
            0.2.into(),
        ];
        assert_eq!(cells, expect);
    }

    #[test]
    fn thirds_of_few_rows_are_cut_at_the_end() {
        assert_eq!(velocity(&[Some(1.0)]), [Some(1.0), None, None, None].map(Cell::F64));
        assert_eq!(
            velocity(&[Some(1.0), Some(2.0)]),
            [Some(1.0), Some(2.0), None, None].map(Cell::F64)
        );
        assert_eq!(
            (
                late_over_early(&[5, 6]),
                late_over_early(&[2, 1, 6]),
                late_over_early(&[0, 1, 6])
            ),
            (0.0, 3.0, 0.0)
        );
    }
}
