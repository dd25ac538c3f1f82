//! Distance bands around a price: which band a level lies in, exact to the rounding of the defining formula.
//!
//! A band is the first whose outer edge is not below the distance in points. `d/pt <= edge + ε` is monotone in d, so
//! each edge has one largest float that still passes: it is found once, and the division is not repeated.

use super::book::Levels;
use super::numbers::{EPSILON, px};
use super::record::LEVELS;

/// How many bands there are.
pub const BANDS: usize = 5;
/// The first bands, that count as near.
pub const NEAR: usize = 3;
/// Outer edges in points.
const EDGES: [i64; BANDS] = [1, 2, 3, 5, 10];

/// The bands of a symbol: what a point is decides the edges.
#[derive(Debug, Clone)]
pub struct Bands {
    /// A point in 1e-9 units.
    pub point: i64,
    /// A point in the quote currency.
    pub pt: f64,
    limits: [f64; BANDS],
    limits_units: [f64; BANDS],
}

impl Bands {
    /// The bands of a symbol whose point is `point` (1e-9 units).
    ///
    /// # Panics
    /// When the point is not positive.
    #[must_use]
    pub fn new(point: i64) -> Self {
        assert!(point > 0, "a point is positive");
        let pt = px(point);
        let limits = EDGES.map(|edge| largest_within(edge as f64 + EPSILON, pt));
        Self {
            point,
            pt,
            limits,
            limits_units: limits.map(|limit| limit * 1e9),
        }
    }

    /// A price difference in 1e-9 units as points.
    #[must_use]
    pub fn points(&self, difference: i64) -> f64 {
        difference as f64 / self.point as f64
    }

    /// The band of a distance in the quote currency; a negative one is in the first.
    #[must_use]
    pub fn of(&self, distance: f64) -> Option<usize> {
        self.limits.iter().position(|limit| distance <= *limit)
    }

    /// The band of a distance of at least 0 in 1e-9 units, exact.
    #[must_use]
    pub fn of_units(&self, distance: i64) -> Option<usize> {
        EDGES
            .iter()
            .position(|edge| distance <= edge.saturating_mul(self.point))
    }

    /// Sums a side's sizes by the band of the distance from `micro`, downwards for bids and upwards for asks.
    #[must_use]
    pub fn sums<const ASK: bool>(&self, side: &Levels, micro: f64) -> [i64; BANDS] {
        let sign = if ASK { -1.0 } else { 1.0 };
        let centre = sign * micro * 1e9;
        // More than all roundings between the float formula and this one together.
        let slack = (centre.abs() + self.limits_units[BANDS - 1]) * f64::EPSILON * 4.0;
        let mut sums = [0; BANDS];
        let (mut band, mut last) = (0, f64::INFINITY);
        for at in 0..LEVELS {
            if side.size[at] == 0 {
                continue;
            }
            let price = sign * side.price[at] as f64;
            // Levels run away from the centre; where a book is out of order, the search starts again.
            if price > last {
                band = 0;
            }
            last = price;
            while band < BANDS {
                let beyond = centre - self.limits_units[band] - price;
                let within =
                    beyond <= -slack || (beyond < slack && sign * (micro - px(side.price[at])) <= self.limits[band]);
                if within {
                    sums[band] += i64::from(side.size[at]);
                    break;
                }
                band += 1;
            }
        }
        sums
    }
}

/// The largest x with `x / pt <= edge`.
fn largest_within(edge: f64, pt: f64) -> f64 {
    let mut x = edge * pt;
    while x / pt > edge {
        x = x.next_down();
    }
    while x.next_up() / pt <= edge {
        x = x.next_up();
    }
    x
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn first_by_definition(d: f64) -> Option<usize> {
        EDGES.iter().position(|edge| d <= *edge as f64 + EPSILON)
    }

    #[test]
    fn an_edge_belongs_to_its_band_and_a_negative_distance_to_the_first() {
        let bands = Bands::new(1_000_000_000);
        for (distance, expect) in [
            (-3.0, Some(0)),
            (1.0, Some(0)),
            (1.0 + 0.9e-9, Some(0)),
            (1.0 + 1.1e-9, Some(1)),
            (2.5, Some(2)),
            (5.0, Some(3)),
            (10.0, Some(4)),
            (10.1, None),
        ] {
            assert_eq!(bands.of(distance), expect, "{distance}");
        }
        assert_eq!(bands.of_units(1_000_000_000), Some(0));
        assert_eq!(bands.of_units(1_000_000_001), Some(1));
        assert_eq!(bands.of_units(10_000_000_001), None);
    }

    proptest! {
        #[test]
        fn limits_decide_as_the_division_does(
            point in prop::sample::select(vec![1_000_000_000_i64, 10_000_000, 1, 3, 250_000_000, 7_777_777]),
            edge in 0..BANDS,
            nudge in -4..=4_i32,
        ) {
            let bands = Bands::new(point);
            let mut x = (EDGES[edge] as f64 + EPSILON) * bands.pt;
            for _ in 0..nudge.abs() {
                x = if nudge < 0 { x.next_down() } else { x.next_up() };
            }
            prop_assert_eq!(bands.of(x), first_by_definition(x / bands.pt));
        }

        #[test]
        fn sums_agree_with_the_definition_level_by_level(
            prices in prop::array::uniform10(4_990_000..5_010_000_i64),
            sizes in prop::array::uniform10(0..50_u32),
            grid in prop::sample::select(vec![1_000_i64, 250_000, 1_000_000]),
            micro in prop::sample::select(vec![5000.0, 4999.875, 5_000.000_000_001, 4999.3, 5001.25]),
        ) {
            let bands = Bands::new(1_000_000_000);
            let side = Levels { price: prices.map(|p| p / (grid / 1_000) * (grid / 1_000) * 1_000_000), size: sizes };
            for ask in [false, true] {
                let mut expect = [0; BANDS];
                for at in 0..LEVELS {
                    let d = if ask { px(side.price[at]) - micro } else { micro - px(side.price[at]) };
                    if let Some(band) = first_by_definition(d / bands.pt) {
                        expect[band] += i64::from(side.size[at]);
                    }
                }
                let sums = if ask { bands.sums::<true>(&side, micro) } else { bands.sums::<false>(&side, micro) };
                prop_assert_eq!(sums, expect);
            }
        }
    }
}
