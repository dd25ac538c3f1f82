//! Setup vectors: what was known of an episode at its trigger, as one row of numbers without nulls.
//!
//! It reads `approach` and adds nothing but summaries of the rows before the trigger. Null is 0, a missing level -1.

use super::columns::{VECTOR_DIMENSIONS, VECTOR_KEYS, VECTOR_NAMES, VECTOR_WIDTH_MAX, VECTORS};
use super::episodes::{Episode, count};
use super::numbers::{deviation, mean, ratio_or_zero, thirds};
use super::rows::{Cell, TableBuilder};
use super::wall::Wall;
use crate::table::{Column, Table};

/// Rows of the last minute before the trigger.
const RECENT: usize = 12;
/// Rows at either end in which a wall counts as built or pulled.
const EDGE: usize = 3;
/// Dimensions that are columns of the trigger row.
const AT_TRIGGER: usize = 106;

/// The rows of `vectors` from those of `approach` and the episodes that these belong to, of one symbol and date (days
/// since 1970-01-01); the vector is padded with zeros to `width` dimensions.
///
/// # Panics
/// When `width` is below [`VECTOR_DIMENSIONS`] or above [`VECTOR_WIDTH_MAX`].
#[must_use]
pub fn vector_table(approach: &Table, episodes: &[Episode], date: i32, width: usize) -> Table {
    assert!(
        (VECTOR_DIMENSIONS..=VECTOR_WIDTH_MAX).contains(&width),
        "a vector is as wide as its dimensions at least"
    );
    let mut rows = TableBuilder::new(&VECTORS[..VECTOR_KEYS + width]);
    let mut first = 0;
    for (id, episode) in episodes.iter().enumerate() {
        let [start, trigger, last] = episode.rows;
        let before = Before {
            approach,
            first,
            rows: trigger - start,
        };
        write_keys(&before, id, date, &mut rows);
        let vector = before.vector();
        let padding = std::iter::repeat_n(0.0, width - VECTOR_DIMENSIONS);
        rows.put_all(vector.into_iter().chain(padding));
        first += last + 1 - start;
    }
    rows.finish()
}

/// The rows of an episode up to its trigger.
struct Before<'a> {
    approach: &'a Table,
    first: usize,
    /// How many there are before the trigger.
    rows: usize,
}

fn write_keys(before: &Before<'_>, id: usize, date: i32, rows: &mut TableBuilder) {
    let row = before.first + before.rows;
    let cell = |name: &str| match before.approach.column(name) {
        Some(Column::F64(values)) => Cell::F64(values[row]),
        Some(Column::I64(values)) => Cell::I64(values[row]),
        Some(Column::I8(values)) => Cell::I8(values[row]),
        Some(Column::Utf8(values)) => Cell::Utf8(values[row].clone()),
        _ => panic!("{name} is a column of approach"),
    };
    rows.put(count(id));
    rows.put(cell("episode_id"));
    rows.put(Cell::Date(Some(date)));
    for name in [
        "symbol",
        "level_type",
        "level_price",
        "trigger_bar_ts",
        "approach_direction",
        "outcome",
        "outcome_score",
        "bar5s_deriv_dist_d1_w12",
        "bar5s_state_obi0_eob",
        "bar5s_setup_wall_imbal",
    ] {
        rows.put(cell(name));
    }
}

