//! The rules of bars, a test each, and the laws that hold for any day of records.

use proptest::prelude::*;

use super::*;
use crate::features::record::{F_SNAPSHOT, LEVELS, Side, UNDEF_PRICE, UNDEF_SIZE};
use crate::features::testing::{POINT, days, event, record, trade, with_level};

const S: u64 = 1_000_000_000;

fn options() -> DayOptions {
    DayOptions {
        symbol: "S".into(),
        point: POINT,
        tick: POINT / 4,
        windows: None,
    }
}

fn day(records: &[Record]) -> Day {
    let mut kernel = BarKernel::new(&options());
    kernel.push_all(records);
    kernel.finish()
}

#[track_caller]
fn floats(records: &[Record], name: &str, expect: &[Option<f64>]) {
    assert_eq!(day(records).bars.f64s(name), expect, "{name}");
}

#[track_caller]
fn counts(records: &[Record], name: &str, expect: &[i64]) {
    let expect: Vec<_> = expect.iter().copied().map(Some).collect();
    assert_eq!(day(records).bars.i64s(name), expect, "{name}");
}

/// A record whose best bid has this size.
fn bid(time: u64, size: u32) -> Record {
    let mut it = record(time);
    it.bids.size[0] = size;
    it
}

#[test]
fn a_day_without_events_has_no_rows() {
    assert_eq!(day(&[]).bars.rows(), 0);
    let snapshot = Record {
        flags: F_SNAPSHOT,
        ..record(3 * S)
    };
    let day = day(&[snapshot]);
    assert_eq!((day.bars.rows(), day.quality.records, day.quality.snapshot), (0, 1, 1));
}

#[test]
fn rows_run_without_holes_from_the_first_event_to_the_last() {
    let snapshot = |time| Record {
        flags: F_SNAPSHOT,
        ..record(time)
    };
    let records = [snapshot(S), record(12 * S), record(27 * S), snapshot(44 * S)];
    counts(&records, "bar_ts", &[10, 15, 20, 25].map(|s| s * 1_000_000_000));
    counts(&records, "bar5s_meta_msg_cnt_sum", &[1, 0, 0, 1]);
    let filled = day(&records).bars.column("bar5s_meta_is_filled").cloned();
    assert_eq!(
        filled,
        Some(Column::Bool([false, true, true, false].map(Some).to_vec()))
    );
}

#[test]
fn a_book_carried_over_counts_from_the_bar_s_start_and_the_last_to_its_end() {
    // The best bid has 30 for two seconds of the first bar, then 10; 10 for one second of the second, then 40.
    let records = [bid(S, 30), bid(3 * S, 10), bid(6 * S, 40)];
    let obi = |size: f64| (size - 10.0) / (size + 10.0);
    let first = (obi(30.0) * 2e9 + obi(10.0) * 2e9) / 4e9;
    let second = (obi(10.0) * 1e9 + obi(40.0) * 4e9) / 5e9;
    floats(&records, "bar5s_state_obi0_twa", &[Some(first), Some(second)]);
    floats(&records, "bar5s_state_obi0_eob", &[Some(0.0), Some(obi(40.0))]);
}

#[test]
fn a_book_that_did_not_stand_weighs_nothing() {
    let records = [bid(S, 10), bid(2 * S, 9_999), bid(2 * S, 10)];
    floats(&records, "bar5s_depth_bid10_qty_twa", &[Some(20.0)]);
}

#[test]
fn an_average_of_prices_is_over_the_priced_time_only() {
    let mut crossed = record(3 * S);
    crossed.bids.price[0] = 101 * POINT + 1;
    let records = [record(0), crossed];
    floats(&records, "bar5s_microprice_twa", &[Some(100.0)]);
    floats(&records, "bar5s_state_priced_frac_twa", &[Some(0.6)]);
    floats(&records, "bar5s_microprice_eob", &[None]);
    floats(&records, "bar5s_state_obi10_twa", &[Some(0.0)]);
    assert_eq!(day(&records).quality.unpriced_bars, 1);
}

