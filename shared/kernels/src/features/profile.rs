//! The volume profile: what earlier sessions traded in each five minutes, from small sums that each session leaves.
//!
//! A session's sums are all that one date tells another. Read `rvol` for their use.

use super::columns::PROFILES;
use super::episodes::count;
use super::levels::Window;
use super::numbers::{deviation, mean};
use super::rows::TableBuilder;
use crate::table::Table;

/// A bucket's length, ns.
pub const BUCKET_NS: i64 = 300_000_000_000;
/// Sessions that a profile looks at.
pub const PROFILE_SESSIONS: usize = 7;
/// Sessions below which it has no statistics.
pub const PROFILE_SESSIONS_MIN: usize = 3;

/// The variables of a profile, in its columns' order.
pub const VARIABLES: [&str; 12] = [
    "trade_vol",
    "trade_cnt",
    "trade_aggbuy_vol",
    "trade_aggsell_vol",
    "trade_signed_vol",
    "flow_add_vol_bid",
    "flow_add_vol_ask",
    "flow_rem_vol_bid",
    "flow_rem_vol_ask",
    "flow_net_vol_bid",
    "flow_net_vol_ask",
    "msg_cnt",
];

/// The variables of one bar, or their sums.
pub type Values = [i64; VARIABLES.len()];

/// A session's sums by bucket; none in a bucket without a bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaySums {
    /// Days since 1970-01-01.
    pub date: i32,
    /// By bucket from the session's start.
    pub buckets: Vec<Option<Values>>,
}

/// Mean and sample deviation of a variable over sessions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Statistic {
    /// Mean.
    pub mean: f64,
    /// Sample standard deviation, 0 of one session.
    pub deviation: f64,
}

/// The profile that a date uses.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// The chosen sessions, days since 1970-01-01, oldest first.
    pub dates: Vec<i32>,
    /// By bucket of the date's own session; none where no chosen session has a bar.
    pub buckets: Vec<Option<[Statistic; VARIABLES.len()]>>,
}

/// The variables of every bar.
#[must_use]
pub fn bar_values(bars: &Table) -> Vec<Values> {
    let columns: Vec<Vec<&[Option<i64>]>> = VARIABLES.iter().map(|name| sources(bars, name)).collect();
    let of = |row: usize| {
        std::array::from_fn(|variable| {
            let parts = columns[variable].iter().map(|column| column[row].unwrap_or(0));
            parts.sum()
        })
    };
    (0..bars.rows()).map(of).collect()
}

/// The bucket of a bar, if it lies in the session.
#[must_use]
pub fn bucket_of(session: Window, bar_ts: i64) -> Option<usize> {
    (session.start <= bar_ts && bar_ts < session.end).then(|| {
        usize::try_from((bar_ts - session.start) / BUCKET_NS).expect("a bar of the session is after its start")
    })
}

/// The sums of a date's bars (date in days since 1970-01-01); none when no bar lies in its session.
#[must_use]
pub fn day_sums(bars: &Table, date: i32, session: Window) -> Option<DaySums> {
    let mut buckets: Vec<Option<Values>> = vec![None; bucket_count(session)];
    for (start, values) in bars.i64s("bar_ts").iter().zip(bar_values(bars)) {
        if let Some(bucket) = start.and_then(|start| bucket_of(session, start)) {
            let sums = buckets[bucket].get_or_insert([0; VARIABLES.len()]);
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        }
    }
    buckets.iter().any(Option::is_some).then_some(DaySums { date, buckets })
}

impl Profile {
    /// The profile of a date from the earlier sessions of its symbol, in order of dates; `max_age` is in days.
    #[must_use]
    pub fn new(sessions: &[DaySums], date: i32, session: Window, max_age: i32) -> Self {
        let recent = |it: &&DaySums| it.date < date && it.date >= date.saturating_sub(max_age);
        let mut chosen: Vec<&DaySums> = sessions.iter().filter(recent).collect();
        chosen.sort_by_key(|it| it.date);
        let chosen = &chosen[chosen.len().saturating_sub(PROFILE_SESSIONS)..];
        let statistics = |bucket: usize| {
            let sums: Vec<&Values> = chosen
                .iter()
                .filter_map(|it| it.buckets.get(bucket)?.as_ref())
                .collect();
            (chosen.len() >= PROFILE_SESSIONS_MIN && !sums.is_empty())
                .then(|| std::array::from_fn(|variable| statistic(&sums, variable)))
        };
        Self {
            dates: chosen.iter().map(|it| it.date).collect(),
            buckets: (0..bucket_count(session)).map(statistics).collect(),
        }
    }

