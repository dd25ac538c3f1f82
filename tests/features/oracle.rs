//! Every column of every table against the goldens.

use arrow::array::RecordBatch;
use tickfleet_kernels::features::approach::{Approach, approach_table};
use tickfleet_kernels::features::around::AroundKernel;
use tickfleet_kernels::features::bars::{BarKernel, Day, DayOptions};
use tickfleet_kernels::features::columns::{VECTOR_DIMENSIONS, VECTOR_NAMES};
use tickfleet_kernels::features::episodes::{Episode, EpisodeOptions, episode_table, episodes};
use tickfleet_kernels::features::profile::{DaySums, Profile, day_sums};
use tickfleet_kernels::features::quality::Found;
use tickfleet_kernels::features::record::Record;
use tickfleet_kernels::features::reorder::Reorder;
use tickfleet_kernels::features::vectors::vector_table;
use tickfleet_kernels::table::Table;
use tickfleet_runtime::tables::batch;
use tickfleet_tests::beside::data;
use tickfleet_tests::tables::{parquet_metadata, read_parquet};

use crate::cases::{AAPL, Case, SYN5, TINY, local_seconds};
use crate::compare::compare;
use crate::decode::records;

const REORDER_NS: i64 = 10_000_000_000;
/// How old a session of a profile may be, days.
const PROFILE_AGE_MAX: i32 = 14;
/// Days whose goldens hold `approach`.
const APPROACH_DATES: [&str; 2] = ["2025-09-08", "2025-09-12"];

/// Everything of one trading day.
struct Whole {
    options: DayOptions,
    day: Day,
    episodes: Vec<Episode>,
    profile: Profile,
    approach: Table,
    vectors: Table,
}

/// The records of a case in the order in which they are processed, and how many came out of it.
fn ordered(case: &Case) -> Option<(Vec<Record>, i64)> {
    let path = data(&format!("features/in/{}", case.file))?;
    let (mut reorder, mut ordered) = (Reorder::new(REORDER_NS), Vec::new());
    for record in records(&path) {
        reorder
            .push(&record, |it| ordered.push(*it))
            .expect("no record is too late");
    }
    reorder.finish(|it| ordered.push(*it));
    Some((ordered, reorder.reordered()))
}

/// The whole pipeline over a day, after the sessions before it.
fn whole(case: &Case, sessions: &[DaySums]) -> Option<Whole> {
    let (records, reordered) = ordered(case)?;
    let options = case.options();
    let session = options.windows.expect("the days are open").session;
    let mut kernel = BarKernel::new(&options);
    kernel.push_all(&records);
    let mut day = kernel.finish();
    day.quality.reordered = reordered;
    let found = episodes(
        &day.bars,
        &day.levels.levels(),
        options.point,
        &EpisodeOptions::default(),
    );
    let first_bar = day.bars.i64s("bar_ts")[0].expect("a bar has a start");
    let mut around = AroundKernel::new(options.point, first_bar, day.bars.rows(), &found);
    around.push_all(&records);
    let level_bars = around.finish();
    let profile = Profile::new(sessions, case.day, session, PROFILE_AGE_MAX);
    let approach = approach_table(&Approach {
        symbol: case.symbol,
        date: case.day,
        point: options.point,
        session,
        bars: &day.bars,
        episodes: &found,
        level_bars: &level_bars,
        profile: &profile,
    });
    let vectors = vector_table(&approach, &found, case.day, VECTOR_DIMENSIONS);
    Some(Whole {
        options,
        day,
        episodes: found,
        profile,
        approach,
        vectors,
    })
}

/// Holds a table against its golden; gives the number of cells compared.
#[track_caller]
fn hold(case: &Case, name: &str, table: &Table) -> usize {
    let leaf = format!("{name}/symbol={}/date={}/part-00000.parquet", case.symbol, case.date);
    let path = data(&format!("features/golden/{}/{leaf}", case.golden)).expect("records lie beside their goldens");
    let got: RecordBatch = batch(table).expect("columns are equally long");
    let found = compare(name, &got, &read_parquet(&path));
    let (first, rest) = found.differences.split_at(found.differences.len().min(12));
    assert!(
        first.is_empty(),
        "{} {}: {first:#?} and {} more",
        case.file,
        case.date,
        rest.len()
    );
    found.cells
}

/// Holds the tables that every golden has.
#[track_caller]
fn hold_day(case: &Case, whole: &Whole) -> usize {
    let count = |n: usize| i64::try_from(n).expect("a day has few rows");
    let dates = &whole.profile.dates;
    let found = Found {
        levels: count(whole.day.levels.levels().len()),
        episodes: count(whole.episodes.len()),
        profile_days: count(dates.len()),
        profile_skipped: 0,
        profile_dates: dates.first().copied().zip(dates.last().copied()),
    };
    hold(case, "bars", &whole.day.bars)
        + hold(case, "levels", &whole.day.levels.table(case.symbol, case.day))
        + hold(case, "quality", &whole.day.quality.table(case.symbol, case.day, &found))
}

#[test]
fn a_share_of_a_real_feed() {
    if let Some(whole) = whole(&AAPL, &[]) {
        assert_eq!(hold_day(&AAPL, &whole), whole.day.bars.rows() * 266 + 4 * 9 + 40);
    }
}

#[test]
fn two_records_in_every_version_of_the_format() {
    for case in &TINY {
        if let Some(whole) = whole(case, &[]) {
            assert_eq!(hold_day(case, &whole), 266 + 4 * 9 + 40);
        }
    }
}

#[test]
fn synthetic_days_with_every_kind_of_dirt_in_every_table() {
    let (mut sessions, mut cells, mut approaches) = (Vec::new(), 0, 0);
    for case in &SYN5 {
        let Some(whole) = whole(case, &sessions) else {
            return;
        };
        let session = whole.options.windows.expect("the days are open").session;
        let bars = &whole.day.bars;
        cells += hold_day(case, &whole);
        cells += hold(
            case,
            "episodes",
            &episode_table(bars, &whole.episodes, case.symbol, case.day),
        );
        cells += hold(case, "profiles", &whole.profile.table(session, local_seconds(case)));
        cells += hold(case, "vectors", &whole.vectors);
        if APPROACH_DATES.contains(&case.date) {
            cells += hold(case, "approach", &whole.approach);
            approaches += 1;
        }
        sessions.extend(day_sums(bars, case.day, session));
    }
    assert_eq!(approaches, APPROACH_DATES.len());
    assert!(cells > 2_000_000, "{cells} cells were compared");
}

#[test]
fn the_vector_s_dimensions_have_the_golden_s_names() {
    let leaf = "vectors/symbol=TFZ5/date=2025-09-12/part-00000.parquet";
    let Some(path) = data(&format!("features/golden/syn5/{leaf}")) else {
        return;
    };
    let pairs = parquet_metadata(&path).into_iter();
    let names = pairs
        .filter(|(key, _)| key == "vector_dims")
        .find_map(|(_, value)| value);
    let names: Vec<String> = serde_json::from_str(&names.expect("the golden names its dimensions")).expect("a list");
    assert_eq!(*VECTOR_NAMES, names);
}
