//! The indicators against TA-Lib on random walks, and the laws of flat and mirrored series.

use proptest::prelude::*;
use ta_lib::Core;

use super::super::compare::cmp;
use super::*;

/// Open, high, low, close and volume of a random walk.
#[derive(Debug, Clone)]
struct Walk {
    open: Vec<f64>,
    high: Vec<f64>,
    low: Vec<f64>,
    close: Vec<f64>,
    volume: Vec<f64>,
}

impl Walk {
    fn row(&self) -> Indicators {
        let window = Window {
            open: &self.open,
            high: &self.high,
            low: &self.low,
            close: &self.close,
            volume: &self.volume,
            raw_close: &self.close,
            raw_volume: &self.volume,
            adj_factor: 1.0,
            stale_sessions: 0,
        };
        indicators(&window, &mut Recursive::default())
    }
}

fn walk() -> impl Strategy<Value = Walk> {
    let step = (-0.04..0.04, -0.02..0.02, 0.0..0.03, 0.0..0.03, 1.0..1e6);
    prop::collection::vec(step, 60..340).prop_map(|steps| {
        let mut walk = Walk {
            open: vec![],
            high: vec![],
            low: vec![],
            close: vec![],
            volume: vec![],
        };
        let mut price = 50.0;
        for (change, gap, up, down, volume) in steps {
            let open = price * (1.0 + gap);
            price = open * (1.0 + change);
            walk.open.push(open);
            walk.close.push(price);
            walk.high.push(open.max(price) * (1.0 + up));
            walk.low.push(open.min(price) * (1.0 - down));
            walk.volume.push(volume);
        }
        walk
    })
}

/// The last value of a TA-Lib function with one output.
fn last_of(bars: usize, call: impl FnOnce(usize, &mut [f64]) -> Result<ta_lib::OutRange, ta_lib::RetCode>) -> f64 {
    let mut out = vec![0.0; bars];
    let range = call(bars - 1, &mut out).expect("TA-Lib takes the series");
    out[range.count - 1]
}

