//! Moving averages: simple and exponential, the slope of the simple one, and MACD.

use super::stats::{last, mean, slope};

/// Mean of the last `n` closes, price units; needs n bars.
pub(super) fn sma(close: &[f64], n: usize) -> Option<f64> {
    last(close, n).map(mean)
}

/// Slope of the last 20 values of the 20-bar mean over the last of them, a bar; needs 39 bars.
pub(super) fn sma_slope(close: &[f64]) -> Option<f64> {
    let window = last(close, 39)?;
    let mut sums = [0.0; 20];
    // Bar by bar over all twenty windows at once: each sum still runs left to right.
    for offset in 0..20 {
        for (sum, x) in sums.iter_mut().zip(&window[offset..offset + 20]) {
            *sum += x;
        }
    }
    let averages = sums.map(|sum| sum / 20.0);
    Some(slope(&averages) / averages[19])
}

/// An exponential average: seeded with the mean of its first n values, then e += 2/(n+1) * (x - e).
#[derive(Debug, Clone, Copy)]
pub(super) struct Ema {
    n: u32,
    gain: f64,
    seen: u32,
    value: f64,
}

impl Ema {
    /// An average over `n` bars that has seen none.
    pub(super) fn new(n: u32) -> Self {
        Self {
            n,
            gain: 2.0 / f64::from(n + 1),
            seen: 0,
            value: 0.0,
        }
    }

    /// Takes the next value.
    #[inline(always)]
    pub(super) fn push(&mut self, x: f64) {
        if self.seen >= self.n {
            self.value += self.gain * (x - self.value);
            return;
        }
        self.seen += 1;
        self.value += x;
        if self.seen == self.n {
            self.value /= f64::from(self.n);
        }
    }

    /// The average; `None` before its nth value.
    #[inline(always)]
    pub(super) fn get(&self) -> Option<f64> {
        (self.seen >= self.n).then_some(self.value)
    }
}

/// Moving average convergence divergence, 12, 26, 9 (G. Appel, as TA-Lib seeds it).
///
/// Both averages of the line are first known at bar 25: the 12-bar one takes its seed from bars 14 to 25, so it is
/// another one than `ema_12`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Macd {
    fast: Ema,
    slow: Ema,
    signal: Ema,
    bars: u32,
}

impl Macd {
    /// Bars before the fast average's seed begins.
    const FAST_START: u32 = 26 - 12;

    /// A MACD that has seen no bar.
    pub(super) fn new() -> Self {
        Self {
            fast: Ema::new(12),
            slow: Ema::new(26),
            signal: Ema::new(9),
            bars: 0,
        }
    }

    /// Takes the next close.
    #[inline(always)]
    pub(super) fn push(&mut self, close: f64) {
        self.slow.push(close);
        if self.bars < Self::FAST_START {
            self.bars += 1;
            return;
        }
        self.fast.push(close);
        if let (Some(fast), Some(slow)) = (self.fast.get(), self.slow.get()) {
            self.signal.push(fast - slow);
        }
    }

    /// The 26-bar average; needs 26 bars.
    pub(super) fn slow(&self) -> Option<f64> {
        self.slow.get()
    }

    /// Line and signal, price units; needs 34 bars.
    pub(super) fn line_and_signal(&self) -> Option<(f64, f64)> {
        Some((self.fast.get()? - self.slow.get()?, self.signal.get()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let ramp: Vec<f64> = (1..=60).map(f64::from).collect();
        assert_eq!(sma(&ramp, 20), Some(50.5));
        assert_eq!(sma(&ramp, 61), None);
        assert_eq!(sma_slope(&ramp), Some(1.0 / 50.5));
        assert_eq!(sma_slope(&ramp[..38]), None);
        let mut ema = Ema::new(3);
        let got: Vec<_> = [1.0, 2.0, 6.0, 7.0].map(|x| (ema.push(x), ema.get()).1).to_vec();
        assert_eq!(got, [None, None, Some(3.0), Some(5.0)]);
    }

    #[test]
    fn on_a_ramp_macd_is_half_the_difference_of_the_spans() {
        let mut macd = Macd::new();
        for bar in 1..=200_u32 {
            macd.push(f64::from(bar));
            assert_eq!(macd.line_and_signal().is_some(), bar >= 34);
            assert_eq!(macd.slow().is_some(), bar >= 26);
        }
        let (line, signal) = macd.line_and_signal().unwrap();
        assert!((line - 7.0).abs() < 1e-9 && (signal - 7.0).abs() < 1e-9);
    }
}
