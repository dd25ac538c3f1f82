//! Volume: money flow, on-balance volume, dollar volume and days without any.
//!
//! Whether a price rose is a threshold comparison: equal typical prices often differ in the last bit.

use super::super::compare::{gt, lt};
use super::stats::{last, mean, slope};

/// Money flow index of 14 bar changes, 0 to 100; 50 when no money flowed. Needs 15 bars.
///
/// Shapes: `typical` and `volume` end at the same bar.
pub(super) fn mfi(typical: &[f64], volume: &[f64]) -> Option<f64> {
    let (typical, volume) = (last(typical, 15)?, last(volume, 14)?);
    let (mut up, mut down) = (0.0, 0.0);
    for (pair, volume) in typical.windows(2).zip(volume) {
        let flow = pair[1] * volume;
        if gt(pair[1], pair[0]) {
            up += flow;
        } else if lt(pair[1], pair[0]) {
            down += flow;
        }
    }
    let sum = up + down;
    Some(if sum == 0.0 { 50.0 } else { 100.0 * up / sum })
}

/// Slope of the last 20 on-balance volumes over the mean of the last 20 volumes, a bar; 0 when that mean is 0.
///
/// A slope does not depend on the level, so the balance starts at 0 on the first of the 20 bars.
pub(super) fn obv_slope(close: &[f64], volume: &[f64]) -> Option<f64> {
    let (close, volume) = (last(close, 20)?, last(volume, 20)?);
    let mut balance = [0.0; 20];
    for i in 1..20 {
        let signed = if gt(close[i], close[i - 1]) {
            volume[i]
        } else if lt(close[i], close[i - 1]) {
            -volume[i]
        } else {
            0.0
        };
        balance[i] = balance[i - 1] + signed;
    }
    let mean = mean(volume);
    Some(if mean == 0.0 { 0.0 } else { slope(&balance) / mean })
}

/// Mean of close x volume over the last 20 bars, quote currency, and the last bar's as a multiple of it (null if 0).
pub(super) fn dollar_volume(close: &[f64], volume: &[f64]) -> Option<(f64, Option<f64>)> {
    let (close, volume) = (last(close, 20)?, last(volume, 20)?);
    let dollars: [f64; 20] = std::array::from_fn(|i| close[i] * volume[i]);
    let mean = mean(&dollars);
    Some((mean, (mean != 0.0).then_some(dollars[19] / mean)))
}

/// How many of the last 20 bars, or of all if there are fewer, have no volume.
pub(super) fn days_without(volume: &[f64]) -> i32 {
    let window = &volume[volume.len().saturating_sub(20)..];
    window.iter().map(|v| i32::from(*v == 0.0)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_flow_by_hand() {
        let mut typical = vec![10.0; 15];
        let volume = [3.0; 15];
        assert_eq!(mfi(&typical, &volume), Some(50.0));
        typical[14] = 20.0;
        assert_eq!(mfi(&typical, &volume), Some(100.0));
        typical[13] = 60.0;
        // Up 60 * 3, down 20 * 3.
        assert_eq!(mfi(&typical, &volume), Some(75.0));
        assert_eq!(mfi(&typical[1..], &volume), None);
        assert_eq!(mfi(&typical, &[0.0; 15]), Some(50.0));
    }

    #[test]
    fn prices_that_differ_in_the_last_bit_are_equal() {
        let typical: Vec<f64> = (0..20).map(|i| if i % 2 == 0 { 0.1 + 0.2 } else { 0.3 }).collect();
        assert_eq!(mfi(&typical, &[3.0; 20]), Some(50.0));
        assert_eq!(obv_slope(&typical, &[3.0; 20]), Some(0.0));
    }

    #[test]
    fn balance_by_hand() {
        let ramp: Vec<f64> = (1..=20).map(f64::from).collect();
        assert_eq!(obv_slope(&ramp, &[2.0; 20]), Some(1.0));
        assert_eq!(obv_slope(&[1.0; 20], &[2.0; 20]), Some(0.0));
        assert_eq!(obv_slope(&ramp, &[0.0; 20]), Some(0.0));
        assert_eq!(obv_slope(&ramp[1..], &[2.0; 20]), None);
    }

    #[test]
    fn dollars_by_hand() {
        let mut volume = [10.0; 20];
        volume[19] = 210.0;
        assert_eq!(dollar_volume(&[2.0; 20], &volume), Some((40.0, Some(10.5))));
        assert_eq!(dollar_volume(&[2.0; 20], &[0.0; 20]), Some((0.0, None)));
        assert_eq!(dollar_volume(&[2.0; 19], &[1.0; 19]), None);
        assert_eq!(days_without(&[0.0; 3]), 3);
        assert_eq!(days_without(&[0.0; 30]), 20);
        assert_eq!(days_without(&volume), 0);
    }
}
