//! Directional movement: ADX and the two directional indicators (J. W. Wilder 1978, seeds as TA-Lib has them).

use super::stats::is_zero_by;
use super::wilder::Sum;

/// Bars whose movements only fill the sums.
const SEED_BARS: u32 = 13;
/// Values of DX in the first ADX.
const DX_SEED: u32 = 14;
const INVERSE: f64 = 1.0 / 14.0;

/// Directional movement over 14 bars, fed one bar change at a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Directional {
    scale: f64,
    plus: Sum,
    minus: Sum,
    range: Sum,
    changes: u32,
    dx_seen: u32,
    adx: f64,
    /// Of the smaller sums that DX was decided on: the least that counted, and the greatest that counted as zero.
    least: f64,
    greatest_zero: f64,
}

/// The three values at the last bar, each 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Readings {
    /// Average directional index.
    pub(super) adx: f64,
    /// Positive directional indicator.
    pub(super) plus_di: f64,
    /// Negative directional indicator.
    pub(super) minus_di: f64,
}

impl Directional {
    /// A state that has seen no change; `scale` is the window's last close, against which sums count as zero.
    pub(super) fn new(scale: f64) -> Self {
        let zero = Sum::default();
        Self {
            scale,
            plus: zero,
            minus: zero,
            range: zero,
            changes: 0,
            dx_seen: 0,
            adx: 0.0,
            least: f64::INFINITY,
            greatest_zero: f64::NEG_INFINITY,
        }
    }

    /// Goes on with another last close; false where an earlier sum would count otherwise against that: then the state is of
    /// no use for it.
    pub(super) fn rescale(&mut self, scale: f64) -> bool {
        self.scale = scale;
        !is_zero_by(self.least, scale) && is_zero_by(self.greatest_zero, scale)
    }

    /// Takes the next bar: `up` = rise of the high, `down` = fall of the low, and the true range.
    #[inline(always)]
    pub(super) fn push(&mut self, up: f64, down: f64, true_range: f64) {
        let minus = if down > 0.0 && up < down { down } else { 0.0 };
        let plus = if up > 0.0 && up > down { up } else { 0.0 };
        if self.changes < SEED_BARS {
            self.changes += 1;
            self.plus.seed(plus);
            self.minus.seed(minus);
            self.range.seed(true_range);
            return;
        }
        self.plus.push(plus);
        self.minus.push(minus);
        self.range.push(true_range);
        self.push_dx();
    }

    /// The readings; needs 28 bars, 27 changes.
    pub(super) fn get(&self) -> Option<Readings> {
        if self.dx_seen < DX_SEED {
            return None;
        }
        let indicator = |sum: Sum| {
            if is_zero_by(self.range.value, self.scale) {
                0.0
            } else {
                100.0 * sum.value / self.range.value
            }
        };
        Some(Readings {
            adx: self.adx,
            plus_di: indicator(self.plus),
            minus_di: indicator(self.minus),
        })
    }

    #[inline(always)]
    fn push_dx(&mut self) {
        let movement = self.plus.value + self.minus.value;
        let defined = !is_zero_by(self.range.value, self.scale) && !is_zero_by(movement, self.scale);
        let smaller = self.range.value.min(movement);
        if defined {
            self.least = self.least.min(smaller);
        } else {
            self.greatest_zero = self.greatest_zero.max(smaller);
        }
        if self.dx_seen >= DX_SEED {
            if defined {
                self.adx = (13.0 * self.adx + self.dx(movement)) * INVERSE;
            }
            return;
        }
        self.dx_seen += 1;
        self.adx += if defined { self.dx(movement) } else { 0.0 };
        if self.dx_seen == DX_SEED {
            self.adx /= f64::from(DX_SEED);
        }
    }

    #[inline(always)]
    fn dx(&self, movement: f64) -> f64 {
        100.0 * (self.plus.value - self.minus.value).abs() / movement
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds 40 bar changes (up, down, true range) and gives the readings.
    fn steady(up: f64, down: f64, range: f64) -> Readings {
        let mut state = Directional::new(100.0);
        for change in 0..40 {
            assert_eq!(state.get().is_some(), change >= 27);
            state.push(up, down, range);
        }
        state.get().unwrap()
    }

    #[test]
    fn one_way_movement_is_fully_directional() {
        let up = steady(1.0, -1.0, 2.0);
        assert!((up.adx - 100.0).abs() < 1e-12 && (up.plus_di - 50.0).abs() < 1e-12 && up.minus_di == 0.0);
        let down = steady(-1.0, 1.0, 4.0);
        assert!((down.adx - 100.0).abs() < 1e-12 && (down.minus_di - 25.0).abs() < 1e-12 && down.plus_di == 0.0);
    }

    #[test]
    fn a_tie_and_an_inside_bar_move_nowhere() {
        for (up, down) in [(1.0, 1.0), (-1.0, -1.0), (0.0, 0.0)] {
            assert_eq!(
                steady(up, down, 2.0),
                Readings {
                    adx: 0.0,
                    plus_di: 0.0,
                    minus_di: 0.0
                }
            );
        }
    }

    #[test]
    fn without_range_all_are_zero() {
        assert_eq!(
            steady(0.0, 0.0, 0.0),
            Readings {
                adx: 0.0,
                plus_di: 0.0,
                minus_di: 0.0
            }
        );
    }

    #[test]
    fn a_state_goes_on_while_every_sum_counts_as_before() {
        let mut state = Directional::new(1.0);
        (0..40).for_each(|_| state.push(1.0, -1.0, 1.0));
        assert!(state.rescale(1e12), "14 is more than 1e-12 of it");
        assert!(!state.rescale(1e14), "now it is not");
        let mut flat = Directional::new(1.0);
        (0..40).for_each(|_| flat.push(0.0, 0.0, 1.0));
        assert!(flat.rescale(1e-9) && !flat.rescale(-1.0));
    }

    #[test]
    fn an_undefined_index_leaves_the_average_unchanged() {
        let mut state = Directional::new(1e15);
        (0..40).for_each(|_| state.push(1e6, -1.0, 1e6));
        let before = state.get().unwrap().adx;
        (0..400).for_each(|_| state.push(0.0, 0.0, 1e6));
        assert!(state.plus.value <= 1e3 && (state.get().unwrap().adx - before).abs() < 1e-9);
    }
}