    /// Whether any bucket has statistics.
    #[must_use]
    pub fn has_statistics(&self) -> bool {
        self.buckets.iter().any(Option::is_some)
    }

    /// The rows of `profiles`; `local_seconds` gives the seconds since local midnight of an instant.
    #[must_use]
    pub fn table(&self, session: Window, local_seconds: impl Fn(i64) -> u32) -> Table {
        let mut rows = TableBuilder::new(&PROFILES);
        for (bucket, statistics) in self.buckets.iter().enumerate() {
            rows.put(count(bucket));
            let seconds = local_seconds(session.start + count(bucket) * BUCKET_NS);
            rows.put(format!(
                "{:02}:{:02}:{:02}",
                seconds / 3600,
                seconds / 60 % 60,
                seconds % 60
            ));
            for variable in 0..VARIABLES.len() {
                let statistic = statistics.map(|it| it[variable]);
                rows.put(statistic.map(|it| it.mean));
                rows.put(statistic.map(|it| it.deviation));
            }
            rows.put(count(self.dates.len()));
        }
        rows.finish()
    }
}

fn bucket_count(session: Window) -> usize {
    let length = (session.end - session.start).max(0);
    usize::try_from((length + BUCKET_NS - 1) / BUCKET_NS).expect("a session is no longer than days")
}

fn statistic(sums: &[&Values], variable: usize) -> Statistic {
    let values: Vec<Option<f64>> = sums.iter().map(|it| Some(it[variable] as f64)).collect();
    Statistic {
        mean: mean(&values).unwrap_or(0.0),
        deviation: deviation(&values),
    }
}

/// The columns of `bars` whose sum is a variable: itself, or of a flow the near bands.
fn sources<'a>(bars: &'a Table, variable: &str) -> Vec<&'a [Option<i64>]> {
    if variable == "msg_cnt" {
        vec![bars.i64s("bar5s_meta_msg_cnt_sum")]
    } else if variable.starts_with("flow_") {
        let near = ["p0_1", "p1_2", "p2_3"];
        near.iter()
            .map(|band| bars.i64s(&format!("bar5s_{variable}_{band}_sum")))
            .collect()
    } else {
        vec![bars.i64s(&format!("bar5s_{variable}_sum"))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Column;

    const SESSION: Window = Window {
        start: 0,
        end: 2 * BUCKET_NS + 1,
    };

    fn sums(date: i32, value: i64) -> DaySums {
        DaySums {
            date,
            buckets: vec![Some([value; VARIABLES.len()]), None],
        }
    }

    #[test]
    fn a_bucket_starts_with_the_session_and_the_last_may_be_short() {
        assert_eq!(bucket_count(SESSION), 3);
        for (start, expect) in [(-1, None), (0, Some(0)), (BUCKET_NS, Some(1)), (2 * BUCKET_NS, Some(2))] {
            assert_eq!(bucket_of(SESSION, start), expect, "{start}");
        }
        assert_eq!(bucket_of(SESSION, SESSION.end), None);
    }

    #[test]
    fn a_profile_takes_the_latest_sessions_that_are_young_enough() {
        let sessions: Vec<_> = (1..=10).map(|date| sums(date, i64::from(date))).collect();
        let dates = |date, max_age| Profile::new(&sessions, date, SESSION, max_age).dates;
        assert_eq!(dates(10, 14), [3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(dates(10, 2), [8, 9]);
        assert_eq!(dates(24, 14), [10]);
    }

    #[test]
    fn statistics_need_three_sessions_and_a_bar_in_the_bucket() {
        let two = Profile::new(&[sums(1, 2), sums(2, 4)], 3, SESSION, 14);
        assert!(!two.has_statistics());
        let three = Profile::new(&[sums(1, 2), sums(2, 4), sums(3, 6)], 4, SESSION, 14);
        assert_eq!(
            three.buckets[0].map(|it| it[0]),
            Some(Statistic {
                mean: 4.0,
                deviation: 2.0
            })
        );
        assert_eq!(three.buckets[1], None);
        let table = three.table(SESSION, |time| u32::try_from(time / 1_000_000_000 + 34_200).unwrap());
        assert_eq!(table.column("bucket_start_time").map(Column::len), Some(3));
        assert_eq!(table.f64s("trade_vol_mean"), [Some(4.0), None, None]);
    }
}
