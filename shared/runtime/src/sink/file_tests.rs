//! One result file's life, in every format.

use std::fs::{self, File};
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Float64Array, Int32Array, Int64Array, StringArray};
use arrow::csv;
use arrow::datatypes::{DataType, Field};
use arrow::ipc::reader::FileReader;
use arrow::json;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;

fn schema() -> SchemaRef {
    SchemaRef::new(Schema::new(vec![
        Field::new("as_of", DataType::Date32, true),
        Field::new("symbol", DataType::Utf8, false),
        Field::new("rank", DataType::Int32, true),
        Field::new("merit", DataType::Float64, true),
        Field::new("shares", DataType::Int64, true),
    ]))
}

/// Rows `from..to` of an endless table; every third rank and every fifth merit is null.
fn rows(from: i32, to: i32) -> RecordBatch {
    let range = || from..to;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Date32Array::from_iter_values(range().map(|i| 20_000 + i / 100))),
        Arc::new(StringArray::from_iter_values(range().map(|i| format!("S{i}")))),
        Arc::new(Int32Array::from_iter(range().map(|i| (i % 3 != 0).then_some(i)))),
        Arc::new(Float64Array::from_iter(
            range().map(|i| (i % 5 != 0).then_some(f64::from(i) / 7.0)),
        )),
        Arc::new(Int64Array::from_iter(range().map(|i| Some(i64::from(i) << 40)))),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

fn metadata() -> Metadata {
    [("tickfleet.run_id", "r1"), ("tickfleet.spec", "{\"top\":50}")]
        .into_iter()
        .collect()
}

fn write(path: &Path, format: Format, batches: &[RecordBatch]) -> Vec<u8> {
    let mut sink = FileSink::create(path, schema(), format, &metadata()).unwrap();
    for batch in batches {
        sink.write(batch).unwrap();
    }
    sink.finish().unwrap();
    fs::read(path).unwrap()
}

fn read(path: &Path, format: Format) -> RecordBatch {
    let file = File::open(path).unwrap();
    let buffered = || io::BufReader::new(file.try_clone().unwrap());
    let batches: Vec<RecordBatch> = match format {
        Format::Parquet => {
            let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
            reader.collect::<Result<_, _>>().unwrap()
        }
        Format::Csv => {
            let reader = csv::ReaderBuilder::new(schema()).with_header(true).build(file).unwrap();
            reader.collect::<Result<_, _>>().unwrap()
        }
        Format::Json => {
            let rows: Vec<serde_json::Value> = serde_json::from_reader(buffered()).unwrap();
            let mut decoder = json::ReaderBuilder::new(schema()).build_decoder().unwrap();
            decoder.serialize(&rows).unwrap();
            decoder.flush().unwrap().into_iter().collect()
        }
        Format::Jsonl => {
            let reader = json::ReaderBuilder::new(schema()).build(buffered()).unwrap();
            reader.collect::<Result<_, _>>().unwrap()
        }
        Format::Arrow => FileReader::try_new(file, None)
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap(),
    };
    let bare = |batch: RecordBatch| RecordBatch::try_new(schema(), batch.columns().to_vec()).unwrap();
    let bare: Vec<RecordBatch> = batches.into_iter().map(bare).collect();
    arrow::compute::concat_batches(&schema(), &bare).unwrap()
}

#[test]
fn every_format_gives_the_rows_back() {
    let folder = tempfile::tempdir().unwrap();
    for format in Format::ALL {
        let path = folder.path().join("t").with_extension(format.ending());
        write(&path, format, &[rows(0, 900), rows(900, 901)]);
        assert_eq!(read(&path, format), rows(0, 901), "{format:?}");
    }
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        Format::ALL.len(),
        "no temporary file stays"
    );
}

#[test]
fn the_cut_into_batches_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let last = 2 * i32::try_from(BATCH_ROWS).unwrap() + 77;
    for format in Format::ALL {
        let path = folder.path().join("t").with_extension(format.ending());
        let whole = write(&path, format, &[rows(0, last)]);
        let parts: Vec<_> = (0..last).step_by(1_000).map(|i| rows(i, last.min(i + 1_000))).collect();
        assert!(whole == write(&path, format, &parts), "{format:?}");
        assert!(whole != write(&path, format, &[rows(0, last - 1)]), "{format:?}");
    }
}

#[test]
fn a_table_without_rows_is_a_valid_file() {
    let folder = tempfile::tempdir().unwrap();
    for format in Format::ALL {
        let path = folder.path().join("t").with_extension(format.ending());
        let bytes = write(&path, format, &[]);
        match format {
            Format::Csv => assert_eq!(bytes, b"as_of,symbol,rank,merit,shares\n"),
            Format::Json => assert_eq!(bytes, b"[]"),
            Format::Jsonl => assert_eq!(bytes, b""),
            Format::Parquet | Format::Arrow => assert_eq!(read(&path, format), RecordBatch::new_empty(schema())),
        }
    }
}

