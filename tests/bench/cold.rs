//! Whole processes: the built program, and a peer in turn with it, each from its start to tables in a fresh folder.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use arrow::array::RecordBatch;
use tickfleet_tests::binary::coordinator_binary;
use tickfleet_tests::tables::{known_texts, parquet_metadata, read_parquet};
use wait4::Wait4;

use crate::input::Input;

/// Which symbols are scanned.
const MODES: [(&str, &[&str], &[&str]); 2] = [
    ("listed", &[], &[]),
    ("unlisted keep", &["--unlisted", "keep"], &["--unlisted"]),
];

/// What one process took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// From before its start to its end.
    pub(crate) wall_s: f64,
    /// User and system time, its own children's with it.
    pub(crate) cpu_s: f64,
    /// Peak of its resident memory.
    pub(crate) rss_bytes: u64,
}

/// A mode's runs, and what the last one gave.
pub(crate) struct Mode {
    /// The mode.
    pub(crate) name: &'static str,
    /// Flags of the program for this mode.
    pub(crate) flags: &'static [&'static str],
    /// Runs of the program.
    pub(crate) scans: Vec<Usage>,
    /// Runs of the peer, one after each of the program's.
    pub(crate) peers: Vec<Usage>,
    /// Symbols that passed the universe stage and have bars: those whose indicators were computed. Sorted.
    pub(crate) symbols: Vec<String>,
    /// The scored table.
    pub(crate) scored: RecordBatch,
    /// The spec in its metadata.
    pub(crate) spec: String,
}

/// Runs the program and the peer in turn, `repeat` times each, mode by mode; a first run of each is not counted.
pub(crate) fn measure(input: &Input, repeat: usize, peer: Option<&str>) -> Vec<Mode> {
    let modes = MODES.iter().map(|&(name, flags, peer_flags)| {
        let (mut scans, mut peers) = (Vec::new(), Vec::new());
        let mut last = None;
        for at in 0..=repeat {
            let out = tempfile::tempdir().expect("a temporary folder can be made");
            let usage = run(&mut scan(input, out.path(), flags));
            scans.extend((at > 0).then_some(usage));
            if let Some(peer) = peer {
                let folder = tempfile::tempdir().expect("a temporary folder can be made");
                let usage = run(&mut peer_command(peer, input, folder.path(), peer_flags));
                peers.extend((at > 0).then_some(usage));
            }
            last = Some(out);
        }
        let out = last.expect("there is a first run");
        let (scored, spec) = (out.path().join("scored.parquet"), "tickfleet.spec");
        let pairs = parquet_metadata(&scored).into_iter().filter(|(key, _)| key == spec);
        Mode {
            name,
            flags,
            scans,
            peers,
            symbols: computed(out.path()),
            scored: read_parquet(&scored),
            spec: pairs
                .filter_map(|(_, value)| value)
                .next()
                .expect("a result carries its spec"),
        }
    });
    modes.collect()
}

/// A scan into a folder, with nothing of the caller's settings.
pub(crate) fn scan(input: &Input, out: &Path, flags: &[&str]) -> Command {
    let mut command = Command::new(coordinator_binary());
    command
        .args(["submit", "scan", "--quiet", "--bars"])
        .arg(&input.bars)
        .arg("--universe")
        .arg(&input.universe)
        .args(flags)
        .arg("--out")
        .arg(format!("{}/", out.display()))
        .env_clear()
        .env("HOME", out)
        .current_dir(out);
    command
}

fn peer_command(peer: &str, input: &Input, out: &Path, flags: &[&str]) -> Command {
    let mut command = Command::new("/bin/sh");
    let script = format!("{peer} \"$@\"");
    command
        .args(["-c", &script, "peer"])
        .arg(&input.bars)
        .arg(&input.universe)
        .arg(out)
        .args(flags);
    command
}

/// Runs a program to its end.
///
/// # Panics
/// When it can't be started or fails.
pub(crate) fn run(command: &mut Command) -> Usage {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let started = Instant::now();
    let child = command
        .spawn()
        .unwrap_or_else(|error| panic!("can't start {command:?}: {error}"));
    let used = child.wait4().expect("a child of this process can be waited for");
    let wall_s = started.elapsed().as_secs_f64();
    assert!(used.status.success(), "{command:?} failed: {}", used.status);
    Usage {
        wall_s,
        cpu_s: (used.rusage.utime + used.rusage.stime).as_secs_f64(),
        rss_bytes: used.rusage.maxrss,
    }
}

/// Symbols that are scored, or rejected by the data stage though they have bars.
fn computed(out: &Path) -> Vec<String> {
    let (scored, rejected) = (
        read_parquet(&out.join("scored.parquet")),
        read_parquet(&out.join("rejected.parquet")),
    );
    let rows = known_texts(&rejected, "symbol")
        .into_iter()
        .zip(known_texts(&rejected, "stage"));
    let rows = rows.zip(known_texts(&rejected, "reason"));
    let by_data = rows
        .filter(|((_, stage), reason)| stage == "data" && reason != "no_bars")
        .map(|((symbol, _), _)| symbol);
    let mut symbols: Vec<String> = known_texts(&scored, "symbol").into_iter().chain(by_data).collect();
    symbols.sort_unstable();
    symbols
}
