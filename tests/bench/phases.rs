//! Where the time of one lane goes: the program's own steps, called one after the other in this process.
//!
//! Each figure is the best of the runs. Fetching runs beside the lane, so it is part of no sum.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tickfleet_kernels::scan::map::Mapper;
use tickfleet_kernels::scan::universe::{Universe, stage};
use tickfleet_proto::convert::{ReduceOutput, ScanRun};
use tickfleet_protocol::facts::{BlockPart, JoinedFacts, ScanFacts, bar_symbols};
use tickfleet_protocol::plan::{Job, MAP, Sharding};
use tickfleet_protocol::spec::scan::ScanSpec;
use tickfleet_protocol::survey::Survey;
use tickfleet_runtime::data::gather::{Scratch, gather};
use tickfleet_runtime::data::inputs::{BarFile, Fetched, Inputs, Want};
use tickfleet_runtime::data::joined::Joined;
use tickfleet_runtime::data::locate::{locate, reopen};
use tickfleet_runtime::data::select::{LoadedBlock, Wanted};
use tickfleet_runtime::data::small_table::ReadTable;
use tickfleet_runtime::data::survey::survey;
use tickfleet_runtime::data::universe::read_universe;
use tickfleet_runtime::pool::Pool;
use tickfleet_runtime::sink::{FileSink, Metadata, Target};
use tickfleet_runtime::tables::decode;
use tickfleet_worker::compute::compute;
use tickfleet_worker::fetch::{Input as JobInput, MapInput, ReduceInput};
use tickfleet_worker::run::Run;
use tokio::runtime::Runtime;

use crate::bare::{as_of, runtime, spec};
use crate::cold::{Mode, run, scan};
use crate::input::Input;

/// Cache of decoded blocks, as the program has it by default.
const CACHE_BYTES: u64 = 256_000_000;

/// What a pass is told on its standard input.
#[derive(Debug, Serialize, Deserialize)]
struct Task {
    spec: ScanSpec,
    as_of: i32,
    symbols: usize,
}

/// Times by phase, in the order of a run.
#[derive(Default)]
struct Clock {
    ms: BTreeMap<&'static str, f64>,
}

impl Clock {
    /// Runs a step and adds its time to a phase.
    fn time<T>(&mut self, phase: &'static str, step: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let done = step();
        *self.ms.entry(phase).or_default() += started.elapsed().as_secs_f64() * 1e3;
        done
    }
}

/// Phases in the order of a run. What is indented is part of the phase above it, timed in a pass of its own.
const PHASES: [&str; 15] = [
    "survey",
    "  open",
    "  fetch (beside the lane)",
    "  digest",
    "  decode keys",
    "universe: read",
    "universe: stage",
    "plan: encode, decode, sessions",
    "map: fetch (beside the lane)",
    "map",
    "  decode prices",
    "  gather",
    "  hygiene, kernels, scores",
    "reduce",
    "write: four tables",
];

/// The passes over the phases: each runs in a process of its own, so that memory is as fresh as in a real run.
pub(crate) const PASSES: [&str; 3] = ["survey-parts", "map-parts", "whole"];

/// Milliseconds of each phase of a scan in this mode, best of `repeat`, and of the whole process with one lane.
pub(crate) fn measure(input: &Input, mode: &Mode, repeat: usize) -> Vec<(String, f64)> {
    let task = Task {
        spec: spec(mode),
        as_of: as_of(mode),
        symbols: mode.symbols.len(),
    };
    let task = serde_json::to_vec(&task).expect("a task is JSON");
    let mut best: BTreeMap<String, f64> = BTreeMap::new();
    let mut one_lane = f64::INFINITY;
    let flags: Vec<&str> = mode.flags.iter().copied().chain(["--lanes", "1"]).collect();
    for _ in 0..repeat {
        for pass in PASSES {
            for (phase, ms) in child(pass, &task) {
                let least = best.entry(phase).or_insert(ms);
                *least = least.min(ms);
            }
        }
        let out = tempfile::tempdir().expect("a temporary folder can be made");
        one_lane = one_lane.min(run(&mut scan(input, out.path(), &flags)).wall_s * 1e3);
    }
    let mut named: Vec<(String, f64)> = PHASES
        .iter()
        .map(|phase| (format!("{}: {phase}", mode.name), best[*phase]))
        .collect();
    named.push((format!("{}: whole process, --lanes 1", mode.name), one_lane));
    named
}

