//! The one file of a model.

use tickfleet_protocol::facts::FileFormat;

use super::error::DataError;
use super::file::StoredFile;
use super::locate::locate;

/// Finds the file that a model's URI names.
///
/// # Errors
/// There is none, more than one, or one that is no ONNX file by its ending.
pub async fn locate_model(uri: &str) -> Result<StoredFile, DataError> {
    let mut files = locate("model", uri).await?;
    match (files.pop(), files.len()) {
        (Some(file), 0) if file.facts.format == FileFormat::Onnx => Ok(file),
        _ => Err(DataError::NotModel { uri: uri.to_owned() }),
    }
}
