//! Sums over short windows: fresh, left to right, two-pass. Nothing here keeps a running sum, so nothing drifts.

/// The last `n` values; `None` when there are fewer.
pub(super) fn last(values: &[f64], n: usize) -> Option<&[f64]> {
    values.len().checked_sub(n).map(|start| &values[start..])
}

/// The arithmetic mean.
pub(in crate::scan) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / count(values)
}

/// The standard deviation about `mean`, with divisor n - `ddof`.
pub(in crate::scan) fn deviation(values: &[f64], mean: f64, ddof: f64) -> f64 {
    let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
    (squares / (count(values) - ddof)).sqrt()
}

/// The least-squares slope of the values on 0, 1, ..., a step.
pub(super) fn slope(values: &[f64]) -> f64 {
    let (mean, middle) = (mean(values), (count(values) - 1.0) / 2.0);
    let (mut products, mut squares, mut x) = (0.0, 0.0, -middle);
    for y in values {
        products += x * (y - mean);
        squares += x * x;
        x += 1.0;
    }
    products / squares
}

/// The largest value.
pub(super) fn max(values: &[f64]) -> f64 {
    extreme(values, f64::NEG_INFINITY, |a, b| if b > a { b } else { a })
}

/// The smallest value.
pub(super) fn min(values: &[f64]) -> f64 {
    extreme(values, f64::INFINITY, |a, b| if b < a { b } else { a })
}

/// True when `x` is zero against the scale `s`, exactly as specified.
pub(super) fn is_zero_by(x: f64, s: f64) -> bool {
    x <= 1e-12 * s
}

/// Folds with four accumulators: extremes do not depend on the order, and the chains overlap.
fn extreme(values: &[f64], start: f64, pick: impl Fn(f64, f64) -> f64) -> f64 {
    let mut lanes = [start; 4];
    let (quads, rest) = values.as_chunks::<4>();
    for quad in quads {
        for (lane, x) in lanes.iter_mut().zip(quad) {
            *lane = pick(*lane, *x);
        }
    }
    lanes.iter().chain(rest).fold(start, |best, x| pick(best, *x))
}

#[allow(clippy::cast_precision_loss)]
fn count(values: &[f64]) -> f64 {
    values.len() as f64
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the examples are exact in binary")]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let values = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0];
        assert_eq!(mean(&values), 5.0);
        assert_eq!(deviation(&values, 5.0, 0.0), 2.0);
        assert_eq!(deviation(&[1.0, 3.0], 2.0, 1.0), 2.0_f64.sqrt());
        assert_eq!(slope(&[1.0, 3.0, 5.0, 7.0]), 2.0);
        assert_eq!((max(&values), min(&values)), (9.0, 2.0));
        assert_eq!((max(&values[3..5]), min(&values[6..])), (5.0, 7.0));
        assert_eq!(last(&values, 2), Some(&[7.0, 9.0][..]));
        assert_eq!(last(&values, 9), None);
    }

    #[test]
    fn a_far_offset_does_not_eat_the_deviation() {
        let far: Vec<f64> = [1.0, 2.0, 3.0].iter().map(|x| x + 1e9).collect();
        assert_eq!(deviation(&far, mean(&far), 1.0), 1.0);
        assert_eq!(slope(&far), 1.0);
    }
}
