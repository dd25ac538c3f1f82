//! Distance of the last close from the highs and lows before it.

use super::stats::{last, max, min};

/// The last close against the highest of the last `n` values, a fraction; needs n bars.
pub(super) fn from_high(close: f64, highs: &[f64], n: usize) -> Option<f64> {
    last(highs, n).map(|window| close / max(window) - 1.0)
}

/// The last close against the lowest of the last `n` values, a fraction; needs n bars.
pub(super) fn from_low(close: f64, lows: &[f64], n: usize) -> Option<f64> {
    last(lows, n).map(|window| close / min(window) - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let values = [100.0, 20.0, 5.0, 10.0];
        assert_eq!(from_high(10.0, &values, 3), Some(-0.5));
        assert_eq!(from_low(10.0, &values, 3), Some(1.0));
        assert_eq!(from_high(10.0, &values, 5), None);
        assert_eq!(from_low(10.0, &values, 5), None);
    }
}
