//! One episode's stretch of the day's bars, with the columns that name it and those taken over from the bars.

use super::Approach;
use crate::features::around::LevelBar;
use crate::features::columns::taken_over;
use crate::features::episodes::{Episode, count};
use crate::features::levels::{LEVEL_TYPES, POLARITIES};
use crate::features::numbers::px;
use crate::features::rows::TableBuilder;
use crate::table::Column;

/// An episode with its rows of the day.
pub(super) struct Frame<'a> {
    pub(super) day: &'a Approach<'a>,
    pub(super) episode: &'a Episode,
    /// The level's price and a point, quote currency.
    pub(super) level: f64,
    pub(super) pt: f64,
    /// Rows of the episode, and of these before the trigger.
    pub(super) len: usize,
    pub(super) before: usize,
    /// Distance of the microprice at each bar's end, points.
    pub(super) distance: Vec<Option<f64>>,
    first: usize,
}

impl<'a> Frame<'a> {
    pub(super) fn new(day: &'a Approach<'a>, episode: &'a Episode, pt: f64) -> Self {
        let [first, trigger, last] = episode.rows;
        let level = px(episode.level.price);
        let micro = &day.bars.f64s("bar5s_microprice_eob")[first..=last];
        let distance = micro.iter().map(|x| x.map(|x| (x - level) / pt)).collect();
        Self {
            day,
            episode,
            level,
            pt,
            len: last + 1 - first,
            before: trigger - first,
            distance,
            first,
        }
    }

    /// The episode's part of a column of bars.
    pub(super) fn f64s(&self, name: &str) -> &'a [Option<f64>] {
        &self.day.bars.f64s(name)[self.first..self.first + self.len]
    }

    /// The episode's part of a column of bars that has no nulls.
    pub(super) fn i64s(&self, name: &str) -> Vec<i64> {
        let values = &self.day.bars.i64s(name)[self.first..self.first + self.len];
        values.iter().map(|value| value.unwrap_or(0)).collect()
    }

    /// A column of integers as floats.
    pub(super) fn as_f64s(&self, name: &str) -> Vec<Option<f64>> {
        let values = &self.day.bars.i64s(name)[self.first..self.first + self.len];
        values.iter().map(|value| value.map(|value| value as f64)).collect()
    }

    /// The episode's part of something that the day has by row.
    pub(super) fn part<'b, T>(&self, values: &'b [T]) -> &'b [T] {
        &values[self.first..self.first + self.len]
    }

    /// The book around the level in a row of the episode.
    pub(super) fn around(&self, row: usize) -> &'a LevelBar {
        self.day.level_bars.get(self.episode.level.index, self.first + row)
    }

    /// A column with the same value in every row.
    fn text(&self, value: Option<&str>) -> Column {
        Column::Utf8(vec![value.map(str::to_owned); self.len])
    }

    pub(super) fn write_keys(&self, rows: &mut TableBuilder) {
        let (day, episode, len) = (self.day, self.episode, self.len);
        let starts = self.i64s("bar_ts");
        let trigger = starts[self.before];
        let id = episode.id(day.symbol, day.date, trigger);
        let bools = |of: &dyn Fn(usize) -> bool| Column::Bool((0..len).map(|row| Some(of(row))).collect());
        rows.extend(Column::I64(starts.iter().copied().map(Some).collect()));
        rows.extend(self.text(Some(day.symbol)));
        rows.extend(self.text(Some(&id)));
        rows.extend(self.text(Some(&id)));
        rows.extend(self.text(Some(LEVEL_TYPES[episode.level.index])));
        rows.extend(Column::F64(vec![Some(self.level); len]));
        rows.extend(Column::I64(vec![Some(trigger); len]));
        let index: Vec<Option<i64>> = (0..len).map(|row| Some(count(row))).collect();
        rows.extend(Column::I64(index.clone()));
        rows.extend(Column::I64(index));
        rows.extend(Column::I64(
            (0..len).map(|row| Some(count(row) - count(self.before))).collect(),
        ));
        rows.extend(bools(&|row| row < self.before));
        rows.extend(bools(&|row| row < self.before));
        rows.extend(bools(&|row| row == self.before));
        rows.extend(bools(&|row| row > self.before));
        rows.extend(bools(&|row| row > self.before));
        rows.extend(Column::I8(vec![Some(episode.direction); len]));
        rows.extend(bools(&|_| episode.is_standard()));
        rows.extend(Column::F64(self.distance.clone()));
        let along = |x: f64| x * f64::from(episode.direction);
        rows.extend(Column::F64(self.distance.iter().map(|x| x.map(along)).collect()));
        rows.extend(self.text(episode.outcome()));
        rows.extend(Column::F64(vec![episode.score(); len]));
        rows.extend(bools(&|_| episode.truncated_lookback));
        rows.extend(bools(&|_| episode.truncated_forward));
        rows.extend(bools(&|_| episode.extensions > 0));
        rows.extend(Column::I64(vec![Some(episode.extensions); len]));
    }

    /// The columns that are taken over from the bars as they are.
    pub(super) fn write_bars(&self, rows: &mut TableBuilder) {
        for (name, column) in self.day.bars.columns() {
            if taken_over(name) {
                rows.extend(match column {
                    Column::F64(values) => Column::F64(self.part(values).to_vec()),
                    Column::I64(values) => Column::I64(self.part(values).to_vec()),
                    _ => panic!("bars' features are numbers"),
                });
            }
        }
    }

    /// The level's polarity.
    pub(super) fn polarity(&self) -> i8 {
        POLARITIES[self.episode.level.index]
    }
}