fn assert_near(name: &str, got: Option<f64>, expect: f64) -> Result<(), TestCaseError> {
    let got = got.expect("the series is long enough");
    prop_assert!(
        (got - expect).abs() <= 1e-9 * expect.abs().max(1.0),
        "{}: {} but TA-Lib has {}",
        name,
        got,
        expect
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn averages_match_ta_lib(walk in walk()) {
        let (core, row, close) = (Core::new(), walk.row(), &walk.close);
        let (n, end) = (close.len(), close.len() - 1);
        assert_near("sma_20", row.sma_20, last_of(n, |end, out| core.sma(0, end, close, 20, out)))?;
        assert_near("sma_50", row.sma_50, last_of(n, |end, out| core.sma(0, end, close, 50, out)))?;
        if n >= 200 {
            assert_near("sma_200", row.sma_200, last_of(n, |end, out| core.sma(0, end, close, 200, out)))?;
        }
        assert_near("ema_12", row.ema_12, last_of(n, |end, out| core.ema(0, end, close, 12, out)))?;
        assert_near("ema_26", row.ema_26, last_of(n, |end, out| core.ema(0, end, close, 26, out)))?;
        let [mut line, mut signal, mut hist] = [vec![0.0; n], vec![0.0; n], vec![0.0; n]];
        let range = core.macd(0, end, close, 12, 26, 9, &mut line, &mut signal, &mut hist).unwrap();
        prop_assert_eq!(range.beg_idx, 33);
        assert_near("macd", row.macd, line[range.count - 1])?;
        assert_near("macd_signal", row.macd_signal, signal[range.count - 1])?;
        assert_near("macd_hist", row.macd_hist, hist[range.count - 1])?;
        let [mut upper, mut middle, mut lower] = [vec![0.0; n], vec![0.0; n], vec![0.0; n]];
        let bands = core.bbands(0, end, close, 20, 2.0, 2.0, ta_lib::MAType::SMA, &mut upper, &mut middle, &mut lower);
        let last = bands.unwrap().count - 1;
        assert_near("bb_upper", row.bb_upper, upper[last])?;
        assert_near("bb_lower", row.bb_lower, lower[last])?;
    }

    #[test]
    fn oscillators_match_ta_lib(walk in walk()) {
        let (core, row) = (Core::new(), walk.row());
        let Walk { high, low, close, volume, .. } = &walk;
        let n = close.len();
        assert_near("rsi_14", row.rsi_14, last_of(n, |end, out| core.rsi(0, end, close, 14, out)))?;
        assert_near("cci_20", row.cci_20, last_of(n, |end, out| core.cci(0, end, high, low, close, 20, out)))?;
        assert_near("mfi_14", row.mfi_14, last_of(n, |end, out| core.mfi(0, end, high, low, close, volume, 14, out)))?;
        let [mut k, mut d] = [vec![0.0; n], vec![0.0; n]];
        let sma = ta_lib::MAType::SMA;
        let range = core.stoch(0, n - 1, high, low, close, 14, 3, sma, 3, sma, &mut k, &mut d).unwrap();
        assert_near("stoch_k", row.stoch_k, k[range.count - 1])?;
        assert_near("stoch_d", row.stoch_d, d[range.count - 1])?;
    }

    #[test]
    fn ranges_and_directions_match_ta_lib(walk in walk()) {
        let (core, row) = (Core::new(), walk.row());
        let Walk { high, low, close, .. } = &walk;
        let n = close.len();
        assert_near("atr_14", row.atr_14, last_of(n, |end, out| core.atr(0, end, high, low, close, 14, out)))?;
        assert_near("adx_14", row.adx_14, last_of(n, |end, out| core.adx(0, end, high, low, close, 14, out)))?;
        assert_near("plus_di", row.plus_di_14, last_of(n, |end, out| core.plus_di(0, end, high, low, close, 14, out)))?;
        assert_near("minus_di", row.minus_di_14, last_of(n, |end, out| core.minus_di(0, end, high, low, close, 14, out)))?;
    }

    #[test]
    fn slopes_match_ta_lib(walk in walk()) {
        let (core, row, n) = (Core::new(), walk.row(), walk.close.len());
        let mut balance = vec![0.0; n];
        let range = core.obv(0, n - 1, &walk.close, &walk.volume, &mut balance).unwrap();
        prop_assert_eq!(range.count, n);
        let slope = last_of(n, |end, out| core.linearreg_slope(0, end, &balance, 20, out));
        let mean = last_of(n, |end, out| core.sma(0, end, &walk.volume, 20, out));
        // TA-Lib's slope is one-pass over large balances, so it is the one that loses digits.
        prop_assert!((row.obv_slope_20.unwrap() - slope / mean).abs() < 1e-6);
        let mut averages = vec![0.0; n];
        let range = core.sma(0, n - 1, &walk.close, 20, &mut averages).unwrap();
        let averages = &averages[..range.count];
        let slope = last_of(range.count, |end, out| core.linearreg_slope(0, end, averages, 20, out));
        assert_near("ma_slope_20", row.ma_slope_20, slope / averages[averages.len() - 1])?;
    }

    #[test]
    fn ratios_do_not_depend_on_the_unit(walk in walk(), unit in prop::sample::select(vec![0.25, 4.0, 1024.0])) {
        let mut scaled = walk.clone();
        for column in [&mut scaled.open, &mut scaled.high, &mut scaled.low, &mut scaled.close] {
            column.iter_mut().for_each(|price| *price *= unit);
        }
        let (row, other) = (walk.row(), scaled.row());
        for (name, a, b) in [
            ("rsi_14", row.rsi_14, other.rsi_14),
            ("adx_14", row.adx_14, other.adx_14),
            ("atr_pct", row.atr_pct, other.atr_pct),
            ("vol_20", row.vol_20, other.vol_20),
            ("ma_slope_20", row.ma_slope_20, other.ma_slope_20),
            ("jump_252", row.jump_252, other.jump_252),
            ("dist_high_20", row.dist_high_20, other.dist_high_20),
        ] {
            prop_assert_eq!(a, b, "{} in another unit", name);
        }
        prop_assert_eq!(cmp(row.macd_hist, Some(0.0)), cmp(other.macd_hist, Some(0.0)));
    }
}

#[test]
fn a_flat_series_answers_with_the_middle() {
    let flat = vec![7.0; 300];
    let walk = Walk {
        open: flat.clone(),
        high: flat.clone(),
        low: flat.clone(),
        close: flat,
        volume: vec![0.0; 300],
    };
    let row = walk.row();
    assert_eq!(
        (row.rsi_14, row.bb_pctb, row.mfi_14),
        (Some(50.0), Some(0.5), Some(50.0))
    );
    assert_eq!(
        (row.stoch_k, row.stoch_d, row.cci_20),
        (Some(50.0), Some(50.0), Some(0.0))
    );
    assert_eq!(
        (row.adx_14, row.plus_di_14, row.minus_di_14),
        (Some(0.0), Some(0.0), Some(0.0))
    );
    assert_eq!(
        (row.obv_slope_20, row.dollar_vol_20, row.vol_spike, row.zero_vol_20),
        (Some(0.0), Some(0.0), None, 20)
    );
    assert_eq!(
        (row.jump_252, row.ret_252d, row.macd_hist),
        (Some(1.0), Some(0.0), Some(0.0))
    );
}

#[test]
fn one_bar_is_a_window() {
    let one = Walk {
        open: vec![1.0],
        high: vec![2.0],
        low: vec![0.5],
        close: vec![1.5],
        volume: vec![9.0],
    };
    let row = one.row();
    assert_eq!(
        (row.bars, row.close, row.high, row.jump_252, row.ema_12),
        (1, Some(1.5), Some(2.0), None, None)
    );
}
