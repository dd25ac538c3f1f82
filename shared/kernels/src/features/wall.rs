//! Walls: levels whose size stands out among their side's, by the z-score of log sizes.

use super::book::Levels;
use super::numbers::{EPSILON, px};
use super::record::LEVELS;

/// A z-score from which a level is strong.
const STRONG: f64 = 2.0 - EPSILON;

/// The walls of one side.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Wall {
    /// z of the first level with the largest size; null without levels.
    pub max_z: Option<f64>,
    /// Its index, 0 best.
    pub max_index: Option<i64>,
    /// Index of the first strong level, if there is one.
    pub strong_index: Option<i64>,
}

impl Wall {
    /// The walls of a side.
    #[must_use]
    pub fn of(side: &Levels) -> Self {
        let valid = || (0..LEVELS).filter(|at| side.size[*at] > 0);
        let Some(first) = valid().next() else {
            return Self::default();
        };
        let largest = valid().fold(
            first,
            |best, at| if side.size[at] > side.size[best] { at } else { best },
        );
        let found = |z| Self {
            max_z: Some(z),
            max_index: Some(index(largest)),
            strong_index: None,
        };
        if valid().all(|at| side.size[at] == side.size[first]) {
            return found(0.0);
        }
        let log = |at: usize| (1.0 + f64::from(side.size[at])).ln();
        let count = valid().count() as f64;
        let mean = valid().fold(0.0, |sum, at| sum + log(at)) / count;
        let squares = valid().fold(0.0, |sum, at| sum + (log(at) - mean) * (log(at) - mean));
        let deviation = (squares / count).sqrt();
        let z = |at: usize| (log(at) - mean) / deviation;
        Self {
            strong_index: valid().find(|at| z(*at) >= STRONG).map(index),
            ..found(z(largest))
        }
    }

    /// Whether the largest level is strong.
    #[must_use]
    pub fn is_strong(max_z: Option<f64>) -> bool {
        max_z.is_some_and(|z| z >= STRONG)
    }

    /// The price of the first strong level, quote currency.
    #[must_use]
    pub fn strong_price(&self, side: &Levels) -> Option<f64> {
        let at = usize::try_from(self.strong_index?).ok()?;
        Some(px(side.price[at]))
    }
}

fn index(at: usize) -> i64 {
    at.try_into().expect("a level's index is small")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wall(sizes: [u32; LEVELS]) -> Wall {
        Wall::of(&Levels {
            price: [5; LEVELS],
            size: sizes,
        })
    }

    #[test]
    fn no_levels_no_wall_and_equal_sizes_none_that_stands_out() {
        assert_eq!(wall([0; LEVELS]), Wall::default());
        let flat = wall([0, 7, 7, 0, 7, 0, 0, 0, 0, 0]);
        assert_eq!(
            flat,
            Wall {
                max_z: Some(0.0),
                max_index: Some(1),
                strong_index: None
            }
        );
    }

    #[test]
    fn the_first_of_the_largest_is_the_maximum_and_a_lone_giant_is_strong() {
        let giant = wall([1, 1, 1, 1, 500, 1, 1, 1, 1, 1]);
        assert_eq!((giant.max_index, giant.strong_index), (Some(4), Some(4)));
        assert!((giant.max_z.unwrap() - 3.0).abs() < 1e-12, "k equal of k + 1: z = √k");
        let twins = wall([1, 1, 9, 1, 9, 1, 1, 1, 1, 1]);
        assert_eq!(twins.max_index, Some(2));
        // Five levels, one of them different: z is exactly 2, whatever the rounding says.
        assert_eq!(wall([3, 8, 3, 3, 3, 0, 0, 0, 0, 0]).strong_index, Some(1));
    }
}
