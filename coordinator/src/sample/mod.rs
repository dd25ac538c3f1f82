//! The sample: a synthetic market of daily bars, so that a scan can be tried with no data at hand.
//!
//! Two years of 5,277 made-up symbols with the dirt of real files: unmarked splits, ghost sessions, halts, bad rows,
//! missing sectors. The content is a pure function of a seed, the same on every platform; only `write` touches the
//! disk. It is no market and must never be taken for one. Read next: `listing` (who is there), `path` (their prices),
//! `dirt` (what is wrong with them).

mod bar;
mod calendar;
mod dirt;
mod listing;
mod market;
mod path;
mod random;
mod sector;
mod write;

pub use bar::Bar;
pub use calendar::{SESSIONS, sessions};
pub use listing::{Listing, SYMBOLS, UniverseRow};
pub use write::{SampleError, SampleFiles, folder_name, is_complete, open, write_sample};

use calendar::ghosts;
use market::Market;

/// The version of the content: a generator that gives other bytes has another number, and so another folder.
pub const VERSION: u32 = 1;
/// The seed of the sample that is written out of the box.
pub const SEED: u64 = 5_277;

/// A synthetic market: everything needed to make any symbol's bars.
#[derive(Debug)]
pub struct Sample {
    seed: u64,
    sessions: Vec<i32>,
    ghosts: Vec<i32>,
    market: Market,
    listings: Vec<Listing>,
}

impl Sample {
    /// The market that a seed makes. Cost: the listings, not the bars.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let sessions = sessions();
        let ghosts = ghosts(&sessions);
        Self {
            seed,
            market: Market::new(seed, sessions.len()),
            listings: listing::listings(seed),
            sessions,
            ghosts,
        }
    }

    /// Every listing, ordered by symbol.
    #[must_use]
    pub fn listings(&self) -> &[Listing] {
        &self.listings
    }

    /// The bars of a listing, ordered by date; a superseded duplicate comes right before its successor.
    #[must_use]
    pub fn bars(&self, listing: &Listing) -> Vec<Bar> {
        let clean = path::bars(self.seed, listing, &self.market, &self.sessions);
        dirt::soil(self.seed, listing, clean, &self.ghosts)
    }

    /// The rows of the universe table: every listed symbol, and a few superseded duplicates.
    #[must_use]
    pub fn universe(&self) -> Vec<UniverseRow> {
        let listed = self.listings.iter().filter_map(|listing| listing.universe.as_ref());
        listed.flat_map(UniverseRow::with_superseded).collect()
    }
}

#[cfg(test)]
mod tests;
