//! The arithmetic of the features: guarded quotients, prices as floats, means in the order given. Null is `None`.

/// Slack in comparisons of computed floats, so that ties do not depend on rounding.
pub const EPSILON: f64 = 1e-9;

/// A price in 1e-9 units as a float in the quote currency.
#[must_use]
pub fn px(price: i64) -> f64 {
    price as f64 / 1e9
}

/// a/b, but 0 when b = 0.
#[must_use]
pub fn ratio_or_zero(a: f64, b: f64) -> f64 {
    if b == 0.0 { 0.0 } else { a / b }
}

/// (a-b)/(a+b) of two integers, 0 when both are 0.
#[must_use]
pub fn imbalance(a: i64, b: i64) -> f64 {
    ratio_or_zero((a - b) as f64, (a + b) as f64)
}

/// a/b, but null when b = 0 or an operand is null.
#[must_use]
pub fn ratio_or_null(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    let (a, b) = (a?, b?);
    (b != 0.0).then(|| a / b)
}

/// The sum of the values that are there, left to right, and their number.
#[must_use]
pub fn sum(values: &[Option<f64>]) -> (f64, usize) {
    values.iter().flatten().fold((0.0, 0), |(sum, n), x| (sum + x, n + 1))
}

/// The mean of the values that are there; null when there is none.
#[must_use]
pub fn mean(values: &[Option<f64>]) -> Option<f64> {
    let (sum, n) = sum(values);
    (n > 0).then(|| sum / n as f64)
}

/// The sample standard deviation of the values that are there, in two passes; 0 below two values.
#[must_use]
pub fn deviation(values: &[Option<f64>]) -> f64 {
    let (sum, n) = sum(values);
    if n < 2 {
        return 0.0;
    }
    let mean = sum / n as f64;
    let squares = values
        .iter()
        .flatten()
        .fold(0.0, |acc, x| acc + (x - mean) * (x - mean));
    (squares / (n - 1) as f64).sqrt()
}

/// A third of a count, at least 1.
#[must_use]
pub fn thirds(count: usize) -> usize {
    (count / 3).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotients_by_zero_and_nulls_follow_their_rules() {
        assert_eq!((ratio_or_zero(3.0, 0.0), ratio_or_zero(3.0, 2.0)), (0.0, 1.5));
        assert_eq!(ratio_or_null(Some(3.0), Some(0.0)), None);
        assert_eq!(ratio_or_null(None, Some(1.0)), None);
        assert_eq!((imbalance(3, 1), imbalance(0, 0)), (0.5, 0.0));
    }

    #[test]
    fn means_and_deviations_pass_over_nulls() {
        assert_eq!(mean(&[Some(1.0), None, Some(3.0)]), Some(2.0));
        assert_eq!((mean(&[None]), deviation(&[Some(4.0), None])), (None, 0.0));
        assert_eq!(
            deviation(&[Some(1.0), None, Some(3.0), Some(2.0)]).to_bits(),
            1.0_f64.to_bits()
        );
        assert_eq!((thirds(2), thirds(3), thirds(11)), (1, 1, 3));
    }
}
