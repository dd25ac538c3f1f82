//! A made-up market with the dirt of real files, from a seed: rows in input order, and a universe for them.
//!
//! It writes nothing; [`crate::layout`] puts rows on disk.

use tickfleet_tests::random::Random;

/// First day of the market, days since 1970-01-01: 2016-01-04.
pub(crate) const FIRST_DAY: i32 = 16_804;
/// Days of the market, weekends left out.
pub(crate) const DAYS: usize = 110;

/// One row of a bars file, as it stands there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// Symbol in some spelling; none where the cell is empty.
    pub(crate) symbol: Option<String>,
    /// Day; none where the cell is empty.
    pub(crate) day: Option<i32>,
    /// Open, high, low, close.
    pub(crate) prices: [Option<f64>; 4],
    /// Shares.
    pub(crate) volume: Option<i64>,
    /// Adjusted close.
    pub(crate) adj_close: Option<f64>,
}

impl Row {
    /// What makes two rows duplicates: the symbol in one spelling, and the day.
    pub(crate) fn key(&self) -> Option<(String, i32)> {
        Some((self.symbol.as_ref()?.trim().to_uppercase().replace('-', "."), self.day?))
    }
}

/// The weekdays of the market; two of them are holidays on which a few stray rows stand.
pub(crate) fn days() -> Vec<i32> {
    let weekdays = (FIRST_DAY..).filter(|day| (day - FIRST_DAY) % 7 < 5);
    weekdays.take(DAYS).collect()
}

/// The rows of a market, sorted by symbol and day as most files are, with the dirt in between.
pub(crate) fn rows(seed: u64) -> Vec<Row> {
    let mut random = Random::new(seed);
    let days = days();
    let ghosts = [days[20 + random.below(30)], days[60 + random.below(40)]];
    let mut rows = Vec::new();
    for (at, symbol) in symbols().iter().enumerate() {
        let start = if at % 6 == 5 { 60 + random.below(30) } else { 0 };
        let end = if at % 7 == 6 { DAYS - 1 - random.below(30) } else { DAYS };
        let clean = path(&mut random, symbol, &days[start..end]);
        for row in clean {
            let is_ghost = row.day.is_some_and(|day| ghosts.contains(&day));
            if !is_ghost || at < 2 {
                soil(&mut random, row, &mut rows);
            }
        }
    }
    rows
}

/// Symbols in the spellings of files, with one that is spelled in two ways.
pub(crate) fn symbols() -> Vec<String> {
    let plain = (0..22_u8).map(|at| {
        format!(
            "{}{}",
            char::from(b'A' + at),
            "XYZ".get(..usize::from(at % 4)).unwrap_or("")
        )
    });
    plain
        .chain([
            "NAN".to_owned(),
            "brk-b".to_owned(),
            "TQQQ".to_owned(),
            "ABCDW".to_owned(),
        ])
        .collect()
}

/// A clean random walk, with a split now and then that only the adjusted close tells.
fn path(random: &mut Random, symbol: &str, days: &[i32]) -> Vec<Row> {
    let mut close = 5.0 + 200.0 * random.unit();
    let is_flat = random.once_in(12);
    let mut walk = |&day: &i32| {
        let open = close * (1.0 + 0.01 * (random.unit() - 0.5));
        let split = random.once_in(70);
        close = if is_flat {
            close
        } else {
            close * (1.0 + 0.06 * (random.unit() - 0.48))
        };
        let (high, low) = (
            open.max(close) * (1.0 + 0.02 * random.unit()),
            open.min(close) * (1.0 - 0.02 * random.unit()),
        );
        let row = Row {
            symbol: Some(symbol.to_owned()),
            day: Some(day),
            prices: [Some(open), Some(high), Some(low), Some(close)],
            volume: Some(i64::try_from(10_000 + random.below(2_000_000)).expect("a small number")),
            adj_close: Some(if split { close / 2.0 } else { close }),
        };
        close = if split { close / 2.0 } else { close };
        row
    };
    days.iter().map(&mut walk).collect()
}

