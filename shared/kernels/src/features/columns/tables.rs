//! The columns of the small tables of a day: `levels`, `episodes`, `profiles` and `quality`.

use std::sync::LazyLock;

use super::Kind::{Bool, Date, F64, I8, I64, Utf8};
use super::{ColumnSpec, Pattern, specs};

/// The columns of `levels`.
pub static LEVELS: LazyLock<Vec<ColumnSpec>> = LazyLock::new(|| specs(LEVEL_PATTERNS));
/// The columns of `episodes`.
pub static EPISODES: LazyLock<Vec<ColumnSpec>> = LazyLock::new(|| specs(EPISODE_PATTERNS));
/// The columns of `profiles`.
pub static PROFILES: LazyLock<Vec<ColumnSpec>> = LazyLock::new(|| specs(PROFILE_PATTERNS));
/// The columns of `quality`.
pub static QUALITY: LazyLock<Vec<ColumnSpec>> = LazyLock::new(|| specs(QUALITY_PATTERNS));

const LEVEL_PATTERNS: &[Pattern] = &[
    Pattern {
        names: "symbol",
        kinds: &[Utf8],
        unit: "text",
        family: "key",
        formula: "Symbol.",
    },
    Pattern {
        names: "date",
        kinds: &[Date],
        unit: "date",
        family: "key",
        formula: "Trading day.",
    },
    Pattern {
        names: "level_type",
        kinds: &[Utf8],
        unit: "text",
        family: "level",
        formula: "PM_HIGH, PM_LOW, OR_HIGH or OR_LOW: extreme of the pre-market or of the opening range.",
    },
    Pattern {
        names: "level_polarity",
        kinds: &[I8],
        unit: "sign",
        family: "level",
        formula: "1 for a high, -1 for a low.",
    },
    Pattern {
        names: "window_start window_end valid_from valid_to",
        kinds: &[I64],
        unit: "ns UTC",
        family: "level",
        formula: "The window of trades, and from the later of its end and the session's start to the session's end.",
    },
    Pattern {
        names: "trade_cnt",
        kinds: &[I64],
        unit: "trades",
        family: "level",
        formula: "Priced trades in the window.",
    },
    Pattern {
        names: "level_price",
        kinds: &[F64],
        unit: "quote currency",
        family: "level",
        formula: "The window's extreme trade price on the nearest tick, halves up; null without a trade.",
    },
    Pattern {
        names: "extreme_ts",
        kinds: &[I64],
        unit: "ns UTC",
        family: "level",
        formula: "First trade at the extreme.",
    },
];

const EPISODE_PATTERNS: &[Pattern] = &[
    Pattern {
        names: "symbol",
        kinds: &[Utf8],
        unit: "text",
        family: "key",
        formula: "Symbol.",
    },
    Pattern {
        names: "date",
        kinds: &[Date],
        unit: "date",
        family: "key",
        formula: "Trading day.",
    },
    Pattern {
        names: "episode_id",
        kinds: &[Utf8],
        unit: "text",
        family: "key",
        formula: "{date}_{symbol}_{level}_{trigger bar_ts}.",
    },
    Pattern {
        names: "level_type",
        kinds: &[Utf8],
        unit: "text",
        family: "level",
        formula: "PM_HIGH, PM_LOW, OR_HIGH or OR_LOW.",
    },
    Pattern {
        names: "level_polarity",
        kinds: &[I8],
        unit: "sign",
        family: "level",
        formula: "1 for a high, -1 for a low.",
    },
    Pattern {
        names: "level_price",
        kinds: &[F64],
        unit: "quote currency",
        family: "level",
        formula: "The level's price.",
    },
    Pattern {
        names: "trigger_bar_ts first_bar_ts last_bar_ts",
        kinds: &[I64],
        unit: "ns UTC",
        family: "bars",
        formula: "The bar that touches the level; the first and the last bar.",
    },
    Pattern {
        names: "n_bars n_pre_bars",
        kinds: &[I64],
        unit: "bars",
        family: "bars",
        formula: "Bars of the episode; of these before the trigger.",
    },
    Pattern {
        names: "trigger_microprice",
        kinds: &[F64],
        unit: "quote currency",
        family: "bars",
        formula: "Microprice at the trigger bar's end.",
    },
    Pattern {
        names: "approach_direction",
        kinds: &[I8],
        unit: "sign",
        family: "bars",
        formula: "1 when the mean microprice of the 12 bars before lies below the level, else -1.",
    },
    Pattern {
        names: "is_standard_approach",
        kinds: &[Bool],
        unit: "truth",
        family: "bars",
        formula: "A high from below or a low from above.",
    },
    Pattern {
        names: "outcome",
        kinds: &[Utf8],
        unit: "text",
        family: "label",
        formula: "By w1 and w2: STRONG_BREAK, WEAK_BREAK, CHOP, WEAK_BOUNCE or STRONG_BOUNCE; looks forward.",
    },
    Pattern {
        names: "outcome_score",
        kinds: &[F64],
        unit: "points",
        family: "label",
        formula: "(w1 + w2) / 2; looks forward.",
    },
    Pattern {
        names: "w1_dist_pts w2_dist_pts",
        kinds: &[F64],
        unit: "points",
        family: "label",
        formula: "Volume-weighted distance along the direction over bars 1-48 and 49-72 after the trigger; looks forward.",
    },
    Pattern {
        names: "is_truncated_lookback is_truncated_forward is_extended_forward",
        kinds: &[Bool],
        unit: "truth",
        family: "bars",
        formula: "The day cut the lookback; the level's end cut the forward bars; a further visit moved the end.",
    },
    Pattern {
        names: "extension_count",
        kinds: &[I64],
        unit: "visits",
        family: "label",
        formula: "Visits after an exit that moved the end; looks forward.",
    },
];

