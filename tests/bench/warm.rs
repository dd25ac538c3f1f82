//! A scan again, in a cluster that is there: nothing changed, and one symbol changed. From the submission to every table
//! read.

use std::path::Path;
use std::time::Instant;

use arrow::array::RecordBatch;
use futures::{StreamExt, TryStreamExt};
use tickfleet_coordinator::cluster::{Cluster, Part, Request};
use tickfleet_coordinator::embedded::Embedded;
use tickfleet_kernels::scan::cells::format_date;
use tickfleet_protocol::ids::{EventId, IdempotencyKey};
use tickfleet_protocol::limits::DEFAULT_WEIGHT;
use tickfleet_protocol::spec::scan::ScanSpec;
use tickfleet_runtime::broker::Durability;
use tickfleet_tests::tables::{floats, known_texts};

use crate::bare;
use crate::cold::Mode;
use crate::input::Input;

/// Memory for decoded blocks, bytes: all of this input.
const CACHE_BYTES: u64 = 1 << 30;

/// What the repeated scans of a mode took.
pub(crate) struct Warm {
    /// Nothing changed, seconds each.
    pub(crate) same_s: Vec<f64>,
    /// One symbol's last bar changed before each, seconds each.
    pub(crate) changed_s: Vec<f64>,
}

/// Scans again and again. The bars are a folder of two files: those of the input, and one with a later row of one symbol's
/// last bar, which supersedes the first.
///
/// # Panics
/// When a repeated scan gives another table than the first, or a changed bar does not show.
pub(crate) fn measure(input: &Input, mode: &Mode, repeat: usize) -> Warm {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    std::os::unix::fs::symlink(&input.bars, folder.path().join("bars.parquet")).expect("a link can be made");
    let symbol = known_texts(&mode.scored, "symbol").swap_remove(0);
    let spec = ScanSpec {
        bars: folder.path().display().to_string(),
        ..bare::spec(mode)
    };
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.enable_all().build().expect("a runtime can be built");
    runtime.block_on(async {
        let embedded = Embedded::start(None, CACHE_BYTES, None).expect("a cluster of this process starts");
        let again = async |key: String| {
            let started = Instant::now();
            let scored = scan(&embedded.cluster, &spec, &key).await;
            (started.elapsed().as_secs_f64(), scored)
        };
        let change = |close: f64| change(folder.path(), &symbol, mode, close);
        change(20.0);
        let (_, first) = again("first".to_owned()).await;
        let mut warm = Warm {
            same_s: Vec::new(),
            changed_s: Vec::new(),
        };
        for nth in 0..repeat {
            let (took, scored) = again(format!("same-{nth}")).await;
            assert_eq!(scored, first, "the same scan gives the same table");
            warm.same_s.push(took);
        }
        for nth in 0..repeat {
            let close = 21.0 + nth as f64;
            change(close);
            let (took, scored) = again(format!("changed-{nth}")).await;
            let row = known_texts(&scored, "symbol").iter().position(|found| *found == symbol);
            assert_eq!(
                row.and_then(|row| floats(&scored, "close")[row]),
                Some(close),
                "{symbol}"
            );
            warm.changed_s.push(took);
        }
        embedded.stop().await.expect("its worker ends");
        warm
    })
}

/// One scan, and the scored table of its date.
async fn scan(cluster: &dyn Cluster, spec: &ScanSpec, key: &str) -> RecordBatch {
    let request = Request {
        spec: spec.clone(),
        shard_size: None,
        key: IdempotencyKey::new(key).expect("a valid key"),
        weight: DEFAULT_WEIGHT,
        durability: Durability::Memory,
        trace: None,
    };
    let run = cluster
        .submit(request, &mut |_| {})
        .await
        .expect("the run is accepted")
        .run;
    let mut events = cluster
        .watch(run, EventId::START)
        .await
        .expect("the run can be watched");
    while events.next().await.is_some() {}
    let mut parts = cluster.results(run).await.expect("the run succeeded");
    let mut scored = None;
    while let Some(part) = parts.try_next().await.expect("its results can be read") {
        if let Part::Day(day) = part {
            scored = Some(day.scored);
        }
    }
    scored.expect("one date was scanned")
}

/// Writes the file with the row that supersedes a symbol's last bar.
fn change(folder: &Path, symbol: &str, mode: &Mode, close: f64) {
    let date = format_date(bare::as_of(mode));
    let text = format!(
        "symbol,date,open,high,low,close,volume,adj_close\n{symbol},{date},{close},{close},{close},{close},5000000,{close}\n"
    );
    std::fs::write(folder.join("later.csv"), text).expect("a folder takes a file");
}
