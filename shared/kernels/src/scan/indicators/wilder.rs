//! Wilder's averages, and the two indicators that need nothing else: average true range and relative strength
//! (J. W. Wilder, New Concepts in Technical Trading Systems, 1978; seeds as TA-Lib has them).

use super::stats::is_zero_by;

/// Bars of every Wilder average here.
const N: u32 = 14;
const INVERSE: f64 = 1.0 / 14.0;

/// Wilder's average: the mean of the first 14 values, then (13 * previous + x) / 14.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Average {
    seen: u32,
    value: f64,
}

impl Average {
    /// Takes the next value.
    #[inline(always)]
    pub(super) fn push(&mut self, x: f64) {
        if self.seen >= N {
            // A product where the formula divides: one rounding apart, and a third of the wait.
            self.value = (13.0 * self.value + x) * INVERSE;
            return;
        }
        self.seen += 1;
        self.value += x;
        if self.seen == N {
            self.value /= f64::from(N);
        }
    }

    /// True once 14 values are in.
    #[inline(always)]
    pub(super) fn is_seeded(&self) -> bool {
        self.seen >= N
    }

    /// The average; `None` before its 14th value.
    pub(super) fn get(&self) -> Option<f64> {
        self.is_seeded().then_some(self.value)
    }
}

/// Wilder's running sum: the plain sum of its first 13 values, then X - X/14 + x.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    /// The sum so far.
    pub(super) value: f64,
}

impl Sum {
    /// Adds one of the first 13 values.
    #[inline(always)]
    pub(super) fn seed(&mut self, x: f64) {
        self.value += x;
    }

    /// Takes a later value.
    #[inline(always)]
    pub(super) fn push(&mut self, x: f64) {
        self.value = self.value - self.value * INVERSE + x;
    }
}

/// Relative strength index over 14 changes of the close.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rsi {
    gain: Average,
    loss: Average,
}

impl Rsi {
    /// Takes the next change of the close, price units.
    #[inline(always)]
    pub(super) fn push(&mut self, change: f64) {
        self.gain.push(if change > 0.0 { change } else { 0.0 });
        self.loss.push(if change < 0.0 { -change } else { 0.0 });
    }

    /// 0 to 100; 50 when nothing moved against `close`, the last close. Needs 14 changes.
    pub(super) fn get(&self, close: f64) -> Option<f64> {
        let (gain, loss) = (self.gain.get()?, self.loss.get()?);
        let sum = gain + loss;
        Some(if is_zero_by(sum, close) {
            50.0
        } else {
            100.0 * gain / sum
        })
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the examples are exact in binary")]
mod tests {
    use super::*;

    #[test]
    fn an_average_is_seeded_with_the_mean_of_fourteen() {
        let mut average = Average::default();
        (0..13).for_each(|_| average.push(7.0));
        assert_eq!(average.get(), None);
        average.push(21.0);
        assert_eq!(average.get(), Some(8.0));
        average.push(22.0);
        assert_eq!(average.get(), Some(9.0));
    }

    #[test]
    fn a_sum_forgets_a_fourteenth() {
        let mut sum = Sum::default();
        (0..13).for_each(|_| sum.seed(14.0));
        sum.push(1.0);
        assert_eq!(sum.value, 170.0);
    }

    #[test]
    fn relative_strength_by_hand() {
        for (up, down, expect) in [
            (1.0, 0.0, 100.0),
            (0.0, 1.0, 0.0),
            (3.0, 1.0, 75.0),
            (0.0, 0.0, 50.0),
            (1e-14, 0.0, 50.0),
        ] {
            let mut rsi = Rsi::default();
            for i in 0..14 {
                assert_eq!(rsi.get(10.0), None);
                rsi.push(if i % 2 == 0 { up } else { -down });
            }
            assert_eq!(rsi.get(10.0), Some(expect), "{up} up, {down} down");
        }
    }
}