/// Runs a pass in another process of this program.
fn child(pass: &str, task: &[u8]) -> Vec<(String, f64)> {
    let program = std::env::current_exe().expect("a running program has a path");
    let mut command = Command::new(program);
    command
        .args(["--pass", pass])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().expect("this program can be started");
    let mut stdin = child.stdin.take().expect("standard input was piped");
    stdin.write_all(task).expect("a pass reads its task");
    drop(stdin);
    let output = child
        .wait_with_output()
        .expect("a child of this process can be waited for");
    assert!(output.status.success(), "the pass {pass} failed");
    serde_json::from_slice(&output.stdout).expect("a pass prints its times")
}

/// Runs a pass and prints its times: what [`measure`] starts.
pub(crate) fn pass(name: &str) {
    let task: Task = serde_json::from_reader(std::io::stdin()).expect("a task");
    let mut clock = Clock::default();
    let runtime = runtime();
    if name == "survey-parts" {
        survey_parts(&mut clock, &runtime, &task.spec);
    } else {
        let inputs = Arc::new(Inputs::new(CACHE_BYTES));
        let universe = clock.time("universe: read", || runtime.block_on(read(&task.spec)));
        let survey = clock.time("survey", || runtime.block_on(surveyed(&inputs, &task.spec)));
        let planned = planned(&mut clock, &task, survey, universe);
        if name == "whole" {
            let maps = map_whole(&mut clock, &runtime, &inputs, &planned);
            let table = runtime.block_on(planned.universe()).expect("the universe is there");
            let reduced = clock.time("reduce", || {
                compute(
                    &planned,
                    &inputs,
                    &Job::Reduce { date: 0 },
                    JobInput::Reduce(ReduceInput {
                        results: maps,
                        universe: table,
                        joined: Joined::default(),
                        model: None,
                    }),
                )
                .expect("whole results")
            });
            written(&mut clock, reduced);
        } else {
            map_parts(&mut clock, &runtime, &inputs, &planned);
        }
    }
    let times: Vec<(&str, f64)> = clock.ms.into_iter().collect();
    println!("{}", serde_json::to_string(&times).expect("numbers are JSON"));
}

async fn read(spec: &ScanSpec) -> Option<ReadTable<Universe>> {
    let files = locate("universe", spec.universe.as_deref()?)
        .await
        .expect("the universe is there");
    Some(
        read_universe(&files, spec.map.ticker_rule)
            .await
            .expect("the universe is whole"),
    )
}

async fn surveyed(inputs: &Arc<Inputs>, spec: &ScanSpec) -> Survey {
    let pool = Pool::new(1).expect("a thread can be started");
    let files = locate("bars", &spec.bars).await.expect("the bars are there");
    survey(inputs, &pool, files, spec.map.ticker_rule, &mut |_, _| {})
        .await
        .expect("the bars are whole")
}

fn survey_parts(clock: &mut Clock, runtime: &Runtime, spec: &ScanSpec) {
    let inputs = Inputs::new(CACHE_BYTES);
    let rule = spec.map.ticker_rule;
    let open = async {
        let files = locate("bars", &spec.bars).await.expect("the bars are there");
        inputs
            .bars(files.into_iter().next().expect("a file"))
            .await
            .expect("the bars are whole")
    };
    let file = clock.time("  open", || runtime.block_on(open));
    let BarFile::Parquet(parquet) = file.as_ref() else {
        panic!("{} is no Parquet file", spec.bars)
    };
    for group in 0..u32::try_from(parquet.groups()).expect("row groups are few") {
        let fetch = inputs.fetch(file.clone(), BlockPart::RowGroup(group), rule, Want::Survey);
        let fetched = clock
            .time("  fetch (beside the lane)", || runtime.block_on(fetch))
            .expect("the bars are whole");
        black_box(clock.time("  digest", || fetched.digest()));
        black_box(clock.time("  decode keys", || inputs.decode(&fetched).expect("the bars are whole")));
    }
}

fn planned(clock: &mut Clock, task: &Task, survey: Survey, universe: Option<ReadTable<Universe>>) -> Run {
    let (spec, day) = (task.spec.clone(), task.as_of);
    let bars = bar_symbols(&survey.symbols);
    let rows = universe.as_ref().map(|table| table.rows.as_ref());
    let mapped: Vec<u32> = clock.time("universe: stage", || {
        let passed = stage(rows, &bars, day, &spec.universe_stage)
            .into_iter()
            .filter(|it| it.reason.is_none());
        let found = passed.filter_map(|it| bars.binary_search_by(|known| known.symbol.cmp(it.symbol)).ok());
        found.map(|at| u32::try_from(at).expect("symbols are few")).collect()
    });
    assert_eq!(mapped.len(), task.symbols, "the symbols that the program computed");
    let facts = ScanFacts {
        files: survey.files,
        blocks: survey.blocks,
        dates: survey.dates,
        traded: survey.traded,
        as_of: vec![day],
        symbols: survey.symbols,
        mapped,
        unplaced_rows: survey.unplaced_rows,
        first_unplaced: survey.first_unplaced,
        universe: universe.map(|table| table.facts),
        joined: JoinedFacts::default(),
    };
    let record = ScanRun {
        spec,
        facts,
        sharding: Sharding {
            symbols: None,
            dates: None,
        },
    };
    clock.time("plan: encode, decode, sessions", || {
        let decoded = ScanRun::decode(record.encode()).expect("its own encoding");
        black_box(Run::new(record));
        Run::new(decoded)
    })
}

