//! The ranking: which scored rows are wanted, in which order, and how many (section 6).

use super::compare::{descending, lt, some_lt};
use super::options::{RankOptions, Side};
use super::score::Signal;
use super::sector::Sector;

/// What became of a scored row, in the order of the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// The signal is not wanted.
    Side,
    /// |tech_rating| is too small.
    MinTechRating,
    /// The ICS score is too small.
    MinIcs,
    /// The merit score is too small.
    MinMerit,
    /// Its sector has its share of the ranking.
    SectorCap,
    /// The ranking is full.
    Top,
    /// Ranked.
    Ranked,
}

impl Status {
    /// Every status, in the order of the funnel.
    pub const ALL: [Self; 7] = [
        Self::Side,
        Self::MinTechRating,
        Self::MinIcs,
        Self::MinMerit,
        Self::SectorCap,
        Self::Top,
        Self::Ranked,
    ];

    /// The name in the result tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Side => "side",
            Self::MinTechRating => "min_tech_rating",
            Self::MinIcs => "min_ics",
            Self::MinMerit => "min_merit",
            Self::SectorCap => "sector_cap",
            Self::Top => "top",
            Self::Ranked => "ranked",
        }
    }
}

/// What the ranking reads of a scored row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// Signal.
    pub signal: Signal,
    /// Rating, -26 to 26.
    pub tech_rating: f64,
    /// Merit, 0 to 100; null comes last.
    pub merit: Option<f64>,
    /// ICS, 0 to 100.
    pub ics: Option<f64>,
    /// Sector; `None` is never capped.
    pub sector: Option<Sector>,
}

/// A row's place: its status, and its rank from 1 when it is ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// What became of the row.
    pub status: Status,
    /// Rank from 1.
    pub rank: Option<i32>,
}

impl Side {
    /// True when rows of this signal are wanted.
    #[must_use]
    pub fn wants(self, signal: Signal) -> bool {
        let long = matches!(signal, Signal::Long | Signal::StrongLong);
        let short = matches!(signal, Signal::Short | Signal::StrongShort);
        match self {
            Self::Long => long,
            Self::Short => short,
            Self::Both => long || short,
            Self::All => true,
        }
    }
}

/// Places the scored rows of one as-of date, given in symbol order; the answer is in the same order.
///
/// Wanted rows are walked by merit, ICS and |tech_rating| as sort keys, largest first, then symbol.
#[must_use]
pub fn rank(rows: &[Scored], options: &RankOptions) -> Vec<Place> {
    let mut places: Vec<Place> = rows
        .iter()
        .map(|row| Place {
            status: refusal(row, options),
            rank: None,
        })
        .collect();
    let mut walk: Vec<usize> = (0..rows.len())
        .filter(|i| places[*i].status == Status::Ranked)
        .collect();
    // The sort is stable and rows are in symbol order, so ties stay in symbol order.
    walk.sort_by(|a, b| {
        let (a, b) = (&rows[*a], &rows[*b]);
        descending(a.merit, b.merit)
            .then_with(|| descending(a.ics, b.ics))
            .then_with(|| descending(Some(a.tech_rating.abs()), Some(b.tech_rating.abs())))
    });
    let mut of_sector = [0_usize; Sector::ALL.len()];
    let mut ranked = 0_usize;
    for i in walk {
        let held = rows[i].sector.map(|sector| &mut of_sector[sector as usize]);
        let full = options.max_per_sector > 0 && held.as_ref().is_some_and(|held| **held >= options.max_per_sector);
        places[i].status = if full {
            Status::SectorCap
        } else if ranked >= options.top {
            Status::Top
        } else {
            ranked += 1;
            if let Some(held) = held {
                *held += 1;
            }
            places[i].rank = Some(i32::try_from(ranked).expect("`top` is at most 100,000"));
            Status::Ranked
        };
    }
    places
}

