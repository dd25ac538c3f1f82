//! Connections to the coordinators of a cluster: one at a time is used, and left for the next address when it breaks.

use std::error::Error;
use std::sync::{Mutex, MutexGuard};

use tickfleet_proto::wire::coordinator_client::CoordinatorClient;
use tonic::codec::CompressionEncoding;
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::address::Address;
use crate::grpc::convert::failure_of;
use crate::grpc::limits::MESSAGE_BYTES_MAX;

/// The client of one connection.
pub(super) type Client = CoordinatorClient<Channel>;

/// The addresses, and the connection that is open.
pub(super) struct Link {
    addresses: Vec<Address>,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    /// Which address is used.
    at: usize,
    /// How often the address has changed.
    moves: u64,
    channel: Option<Channel>,
}

/// A connection and what names it.
pub(super) struct Wire {
    /// Its address, as it is shown.
    pub(super) address: String,
    /// What calls go through.
    pub(super) client: Client,
    moves: u64,
}

/// An address that could not be connected to.
pub(super) struct Unconnected {
    /// The address, as it is shown.
    pub(super) address: String,
    /// Why not.
    pub(super) why: String,
}

impl Link {
    /// Not connected yet.
    pub(super) fn new(addresses: Vec<Address>) -> Self {
        Self {
            addresses,
            current: Mutex::default(),
        }
    }

    /// How many addresses there are.
    pub(super) fn addresses(&self) -> usize {
        self.addresses.len()
    }

    /// The open connection, or a new one to the address in use. Where that fails, the next address comes into use.
    pub(super) async fn wire(&self) -> Result<Wire, Unconnected> {
        let (at, moves, open) = {
            let current = self.lock();
            (current.at, current.moves, current.channel.clone())
        };
        let address = &self.addresses[at];
        let channel = match open {
            Some(channel) => channel,
            None => match address.endpoint.connect().await {
                Ok(channel) => {
                    let mut current = self.lock();
                    if current.moves == moves {
                        current.channel = Some(channel.clone());
                    }
                    channel
                }
                Err(error) => {
                    self.leave(moves);
                    return Err(Unconnected {
                        address: address.text.clone(),
                        why: innermost(&error),
                    });
                }
            },
        };
        Ok(Wire {
            address: address.text.clone(),
            client: client(channel),
            moves,
        })
    }

    /// Brings the next address into use, unless someone has done so since the wire was given.
    pub(super) fn give_up(&self, wire: &Wire) {
        self.leave(wire.moves);
    }

    fn leave(&self, moves: u64) {
        let mut current = self.lock();
        if current.moves == moves {
            *current = Current {
                at: (current.at + 1) % self.addresses.len(),
                moves: moves + 1,
                channel: None,
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        self.current.lock().expect("nothing panics under this lock")
    }
}

fn client(channel: Channel) -> Client {
    CoordinatorClient::new(channel)
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX)
        .accept_compressed(CompressionEncoding::Zstd)
        .accept_compressed(CompressionEncoding::Gzip)
}

/// Whether another try, at this or another address, may succeed: why it did not now. `None` for a refusal.
pub(super) fn away(status: &Status) -> Option<String> {
    if let Some(failure) = failure_of(status) {
        // The coordinator is there, its queue is not: another one may reach it.
        let is_away = failure.status == tickfleet_runtime::failure::ExitStatus::Unreachable;
        return is_away.then(|| failure.why.last().unwrap_or(&failure.what).clone());
    }
    let is_broken = status.source().is_some();
    let is_away = matches!(
        status.code(),
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown
    );
    (is_broken || is_away).then(|| match status.source() {
        Some(source) => innermost(source),
        None => status.message().to_owned(),
    })
}

/// The end of a chain of errors: the layers above it only say that something failed.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