#[test]
fn text_shows_dates_nulls_and_the_shortest_numbers() {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Date32Array::from(vec![Some(19_737), None])),
        Arc::new(StringArray::from(vec!["A,\"B\"", "NULL"])),
        Arc::new(Int32Array::from(vec![Some(1), None])),
        Arc::new(Float64Array::from(vec![Some(0.1 + 0.2), None])),
        Arc::new(Int64Array::from(vec![Some(i64::MAX), None])),
    ];
    let batch = RecordBatch::try_new(schema(), columns).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let check = |format: Format, expect: &str| {
        let path = folder.path().join("t").with_extension(format.ending());
        let text = String::from_utf8(write(&path, format, std::slice::from_ref(&batch))).unwrap();
        assert_eq!(text, expect);
    };
    let first = r#"{"as_of":"2024-01-15","symbol":"A,\"B\"","rank":1,"merit":0.30000000000000004,"shares":9223372036854775807}"#;
    let second = r#"{"as_of":null,"symbol":"NULL","rank":null,"merit":null,"shares":null}"#;
    check(Format::Json, &format!("[{first},{second}]"));
    check(Format::Jsonl, &format!("{first}\n{second}\n"));
    check(
        Format::Csv,
        "as_of,symbol,rank,merit,shares\n\
         2024-01-15,\"A,\"\"B\"\"\",1,0.30000000000000004,9223372036854775807\n\
         ,NULL,,,\n",
    );
}

#[test]
fn metadata_is_in_the_files_that_have_a_place_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    write(&path, Format::Parquet, &[rows(0, 3)]);
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
    let footer = reader.metadata().file_metadata();
    assert_eq!(footer.created_by(), Some("tickfleet"));
    let pairs = footer.key_value_metadata().unwrap();
    let found: Vec<_> = pairs
        .iter()
        .map(|pair| (pair.key.as_str(), pair.value.as_deref().unwrap()))
        .collect();
    assert_eq!(found[..2], metadata().iter().collect::<Vec<_>>());
    let run_id = |schema: &Schema| schema.metadata().get("tickfleet.run_id").cloned();
    assert_eq!(run_id(reader.schema()).as_deref(), Some("r1"));

    let path = folder.path().join("t.arrow");
    write(&path, Format::Arrow, &[rows(0, 3)]);
    let schema = FileReader::try_new(File::open(&path).unwrap(), None).unwrap().schema();
    assert_eq!(run_id(&schema).as_deref(), Some("r1"));
}

#[test]
fn a_sink_that_is_dropped_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    fs::write(&path, "before").unwrap();
    let mut sink = FileSink::create(&path, schema(), Format::Csv, &metadata()).unwrap();
    sink.write(&rows(0, 50_000)).unwrap();
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        2,
        "the temporary file lies beside the target"
    );
    drop(sink);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(&path).unwrap(), "before");
}

#[test]
fn a_closed_file_is_in_its_place_only_when_published() {
    let folder = tempfile::tempdir().unwrap();
    let names = || fs::read_dir(folder.path()).unwrap().count();
    let closed = |name: &str| {
        let mut sink = FileSink::create(&folder.path().join(name), schema(), Format::Csv, &metadata()).unwrap();
        sink.write(&rows(0, 3)).unwrap();
        sink.close().unwrap()
    };
    let (kept, dropped) = (closed("kept.csv"), closed("dropped.csv"));
    assert!(!folder.path().join("kept.csv").exists() && names() == 2);
    drop(dropped);
    kept.publish().unwrap();
    assert_eq!(
        (read(&folder.path().join("kept.csv"), Format::Csv), names()),
        (rows(0, 3), 1)
    );
}

#[test]
fn a_refused_folder_is_named_without_the_temporary_file() {
    // A name with a NUL byte is refused for every user, root included.
    let error = temporary_beside(Path::new("no\0where/t.csv")).unwrap_err();
    let SinkError::Io { source, .. } = &error else {
        panic!("{error:?}")
    };
    assert!(!source.to_string().contains(".tickfleet-"), "{source}");
}

#[test]
fn other_columns_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    let mut sink = FileSink::create(&path, schema(), Format::Csv, &metadata()).unwrap();
    let error = sink
        .write(&rows(0, 3).project(&[1, 2]).unwrap())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("a batch has columns (symbol Utf8, rank Int32) where the file has (as_of Date32, "),
        "{error}"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_named_and_ends_the_sink() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    let mut sink = FileSink::create(&path, schema(), Format::Csv, &metadata()).unwrap();
    // `/dev/full` answers every write with "no space left".
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = BufWriter::new(Recorder::new(full, sink.errors.clone()));
    sink.encoder = Some(Encoder::open(Format::Json, &schema(), &metadata(), output).unwrap());
    let batch = rows(0, i32::try_from(BATCH_ROWS).unwrap());
    let error = sink.write(&batch).unwrap_err();
    assert!(matches!(error, SinkError::NoSpace { .. }), "{error:?}");
    assert!(matches!(sink.write(&batch).unwrap_err(), SinkError::Failed { .. }));
    assert!(matches!(sink.finish().unwrap_err(), SinkError::Failed { .. }));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
#[cfg(unix)]
fn the_file_has_the_permissions_of_any_new_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (ours, plain) = (folder.path().join("t.csv"), folder.path().join("plain"));
    write(&ours, Format::Csv, &[]);
    fs::write(&plain, "").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&ours), mode(&plain));
}
