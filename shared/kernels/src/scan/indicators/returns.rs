//! Returns: how far the close moved over some bars, and the largest single move.

use super::stats::last;

/// C_T / C_{T-n} - 1, a fraction; needs n + 1 bars.
pub(super) fn over(close: &[f64], n: usize) -> Option<f64> {
    between(close, n, 0)
}

/// C_{T-to} / C_{T-from} - 1, a fraction; needs `from` + 1 bars.
pub(super) fn between(close: &[f64], from: usize, to: usize) -> Option<f64> {
    let window = last(close, from + 1)?;
    Some(window[from - to] / window[0] - 1.0)
}

/// The largest of C_i/C_{i-1} and C_{i-1}/C_i over the last `pairs` bar pairs, or as many as there are; at least 1.
///
/// A ratio of 3 is a price tripled, or cut to a third, in one bar.
pub(super) fn largest_jump(close: &[f64], pairs: usize) -> Option<f64> {
    let window = &close[close.len().saturating_sub(pairs + 1)..];
    if window.len() < 2 {
        return None;
    }
    let mut most = 1.0;
    for pair in window.windows(2) {
        let ratio = pair[0].max(pair[1]) / pair[0].min(pair[1]);
        most = if ratio > most { ratio } else { most };
    }
    Some(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let close = [10.0, 20.0, 5.0, 7.5];
        assert_eq!(over(&close, 1), Some(0.5));
        assert_eq!(over(&close, 3), Some(-0.25));
        assert_eq!(over(&close, 4), None);
        assert_eq!(between(&close, 3, 1), Some(-0.5));
        assert_eq!(largest_jump(&close, 252), Some(4.0));
        assert_eq!(largest_jump(&close, 1), Some(1.5));
        assert_eq!(largest_jump(&close[..1], 252), None);
    }
}
