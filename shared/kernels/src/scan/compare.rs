//! Threshold comparisons and sort keys that never hang on the last bit (section 0).
//!
//! Every filter and rule of the scan compares through here. A plain `<` on two computed floats is right only where the
//! specification says "exactly". Null (`None`) compares false with everything.

use std::cmp::Ordering;

/// Relative width of a threshold: two numbers closer than this times `max(1, |a|, |b|)` count as equal.
const TOLERANCE: f64 = 1e-12;

/// `a > b` beyond the tolerance.
#[must_use]
pub fn gt(a: f64, b: f64) -> bool {
    a - b > tolerance(a, b)
}

/// `a >= b` within the tolerance.
#[must_use]
pub fn ge(a: f64, b: f64) -> bool {
    a - b >= -tolerance(a, b)
}

/// `a < b` beyond the tolerance.
#[must_use]
pub fn lt(a: f64, b: f64) -> bool {
    gt(b, a)
}

/// `a <= b` within the tolerance.
#[must_use]
pub fn le(a: f64, b: f64) -> bool {
    ge(b, a)
}

/// 1 when `a > b`, -1 when `a < b`, else 0; 0 when either is null.
#[must_use]
pub fn cmp(a: Option<f64>, b: Option<f64>) -> i32 {
    match (a, b) {
        (Some(a), Some(b)) => i32::from(gt(a, b)) - i32::from(lt(a, b)),
        _ => 0,
    }
}

/// `a > b`; false when `a` is null.
#[must_use]
pub fn some_gt(a: Option<f64>, b: f64) -> bool {
    a.is_some_and(|a| gt(a, b))
}

/// `a >= b`; false when `a` is null.
#[must_use]
pub fn some_ge(a: Option<f64>, b: f64) -> bool {
    a.is_some_and(|a| ge(a, b))
}

/// `a < b`; false when `a` is null.
#[must_use]
pub fn some_lt(a: Option<f64>, b: f64) -> bool {
    a.is_some_and(|a| lt(a, b))
}

/// `a <= b`; false when `a` is null.
#[must_use]
pub fn some_le(a: Option<f64>, b: f64) -> bool {
    a.is_some_and(|a| le(a, b))
}

/// The sort key k(x): the mantissa rounded to 40 bits, half away from zero, and -0 as 0. Equal keys are a tie.
#[must_use]
pub fn key(x: f64) -> f64 {
    const HALF: u64 = 0x800;
    const LOW_BITS: u64 = 0xfff;
    let rounded = f64::from_bits(x.to_bits().wrapping_add(HALF) & !LOW_BITS);
    // Adding positive zero turns -0 into 0 and changes nothing else.
    rounded + 0.0
}

/// Orders by `key`, largest first; null comes last.
#[must_use]
pub fn descending(a: Option<f64>, b: Option<f64>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => key(b).total_cmp(&key(a)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

fn tolerance(a: f64, b: f64) -> f64 {
    TOLERANCE * 1.0_f64.max(a.abs()).max(b.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_ignore_the_last_bits() {
        for (a, b, greater, at_least) in [
            (1.0, 1.0, false, true),
            (1.0 + 5e-13, 1.0, false, true),
            (1.0 + 2e-12, 1.0, true, true),
            (1.0 - 5e-13, 1.0, false, true),
            (1.0 - 2e-12, 1.0, false, false),
            (1e9 + 5e-4, 1e9, false, true),
            (1e9 + 2e-3, 1e9, true, true),
            (0.1 + 0.2, 0.3, false, true),
            (f64::NAN, 0.0, false, false),
            (0.0, f64::NAN, false, false),
        ] {
            assert_eq!((gt(a, b), ge(a, b)), (greater, at_least), "{a} against {b}");
            assert_eq!((lt(b, a), le(b, a)), (greater, at_least), "{b} against {a}, mirrored");
        }
    }

    #[test]
    fn a_null_compares_false() {
        assert_eq!(cmp(None, Some(1.0)), 0);
        assert_eq!(cmp(Some(2.0), Some(1.0)), 1);
        assert_eq!(cmp(Some(1.0), Some(2.0)), -1);
        assert_eq!(cmp(Some(1.0), Some(1.0 + 1e-13)), 0);
        assert!(!some_gt(None, 0.0) && !some_ge(None, 0.0) && !some_lt(None, 0.0) && !some_le(None, 0.0));
    }

    #[test]
    fn keys_round_half_away_from_zero_and_drop_the_sign_of_zero() {
        let one = 1.0_f64.to_bits();
        for (bits, expect) in [
            (one + 0x7ff, one),
            (one + 0x800, one + 0x1000),
            (one + 0x17ff, one + 0x1000),
        ] {
            assert_eq!(key(f64::from_bits(bits)).to_bits(), expect);
            let negative = -f64::from_bits(bits);
            assert_eq!(key(negative).to_bits(), (-f64::from_bits(expect)).to_bits(), "mirrored");
        }
        assert_eq!(key(-0.0).to_bits(), 0);
        assert_eq!(key(16.0).to_bits(), 16.0_f64.to_bits());
    }

    #[test]
    fn descending_puts_null_last() {
        let mut values = vec![None, Some(1.0), Some(3.0), None, Some(2.0)];
        values.sort_by(|a, b| descending(*a, *b));
        assert_eq!(values, [Some(3.0), Some(2.0), Some(1.0), None, None]);
    }
}
