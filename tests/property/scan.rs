//! Runs scans and holds their outputs against each other.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use bytes::Bytes;
use parquet::arrow::ARROW_SCHEMA_META_KEY;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::RowGroupMetaData;
use tempfile::TempDir;
use tickfleet_tests::program::coordinator;
use tickfleet_tests::tables::{TABLES, read_parquet};

/// The metadata's key of the run's id.
const RUN_ID: &str = "tickfleet.run_id";
/// What every result file says about its making.
const METADATA: [&str; 4] = [
    "tickfleet.input_digest",
    "tickfleet.kernel_version",
    RUN_ID,
    "tickfleet.spec",
];

/// A scan to run: input and options, without what must not change a result.
#[derive(Clone, Debug)]
pub(crate) struct Scan {
    args: Vec<OsString>,
}

impl Scan {
    /// A scan of these bars.
    pub(crate) fn of(bars: &Path) -> Self {
        let args = ["submit", "scan", "--quiet", "--bars"].map(OsString::from);
        Self { args: args.into() }.with([bars])
    }

    /// With further arguments.
    #[must_use]
    pub(crate) fn with(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// The bytes of `--out FILE` in the format of this ending.
    #[track_caller]
    pub(crate) fn file(&self, ending: &str) -> Vec<u8> {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let out = folder.path().join(format!("ranked.{ending}"));
        let _ = coordinator(self.clone().with(["--out".into(), out.clone().into_os_string()]).args)
            .run()
            .success();
        std::fs::read(&out).expect("a successful run writes its output")
    }

    /// The tables of `--out DIR/`.
    #[track_caller]
    pub(crate) fn tables(&self) -> Tables {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let out = format!("{}/", folder.path().display());
        let _ = coordinator(self.clone().with(["--out", &out]).args).run().success();
        Tables { folder }
    }
}

/// The files of one run.
pub(crate) struct Tables {
    folder: TempDir,
}

impl Tables {
    fn path(&self, table: &str) -> PathBuf {
        self.folder.path().join(format!("{table}.parquet"))
    }

    /// The rows of every table.
    pub(crate) fn rows(&self) -> [RecordBatch; 4] {
        TABLES.map(|table| without_metadata(&read_parquet(&self.path(table))))
    }

    /// All that the files hold but the run's id.
    #[track_caller]
    pub(crate) fn bytes(&self) -> [FileParts; 4] {
        TABLES.map(|table| file_parts(&std::fs::read(self.path(table)).expect("the file is there")))
    }
}

/// A Parquet file without its run's id: two that are equal differ in that id alone.
///
/// The footer is held decoded, because the id also stands within the encoded Arrow schema there.
#[derive(Debug, PartialEq)]
pub(crate) struct FileParts {
    /// Everything before the footer.
    data: Vec<u8>,
    /// Length of the whole file.
    length: usize,
    row_groups: Vec<RowGroupMetaData>,
    schema: Schema,
    /// The footer's pairs, those left out that hold the id.
    pairs: Vec<(String, Option<String>)>,
}

/// Takes a Parquet file apart.
///
/// # Panics
/// When it lacks a pair of its metadata, or names a run in another place than its id's.
#[track_caller]
pub(crate) fn file_parts(bytes: &[u8]) -> FileParts {
    let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::copy_from_slice(bytes)).expect("a Parquet file");
    let pairs = builder
        .metadata()
        .file_metadata()
        .key_value_metadata()
        .into_iter()
        .flatten();
    let pairs: Vec<(String, Option<String>)> = pairs.map(|pair| (pair.key.clone(), pair.value.clone())).collect();
    for key in METADATA {
        let value = pairs
            .iter()
            .find(|(known, _)| known == key)
            .and_then(|(_, value)| value.as_deref());
        assert!(
            value.is_some_and(|value| !value.is_empty()),
            "the file lacks {key}: {pairs:?}"
        );
    }
    let mut schema = builder.schema().as_ref().clone();
    let id = schema
        .metadata
        .remove(RUN_ID)
        .expect("the schema has the pairs of the footer");
    let pairs: Vec<_> = pairs
        .into_iter()
        .filter(|(key, _)| key != RUN_ID && key != ARROW_SCHEMA_META_KEY)
        .collect();
    assert!(
        !format!("{schema:?}{pairs:?}").contains(&id),
        "the run's id stands under its own key only"
    );
    let tail = bytes.len().checked_sub(8).expect("a Parquet file has a tail");
    let footer = u32::from_le_bytes(bytes[tail..tail + 4].try_into().expect("four bytes"));
    let footer = usize::try_from(footer).expect("a footer fits in memory");
    FileParts {
        data: bytes[..tail - footer].to_vec(),
        length: bytes.len(),
        row_groups: builder.metadata().row_groups().to_vec(),
        schema,
        pairs,
    }
}

/// The bytes with every occurrence of `id` replaced by as many dots.
pub(crate) fn blanked(bytes: &[u8], id: &str) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let places: Vec<usize> = bytes
        .windows(id.len())
        .enumerate()
        .filter(|(_, window)| *window == id.as_bytes())
        .map(|(at, _)| at)
        .collect();
    assert!(!places.is_empty(), "the file names its run");
    for at in places {
        bytes[at..at + id.len()].fill(b'.');
    }
    bytes
}

/// Two runs over other files say so in their metadata; what is compared is the rows.
fn without_metadata(batch: &RecordBatch) -> RecordBatch {
    let schema = Schema::new(batch.schema().fields().clone());
    RecordBatch::try_new(schema.into(), batch.columns().to_vec()).expect("the same fields")
}
