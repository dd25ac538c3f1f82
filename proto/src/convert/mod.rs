//! Wire types to domain types and back. A message from the wire is checked here, once, before anything trusts it.

mod content;
mod facts;
mod scan;
#[cfg(test)]
mod tests;

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

pub(crate) fn invalid(message: &'static str, field: &'static str) -> WireError {
    WireError::Field { message, field }
}
