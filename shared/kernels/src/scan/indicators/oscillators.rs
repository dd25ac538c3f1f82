//! Oscillators of short windows: commodity channel index and stochastic.

use super::stats::{is_zero_by, last, max, mean, min};

/// Commodity channel index of 20 typical prices (D. Lambert 1980); 0 for a flat series. `typical` needs 20 values.
pub(super) fn cci(typical: &[f64]) -> Option<f64> {
    let window = last(typical, 20)?;
    let mean = mean(window);
    let spread = window.iter().map(|p| (p - mean).abs()).sum::<f64>() / 20.0;
    Some(if is_zero_by(spread, mean) {
        0.0
    } else {
        (window[19] - mean) / (0.015 * spread)
    })
}

/// Slow stochastic %K and %D over 14 bars, smoothed 3 and 3 (G. Lane), each 0 to 100; needs 18 bars.
pub(super) fn stochastic(high: &[f64], low: &[f64], close: &[f64]) -> Option<(f64, f64)> {
    let (high, low, close) = (last(high, 18)?, last(low, 18)?, last(close, 18)?);
    let fast: [f64; 5] = std::array::from_fn(|i| {
        let (top, bottom) = (max(&high[i..i + 14]), min(&low[i..i + 14]));
        let range = top - bottom;
        if is_zero_by(range, close[17]) {
            50.0
        } else {
            100.0 * (close[i + 13] - bottom) / range
        }
    });
    let slow: [f64; 3] = std::array::from_fn(|i| mean(&fast[i..i + 3]));
    Some((slow[2], mean(&slow)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_series() {
        let flat = [5.0; 20];
        assert_eq!(cci(&flat), Some(0.0));
        assert_eq!(cci(&flat[1..]), None);
        assert_eq!(stochastic(&flat, &flat, &flat), Some((50.0, 50.0)));
        assert_eq!(stochastic(&flat[..17], &flat[..17], &flat[..17]), None);
    }

    #[test]
    fn by_hand() {
        // Mean 10.5, mean deviation 0.95: (20 - 10.5) / (0.015 * 0.95).
        let mut typical = [10.0; 20];
        typical[19] = 20.0;
        assert!((cci(&typical).unwrap() - 9.5 / (0.015 * 0.95)).abs() < 1e-9);
        let (high, low) = ([12.0; 18], [8.0; 18]);
        let mut close = [10.0; 18];
        close[17] = 11.5;
        // Fast values 50, 50, 50, 50, 87.5: %K ends on 62.5, %D is the mean of 50, 50, 62.5.
        assert_eq!(stochastic(&high, &low, &close), Some((62.5, 162.5 / 3.0)));
    }
}