/// Blocks of a map job, fetched as the worker fetches them, and the names of its symbols.
fn fetched<'a>(
    clock: &mut Clock,
    runtime: &Runtime,
    inputs: &Inputs,
    run: &'a Run,
    job: &Job,
) -> (Vec<(u32, Fetched)>, Vec<&'a str>) {
    let facts = &run.record.facts;
    let Job::Map { symbols, .. } = job else {
        unreachable!("map jobs map")
    };
    let names = facts.mapped[symbols.clone()]
        .iter()
        .map(|&at| facts.symbols[at as usize].symbol.as_str())
        .collect();
    let span = (facts.mapped[symbols.start], facts.mapped[symbols.end - 1]);
    let mut blocks = Vec::new();
    for ordinal in facts.blocks_of(span, facts.as_of[0]) {
        let block = &facts.blocks[ordinal as usize];
        let fetched = clock.time("map: fetch (beside the lane)", || {
            let file = reopen(&facts.files[block.file as usize]).expect("the bars are there");
            let rule = run.record.spec.map.ticker_rule;
            let fetched = async {
                inputs
                    .fetch(inputs.bars(file).await?, block.part, rule, Want::All)
                    .await
            };
            runtime.block_on(fetched).expect("the bars are whole")
        });
        blocks.push((ordinal, fetched));
    }
    (blocks, names)
}

fn map_whole(clock: &mut Clock, runtime: &Runtime, inputs: &Inputs, run: &Run) -> Vec<Bytes> {
    let job = |index| run.plan.job(MAP, index).expect("a planned job");
    let results = (0..run.plan.stages()[0]).map(|index| {
        let (blocks, _) = fetched(clock, runtime, inputs, run, &job(index));
        let input = MapInput {
            loaded: Vec::new(),
            packed: blocks,
        };
        let result = clock.time("map", || compute(run, inputs, &job(index), JobInput::Map(input)));
        result.expect("the bars are whole")
    });
    results.collect()
}

fn map_parts(clock: &mut Clock, runtime: &Runtime, inputs: &Inputs, run: &Run) {
    for index in 0..run.plan.stages()[0] {
        let job = run.plan.job(MAP, index).expect("a planned job");
        let (fetched, names) = fetched(clock, runtime, inputs, run, &job);
        let wanted = Wanted::new(inputs.names(), &names);
        let blocks: Vec<LoadedBlock> = clock.time("  decode prices", || {
            let decoded = fetched.iter().map(|(ordinal, fetched)| {
                let block = inputs.decode(fetched).expect("the bars are whole");
                LoadedBlock::select(*ordinal, block, &wanted)
            });
            decoded.collect()
        });
        let gathered = clock.time("  gather", || gather(&blocks, &wanted));
        clock.time("  hygiene, kernels, scores", || {
            let (mut mapper, mut scratch) = (Mapper::new(&run.calendar, &run.record.spec.map), Scratch::default());
            for at in 0..names.len() {
                let rows = gathered.rows(at, &mut scratch).columns;
                mapper.map(&rows, &run.record.facts.as_of, &mut |_, _| {}, &mut |_, row| {
                    black_box(row);
                });
            }
        });
    }
}

fn written(clock: &mut Clock, reduced: Bytes) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let target = Target::parse(&format!("{}/", folder.path().display())).expect("a folder");
    clock.time("write: four tables", || {
        let output = ReduceOutput::decode(reduced).expect("its own encoding");
        for (name, bytes) in [
            ("ranked", &output.ranked),
            ("scored", &output.scored),
            ("rejected", &output.rejected),
            ("funnel", &output.funnel),
        ] {
            let batch = decode(bytes).expect("its own encoding");
            let (path, format) = target.table(name);
            let mut sink = FileSink::create(&path, batch.schema(), format, &Metadata::new()).expect("a fresh folder");
            sink.write(&batch).expect("a fresh folder takes rows");
            sink.finish().expect("a fresh folder takes a file");
        }
    });
}