/// The status of a row that is not wanted, or `Ranked` when it goes on to the walk.
fn refusal(row: &Scored, options: &RankOptions) -> Status {
    if !options.side.wants(row.signal) {
        Status::Side
    } else if lt(row.tech_rating.abs(), options.min_tech_rating) {
        Status::MinTechRating
    } else if some_lt(row.ics, options.min_ics) {
        Status::MinIcs
    } else if some_lt(row.merit, options.min_merit) {
        Status::MinMerit
    } else {
        Status::Ranked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: RankOptions = RankOptions {
        side: Side::Both,
        min_tech_rating: 0.0,
        min_ics: 0.0,
        min_merit: 0.0,
        max_per_sector: 0,
        top: 50,
    };

    fn row(tech_rating: f64, sector: Option<Sector>) -> Scored {
        let signal = if tech_rating > 0.0 { Signal::Long } else { Signal::Short };
        Scored {
            signal,
            tech_rating,
            merit: Some(50.0),
            ics: Some(50.0),
            sector,
        }
    }

    #[track_caller]
    fn check(rows: &[Scored], options: &RankOptions, expect: &[(Status, Option<i32>)]) {
        let got: Vec<_> = rank(rows, options)
            .iter()
            .map(|place| (place.status, place.rank))
            .collect();
        assert_eq!(got, expect);
    }

    #[test]
    fn sides() {
        use Signal::{Avoid, Long, Short, StrongLong, StrongShort};
        for (side, wanted) in [
            (Side::Long, vec![Long, StrongLong]),
            (Side::Short, vec![StrongShort, Short]),
            (Side::Both, vec![StrongShort, Short, Long, StrongLong]),
            (Side::All, vec![StrongShort, Short, Avoid, Long, StrongLong]),
        ] {
            let signals = [StrongShort, Short, Avoid, Long, StrongLong];
            assert_eq!(
                signals.into_iter().filter(|s| side.wants(*s)).collect::<Vec<_>>(),
                wanted
            );
        }
    }

    #[test]
    fn by_size_of_the_rating_then_symbol() {
        use Status::{MinTechRating, Ranked, Side as NotWanted};
        let rows = [
            row(17.0, None),
            row(-20.0, None),
            row(17.0 + 1e-13, None),
            row(16.0, None),
        ];
        check(
            &rows,
            &OPTIONS,
            &[
                (Ranked, Some(2)),
                (Ranked, Some(1)),
                (Ranked, Some(3)),
                (Ranked, Some(4)),
            ],
        );
        let options = RankOptions {
            side: Side::Long,
            min_tech_rating: 17.0,
            ..OPTIONS
        };
        check(
            &rows,
            &options,
            &[
                (Ranked, Some(1)),
                (NotWanted, None),
                (Ranked, Some(2)),
                (MinTechRating, None),
            ],
        );
    }

    #[test]
    fn by_merit_then_ics_then_the_rating() {
        use Status::{MinIcs, MinMerit, Ranked};
        let scored = |merit, ics, tech_rating| Scored {
            merit,
            ics,
            ..row(tech_rating, None)
        };
        let rows = [
            scored(Some(60.0), Some(40.0), 17.0),
            scored(Some(60.0), Some(40.0 + 1e-13), 18.0),
            scored(Some(60.0), Some(41.0), 16.0),
            scored(Some(70.0), Some(10.0), 16.0),
            scored(None, None, 26.0),
        ];
        let ranks = |ranks: [i32; 5]| ranks.map(|rank| (Ranked, Some(rank)));
        check(&rows, &OPTIONS, &ranks([4, 3, 2, 1, 5]));
        let options = RankOptions {
            min_ics: 40.0,
            min_merit: 60.0,
            ..OPTIONS
        };
        let low = scored(Some(59.9), Some(50.0), 17.0);
        check(
            &[rows[0], rows[3], low],
            &options,
            &[(Ranked, Some(1)), (MinIcs, None), (MinMerit, None)],
        );
    }

    #[test]
    fn a_full_sector_lets_the_next_row_up() {
        use Status::{Ranked, SectorCap, Top};
        let energy = Some(Sector::Energy);
        let rows = [
            row(20.0, energy),
            row(19.0, energy),
            row(18.0, None),
            row(17.0, None),
            row(16.5, energy),
        ];
        let options = RankOptions {
            max_per_sector: 1,
            top: 2,
            ..OPTIONS
        };
        check(
            &rows,
            &options,
            &[
                (Ranked, Some(1)),
                (SectorCap, None),
                (Ranked, Some(2)),
                (Top, None),
                (SectorCap, None),
            ],
        );
    }

    #[test]
    fn nothing_wanted_is_an_empty_ranking() {
        check(&[], &OPTIONS, &[]);
        check(
            &[row(-17.0, None)],
            &RankOptions {
                side: Side::Long,
                ..OPTIONS
            },
            &[(Status::Side, None)],
        );
    }
}