#[test]
fn a_snapshot_sets_the_book_and_is_in_no_count() {
    let mut snapshot = trade(2, 100 * POINT, 5, b'B');
    snapshot.flags |= F_SNAPSHOT;
    snapshot.bids.size[0] = 77;
    let records = [record(1), snapshot];
    counts(&records, "bar5s_meta_msg_cnt_sum", &[1]);
    counts(&records, "bar5s_trade_vol_sum", &[0]);
    counts(&records, "bar5s_shape_bid_sz_l00_eob", &[77]);
}

#[test]
fn flow_is_the_change_of_the_size_at_the_event_s_price() {
    // 99 to 15 while the reference is 100; then 98 to 4 while it is 100.2, more than two points away.
    let mut second = event(3, b'C', b'B', 1, 4);
    second.bids.size[0] = 15;
    let records = [record(1), event(2, b'A', b'B', 0, 15), second];
    counts(&records, "bar5s_flow_add_vol_bid_p0_1_sum", &[5]);
    counts(&records, "bar5s_flow_rem_vol_bid_p2_3_sum", &[6]);
    counts(&records, "bar5s_flow_cnt_cancel_bid_p2_3_sum", &[1]);
    counts(&records, "bar5s_flow_net_vol_bid_p2_3_sum", &[-6]);
    assert_eq!(day(&records).quality.flow, 2);
}

#[test]
fn the_reference_is_the_latest_committed_book_and_not_a_half_applied_one() {
    // Within one event the book moves up by eight points; the last-of-event flag comes with the second record.
    let moved = |mut it: Record, flags| {
        it.bids.price[0] += 8 * POINT;
        it.asks.price = it
            .asks
            .price
            .map(|price| if price == UNDEF_PRICE { price } else { price + 8 * POINT });
        it.flags = flags;
        it
    };
    let half = moved(record(2), 0);
    let rest = Record {
        action: b'A',
        side: b'B',
        price: 99 * POINT,
        ..moved(record(2), F_LAST)
    };
    let after = Record {
        action: b'A',
        side: b'B',
        price: 99 * POINT,
        ..moved(record(3), F_LAST)
    };
    counts(&[record(1), half, rest], "bar5s_flow_cnt_add_bid_p0_1_sum", &[1]);
    counts(
        &[record(1), half, rest, after],
        "bar5s_flow_cnt_add_bid_p5_10_sum",
        &[1],
    );
    // A later time commits without the flag.
    let later = Record { ts_event: 3, ..rest };
    counts(&[record(1), half, later], "bar5s_flow_cnt_add_bid_p5_10_sum", &[1]);
    assert_eq!(day(&[record(1), half, later]).quality.commit_no_last, 1);
}

#[test]
fn an_event_without_side_price_or_reference_is_no_flow_tested_in_this_order() {
    let first = event(1, b'A', b'B', 0, 10);
    let check = |it: Record, read: fn(&Quality) -> i64| {
        let quality = day(&[it]).quality;
        assert_eq!((read(&quality), quality.flow), (1, 0), "{it:?}");
    };
    check(
        Record {
            side: b'N',
            price: UNDEF_PRICE,
            ..first
        },
        |it| it.side_none_event,
    );
    check(
        Record {
            price: UNDEF_PRICE,
            ..first
        },
        |it| it.undef_price_event,
    );
    check(first, |it| it.flow_noref);
    let far = Record {
        price: 80 * POINT,
        ..event(2, b'A', b'B', 0, 10)
    };
    assert_eq!(day(&[record(1), far]).quality.flow_out_of_band, 1);
    let crossed = Record {
        bids: record(0).asks,
        asks: record(0).bids,
        ..record(1)
    };
    assert_eq!(day(&[crossed, event(2, b'A', b'B', 0, 10)]).quality.flow_noref, 1);
}

