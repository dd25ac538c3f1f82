//! Where the price stands to the level, how fast features change, and what has accumulated since the first row.

use super::frame::Frame;
use crate::features::episodes::count;
use crate::features::levels::LEVEL_TYPES;
use crate::features::numbers::EPSILON;
use crate::features::rows::TableBuilder;
use crate::table::Column;

/// Lags of the derivatives, bars.
const LAGS: [usize; 4] = [3, 12, 36, 72];
const NEAR: [&str; 3] = ["p0_1", "p1_2", "p2_3"];

/// What later families need of this one.
pub(super) struct Motion {
    /// 1 above the level, else -1.
    pub(super) side: Vec<Option<i8>>,
    /// Change of the distance over three bars, a bar.
    pub(super) velocity: Vec<Option<f64>>,
    /// Net flow of the near bands, bid and ask.
    pub(super) net: [Vec<i64>; 2],
    /// Bid less ask of `net`, accumulated.
    pub(super) flow_imbalance: Vec<i64>,
}

impl Motion {
    pub(super) fn new(frame: &Frame<'_>) -> Self {
        let micro = frame.f64s("bar5s_microprice_eob");
        let side = |x: f64| if x - frame.level > EPSILON { 1 } else { -1 };
        let net = ["bid", "ask"].map(|side| {
            let bands = NEAR.map(|band| frame.i64s(&format!("bar5s_flow_net_vol_{side}_{band}_sum")));
            (0..frame.len)
                .map(|row| bands.iter().map(|band| band[row]).sum())
                .collect::<Vec<i64>>()
        });
        let imbalance: Vec<i64> = net[0].iter().zip(&net[1]).map(|(bid, ask)| bid - ask).collect();
        Self {
            side: micro.iter().map(|x| x.map(side)).collect(),
            velocity: derivative(&frame.distance, 3),
            flow_imbalance: running(&imbalance),
            net,
        }
    }

    pub(super) fn write(&self, frame: &Frame<'_>, rows: &mut TableBuilder) {
        self.write_position(frame, rows);
        write_derivatives(frame, rows);
        self.write_cumulated(frame, rows);
    }

    fn write_position(&self, frame: &Frame<'_>, rows: &mut TableBuilder) {
        let average = frame.f64s("bar5s_microprice_twa").iter();
        rows.extend(Column::F64(frame.distance.clone()));
        rows.extend(Column::F64(
            average.map(|x| x.map(|x| (x - frame.level) / frame.pt)).collect(),
        ));
        rows.extend(Column::F64(frame.distance.iter().map(|x| x.map(f64::abs)).collect()));
        rows.extend(Column::I8(self.side.clone()));
        for index in 0..LEVEL_TYPES.len() {
            rows.extend(Column::I8(vec![
                Some(i8::from(index == frame.episode.level.index));
                frame.len
            ]));
        }
        let polarity = frame.polarity();
        rows.extend(Column::I8(vec![Some(polarity); frame.len]));
        rows.extend(Column::I8(
            self.side.iter().map(|side| side.map(|side| -side * polarity)).collect(),
        ));
    }

    fn write_cumulated(&self, frame: &Frame<'_>, rows: &mut TableBuilder) {
        let column = |values: &[i64]| Column::I64(values.iter().copied().map(Some).collect());
        let rate = |values: &[i64]| {
            let rates = values.iter().enumerate();
            Column::F64(
                rates
                    .map(|(row, value)| Some(*value as f64 / count(row + 1) as f64))
                    .collect(),
            )
        };
        let of = |name: &str| running(&frame.i64s(name));
        let signed = of("bar5s_trade_signed_vol_sum");
        rows.extend(column(&of("bar5s_trade_vol_sum")));
        rows.extend(column(&signed));
        rows.extend(column(&of("bar5s_trade_aggbuy_vol_sum")));
        rows.extend(column(&of("bar5s_trade_aggsell_vol_sum")));
        rows.extend(rate(&signed));
        rows.extend(column(&running(&self.net[0])));
        rows.extend(column(&running(&self.net[1])));
        rows.extend(column(&self.flow_imbalance));
        rows.extend(rate(&self.flow_imbalance));
        for side in ["bid", "ask"] {
            for band in NEAR {
                rows.extend(column(&of(&format!("bar5s_flow_net_vol_{side}_{band}_sum"))));
            }
        }
        for action in ["msg", "trade", "add", "cancel"] {
            rows.extend(column(&of(&format!("bar5s_meta_{action}_cnt_sum"))));
        }
    }
}

/// The change over `lag` rows, a row; null where either end is.
pub(super) fn derivative(values: &[Option<f64>], lag: usize) -> Vec<Option<f64>> {
    let change = |row: usize| Some((values[row]? - values[row.checked_sub(lag)?]?) / lag as f64);
    (0..values.len()).map(change).collect()
}

fn running(values: &[i64]) -> Vec<i64> {
    let mut sum = 0;
    let add = |value: &i64| {
        sum += value;
        sum
    };
    values.iter().map(add).collect()
}

fn write_derivatives(frame: &Frame<'_>, rows: &mut TableBuilder) {
    let f64s = |name: &str| frame.f64s(name).to_vec();
    let series = [
        frame.distance.clone(),
        f64s("bar5s_state_obi0_eob"),
        f64s("bar5s_state_obi10_eob"),
        f64s("bar5s_state_cdi_p0_1_eob"),
        f64s("bar5s_state_cdi_p1_2_eob"),
        frame.as_f64s("bar5s_depth_bid10_qty_eob"),
        frame.as_f64s("bar5s_depth_ask10_qty_eob"),
        frame.as_f64s("bar5s_depth_below_p0_1_qty_eob"),
        frame.as_f64s("bar5s_depth_above_p0_1_qty_eob"),
        f64s("bar5s_wall_bid_maxz_eob"),
        f64s("bar5s_wall_ask_maxz_eob"),
    ];
    for values in &series {
        let first = LAGS.map(|lag| derivative(values, lag));
        let second = [0, 1, 2, 3].map(|at| derivative(&first[at], LAGS[at]));
        first
            .into_iter()
            .chain(second)
            .for_each(|values| rows.extend(Column::F64(values)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derivative_is_null_before_its_lag_and_at_nulls() {
        let values = [Some(1.0), None, Some(5.0), Some(7.0), Some(9.0)];
        assert_eq!(derivative(&values, 2), [None, None, Some(2.0), None, Some(2.0)]);
        assert_eq!(running(&[1, -3, 5]), [1, -2, 3]);
    }
}
