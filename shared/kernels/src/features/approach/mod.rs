//! Approach features: a row for each bar of each episode, from the day's bars and the book around the level.
//!
//! A feature uses records up to its bar's end only; labels are marked as such in the list of columns. Blocks are
//! written in the order of the columns, one file a family.

mod frame;
mod level;
mod motion;
mod rvol;
mod setup;
#[cfg(test)]
mod tests;

use self::frame::Frame;
use super::around::LevelBars;
use super::columns::APPROACH;
use super::episodes::Episode;
use super::levels::Window;
use super::numbers::px;
use super::profile::{Profile, bar_values};
use super::rows::TableBuilder;
use crate::table::Table;

/// What a day's approach features are made of.
#[derive(Debug, Clone, Copy)]
pub struct Approach<'a> {
    /// The symbol.
    pub symbol: &'a str,
    /// Days since 1970-01-01.
    pub date: i32,
    /// A point, 1e-9 units.
    pub point: i64,
    /// The session.
    pub session: Window,
    /// `bars`.
    pub bars: &'a Table,
    /// The day's episodes.
    pub episodes: &'a [Episode],
    /// The second pass over the records.
    pub level_bars: &'a LevelBars,
    /// The profile that the date uses.
    pub profile: &'a Profile,
}

/// The rows of `approach`: episodes in their order, bars ascending.
#[must_use]
pub fn approach_table(day: &Approach<'_>) -> Table {
    let mut rows = TableBuilder::new(&APPROACH);
    let values = bar_values(day.bars);
    for episode in day.episodes {
        let frame = Frame::new(day, episode, px(day.point));
        frame.write_keys(&mut rows);
        frame.write_bars(&mut rows);
        let motion = motion::Motion::new(&frame);
        motion.write(&frame, &mut rows);
        let level = level::LevelColumns::new(&frame, &motion);
        level.write_near(&frame, &mut rows);
        setup::write(&frame, &motion, &level, &mut rows);
        rvol::write(&frame, &values, &mut rows);
        level.write_around(&frame, &mut rows);
    }
    rows.finish()
}
