//! The columns of `vectors` before the vector's own, and the names of the vector's dimensions.

use std::sync::LazyLock;

use super::Kind::{Date, F64, I8, I64, Utf8};
use super::{APPROACH, ColumnSpec, Pattern, expand, specs};

/// Dimensions of a setup vector.
pub const VECTOR_DIMENSIONS: usize = 146;
/// The widest a vector may be padded to.
pub const VECTOR_WIDTH_MAX: usize = 4096;

/// The columns of `vectors`, the vector's own up to the widest.
pub static VECTORS: LazyLock<Vec<ColumnSpec>> = LazyLock::new(|| {
    let dimension = |at: usize| ColumnSpec {
        name: format!("v_{at}"),
        kind: F64,
        unit: "unit of the dimension",
        family: "vector",
        formula: "The dimension of this number; null is 0, a missing level index -1.",
    };
    let mut columns = specs(PATTERNS);
    columns.extend((0..VECTOR_WIDTH_MAX).map(dimension));
    columns
});

/// What each dimension is, in order.
pub static VECTOR_NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let setup = APPROACH
        .iter()
        .map(|column| column.name.clone())
        .filter(|name| name.starts_with("bar5s_setup_"));
    let mut names = expand::names(AT_TRIGGER);
    names.extend(setup.take(SETUP_DIMENSIONS));
    names.extend(expand::names(BEFORE));
    names
});

/// Columns before the vector's own.
pub(crate) const VECTOR_KEYS: usize = 13;
/// Columns of the setup that are dimensions.
const SETUP_DIMENSIONS: usize = 30;

/// Columns of the trigger row.
const AT_TRIGGER: &str = "\
    bar5s_approach_{dist_to_level_pts_eob,side_of_level_eob,alignment_eob,level_polarity} is_standard_approach \
    bar5s_state_{obi0,obi10,spread_pts,cdi_{$N}}_eob bar5s_lvl_depth_imbal_eob bar5s_lvl_cdi_{p0_1,p1_2}_eob \
    bar5s_depth_{bid10,ask10}_qty_eob bar5s_lvl_depth_{above,below}_qty_eob bar5s_wall_{bid,ask}_maxz_eob \
    bar5s_wall_{bid,ask}_maxz_levelidx_eob bar5s_wall_{bid,ask}_nearest_strong_dist_pts_eob \
    bar5s_wall_{bid,ask}_nearest_strong_levelidx_eob bar5s_cumul_signed_trade_vol \
    bar5s_cumul_flow_{imbal,net_bid,net_ask} bar5s_lvl_flow_{toward_net,away_net,toward_away_imbal}_sum \
    bar5s_trade_{signed_vol,aggbuy_vol,aggsell_vol}_sum \
    bar5s_deriv_dist_{d1,d2}_w{3,12,36,72} bar5s_deriv_{obi0,obi10,cdi01,cdi12}_d1_w{12,36} \
    bar5s_deriv_{obi0,obi10,cdi01,cdi12}_d2_w{12,36} \
    bar5s_deriv_{dbid10,dask10,dbelow01,dabove01,wbidz,waskz}_d1_w{12,36} bar5s_deriv_{wbidz,waskz}_d2_w{12,36}";

/// Numbers of the rows before the trigger, of all and of the last 12.
const BEFORE: &str = "\
    pre_vel_std pre_{obi0,obi10,cdi01,lvl_imbal}_{mean,std} pre_lvl_imbal_delta pre_spread_mean \
    pre_{toward,away}_sum pre_toward_away_ratio pre_trade_vol_{early,mid,late,trend} pre_signed_vol_{early,mid,late} \
    pre_{bid,ask}_wall_z_mean pre_{bid,ask}_wall_dist_min pre_{bid,ask}_wall_built pre_bid_wall_pulled \
    mom_{dist,obi0,obi10,cdi01}_delta mom_trade_vol mom_signed_vol mom_toward mom_away mom_aggbuy mom_aggsell \
    mom_{bid10,ask10}_delta";

const PATTERNS: &[Pattern] = &[
    Pattern {
        names: "vector_id",
        kinds: &[I64],
        unit: "row",
        family: "key",
        formula: "Number of the episode in its symbol x date.",
    },
    Pattern {
        names: "episode_id",
        kinds: &[Utf8],
        unit: "text",
        family: "key",
        formula: "The episode's name.",
    },
    Pattern {
        names: "date",
        kinds: &[Date],
        unit: "date",
        family: "key",
        formula: "Trading day.",
    },
    Pattern {
        names: "symbol level_type",
        kinds: &[Utf8],
        unit: "text",
        family: "key",
        formula: "Symbol; PM_HIGH, PM_LOW, OR_HIGH or OR_LOW.",
    },
    Pattern {
        names: "level_price",
        kinds: &[F64],
        unit: "quote currency",
        family: "key",
        formula: "The level's price.",
    },
    Pattern {
        names: "trigger_bar_ts",
        kinds: &[I64],
        unit: "ns UTC",
        family: "key",
        formula: "The bar that touches the level.",
    },
    Pattern {
        names: "approach_direction",
        kinds: &[I8],
        unit: "sign",
        family: "key",
        formula: "1 when the level is reached from below, else -1.",
    },
    Pattern {
        names: "outcome",
        kinds: &[Utf8],
        unit: "text",
        family: "label",
        formula: "What came of the touch; looks forward.",
    },
    Pattern {
        names: "outcome_score",
        kinds: &[F64],
        unit: "points",
        family: "label",
        formula: "How far; looks forward.",
    },
    Pattern {
        names: "velocity_at_trigger obi0_at_trigger",
        kinds: &[F64],
        unit: "points a bar; -1 to 1",
        family: "trigger",
        formula: "deriv_dist_d1_w12 and state_obi0_eob of the trigger row.",
    },
    Pattern {
        names: "wall_imbal_at_trigger",
        kinds: &[I64],
        unit: "bars",
        family: "trigger",
        formula: "setup_wall_imbal of the trigger row.",
    },
];
