//! The limits: the kernels alone on columns that are in memory, and decoding alone.

use std::collections::HashMap;
use std::fs::File;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use tickfleet_kernels::scan::columns::{COLUMNS, Cell};
use tickfleet_kernels::scan::map::{MapRow, Mapper};
use tickfleet_kernels::scan::session::Calendar;
use tickfleet_protocol::facts::BlockPart;
use tickfleet_protocol::spec::scan::ScanSpec;
use tickfleet_runtime::data::gather::{Scratch, gather};
use tickfleet_runtime::data::inputs::{BarFile, Inputs, Want};
use tickfleet_runtime::data::locate::locate;
use tickfleet_runtime::data::select::{LoadedBlock, Wanted};
use tickfleet_runtime::data::survey::survey;
use tickfleet_runtime::pool::Pool;
use tickfleet_tests::tables::{days, floats, integers, known_texts};

use crate::cold::Mode;

/// Columns of bars that a scan reads.
const BARS: [&str; 8] = ["symbol", "date", "open", "high", "low", "close", "volume", "adj_close"];
/// Rows of a batch while only decoding.
const BATCH_ROWS: usize = 64 << 10;

/// Bars in memory, decoded.
pub(crate) struct Loaded {
    inputs: Arc<Inputs>,
    blocks: Vec<LoadedBlock>,
    dates: Vec<i32>,
    traded: Vec<u32>,
}

/// What the bare kernels took.
pub(crate) struct Bare {
    /// Symbols mapped.
    pub(crate) symbols: usize,
    /// Each run.
    pub(crate) runs_s: Vec<f64>,
}

/// A runtime for what moves bytes.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime can be built")
}

/// The spec of a mode's runs, as its results carry it.
pub(crate) fn spec(mode: &Mode) -> ScanSpec {
    serde_json::from_str(&mode.spec).expect("a result carries a spec of this version")
}

/// The as-of date of a mode's runs.
pub(crate) fn as_of(mode: &Mode) -> i32 {
    days(&mode.scored, "as_of")
        .first()
        .copied()
        .flatten()
        .expect("a scored row has its date")
}

/// Decodes all blocks of a bars file.
pub(crate) fn load(bars: &Path) -> Loaded {
    let uri = bars.display().to_string();
    let rule = tickfleet_kernels::scan::options::TickerRule::Us;
    runtime().block_on(async {
        let inputs = Arc::new(Inputs::new(0));
        let files = locate("bars", &uri).await.expect("the bars are there");
        let pool = Pool::new(1).expect("a thread can be started");
        let survey = survey(&inputs, &pool, files.clone(), rule, &mut |_, _| {})
            .await
            .expect("the bars are whole");
        let file = inputs
            .bars(files.into_iter().next().expect("a file"))
            .await
            .expect("the bars are whole");
        let BarFile::Parquet(parquet) = file.as_ref() else {
            panic!("{uri} is no Parquet file")
        };
        let mut blocks = Vec::new();
        for ordinal in 0..u32::try_from(parquet.groups()).expect("row groups are few") {
            let part = BlockPart::RowGroup(ordinal);
            let fetched = inputs
                .fetch(file.clone(), part, rule, Want::All)
                .await
                .expect("the bars are whole");
            let block = inputs.decode(&fetched).expect("the bars are whole");
            blocks.push(LoadedBlock::whole(ordinal, block));
        }
        Loaded {
            inputs,
            blocks,
            dates: survey.dates,
            traded: survey.traded,
        }
    })
}

/// Times the kernels over a mode's symbols, after holding their numbers against the program's.
pub(crate) fn measure(loaded: &Loaded, mode: &Mode, repeat: usize) -> Bare {
    let spec = spec(mode);
    let calendar = Calendar::new(loaded.dates.clone(), &loaded.traded, &spec.session);
    let as_of = [as_of(mode)];
    let names: Vec<&str> = mode.symbols.iter().map(String::as_str).collect();
    let gathered = gather(&loaded.blocks, &Wanted::new(loaded.inputs.names(), &names));
    let pass = |take: &mut dyn FnMut(usize, &MapRow)| {
        let (mut mapper, mut scratch) = (Mapper::new(&calendar, &spec.map), Scratch::default());
        for at in 0..names.len() {
            let rows = gathered.rows(at, &mut scratch);
            mapper.map(&rows.columns, &as_of, &mut |_, _| {}, &mut |_, row| take(at, row));
        }
    };
    let mut rows: HashMap<&str, MapRow> = HashMap::new();
    pass(&mut |at, row| {
        rows.insert(names[at], row.clone());
    });
    assert_equal(&rows, &mode.scored);
    let runs_s = (0..repeat).map(|_| {
        let started = Instant::now();
        pass(&mut |_, row| {
            black_box(row);
        });
        started.elapsed().as_secs_f64()
    });
    Bare {
        symbols: names.len(),
        runs_s: runs_s.collect(),
    }
}

/// Every indicator of every scored row has the very bits that the bare kernels gave.
fn assert_equal(rows: &HashMap<&str, MapRow>, scored: &RecordBatch) {
    let symbols = known_texts(scored, "symbol");
    assert!(!symbols.is_empty(), "rows are scored");
    for column in COLUMNS {
        let is_float = scored
            .schema()
            .field_with_name(column.name)
            .is_ok_and(|it| it.data_type() == &DataType::Float64);
        let values = if is_float {
            floats(scored, column.name)
        } else {
            Vec::new()
        };
        let whole = if is_float {
            Vec::new()
        } else {
            integers(scored, column.name)
        };
        for (at, symbol) in symbols.iter().enumerate() {
            let indicators = rows[symbol.as_str()]
                .indicators
                .as_ref()
                .expect("a scored symbol has bars");
            let same = match column.get(indicators) {
                Cell::F64(value) => value.map(f64::to_bits) == values[at].map(f64::to_bits),
                Cell::I32(value) => Some(i64::from(value)) == whole[at],
            };
            assert!(
                same,
                "{symbol} {}: the program and the bare kernels differ",
                column.name
            );
        }
    }
}

/// Times the decoding of the columns that a scan reads, by the format's library alone, symbols as a dictionary.
pub(crate) fn floor(bars: &Path, repeat: usize) -> Vec<f64> {
    let once = |_| {
        let started = Instant::now();
        let file = File::open(bars).expect("the bars are there");
        let found = ParquetRecordBatchReaderBuilder::try_new(file.try_clone().expect("an open file")).expect("Parquet");
        let options = ArrowReaderOptions::new().with_schema(Arc::new(with_dictionary(found.schema())));
        let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).expect("the same columns");
        let mask = ProjectionMask::columns(builder.parquet_schema(), BARS);
        let reader = builder
            .with_projection(mask)
            .with_batch_size(BATCH_ROWS)
            .build()
            .expect("a reader");
        let rows: usize = reader
            .map(|batch| black_box(batch.expect("the bars are whole")).num_rows())
            .sum();
        assert!(rows > 0, "rows are decoded");
        started.elapsed().as_secs_f64()
    };
    (0..repeat).map(once).collect()
}

fn with_dictionary(schema: &Schema) -> Schema {
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let fields = schema.fields().iter().map(|field| {
        if field.name() == "symbol" {
            Arc::new(Field::new("symbol", dictionary.clone(), field.is_nullable()))
        } else {
            field.clone()
        }
    });
    Schema::new(fields.collect::<Vec<_>>())
}
