//! What a file's name and folders tell of it: whether it is data, in which format, and which columns its folders add.
//!
//! Reads no more of a file than its first bytes, and only where its ending tells nothing.

use std::path::Path;
use std::sync::Arc;

use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use tickfleet_protocol::facts::{FileFacts, FileFormat};

use super::error::DataError;
use super::file::{StoredFile, version_of};
use super::locate::store_error;

/// Endings of files that are read, in lower case.
const ENDINGS: [(&str, FileFormat); 7] = [
    (".parquet", FileFormat::Parquet),
    (".pq", FileFormat::Parquet),
    (".csv", FileFormat::Csv),
    (".csv.gz", FileFormat::CsvGzip),
    (".csv.zst", FileFormat::CsvZstd),
    (".csv.zstd", FileFormat::CsvZstd),
    (".onnx", FileFormat::Onnx),
];

/// A file of a known format that is not hidden: no part of its name begins with a dot or an underscore.
pub(super) fn is_data(path: &Path) -> bool {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    !name.starts_with(['.', '_']) && by_ending(&name).is_some_and(|format| format != FileFormat::Onnx)
}

fn by_ending(name: &str) -> Option<FileFormat> {
    let name = name.to_lowercase();
    ENDINGS
        .iter()
        .find(|(ending, _)| name.ends_with(ending))
        .map(|&(_, format)| format)
}

/// A file that was found, with what facts say of it.
pub(super) async fn stored(
    store: &Arc<dyn ObjectStore>,
    meta: ObjectMeta,
    uri: String,
) -> Result<StoredFile, DataError> {
    let format = match by_ending(&uri) {
        Some(format) => format,
        None => sniff(store, &meta, &uri).await?,
    };
    let facts = FileFacts {
        hive: hive_columns(Path::new(meta.location.as_ref())),
        size: meta.size,
        version: version_of(&meta),
        uri,
        format,
    };
    Ok(StoredFile::new(facts, store.clone(), meta.location))
}

/// The format of a file that the user named but whose ending tells nothing.
async fn sniff(store: &Arc<dyn ObjectStore>, meta: &ObjectMeta, uri: &str) -> Result<FileFormat, DataError> {
    const MAGIC: &[u8] = b"PAR1";
    let unknown = || DataError::Format { uri: uri.to_owned() };
    if meta.size < MAGIC.len() as u64 {
        return Err(unknown());
    }
    let head = store.get_range(&meta.location, 0..MAGIC.len() as u64).await;
    match head.map_err(|source| store_error(uri, source))?.as_ref() {
        MAGIC => Ok(FileFormat::Parquet),
        _ => Err(unknown()),
    }
}

/// `key=value` folders of a path, outermost first.
fn hive_columns(path: &Path) -> Vec<(String, String)> {
    let folders = path.parent().into_iter().flat_map(Path::components);
    folders
        .filter_map(|part| {
            let part = part.as_os_str().to_string_lossy().into_owned();
            let (key, value) = part.split_once('=')?;
            (!key.is_empty()).then(|| (key.to_owned(), unescaped(value)))
        })
        .collect()
}

/// Percent-escapes resolved; the folder name that writers use for null becomes empty.
fn unescaped(value: &str) -> String {
    if value == "__HIVE_DEFAULT_PARTITION__" {
        return String::new();
    }
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let digits = tail
            .get(..2)
            .filter(|_| first == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_become_columns() {
        let columns = hive_columns(Path::new("lake/symbol=BRK%2FB/year=2016/part-0.parquet"));
        assert_eq!(
            columns,
            [("symbol".into(), "BRK/B".into()), ("year".into(), "2016".into())]
        );
        assert_eq!(unescaped("50%"), "50%");
        assert_eq!(unescaped("__HIVE_DEFAULT_PARTITION__"), "");
    }

    #[test]
    fn endings_tell_the_format() {
        for (name, expect) in [
            ("a.parquet", Some(FileFormat::Parquet)),
            ("A.CSV", Some(FileFormat::Csv)),
            ("a.csv.gz", Some(FileFormat::CsvGzip)),
            ("a.csv.zst", Some(FileFormat::CsvZstd)),
            ("a.txt", None),
        ] {
            assert_eq!(by_ending(name), expect, "{name}");
        }
        assert!(!is_data(Path::new("/d/_metadata.parquet")) && !is_data(Path::new("/d/.x.csv")));
    }
}