const PROFILE_PATTERNS: &[Pattern] = &[
    Pattern {
        names: "bucket_id",
        kinds: &[I64],
        unit: "bucket",
        family: "key",
        formula: "floor((bar_ts - session start) / 300 s).",
    },
    Pattern {
        names: "bucket_start_time",
        kinds: &[Utf8],
        unit: "local time",
        family: "key",
        formula: "The bucket's start, HH:MM:SS.",
    },
    Pattern {
        names: "trade_{vol,cnt,aggbuy_vol,aggsell_vol,signed_vol}_{mean,std}",
        kinds: &[F64],
        unit: "shares, contracts or trades",
        family: "profile",
        formula: "Over the chosen sessions with a bar in the bucket: mean and sample deviation of the bucket's sums.",
    },
    Pattern {
        names: "flow_{add,rem,net}_vol_{bid,ask}_{mean,std}",
        kinds: &[F64],
        unit: "shares or contracts",
        family: "profile",
        formula: "The same of the near bands' order flow.",
    },
    Pattern {
        names: "msg_cnt_{mean,std}",
        kinds: &[F64],
        unit: "records",
        family: "profile",
        formula: "The same of all records.",
    },
    Pattern {
        names: "days_in_lookback",
        kinds: &[I64],
        unit: "sessions",
        family: "profile",
        formula: "Sessions chosen: the latest 7 before the date that are not too old.",
    },
];

const QUALITY_PATTERNS: &[Pattern] = &[
    Pattern {
        names: "symbol",
        kinds: &[Utf8],
        unit: "text",
        family: "key",
        formula: "Symbol.",
    },
    Pattern {
        names: "date",
        kinds: &[Date],
        unit: "date",
        family: "key",
        formula: "Trading day.",
    },
    Pattern {
        names: "records undef_ts_cnt snapshot_cnt reordered_cnt",
        kinds: &[I64],
        unit: "records",
        family: "stream",
        formula: "Records processed; dropped without a time; from a snapshot; whose (time, sequence) is below the last's.",
    },
    Pattern {
        names: "{add,cancel,modify,trade,fill,clear,other}_cnt",
        kinds: &[I64],
        unit: "records",
        family: "actions",
        formula: "Records by action, snapshots left out.",
    },
    Pattern {
        names: "side_none_event_cnt side_none_trade_cnt undef_price_event_cnt undef_price_trade_cnt undef_size_cnt \
                offgrid_trade_cnt",
        kinds: &[I64],
        unit: "records",
        family: "events",
        formula: "Adds, cancels and modifies, and trades, without side or price; no size; trades off the tick grid.",
    },
    Pattern {
        names: "bad_level_cnt book_{empty,one_sided,locked,crossed}_cnt crossed_committed_cnt commit_no_last_cnt",
        kinds: &[I64],
        unit: "records",
        family: "books",
        formula: "Books with half a level; by class; committed while crossed; committed without the last-of-event flag.",
    },
    Pattern {
        names: "bad_ts_recv_cnt maybe_bad_book_cnt",
        kinds: &[I64],
        unit: "records",
        family: "flags",
        formula: "Records with the flag.",
    },
    Pattern {
        names: "flow_cnt flow_noref_cnt flow_out_of_band_cnt",
        kinds: &[I64],
        unit: "records",
        family: "flow",
        formula: "Events counted as flow; without a reference price; beyond the last band.",
    },
    Pattern {
        names: "bars_cnt filled_bars_cnt unpriced_bars_cnt levels_cnt episodes_cnt profile_days profile_skipped_cnt",
        kinds: &[I64],
        unit: "rows; dates",
        family: "results",
        formula: "Rows of the day's tables; bars without a record or a microprice; sessions in the profile, or skipped.",
    },
    Pattern {
        names: "first_ts last_ts",
        kinds: &[I64],
        unit: "ns UTC",
        family: "stream",
        formula: "First and last record that is no snapshot.",
    },
    Pattern {
        names: "profile_first_date profile_last_date",
        kinds: &[Date],
        unit: "date",
        family: "results",
        formula: "Oldest and newest session in the profile.",
    },
];
