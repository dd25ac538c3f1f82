//! The columns of `bars`: five seconds of a book each.

use super::Kind::{Bool, F64, I64, Utf8};
use super::Pattern;

const STATE: &str = "bar5s_state_{spread_pts,obi0,obi10,cdi_{$B}}_{twa,eob}";
const FLOW: &str = "bar5s_flow_{add_vol,rem_vol,net_vol,cnt_add,cnt_cancel,cnt_modify}_{bid,ask}_{$B}_sum";

const fn pattern(
    family: &'static str,
    names: &'static str,
    kinds: &'static [super::Kind],
    unit: &'static str,
    formula: &'static str,
) -> Pattern {
    Pattern {
        names,
        kinds,
        unit,
        family,
        formula,
    }
}

pub(super) const PATTERNS: &[Pattern] = &[
    pattern(
        "key",
        "bar_ts",
        &[I64],
        "ns UTC",
        "Start of the bar: floor(time / 5 s).",
    ),
    pattern("key", "symbol", &[Utf8], "text", "Symbol."),
    pattern(
        "price",
        "bar5s_{micro,mid}price_eob",
        &[F64],
        "quote currency",
        "Best prices at the bar's end: weighted by the opposite sizes, and their mean; null unless priced.",
    ),
    pattern(
        "meta",
        "bar5s_meta_{msg,clear,add,cancel,modify,trade}_cnt_sum",
        &[I64],
        "records",
        "Records of the bar, snapshots left out: all, and by action.",
    ),
    pattern(
        "state",
        STATE,
        &[F64],
        "points; imbalances -1 to 1",
        "Spread; (bid - ask) / (bid + ask) of the best sizes, of ten levels, of each band: time-weighted and at the end.",
    ),
    pattern(
        "depth",
        "bar5s_depth_{{bid10,ask10,below_{$B},above_{$B}}_qty}_{twa,eob}",
        &[F64, I64],
        "shares or contracts",
        "Sizes of ten levels; bid sizes below and ask sizes above the microprice by band: time-weighted and at the end.",
    ),
    pattern(
        "depth",
        "bar5s_depth_{below,above}_{$B}_frac_{twa,eob}",
        &[F64],
        "fraction",
        "The band's size over its side's ten levels: time-weighted and at the end.",
    ),
    pattern(
        "ladder",
        "bar5s_ladder_{ask,bid}_gap_{max,mean}_pts_eob",
        &[F64],
        "points",
        "Largest and mean distance of neighbouring valid levels; null without a pair.",
    ),
    pattern(
        "shape",
        "bar5s_shape_{bid,ask}_px_l{$L}_eob",
        &[F64],
        "quote currency",
        "Price of the level; null when absent.",
    ),
    pattern(
        "shape",
        "bar5s_shape_{bid,ask}_sz_l{$L}_eob",
        &[I64],
        "shares or contracts",
        "Size of the level, 0 when absent.",
    ),
    pattern(
        "shape",
        "bar5s_shape_{bid,ask}_ct_l{$L}_eob",
        &[I64],
        "orders",
        "Orders at the level, 0 when absent.",
    ),
    pattern(
        "shape",
        "bar5s_shape_{bid,ask}_sz_frac_l{$L}_eob",
        &[F64],
        "fraction",
        "Size of the level over ten levels, 0 when those are empty.",
    ),
    pattern(
        "shape",
        "bar5s_shape_{bid,ask}_ct_frac_l{$L}_eob",
        &[F64],
        "fraction",
        "Orders at the level over ten levels, 0 when those are empty.",
    ),
    pattern(
        "flow",
        FLOW,
        &[I64],
        "shares or contracts; records",
        "Σ by side and band of the change of size at the event's price: up, down, net; and of events by action.",
    ),
    pattern(
        "flow",
        "bar5s_flow_net_volnorm_{bid,ask}_{$B}_sum",
        &[F64],
        "ratio",
        "Net flow over the band's time-weighted depth, that at least 1.",
    ),
    pattern("trade", "bar5s_trade_cnt_sum", &[I64], "trades", "Trades of the bar."),
    pattern(
        "trade",
        "bar5s_trade_{vol,aggbuy_vol,aggsell_vol,signed_vol}_sum",
        &[I64],
        "shares or contracts",
        "Σ sizes of trades: all, bought, sold by the aggressor, bought - sold.",
    ),
    pattern(
        "wall",
        "bar5s_wall_{bid,ask}_maxz_eob",
        &[F64],
        "z-score",
        "z of ln(1 + size) among the side's levels, of the first largest level.",
    ),
    pattern(
        "wall",
        "bar5s_wall_{bid,ask}_maxz_levelidx_eob",
        &[I64],
        "level, 0 best",
        "Index of the first largest level.",
    ),
    pattern(
        "wall",
        "bar5s_wall_{bid,ask}_nearest_strong_dist_pts_eob",
        &[F64],
        "points",
        "Distance of the first level with z >= 2 from the microprice; null without one or unless priced.",
    ),
    pattern(
        "wall",
        "bar5s_wall_{bid,ask}_nearest_strong_levelidx_eob",
        &[I64],
        "level, 0 best",
        "Index of the first level with z >= 2; null without one.",
    ),
    pattern(
        "meta",
        "bar5s_meta_{fill,other,side_none}_cnt_sum",
        &[I64],
        "records",
        "Fills; records of an unknown action; adds, cancels and modifies without a side.",
    ),
    pattern(
        "trade",
        "bar5s_trade_none_vol_sum",
        &[I64],
        "shares or contracts",
        "Σ sizes of trades without an aggressor.",
    ),
    pattern(
        "trade",
        "bar5s_trade_px_{high,low,last}",
        &[F64],
        "quote currency",
        "Highest, lowest and last trade price; null without one.",
    ),
    pattern(
        "price",
        "bar5s_microprice_twa",
        &[F64],
        "quote currency",
        "Microprice, time-weighted over the priced part of the bar.",
    ),
    pattern(
        "state",
        "bar5s_state_priced_frac_twa",
        &[F64],
        "fraction",
        "Part of the bar with a priced book.",
    ),
    pattern(
        "meta",
        "bar5s_meta_is_filled",
        &[Bool],
        "truth",
        "No record fell into the bar.",
    ),
];
