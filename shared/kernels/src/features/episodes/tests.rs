//! The rules of triggers, ends and outcomes, on days of a few bars.

use super::*;
use crate::table::Column;

const POINT: i64 = 1_000_000_000;
const LEVEL: Level = Level {
    index: 0,
    price: 100 * POINT,
    valid_from: 0,
    valid_to: i64::MAX,
};
const OPTIONS: EpisodeOptions = EpisodeOptions {
    trigger_band: 1.0,
    lookback: 3,
    forward: 4,
    extension: 5,
    cooldown: 6,
};

/// A day of these microprices, a trade of one in each bar but the named ones.
fn day(micro: &[Option<f64>], without_trades: &[usize]) -> Table {
    let trades: Vec<_> = (0..micro.len())
        .map(|row| Some(i64::from(!without_trades.contains(&row))))
        .collect();
    Table::new(vec![
        (
            "bar_ts",
            Column::I64((0..micro.len()).map(|row| Some(count(row) * 5_000_000_000)).collect()),
        ),
        ("bar5s_microprice_eob", Column::F64(micro.to_vec())),
        ("bar5s_trade_cnt_sum", Column::I64(trades.clone())),
        ("bar5s_trade_vol_sum", Column::I64(trades)),
    ])
}

fn at(prices: &[f64]) -> Vec<Option<f64>> {
    prices.iter().map(|x| (!x.is_nan()).then_some(*x)).collect()
}

fn found(micro: &[f64], without_trades: &[usize]) -> Vec<Episode> {
    episodes(&day(&at(micro), without_trades), &[LEVEL], POINT, &OPTIONS)
}

#[test]
fn a_touch_within_the_band_triggers_and_a_tie_counts() {
    for (price, triggers) in [(101.0, 1), (99.0, 1), (101.0 + 1e-6, 0), (100.0, 1)] {
        assert_eq!(found(&[110.0, price, 110.0], &[]).len(), triggers, "{price}");
    }
}

#[test]
fn a_bar_without_trades_does_not_trigger_while_the_touch_goes_on() {
    let prices = [110.0, 100.0, 100.0, 100.0, 100.0, 100.0, 100.0, 100.0, 100.0];
    let triggers = |without: &[usize]| found(&prices, without).iter().map(|it| it.rows[1]).collect::<Vec<_>>();
    assert_eq!(triggers(&[]), [1, 7]);
    assert_eq!(triggers(&[1, 7]), [1, 8]);
}

#[test]
fn a_level_counts_only_while_it_is_valid() {
    let bars = day(&at(&[100.0; 12]), &[]);
    let level = Level {
        valid_from: 12_000_000_000,
        valid_to: 46_000_000_000,
        ..LEVEL
    };
    let all = episodes(&bars, &[level], POINT, &OPTIONS);
    assert_eq!(all.iter().map(|it| it.rows).collect::<Vec<_>>(), [[0, 3, 7], [6, 9, 9]]);
    assert_eq!(
        all.iter().map(|it| it.truncated_forward).collect::<Vec<_>>(),
        [false, true]
    );
}

#[test]
fn the_direction_is_that_of_the_mean_before() {
    for (prices, direction) in [
        (vec![90.0, 100.0], 1),
        (vec![110.0, 100.0], -1),
        (vec![90.0, 110.0, 100.0], -1),
        (vec![f64::NAN, 99.5], 1),
        (vec![99.5], 1),
        (vec![100.0], -1),
    ] {
        assert_eq!(found(&prices, &[])[0].direction, direction, "{prices:?}");
    }
    assert!(found(&[90.0, 100.0], &[])[0].is_standard(), "a high from below");
}

#[test]
fn a_visit_after_an_exit_moves_the_end() {
    let mut prices = vec![110.0, 100.0];
    prices.extend([105.0; 6]);
    // Out for six bars, beyond the first end: over.
    assert_eq!(found(&prices, &[])[0].rows[2], 5);
    let wide = EpisodeOptions {
        forward: 7,
        cooldown: 100,
        ..OPTIONS
    };
    prices.extend([100.5, 110.0, 110.0, 110.0, 110.0, 110.0, 110.0, 110.0]);
    let bars = day(&at(&prices), &[]);
    let extended = &episodes(&bars, &[LEVEL], POINT, &wide)[0];
    assert_eq!((extended.rows[2], extended.extensions), (13, 1));
    // A bar without a price is neither in nor out.
    let mut gap = at(&prices);
    gap[4] = None;
    let unbroken = &episodes(&day(&gap, &[]), &[LEVEL], POINT, &wide)[0];
    assert_eq!((unbroken.rows[2], unbroken.extensions), (8, 0));
}

#[test]
fn outcomes_go_by_both_drifts_and_a_missing_second_is_not_strong() {
    let outcome = |drift| {
        Episode {
            drift,
            ..found(&[90.0, 100.0], &[])[0].clone()
        }
        .outcome()
    };
    for (drift, expect) in [
        ([None, Some(3.0)], None),
        ([Some(1.5), Some(2.5)], Some("STRONG_BREAK")),
        ([Some(1.5), Some(2.0)], Some("WEAK_BREAK")),
        ([Some(1.5), None], Some("WEAK_BREAK")),
        ([Some(-1.5), Some(-2.5)], Some("STRONG_BOUNCE")),
        ([Some(-1.5), Some(9.0)], Some("WEAK_BOUNCE")),
        ([Some(1.0), Some(9.0)], Some("CHOP")),
    ] {
        assert_eq!(outcome(drift), expect, "{drift:?}");
    }
}

#[test]
fn drifts_are_weighted_by_volume_where_there_is_any() {
    let prices = [90.0, 100.0, 104.0, 110.0];
    assert_eq!(found(&prices, &[])[0].drift, [Some(7.0), None]);
    assert_eq!(found(&prices, &[2])[0].drift, [Some(10.0), None]);
    assert_eq!(found(&prices, &[2, 3])[0].drift, [Some(7.0), None]);
}