#[test]
fn trades_count_by_aggressor_and_an_absent_size_is_zero() {
    let records = [
        trade(1, 100 * POINT, 5, b'B'),
        trade(2, 103 * POINT, 3, b'A'),
        trade(3, UNDEF_PRICE, 2, b'N'),
        trade(4, 101 * POINT + 1, UNDEF_SIZE, b'B'),
    ];
    for (name, expect) in [
        ("cnt", 4),
        ("vol", 10),
        ("aggbuy_vol", 5),
        ("aggsell_vol", 3),
        ("none_vol", 2),
    ] {
        counts(&records, &format!("bar5s_trade_{name}_sum"), &[expect]);
    }
    counts(&records, "bar5s_trade_signed_vol_sum", &[2]);
    for (name, expect) in [("high", 103.0), ("low", 100.0), ("last", 101.000_000_001)] {
        floats(&records, &format!("bar5s_trade_px_{name}"), &[Some(expect)]);
    }
    let quality = day(&records).quality;
    assert_eq!(
        (quality.undef_size, quality.undef_price_trade, quality.offgrid_trade),
        (1, 1, 1)
    );
}

#[test]
fn a_ladder_s_gaps_are_between_neighbours_that_are_both_there() {
    let mut it = record(1);
    with_level(&mut it.bids, 3, 90 * POINT, 1);
    with_level(&mut it.bids, 4, 87 * POINT, 1);
    it.asks = Side::EMPTY;
    floats(&[it], "bar5s_ladder_bid_gap_max_pts_eob", &[Some(3.0)]);
    floats(&[it], "bar5s_ladder_bid_gap_mean_pts_eob", &[Some(2.0)]);
    floats(&[it], "bar5s_ladder_ask_gap_max_pts_eob", &[None]);
}

#[test]
fn net_flow_is_measured_by_a_depth_of_one_at_least() {
    // The level is there for a nanosecond of the bar: its average depth is next to nothing.
    let gone = [record(0), event(1, b'C', b'A', 1, 0)];
    floats(&gone, "bar5s_flow_net_volnorm_ask_p1_2_sum", &[Some(-10.0)]);
    let stays = [record(0), event(1, b'C', b'A', 1, 5)];
    let depth = day(&stays).bars.f64s("bar5s_depth_above_p1_2_qty_twa")[0].unwrap();
    assert!(depth > 5.0);
    floats(&stays, "bar5s_flow_net_volnorm_ask_p1_2_sum", &[Some(-5.0 / depth)]);
}

/// Rows of the bars that end by `time`.
fn ended(bars: &Table, time: i64) -> Vec<usize> {
    let starts = bars.i64s("bar_ts").iter().enumerate();
    starts
        .filter(|(_, start)| start.is_some_and(|it| it + 5_000_000_000 <= time))
        .map(|(row, _)| row)
        .collect()
}

