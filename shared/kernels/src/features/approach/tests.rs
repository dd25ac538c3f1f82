//! No feature looks ahead: what comes after a bar changes no feature of its row.

use std::collections::HashMap;

use proptest::prelude::*;

use crate::features::approach::{Approach, approach_table};
use crate::features::around::AroundKernel;
use crate::features::bars::{BarKernel, DayOptions};
use crate::features::clock::BAR_NS;
use crate::features::columns::APPROACH;
use crate::features::episodes::{EpisodeOptions, episodes};
use crate::features::levels::{Level, Window};
use crate::features::profile::{DaySums, Profile, VARIABLES};
use crate::features::record::Record;
use crate::features::testing::{POINT, days};
use crate::features::vectors::vector_table;
use crate::table::{Column, Table};

const SESSION: Window = Window {
    start: 1_000_000_000_000,
    end: 1_000_600_000_000,
};
const OPTIONS: EpisodeOptions = EpisodeOptions {
    trigger_band: 1.0,
    lookback: 6,
    forward: 7,
    extension: 4,
    cooldown: 3,
};

/// `approach` and `vectors` of a day with two levels, and the day's bars.
fn tables(records: &[Record]) -> (Table, Table, Table) {
    let options = DayOptions {
        symbol: "S".into(),
        point: POINT,
        tick: POINT,
        windows: None,
    };
    let mut kernel = BarKernel::new(&options);
    kernel.push_all(records);
    let bars = kernel.finish().bars;
    let level = |index, price: i64| Level {
        index,
        price: price * POINT,
        valid_from: 0,
        valid_to: i64::MAX,
    };
    let found = episodes(&bars, &[level(0, 100), level(3, 101)], POINT, &OPTIONS);
    let first_bar = bars.i64s("bar_ts").first().copied().flatten().unwrap_or(0);
    let mut around = AroundKernel::new(POINT, first_bar, bars.rows(), &found);
    around.push_all(records);
    let level_bars = around.finish();
    let sums = |date: i32| DaySums {
        date,
        buckets: vec![Some([i64::from(date) * 70; VARIABLES.len()]); 2],
    };
    let profile = Profile::new(&[sums(1), sums(2), sums(3)], 4, SESSION, 14);
    let approach = approach_table(&Approach {
        symbol: "S",
        date: 4,
        point: POINT,
        session: SESSION,
        bars: &bars,
        episodes: &found,
        level_bars: &level_bars,
        profile: &profile,
    });
    let vectors = vector_table(&approach, &found, 4, 146);
    (approach, vectors, bars)
}

/// Every feature of the rows whose bar and trigger have ended by `time`, by episode and bar.
fn features(approach: &Table, time: i64) -> HashMap<(String, i64), Vec<Column>> {
    let Some(Column::Utf8(ids)) = approach.column("episode_id") else {
        panic!("a column of approach")
    };
    let (starts, triggers) = (approach.i64s("bar_ts"), approach.i64s("trigger_bar_ts"));
    let labels: Vec<bool> = APPROACH.iter().map(|column| column.family == "label").collect();
    let over = |start: Option<i64>| start.is_some_and(|start| start + BAR_NS <= time);
    let rows = (0..approach.rows()).filter(|row| over(starts[*row]) && over(triggers[*row]));
    let of = |row: usize| {
        let cells = approach
            .take(&[row])
            .columns()
            .iter()
            .map(|(_, column)| column.clone())
            .collect::<Vec<_>>();
        let cells = cells
            .into_iter()
            .zip(&labels)
            .filter(|(_, label)| !**label)
            .map(|(cell, _)| cell)
            .collect();
        ((ids[row].clone().unwrap(), starts[row].unwrap()), cells)
    };
    rows.map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_comes_later_changes_no_feature(records in days(), cut in 10..60_usize) {
        let cut = cut.min(records.len());
        if let Some(time) = records.get(cut).and_then(Record::time) {
            let (whole, _, _) = tables(&records);
            let (part, _, _) = tables(&records[..cut]);
            let (whole, part) = (features(&whole, time), features(&part, time));
            for (key, cells) in &part {
                prop_assert_eq!(whole.get(key), Some(cells), "{:?}", key);
            }
        }
    }

    #[test]
    fn a_vector_has_no_nulls_and_one_row_an_episode(records in days()) {
        let (approach, vectors, bars) = tables(&records);
        prop_assert!(approach.rows() == 0 || bars.rows() > 0);
        let triggers = match approach.column("is_trigger_bar") {
            Some(Column::Bool(values)) => values.iter().filter(|it| **it == Some(true)).count(),
            _ => panic!("a column of approach"),
        };
        prop_assert_eq!(vectors.rows(), triggers);
        for dimension in 0..146 {
            let values = vectors.f64s(&format!("v_{dimension}"));
            prop_assert!(values.iter().all(|x| x.is_some_and(f64::is_finite)), "v_{}", dimension);
        }
    }
}
