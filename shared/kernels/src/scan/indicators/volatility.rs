//! Spread of returns and prices: volatility, coefficient of variation, Bollinger bands, overnight gaps, true range.

use super::stats::{deviation, is_zero_by, last, mean};

/// Bars of a year, for annual volatility.
const YEAR: f64 = 252.0;

/// The Bollinger bands of the last 20 closes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bollinger {
    /// sma_20 + 2 sd, price units.
    pub(super) upper: f64,
    /// sma_20 - 2 sd, price units.
    pub(super) lower: f64,
    /// (C_T - lower) / (upper - lower); 0.5 for a flat series.
    pub(super) pctb: f64,
    /// 4 sd / sma_20.
    pub(super) width: f64,
}

/// Standard deviation (ddof 1) of the last 20 one-bar returns, times sqrt(252); needs 21 bars.
pub(super) fn annual(close: &[f64]) -> Option<f64> {
    let window = last(close, 21)?;
    let returns: [f64; 20] = std::array::from_fn(|i| window[i + 1] / window[i] - 1.0);
    Some(deviation(&returns, mean(&returns), 1.0) * YEAR.sqrt())
}

/// Standard deviation (ddof 1) of the last 20 closes over their mean; needs 20 bars.
pub(super) fn coefficient(close: &[f64]) -> Option<f64> {
    let window = last(close, 20)?;
    let mean = mean(window);
    Some(deviation(window, mean, 1.0) / mean)
}

/// The Bollinger bands at the last bar (J. Bollinger; population deviation as TA-Lib takes it); needs 20 bars.
pub(super) fn bollinger(close: &[f64]) -> Option<Bollinger> {
    let window = last(close, 20)?;
    let sma = mean(window);
    let sd = deviation(window, sma, 0.0);
    let (upper, lower) = (sma + 2.0 * sd, sma - 2.0 * sd);
    let pctb = if is_zero_by(sd, sma) {
        0.5
    } else {
        (window[19] - lower) / (upper - lower)
    };
    Some(Bollinger {
        upper,
        lower,
        pctb,
        width: 4.0 * sd / sma,
    })
}

/// Mean over the last 10 bars of |O_i - C_{i-1}| / C_{i-1}; needs 11 bars.
pub(super) fn mean_gap(open: &[f64], close: &[f64]) -> Option<f64> {
    let (open, close) = (last(open, 10)?, last(close, 11)?);
    let gaps: [f64; 10] = std::array::from_fn(|i| (open[i] - close[i]).abs() / close[i]);
    Some(mean(&gaps))
}

/// True range of a bar against the close before it, price units.
pub(super) fn true_range(high: f64, low: f64, previous_close: f64) -> f64 {
    (high - low)
        .max((high - previous_close).abs())
        .max((low - previous_close).abs())
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the examples are exact in binary")]
mod tests {
    use super::*;

    #[test]
    fn a_flat_series_has_no_spread() {
        let flat = [7.0; 30];
        assert_eq!(annual(&flat), Some(0.0));
        assert_eq!(coefficient(&flat), Some(0.0));
        let bands = bollinger(&flat).unwrap();
        assert_eq!(
            bands,
            Bollinger {
                upper: 7.0,
                lower: 7.0,
                pctb: 0.5,
                width: 0.0
            }
        );
    }

    #[test]
    fn bars_needed() {
        let flat = [7.0; 30];
        assert_eq!(annual(&flat[..20]), None);
        assert_eq!(coefficient(&flat[..19]), None);
        assert_eq!(bollinger(&flat[..19]), None);
        assert_eq!(mean_gap(&flat[..10], &flat[..10]), None);
    }

    #[test]
    fn by_hand() {
        let two_prices: Vec<f64> = (0..20).map(|i| if i % 2 == 0 { 8.0 } else { 12.0 }).collect();
        let bands = bollinger(&two_prices).unwrap();
        assert_eq!(
            bands,
            Bollinger {
                upper: 14.0,
                lower: 6.0,
                pctb: 0.75,
                width: 0.8
            }
        );
        assert!((coefficient(&two_prices).unwrap() - (80.0_f64 / 19.0).sqrt() / 10.0).abs() < 1e-15);
        let (open, close) = ([11.0; 11], [10.0; 11]);
        assert!((mean_gap(&open, &close).unwrap() - 0.1).abs() < 1e-15);
        assert_eq!(true_range(12.0, 10.0, 11.0), 2.0);
        assert_eq!(true_range(12.0, 10.0, 5.0), 7.0);
        assert_eq!(true_range(12.0, 10.0, 20.0), 10.0);
    }
}