/// The same table with floats as bits, so that equal means to the bit.
fn bits(table: &Table) -> Vec<String> {
    let show = |column: &Column| match column {
        Column::F64(values) => format!("{:?}", values.iter().map(|x| x.map(f64::to_bits)).collect::<Vec<_>>()),
        other => format!("{other:?}"),
    };
    table
        .columns()
        .iter()
        .map(|(name, column)| format!("{name} {}", show(column)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn how_records_are_grouped_decides_nothing(records in days(), size in 1..20_usize) {
        let mut kernel = BarKernel::new(&options());
        for chunk in records.chunks(size) {
            kernel.push_all(chunk);
        }
        let (got, expect) = (kernel.finish(), day(&records));
        prop_assert_eq!(bits(&got.bars), bits(&expect.bars));
        prop_assert_eq!(got.quality, expect.quality);
    }

    #[test]
    fn cutting_the_day_changes_no_bar_that_has_ended(records in days(), cut in 0..60_usize) {
        let cut = cut.min(records.len());
        let (whole, part) = (day(&records).bars, day(&records[..cut]).bars);
        if let Some(time) = records.get(cut).and_then(Record::time) {
            let rows = ended(&part, time);
            prop_assert_eq!(bits(&part.take(&rows)), bits(&whole.take(&rows)));
        }
    }

    #[test]
    fn counters_add_up(records in days()) {
        let day = day(&records);
        let total = |name: &str| day.bars.i64s(name).iter().flatten().sum::<i64>();
        let meta = |name: &str| total(&format!("bar5s_meta_{name}_cnt_sum"));
        let q = &day.quality;
        let by_action = [q.add, q.cancel, q.modify, q.trade, q.fill, q.clear, q.other];
        let names = ["add", "cancel", "modify", "trade", "fill", "clear", "other"];
        prop_assert_eq!(names.map(meta), by_action);
        prop_assert_eq!(meta("msg"), by_action.iter().sum::<i64>());
        prop_assert_eq!(q.records, meta("msg") + q.snapshot);
        let not_flow = q.flow_noref + q.flow_out_of_band + q.side_none_event + q.undef_price_event;
        prop_assert_eq!(q.add + q.cancel + q.modify, q.flow + not_flow);
        let trade = |name: &str| total(&format!("bar5s_trade_{name}_vol_sum"));
        prop_assert_eq!(total("bar5s_trade_vol_sum"), trade("aggbuy") + trade("aggsell") + trade("none"));
        let sizes = records.iter().filter(|it| it.action == b'T' && !it.is_snapshot() && it.size != UNDEF_SIZE);
        prop_assert_eq!(total("bar5s_trade_vol_sum"), sizes.map(|it| i64::from(it.size)).sum::<i64>());
    }

    #[test]
    fn a_filled_bar_repeats_the_one_before(records in days()) {
        let bars = day(&records).bars;
        let Some(Column::Bool(filled)) = bars.column("bar5s_meta_is_filled") else { panic!("a column of bars") };
        let filled: Vec<usize> = (0..bars.rows()).filter(|row| filled[*row] == Some(true)).collect();
        let before: Vec<usize> = filled.iter().map(|row| row - 1).collect();
        let (filled, before) = (bars.take(&filled), bars.take(&before));
        for (name, column) in filled.columns().iter().filter(|(name, _)| name.ends_with("_sum")) {
            let zero = match column {
                Column::I64(values) => values.iter().all(|value| *value == Some(0)),
                Column::F64(values) => values.iter().all(|value| *value == Some(0.0)),
                _ => false,
            };
            prop_assert!(zero, "{}", name);
        }
        for (name, column) in filled.columns().iter().filter(|(name, _)| name.ends_with("_eob")) {
            prop_assert_eq!(Some(column), before.column(name));
            if let Some(Column::F64(average)) = filled.column(&name.replace("_eob", "_twa")) {
                let end: Vec<Option<f64>> = match column {
                    Column::F64(values) => values.clone(),
                    Column::I64(values) => values.iter().map(|value| value.map(|it| it as f64)).collect(),
                    _ => panic!("features are numbers"),
                };
                prop_assert_eq!(average, &end);
            }
        }
    }

    #[test]
    fn a_power_of_two_on_prices_and_point_changes_no_feature_in_points(records in days()) {
        let scaled = |records: &[Record]| {
            let scale = |price: i64| if price == UNDEF_PRICE { price } else { price * 4 };
            records.iter().map(|it| {
                let mut it = *it;
                it.price = scale(it.price);
                for at in 0..LEVELS {
                    it.bids.price[at] = scale(it.bids.price[at]);
                    it.asks.price[at] = scale(it.asks.price[at]);
                }
                it
            }).collect::<Vec<_>>()
        };
        let wide = DayOptions { point: POINT * 4, tick: POINT, ..options() };
        let mut kernel = BarKernel::new(&wide);
        kernel.push_all(&scaled(&records));
        let (got, expect) = (kernel.finish().bars, day(&records).bars);
        let in_prices = |name: &str| name.contains("price") || name.contains("_px_");
        for (name, column) in expect.columns().iter().filter(|(name, _)| !in_prices(name)) {
            prop_assert_eq!(got.column(name), Some(column), "{}", name);
        }
    }
}
