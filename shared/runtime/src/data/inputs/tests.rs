//! Blocks from far files come from disk the second time, in any process, and only in the version that was asked for.

use std::fs;
use std::path::Path;

use super::*;
use crate::cache::DiskTier;
use crate::cache::ranges::Reach;
use crate::data::locate::{locate, reopen};

const RULE: TickerRule = TickerRule::Any;

fn write_bars(file: &Path, close: f64) {
    let rows: String = (1..=9)
        .map(|day| format!("A,2024-01-0{day},1,2,1,{close},100\n"))
        .collect();
    fs::write(file, format!("symbol,date,open,high,low,close,volume\n{rows}")).unwrap();
}

async fn closes(inputs: &Inputs, file: StoredFile) -> Result<Vec<f64>, DataError> {
    let bars = inputs.bars(file).await?;
    let BarFile::Text(text) = bars.as_ref() else {
        panic!("the file is text")
    };
    let (part, _) = text.blocks().next().await?.expect("the file has a block");
    let fetched = inputs.fetch(bars.clone(), part, RULE, Want::All).await?;
    let block = inputs.decode(&fetched)?;
    Ok(block.prices.expect("asked for").close.to_vec())
}

fn inputs(disk: &Arc<DiskTier>, reach: Reach) -> Inputs {
    Inputs::over(1 << 20, Ranges::new(Some((disk.clone(), reach))))
}

#[tokio::test]
async fn far_files_are_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(DiskTier::start(&folder.path().join("cache"), 100 << 20).unwrap());
    let file = folder.path().join("bars.csv");
    write_bars(&file, 1.5);
    let stored = locate("bars", &file.display().to_string()).await.unwrap().remove(0);
    let facts = stored.facts.clone();
    let first = inputs(&disk, Reach::All);
    assert_eq!(closes(&first, stored).await.unwrap(), [1.5; 9]);
    assert!(first.counts()[1].1.bytes_read > 0);
    disk.flush();

    let second = inputs(&disk, Reach::All);
    assert_eq!(closes(&second, reopen(&facts).unwrap()).await.unwrap(), [1.5; 9]);
    assert_eq!(second.counts()[1].1.hits, 0, "nothing was read at the source");

    write_bars(&file, 2.25);
    let changed = locate("bars", &file.display().to_string()).await.unwrap().remove(0);
    assert_ne!(changed.facts.version, facts.version);
    assert_eq!(
        closes(&second, changed).await.unwrap(),
        [2.25; 9],
        "another version is other data"
    );
    assert_eq!(closes(&second, reopen(&facts).unwrap()).await.unwrap(), [1.5; 9]);
}

#[tokio::test]
async fn near_files_and_damaged_copies_are_read_at_the_source() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let disk = Arc::new(DiskTier::start(&cache, 100 << 20).unwrap());
    let file = folder.path().join("bars.csv");
    write_bars(&file, 1.5);
    let stored = locate("bars", &file.display().to_string()).await.unwrap().remove(0);
    assert_eq!(
        closes(&inputs(&disk, Reach::Far), stored.clone()).await.unwrap(),
        [1.5; 9]
    );
    disk.flush();
    assert_eq!(disk.known().0, 0, "a file beside the cache is as near as its copy");

    assert_eq!(
        closes(&inputs(&disk, Reach::All), stored.clone()).await.unwrap(),
        [1.5; 9]
    );
    disk.flush();
    let mut damaged = 0;
    for entry in fs::read_dir(cache.join("entries"))
        .unwrap()
        .flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap())
    {
        fs::write(entry.unwrap().path(), b"torn").unwrap();
        damaged += 1;
    }
    assert!(damaged > 0);
    let again = inputs(&disk, Reach::All);
    assert_eq!(closes(&again, stored).await.unwrap(), [1.5; 9]);
    assert!(again.counts()[1].1.hits > 0);
}
