//! Adjustment factors for splits and dividends (section 1, Adjustment).
//!
//! The last bar's factor is always 1, so its prices are real money and later events leak nothing. The operations are
//! exactly the specified ones, in that order: exact comparisons of adjusted prices depend on the bits.

use super::options::Adjust;

/// How far an adjusted close must be from the close, as a ratio, to mark an event.
const EVENT: f64 = 1e-6;

/// Fills `factors` with one factor a bar of the window.
///
/// Shapes: `close` and `adj_close` are equally long, oldest first; a missing `adj_close` is NaN. O, H, L and C are
/// multiplied by the factor, volume is divided by it.
///
/// ```
/// use tickfleet_kernels::scan::{adjust::factors, options::Adjust};
/// let mut f = Vec::new();
/// // A 2:1 split before the last bar, marked on the bar before it only.
/// factors(Adjust::Auto, &[100.0, 102.0, 51.0], &[100.0, 51.0, 51.0], &mut f);
/// assert_eq!(f, [0.5, 0.5, 1.0]);
/// ```
///
/// # Panics
/// When the lengths differ.
pub fn factors(adjust: Adjust, close: &[f64], adj_close: &[f64], factors: &mut Vec<f64>) {
    assert_eq!(close.len(), adj_close.len(), "one adjusted close a bar");
    factors.clear();
    factors.resize(close.len(), 1.0);
    match adjust {
        Adjust::None => {}
        Adjust::Auto => chain_events(close, adj_close, factors),
        Adjust::AdjClose => divide_by_last(close, adj_close, factors),
    }
}

/// True when no factor changes a price: adjusting would copy the bars bit for bit.
#[must_use]
pub fn all_one(factors: &[f64]) -> bool {
    // Without an early exit the loop has no branches.
    factors
        .iter()
        .fold(true, |so_far, factor| so_far & (factor.to_bits() == 1.0_f64.to_bits()))
}

/// F_t = F_{t+1} * e_t from the last bar back, where e_t is the change of ratio on a bar that marks an event.
fn chain_events(close: &[f64], adj_close: &[f64], factors: &mut [f64]) {
    let mut later_ratio = 1.0;
    let mut factor = 1.0;
    let last = close.len().saturating_sub(1);
    for t in (0..close.len()).rev() {
        let ratio = ratio(close[t], adj_close[t], later_ratio);
        let event = if (ratio - 1.0).abs() > EVENT {
            ratio / later_ratio
        } else {
            1.0
        };
        if t < last {
            factor *= event;
        }
        factors[t] = factor;
        later_ratio = ratio;
    }
}

/// F_t = f_t / f_T.
fn divide_by_last(close: &[f64], adj_close: &[f64], factors: &mut [f64]) {
    let mut later_ratio = 1.0;
    for t in (0..close.len()).rev() {
        later_ratio = ratio(close[t], adj_close[t], later_ratio);
        factors[t] = later_ratio;
    }
    if let Some(&last) = factors.last() {
        factors.iter_mut().for_each(|factor| *factor /= last);
    }
}

/// The bar's adjusted close over its close, or the next later bar's ratio where there is no usable one.
fn ratio(close: f64, adj_close: f64, later: f64) -> f64 {
    if adj_close > 0.0 && adj_close < f64::INFINITY {
        adj_close / close
    } else {
        later
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAN: f64 = f64::NAN;

    #[track_caller]
    fn check(adjust: Adjust, close: &[f64], adj_close: &[f64], expect: &[f64]) {
        let mut got = vec![9.0; 2];
        factors(adjust, close, adj_close, &mut got);
        assert_eq!(got, expect);
    }

    #[test]
    fn an_event_on_its_eve_is_chained() {
        let close = [100.0, 100.0, 50.0, 50.0, 50.0];
        check(
            Adjust::Auto,
            &close,
            &[100.0, 50.0, 50.0, 25.0, 50.0],
            &[0.25, 0.25, 0.5, 0.5, 1.0],
        );
        check(
            Adjust::Auto,
            &close,
            &[100.0, 50.0, 50.0, 50.0, 50.0],
            &[0.5, 0.5, 1.0, 1.0, 1.0],
        );
    }

    #[test]
    fn a_run_of_marks_before_one_event_counts_once() {
        check(
            Adjust::Auto,
            &[1.0, 1.0, 1.0, 15.0],
            &[1.0, 15.0, 15.0, 15.0],
            &[15.0, 15.0, 15.0, 1.0],
        );
    }

    #[test]
    fn a_cumulative_column_telescopes() {
        let (close, adj_close) = ([100.0, 100.0, 50.0, 40.0], [25.0, 25.0, 25.0, 20.0]);
        check(Adjust::Auto, &close, &adj_close, &[0.5, 0.5, 1.0, 1.0]);
        check(Adjust::AdjClose, &close, &adj_close, &[0.5, 0.5, 1.0, 1.0]);
    }

    #[test]
    fn a_missing_ratio_is_the_next_later_one() {
        let close = [100.0; 4];
        check(
            Adjust::AdjClose,
            &close,
            &[50.0, NAN, 80.0, 100.0],
            &[0.5, 0.8, 0.8, 1.0],
        );
        check(
            Adjust::AdjClose,
            &close,
            &[50.0, -1.0, 0.0, f64::INFINITY],
            &[0.5, 1.0, 1.0, 1.0],
        );
        check(Adjust::Auto, &close, &[NAN; 4], &[1.0; 4]);
    }

    #[test]
    fn the_last_factor_is_one_even_when_the_last_bar_is_marked() {
        check(Adjust::Auto, &[10.0, 10.0], &[5.0, 5.0], &[1.0, 1.0]);
        check(Adjust::AdjClose, &[10.0, 10.0], &[5.0, 5.0], &[1.0, 1.0]);
        check(Adjust::None, &[10.0, 10.0], &[5.0, 5.0], &[1.0, 1.0]);
        check(Adjust::Auto, &[], &[], &[]);
    }
}
