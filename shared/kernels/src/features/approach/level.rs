//! What the book and its flow are like around the level: sizes by distance, at the level itself, walls, and order flow.

use super::frame::Frame;
use super::motion::{Motion, derivative};
use crate::features::around::LevelBar;
use crate::features::band::{BANDS, NEAR};
use crate::features::numbers::{imbalance, ratio_or_zero};
use crate::features::rows::TableBuilder;
use crate::features::wall::Wall;
use crate::table::Column;

/// The level's columns of one episode.
pub(super) struct LevelColumns<'a> {
    bars: Vec<&'a LevelBar>,
    /// Net flow towards the level and away from it; null without a price.
    toward: Vec<Option<i64>>,
    away: Vec<Option<i64>>,
}

impl<'a> LevelColumns<'a> {
    pub(super) fn new(frame: &Frame<'a>, motion: &Motion) -> Self {
        // From below, the asks are between price and level.
        let net = |toward: bool| {
            let of = |row: usize| {
                let below = motion.side[row]? < 0;
                Some(motion.net[usize::from(below == toward)][row])
            };
            (0..frame.len).map(of).collect()
        };
        Self {
            bars: (0..frame.len).map(|row| frame.around(row)).collect(),
            toward: net(true),
            away: net(false),
        }
    }

    /// Net flow towards the level, 0 without a price.
    pub(super) fn toward(&self) -> Vec<i64> {
        self.toward.iter().map(|value| value.unwrap_or(0)).collect()
    }

    /// Size at the level, both sides.
    pub(super) fn size_at_level(&self) -> Vec<i64> {
        self.bars.iter().map(|bar| bar.end.at[0] + bar.end.at[1]).collect()
    }

    /// The columns `bar5s_lvl_…`.
    pub(super) fn write_near(&self, frame: &Frame<'_>, rows: &mut TableBuilder) {
        rows.extend(self.i64s(|bar| total(bar, 1)));
        rows.extend(self.i64s(|bar| total(bar, 0)));
        rows.extend(self.i64s(|bar| bar.end.at[0] + bar.end.at[1]));
        rows.extend(self.f64s(|bar| imbalance(total(bar, 0), total(bar, 1))));
        for band in 0..NEAR {
            rows.extend(self.i64s(|bar| bar.end.depth[1][band]));
            rows.extend(self.i64s(|bar| bar.end.depth[0][band]));
            rows.extend(self.f64s(|bar| imbalance(bar.end.depth[0][band], bar.end.depth[1][band])));
        }
        rows.extend(Column::I64(self.toward.clone()));
        rows.extend(Column::I64(self.away.clone()));
        let pairs = self.toward.iter().zip(&self.away);
        rows.extend(Column::I64(
            pairs.map(|(toward, away)| Some((*toward)? - (*away)?)).collect(),
        ));
        self.write_at_level(frame, rows);
        for ring in 0..3 {
            rows.extend(self.i64s(|bar| bar.end.rings[ring]));
        }
        for ring in 0..3 {
            rows.extend(self.f64s(|bar| ratio_or_zero(bar.end.rings[ring] as f64, bar.end.total as f64)));
        }
        let size: Vec<Option<f64>> = self.size_at_level().into_iter().map(|size| Some(size as f64)).collect();
        let [short, long] = [3, 12].map(|lag| derivative(&size, lag));
        let second = derivative(&long, 12);
        [short, long, second]
            .into_iter()
            .for_each(|values| rows.extend(Column::F64(values)));
    }

    fn write_at_level(&self, frame: &Frame<'_>, rows: &mut TableBuilder) {
        rows.extend(self.i64s(|bar| bar.end.at[0]));
        rows.extend(self.i64s(|bar| bar.end.at[1]));
        rows.extend(self.i64s(|bar| bar.end.at[0] + bar.end.at[1]));
        let flags =
            |of: &dyn Fn(usize) -> bool| Column::I8((0..frame.len).map(|row| Some(i8::from(of(row)))).collect());
        rows.extend(flags(&|row| self.bars[row].end.at != [0, 0]));
        for side in 0..2 {
            rows.extend(Column::I64(self.bars.iter().map(|bar| bar.end.index[side]).collect()));
        }
        rows.extend(self.f64s(|bar| imbalance(bar.end.at[0], bar.end.at[1])));
        let walls = ["bid", "ask"].map(|side| {
            let index = frame.part(frame.day.bars.i64s(&format!("bar5s_wall_{side}_maxz_levelidx_eob")));
            (frame.f64s(&format!("bar5s_wall_{side}_maxz_eob")), index)
        });
        rows.extend(flags(&|row| {
            (0..2).any(|side| {
                let (max_z, index) = (walls[side].0[row], walls[side].1[row]);
                Wall::is_strong(max_z) && index.is_some() && index == self.bars[row].end.index[side]
            })
        }));
    }