/// Adds a row, mostly as it is, sometimes spoilt, repeated or with strays around it.
fn soil(random: &mut Random, mut row: Row, rows: &mut Vec<Row>) {
    if row.symbol.as_deref() == Some("brk-b") && random.once_in(2) {
        row.symbol = Some("BRK.B".to_owned());
    }
    match random.below(60) {
        0 => row.prices[random.below(4)] = [None, Some(0.0), Some(-1.0), Some(f64::NAN)][random.below(4)],
        1 => row.volume = [None, Some(-5)][random.below(2)],
        2 => row.volume = Some(0),
        3 => row.prices[1] = row.prices[2],
        4 => row.adj_close = [None, Some(0.0)][random.below(2)],
        5 => rows.push(Row {
            prices: row.prices.map(|price| price.map(|price| price * 1.5)),
            ..row.clone()
        }),
        6 => {
            rows.push(row.clone());
            row.prices[0] = None;
        }
        7 => rows.push(Row {
            symbol: None,
            ..row.clone()
        }),
        8 => rows.push(Row {
            day: None,
            ..row.clone()
        }),
        9 => return,
        _ => {}
    }
    rows.push(row);
}

/// The rows in another order, in which rows of one key keep theirs: which of them is last decides the result.
pub(crate) fn shuffled(rows: &[Row], seed: u64) -> Vec<Row> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    Random::new(seed).shuffle(&mut order);
    let mut places: std::collections::HashMap<Option<(String, i32)>, Vec<usize>> = std::collections::HashMap::new();
    for (place, &row) in order.iter().enumerate() {
        places.entry(rows[row].key()).or_default().push(place);
    }
    let mut placed: Vec<(usize, &Row)> = Vec::with_capacity(rows.len());
    let mut taken: std::collections::HashMap<Option<(String, i32)>, usize> = std::collections::HashMap::new();
    for row in rows {
        let key = row.key();
        let next = taken.entry(key.clone()).or_default();
        placed.push((places[&key][*next], row));
        *next += 1;
    }
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, row)| row.clone()).collect()
}

/// A universe for the market: other header names, sectors in several vocabularies, repeats, listings without bars.
pub(crate) fn universe(seed: u64) -> String {
    let mut random = Random::new(seed ^ 0x5eed);
    let sectors = [
        "Technology",
        "Health Care",
        "Consumer Cyclical",
        "finance",
        "Basic Materials",
        "",
        "Unheard Of",
    ];
    let caps = ["1.2B", "$300,000,000", "0.00", "", "5e9"];
    let mut text = "Ticker,Company Name,GICS Sector,Industry,Mkt Cap,Extra\n".to_owned();
    for symbol in symbols().iter().chain(&["ZZZZ".to_owned()]) {
        if random.once_in(8) {
            continue;
        }
        for _ in 0..=usize::from(random.once_in(6)) {
            let (sector, cap) = (sectors[random.below(sectors.len())], caps[random.below(caps.len())]);
            text.push_str(&format!("{symbol},\"{symbol}, Inc.\",{sector},Widgets,\"{cap}\",x\n"));
        }
    }
    text
}

#[test]
fn a_market_has_every_kind_of_dirt_and_a_shuffle_keeps_the_order_of_repeats() {
    let rows = rows(1);
    let has = |test: &dyn Fn(&Row) -> bool| assert!(rows.iter().any(test));
    has(&|row| row.symbol.is_none());
    has(&|row| row.day.is_none());
    has(&|row| row.volume.is_none());
    has(&|row| row.volume == Some(0));
    has(&|row| row.prices.iter().any(|price| price.is_some_and(f64::is_nan)));
    has(&|row| row.adj_close.is_none());
    let shuffled = shuffled(&rows, 2);
    let of_repeats = |rows: &[Row]| {
        let mut found: Vec<(Option<(String, i32)>, String)> =
            rows.iter().map(|row| (row.key(), format!("{row:?}"))).collect();
        found.sort_by(|left, right| left.0.cmp(&right.0));
        found.retain(|(key, _)| key.is_some());
        found
    };
    assert_eq!(of_repeats(&rows), of_repeats(&shuffled));
    let keys = |rows: &[Row]| rows.iter().map(Row::key).collect::<Vec<_>>();
    assert_ne!(keys(&rows), keys(&shuffled));
}
