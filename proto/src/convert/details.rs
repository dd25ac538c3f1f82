//! A failure as the details of a gRPC status, wrapped as a `google.rpc.Status` so that any client can unpack it.

use bytes::Bytes;
use prost::Message;

use crate::wire;

/// What names a [`wire::Failure`] in a list of details.
const TYPE_URL: &str = "type.googleapis.com/tickfleet.cluster.v1.Failure";

impl wire::Failure {
    /// What stands in `grpc-status-details-bin` beside this code.
    pub fn to_details(&self, code: i32) -> Bytes {
        let details = wire::StatusDetails {
            code,
            message: self.what.clone(),
            details: vec![prost_types::Any {
                type_url: TYPE_URL.to_owned(),
                value: self.encode_to_vec(),
            }],
        };
        details.encode_to_vec().into()
    }

    /// The failure in a status's details; `None` where there is none.
    pub fn from_details(details: &[u8]) -> Option<Self> {
        let details = wire::StatusDetails::decode(details).ok()?;
        let any = details.details.into_iter().find(|any| any.type_url == TYPE_URL)?;
        Self::decode(any.value.as_slice()).ok()
    }

    /// Bytes that it takes.
    pub fn size(&self) -> usize {
        self.encoded_len()
    }
}