impl Before<'_> {
    fn vector(&self) -> Vec<f64> {
        let missing = |name: &str| {
            if name.contains("nearest_strong_levelidx") {
                -1.0
            } else {
                0.0
            }
        };
        let of = |name: &String| self.value(name, self.rows).unwrap_or(missing(name));
        let mut vector: Vec<f64> = VECTOR_NAMES[..AT_TRIGGER].iter().map(of).collect();
        vector.extend(if self.rows == 0 { [0.0; 28] } else { self.all() });
        vector.extend(if self.rows < RECENT { [0.0; 12] } else { self.recent() });
        vector
    }

    /// A column's value in a row of the episode, as a number.
    fn value(&self, name: &str, row: usize) -> Option<f64> {
        let row = self.first + row;
        match self.approach.column(name) {
            Some(Column::F64(values)) => values[row],
            Some(Column::I64(values)) => values[row].map(|value| value as f64),
            Some(Column::I8(values)) => values[row].map(f64::from),
            Some(Column::Bool(values)) => values[row].map(|value| f64::from(u8::from(value))),
            _ => panic!("{name} is a number of approach"),
        }
    }

    /// A column's values in the rows before the trigger.
    fn f64s(&self, name: &str) -> &[Option<f64>] {
        &self.approach.f64s(name)[self.first..self.first + self.rows]
    }

    /// Σ of a column of integers over some of the rows before the trigger, nulls passed over.
    fn total(&self, name: &str, rows: std::ops::Range<usize>) -> f64 {
        let values = &self.approach.i64s(name)[self.first..self.first + self.rows];
        values[rows.start.min(self.rows)..rows.end.min(self.rows)]
            .iter()
            .flatten()
            .sum::<i64>() as f64
    }

    /// Summaries of all rows before the trigger, of which there is one at least.
    fn all(&self) -> [f64; 28] {
        let (k, third) = (self.rows, thirds(self.rows));
        let mut out = Vec::with_capacity(28);
        out.push(deviation(self.f64s("bar5s_deriv_dist_d1_w3")));
        let imbalance = self.f64s("bar5s_lvl_depth_imbal_eob");
        for values in [
            self.f64s("bar5s_state_obi0_eob"),
            self.f64s("bar5s_state_obi10_eob"),
            self.f64s("bar5s_state_cdi_p0_1_eob"),
            imbalance,
        ] {
            out.extend([mean(values).unwrap_or(0.0), deviation(values)]);
        }
        out.push(imbalance[k - 1].unwrap_or(0.0) - imbalance[0].unwrap_or(0.0));
        out.push(mean(self.f64s("bar5s_state_spread_pts_eob")).unwrap_or(0.0));
        let toward = self.total("bar5s_lvl_flow_toward_net_sum", 0..k);
        let away = self.total("bar5s_lvl_flow_away_net_sum", 0..k);
        out.extend([toward, away, ratio_or_zero(toward, away)]);
        let parts = |name: &str| {
            [0..third, third..(2 * third).max(third), 2 * third..k.max(2 * third)].map(|part| self.total(name, part))
        };
        let [early, mid, late] = parts("bar5s_trade_vol_sum");
        out.extend([early, mid, late, late - early]);
        out.extend(parts("bar5s_trade_signed_vol_sum"));
        let walls = ["bid", "ask"].map(|side| self.f64s(&format!("bar5s_wall_{side}_maxz_eob")));
        out.extend(walls.map(|walls| mean(walls).unwrap_or(0.0)));
        out.extend(["bid", "ask"].map(|side| {
            let distances = self.f64s(&format!("bar5s_wall_{side}_nearest_strong_dist_pts_eob"));
            distances.iter().flatten().copied().reduce(f64::min).unwrap_or(0.0)
        }));
        let strong = |values: &[Option<f64>]| values.iter().any(|z| Wall::is_strong(*z));
        let ends = walls.map(|walls| (strong(&walls[..k.min(EDGE)]), strong(&walls[k.saturating_sub(EDGE)..])));
        let flag = |it: bool| f64::from(u8::from(it));
        out.extend(ends.map(|(first, last)| flag(last && !first)));
        out.push(flag(ends[0].0 && !ends[0].1));
        out.try_into().expect("there are 28 summaries")
    }

    /// What changed over the last rows before the trigger, against the row before those.
    fn recent(&self) -> [f64; 12] {
        let (last, base) = (self.rows - 1, (self.rows - RECENT).saturating_sub(1));
        let change = |name: &str| {
            let values = self.value(name, last).zip(self.value(name, base));
            values.map_or(0.0, |(last, base)| last - base)
        };
        let total = |name: &str| self.total(name, self.rows - RECENT..self.rows);
        [
            change("bar5s_approach_dist_to_level_pts_eob"),
            change("bar5s_state_obi0_eob"),
            change("bar5s_state_obi10_eob"),
            change("bar5s_state_cdi_p0_1_eob"),
            total("bar5s_trade_vol_sum"),
            total("bar5s_trade_signed_vol_sum"),
            total("bar5s_lvl_flow_toward_net_sum"),
            total("bar5s_lvl_flow_away_net_sum"),
            total("bar5s_trade_aggbuy_vol_sum"),
            total("bar5s_trade_aggsell_vol_sum"),
            change("bar5s_depth_bid10_qty_eob"),
            change("bar5s_depth_ask10_qty_eob"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dimension_has_a_name_and_the_first_are_columns_of_approach() {
        use crate::features::columns::APPROACH;

        assert_eq!(VECTOR_NAMES.len(), VECTOR_DIMENSIONS);
        let unknown = |name: &&String| !APPROACH.iter().any(|column| column.name == **name);
        assert_eq!(VECTOR_NAMES[..AT_TRIGGER].iter().find(unknown), None);
        assert!(
            VECTOR_NAMES[AT_TRIGGER..]
                .iter()
                .all(|name| name.starts_with("pre_") || name.starts_with("mom_"))
        );
    }

    #[test]
    fn no_episodes_give_a_table_of_the_asked_width() {
        let approach = TableBuilder::new(&crate::features::columns::APPROACH).finish();
        let table = vector_table(&approach, &[], 0, 150);
        assert_eq!((table.rows(), table.columns().len()), (0, 163));
        assert!(table.column("v_149").is_some());
    }
}
