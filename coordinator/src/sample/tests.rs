//! The sample's promises: the same everywhere, ordered, dirty in known ways, complete or absent.

use std::collections::BTreeMap;
use std::fs;

use std::ops::ControlFlow;

use super::*;

#[test]
fn a_symbol_does_not_depend_on_the_others_or_on_the_platform() {
    let sample = Sample::new(SEED);
    let mut hasher = blake3::Hasher::new();
    for listing in sample.listings().iter().step_by(251) {
        for bar in sample.bars(listing) {
            for price in [bar.open, bar.high, bar.low, bar.close, bar.adj_close.unwrap_or(-1.0)] {
                hasher.update(&price.to_bits().to_le_bytes());
            }
            hasher.update(&bar.volume.unwrap_or(-1).to_le_bytes());
        }
    }
    // Changes with the content only: then `VERSION` must change too.
    assert_eq!(hasher.finalize().to_hex()[..16], *"26fb58b613ed6572");
}

#[test]
fn listings_are_distinct_ordered_and_counted() {
    let sample = Sample::new(SEED);
    let symbols: Vec<_> = sample.listings().iter().map(|listing| &listing.symbol).collect();
    assert!(symbols.windows(2).all(|pair| pair[0] < pair[1]));
    let rows = sample.universe();
    let mut latest = BTreeMap::new();
    for row in &rows {
        latest.insert(&row.symbol, row);
    }
    assert_eq!(latest.len(), SYMBOLS);
    assert!(
        (1..20).contains(&(rows.len() - SYMBOLS)),
        "{} superseded rows",
        rows.len() - SYMBOLS
    );
    let missing = |value: fn(&UniverseRow) -> bool| latest.values().filter(|row| value(row)).count();
    assert!((10..100).contains(&missing(|row| row.sector.is_empty())));
    assert!((10..100).contains(&missing(|row| row.sector == "unknown")));
    assert!((50..200).contains(&missing(|row| row.market_cap.is_empty())));
    assert!((20..100).contains(&missing(|row| row.market_cap == "0.00")));
}

#[test]
fn bars_are_ordered_and_plausible_but_for_the_dirt() {
    let sample = Sample::new(SEED);
    let sessions = sessions();
    let (mut rows, mut bad, mut ghosts, mut repeated, mut idle) = (0, 0, 0, 0, 0);
    for listing in sample.listings().iter().step_by(10) {
        let bars = sample.bars(listing);
        assert!(
            bars.windows(2).all(|pair| pair[0].date <= pair[1].date),
            "{}",
            listing.symbol
        );
        rows += bars.len();
        repeated += bars.windows(2).filter(|pair| pair[0].date == pair[1].date).count();
        for bar in &bars {
            let is_bad = bar.close <= 0.0 || bar.volume.is_none() || bar.high < bar.close.max(bar.open);
            bad += usize::from(is_bad);
            idle += usize::from(bar.volume == Some(0));
            ghosts += usize::from(sessions.binary_search(&bar.date).is_err());
            assert!(
                is_bad || (bar.low <= bar.open.min(bar.close) && bar.low > 0.0),
                "{} {bar:?}",
                listing.symbol
            );
            assert!(bar.close < 1e6 && bar.volume.is_none_or(|volume| volume >= 0));
        }
    }
    assert!((240_000..266_000).contains(&rows), "{rows} rows");
    assert!((5..40).contains(&bad), "{bad} bad");
    assert!((5..40).contains(&ghosts), "{ghosts} ghosts");
    assert!((2..20).contains(&repeated), "{repeated} repeated");
    assert!((500..10_000).contains(&idle), "{idle} idle");
}

#[test]
fn the_adjusted_close_joins_marked_splits() {
    let sample = Sample::new(SEED);
    let (mut marked, mut unmarked) = (0, 0);
    for listing in sample.listings().iter().step_by(3) {
        let bars: Vec<_> = sample.bars(listing).into_iter().filter(|bar| bar.close > 0.0).collect();
        if let Some(last) = bars.last().filter(|bar| bar.adj_close.is_some()) {
            assert_eq!(last.adj_close, Some(last.close), "{}", listing.symbol);
        }
        for pair in bars.windows(2) {
            let ratio = pair[1].close / pair[0].close;
            if (0.6..1.7).contains(&ratio) {
                continue;
            }
            let adjusted = pair[1]
                .adj_close
                .zip(pair[0].adj_close)
                .map_or(ratio, |(now, then)| now / then);
            *(if (0.6..1.7).contains(&adjusted) {
                &mut marked
            } else {
                &mut unmarked
            }) += 1;
        }
    }
    assert!(
        marked > 20 && (2..marked).contains(&unmarked),
        "{marked} marked, {unmarked} not"
    );
}

#[test]
fn the_folder_is_complete_or_absent() {
    let base = tempfile::tempdir().unwrap();
    let dir = base.path().join("cache").join(folder_name());
    let sample = Sample::new(SEED);
    let mut told = Vec::new();
    let files = write::write(&dir, &sample, 200, |done, total| {
        told.push((done, total));
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(told, [(0, 200), (128, 200), (200, 200)]);
    assert!(is_complete(&dir));
    assert_eq!(open(&dir), Some(files.clone()));
    assert!(fs::read_to_string(dir.join("README.md")).unwrap().contains("made up"));
    assert_eq!(
        fs::read_dir(dir.parent().unwrap()).unwrap().count(),
        1,
        "no temporary folder stays"
    );

    let again = base.path().join("again");
    fs::create_dir(&again).unwrap();
    assert_eq!(
        write::write(&again, &sample, 200, |_, _| ControlFlow::Continue(()))
            .unwrap()
            .digest,
        files.digest
    );

    let error = write_sample(&dir, |_, _| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(error, SampleError::NotEmpty { .. }), "{error}");
    fs::remove_file(&files.universe).unwrap();
    assert!(!is_complete(&dir));
    assert!(!is_complete(base.path()));
}

#[test]
fn a_sample_that_is_broken_off_leaves_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let stop_at = |done| {
        if done > 0 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let error = write::write(&parent.path().join("s"), &Sample::new(SEED), 200, |done, _| {
        stop_at(done)
    })
    .unwrap_err();
    assert!(matches!(error, SampleError::BrokenOff), "{error}");
    assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0);
}
