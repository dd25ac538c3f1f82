//! How long a scan takes, from the start of the process to its tables in a folder, against what bounds it: the bare
//! kernels on columns in memory, and the decoding of the same columns with no work at all.
//!
//! Every figure comes from one run, and the program's numbers are held against the bare kernels' before any is printed.
//! `cargo bench --bench scan -- --help` lists the options; `tests/run bench` runs it. Read next: `cold`.

mod bare;
mod cold;
mod input;
mod phases;
mod range;
mod report;
mod warm;

use clap::Parser;
use report::{Report, Row};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Times a scan against its own limits.
#[derive(Debug, Parser)]
struct Options {
    /// Runs of each measurement; the best and the median are printed
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    repeat: u16,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print where the time of one lane goes, as well
    #[arg(long)]
    phases: bool,
    /// Run this shell command in turn with the scan; it is given BARS UNIVERSE OUT, and --unlisted in that mode
    #[arg(long, value_name = "CMD")]
    peer: Option<String>,
    /// Time these phases, as the benchmark asks itself in a process of its own
    #[arg(long, hide = true, value_parser = phases::PASSES)]
    pass: Option<String>,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let options = Options::parse();
    if let Some(pass) = &options.pass {
        return phases::pass(pass);
    }
    let input = input::find();
    let repeat = usize::from(options.repeat);
    let mut report = Report::new(&input);
    // Before anything large is in this process: a child's peak of memory begins at its parent's.
    let modes = cold::measure(&input, repeat, options.peer.as_deref());
    report.add_cold(&modes);
    report.add_range(&range::measure(&input, repeat));
    for mode in &modes {
        let warm = warm::measure(&input, mode, repeat);
        report.add(Row::single(
            "warm scan, same process",
            mode.name,
            mode.symbols.len(),
            warm.same_s,
        ));
        report.add(Row::single(
            "one symbol changed",
            mode.name,
            mode.symbols.len(),
            warm.changed_s,
        ));
    }
    let loaded = bare::load(&input.bars);
    for mode in &modes {
        let bare = bare::measure(&loaded, mode, repeat);
        report.add(Row::single(
            "bare kernels, 1 thread",
            mode.name,
            bare.symbols,
            bare.runs_s,
        ));
    }
    drop(loaded);
    report.add(Row::single(
        "decode floor, 1 thread",
        "",
        0,
        bare::floor(&input.bars, repeat),
    ));
    if options.phases {
        for mode in &modes {
            report.phases.extend(phases::measure(&input, mode, repeat));
        }
    }
    if options.json {
        println!("{}", report.json());
    } else {
        print!("{}", report.text());
    }
}
