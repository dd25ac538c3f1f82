//! Wire types to domain types and back. A message from the wire is checked here, once, before anything trusts it.

mod content;
#[cfg(test)]
mod control_tests;
mod details;
mod event;
mod facts;
mod fleet;
mod joined;
mod run;
mod scan;
#[cfg(test)]
mod tests;

use std::str::FromStr;

use thiserror::Error;

pub use content::{MapContent, RejectedRow};
pub use scan::{FirstRejects, MapOutput, ReduceOutput, ScanRun};

/// A message that is no valid wire message of its kind.
#[derive(Debug, Error)]
pub enum WireError {
    /// The bytes are no message.
    #[error("{message} cannot be decoded")]
    Decode {
        /// Kind of message.
        message: &'static str,
        /// What the decoder said.
        #[source]
        source: prost::DecodeError,
    },
    /// A field is missing or out of range.
    #[error("{message}: {field} is missing or invalid")]
    Field {
        /// Kind of message.
        message: &'static str,
        /// The field.
        field: &'static str,
    },
    /// The spec's text is no spec of this version.
    #[error("the run's spec cannot be read")]
    Spec(#[source] serde_json::Error),
}

/// An id from its text.
///
/// # Errors
/// The text is no such id.
pub fn parsed<T: FromStr>(message: &'static str, field: &'static str, text: &str) -> Result<T, WireError> {
    text.parse().map_err(|_| invalid(message, field))
}

/// A message without a field that it must have.
pub fn invalid(message: &'static str, field: &'static str) -> WireError {
    WireError::Field { message, field }
}
