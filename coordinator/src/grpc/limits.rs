//! The bounds of the control plane's wire, each with its reason.

use std::time::Duration;

/// Largest message either way, in bytes: gRPC's customary bound, so that any client and proxy takes what is sent.
pub(crate) const MESSAGE_BYTES_MAX: usize = 4 << 20;

/// Bytes of a table or record in one message: well below [`MESSAGE_BYTES_MAX`], and few enough that one slow reader
/// holds little.
pub(crate) const PIECE_BYTES: usize = 1 << 20;

/// Closes in one message: the longest window of a scan.
pub(crate) const CLOSES_MAX: usize = 5_000;

/// Runs in one message of a list: a run takes some hundred bytes, with a long key and trace under a kilobyte.
pub(crate) const RUNS_A_MESSAGE: usize = 1_024;

/// Workers in one message: a card with as many jobs as it may name takes two kilobytes.
pub(crate) const WORKERS_A_MESSAGE: usize = 512;

/// Dead letters in one message: a reason takes up to two kilobytes.
pub(crate) const LETTERS_A_MESSAGE: usize = 256;

/// Largest encoded failure, in bytes: it travels in a header, where servers and proxies take little.
pub(crate) const FAILURE_BYTES_MAX: usize = 32 << 10;

/// Largest list of headers that is taken, in bytes: a failure in base64, and the rest.
pub(crate) const HEADER_BYTES_MAX: u32 = 64 << 10;

/// Calls side by side on one connection.
pub(crate) const CALLS_A_CONNECTION: u32 = 256;

/// How often a connection is asked whether its other end is there.
pub(crate) const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);

/// How long the other end may take to say so.
pub(crate) const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);
