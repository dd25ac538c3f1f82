//! The cases beside the checkout: records, the options they are run with, and the folder of goldens.

use tickfleet_kernels::features::bars::DayOptions;
use tickfleet_kernels::features::levels::{Window, Windows};

const HOUR_NS: i64 = 3_600_000_000_000;
const DAY_NS: i64 = 24 * HOUR_NS;

/// One trading day of one symbol.
pub(crate) struct Case {
    /// Folder of the golden tables.
    pub(crate) golden: &'static str,
    /// The file of records.
    pub(crate) file: &'static str,
    pub(crate) symbol: &'static str,
    /// The trading day, and that as days since 1970-01-01.
    pub(crate) date: &'static str,
    pub(crate) day: i32,
    /// How far the clocks of New York are behind UTC on that day, hours.
    pub(crate) hours_behind: i64,
    /// Tick, 1e-9 units.
    pub(crate) tick: i64,
}

const fn syn5(file: &'static str, date: &'static str, day: i32) -> Case {
    Case {
        golden: "syn5",
        file,
        symbol: "TFZ5",
        date,
        day,
        hours_behind: 4,
        tick: 250_000_000,
    }
}

const fn tiny(file: &'static str) -> Case {
    Case {
        golden: "tiny",
        file,
        symbol: "ESH1",
        date: "2020-12-28",
        day: 18_624,
        hours_behind: 5,
        tick: 250_000_000,
    }
}

/// Records of a share.
pub(crate) const AAPL: Case = Case {
    golden: "aapl",
    file: "aapl-xnas-itch-20241021.mbp-10.dbn.zst",
    symbol: "AAPL",
    date: "2024-10-21",
    day: 20_017,
    hours_behind: 4,
    tick: 10_000_000,
};

/// Two records in every version of the format.
pub(crate) const TINY: [Case; 4] = [
    tiny("test_data.mbp-10.v1.dbn.zst"),
    tiny("test_data.mbp-10.v2.dbn.zst"),
    tiny("test_data.mbp-10.v3.dbn.zst"),
    tiny("test_data.mbp-10.dbn"),
];

/// Five synthetic days in a row with every kind of dirt.
pub(crate) const SYN5: [Case; 5] = [
    syn5("TFZ5-2025-09-08.mbp-10.dbn.zst", "2025-09-08", 20_339),
    syn5("TFZ5-2025-09-09.mbp-10.dbn.zst", "2025-09-09", 20_340),
    syn5("TFZ5-2025-09-10.mbp-10.dbn.zst", "2025-09-10", 20_341),
    syn5("TFZ5-2025-09-11.mbp-10.dbn.zst", "2025-09-11", 20_342),
    syn5("TFZ5-2025-09-12.mbp-10.dbn.zst", "2025-09-12", 20_343),
];

impl Case {
    /// What the day is computed with: the default windows, points of 1.0.
    pub(crate) fn options(&self) -> DayOptions {
        let midnight = i64::from(self.day) * DAY_NS + self.hours_behind * HOUR_NS;
        let at = |hour: i64, minute: i64| midnight + hour * HOUR_NS + minute * HOUR_NS / 60;
        DayOptions {
            symbol: self.symbol.to_owned(),
            point: 1_000_000_000,
            tick: self.tick,
            windows: Some(Windows {
                premarket: Window {
                    start: at(5, 0),
                    end: at(9, 30),
                },
                opening_range: Window {
                    start: at(9, 30),
                    end: at(9, 45),
                },
                session: Window {
                    start: at(9, 30),
                    end: at(13, 30),
                },
            }),
        }
    }
}

/// Seconds since midnight in New York of an instant of the case's day.
pub(crate) fn local_seconds(case: &Case) -> impl Fn(i64) -> u32 {
    let hours_behind = case.hours_behind;
    move |time| {
        let since_midnight = (time - hours_behind * HOUR_NS).rem_euclid(DAY_NS);
        u32::try_from(since_midnight / 1_000_000_000).expect("a day has few seconds")
    }
}