    /// The columns `bar5s_lvldepth_…`, `bar5s_lvlwall_…` and `bar5s_lvlflow_…`.
    pub(super) fn write_around(&self, frame: &Frame<'_>, rows: &mut TableBuilder) {
        for band in 0..BANDS {
            for side in 0..2 {
                rows.extend(self.f64s(|bar| bar.depth_twa[side][band]));
                rows.extend(self.i64s(|bar| bar.end.depth[side][band]));
            }
        }
        for band in 0..BANDS {
            for side in 0..2 {
                let both = |bar: &LevelBar| bar.depth_twa[0][band] + bar.depth_twa[1][band];
                rows.extend(self.f64s(|bar| ratio_or_zero(bar.depth_twa[side][band], both(bar))));
                rows.extend(self.f64s(|bar| ratio_or_zero(bar.end.depth[side][band] as f64, bar.end.total as f64)));
            }
        }
        for band in 0..BANDS {
            rows.extend(self.f64s(|bar| imbalance(bar.end.depth[0][band], bar.end.depth[1][band])));
        }
        rows.extend(self.i64s(|bar| total(bar, 0)));
        rows.extend(self.i64s(|bar| total(bar, 1)));
        rows.extend(self.f64s(|bar| imbalance(total(bar, 0), total(bar, 1))));
        self.write_walls(frame, rows);
        self.write_flow(rows);
    }

    fn write_walls(&self, frame: &Frame<'_>, rows: &mut TableBuilder) {
        let sides = ["bid", "ask"];
        for side in sides {
            rows.extend(Column::F64(frame.f64s(&format!("bar5s_wall_{side}_maxz_eob")).to_vec()));
        }
        let index = |name: &str| Column::I64(frame.part(frame.day.bars.i64s(name)).to_vec());
        for side in sides {
            rows.extend(index(&format!("bar5s_wall_{side}_maxz_levelidx_eob")));
        }
        for side in 0..2 {
            rows.extend(Column::F64(
                self.bars.iter().map(|bar| bar.strong_distance[side]).collect(),
            ));
        }
        for side in sides {
            rows.extend(index(&format!("bar5s_wall_{side}_nearest_strong_levelidx_eob")));
        }
    }

    fn write_flow(&self, rows: &mut TableBuilder) {
        let kinds: [fn(&LevelBar, usize, usize) -> i64; 6] = [
            |bar, side, band| bar.flow.added[side][band],
            |bar, side, band| bar.flow.removed[side][band],
            |bar, side, band| bar.flow.net()[side][band],
            |bar, side, band| bar.flow.events[0][side][band],
            |bar, side, band| bar.flow.events[1][side][band],
            |bar, side, band| bar.flow.events[2][side][band],
        ];
        for of in kinds {
            for side in 0..2 {
                for band in 0..BANDS {
                    rows.extend(self.i64s(|bar| of(bar, side, band)));
                }
            }
        }
        for side in 0..2 {
            for band in 0..BANDS {
                rows.extend(self.f64s(|bar| bar.flow.net()[side][band] as f64 / bar.depth_twa[side][band].max(1.0)));
            }
        }
    }

    fn i64s(&self, of: impl Fn(&LevelBar) -> i64) -> Column {
        Column::I64(self.bars.iter().map(|bar| Some(of(bar))).collect())
    }

    fn f64s(&self, of: impl Fn(&LevelBar) -> f64) -> Column {
        Column::F64(self.bars.iter().map(|bar| Some(of(bar))).collect())
    }
}

/// Σ sizes of all bands, 0 below and 1 above.
fn total(bar: &LevelBar, side: usize) -> i64 {
    bar.end.depth[side].iter().sum()
}
