//! Where coordinators are: `http://HOST[:PORT]`, several with commas between them.

use std::time::Duration;

use thiserror::Error;
use tonic::transport::{Endpoint, Uri};

use crate::grpc::limits::{HEADER_BYTES_MAX, KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT};

/// The port where none is given.
const PORT: u16 = 50_051;
/// Most addresses of one cluster.
const ADDRESSES_MAX: usize = 16;
/// How long a connection may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A text that names no coordinator.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum AddressError {
    /// Not of the form.
    #[error("`{0}` is not the address of a coordinator")]
    Malformed(String),
    /// Encrypted.
    #[error("{0}: this version speaks to coordinators without TLS only")]
    Encrypted(String),
    /// None or too many.
    #[error("{0} addresses are given, allowed are 1 to {ADDRESSES_MAX}")]
    Number(usize),
}

/// A coordinator's address.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    /// As it is shown.
    pub(crate) text: String,
    /// How it is connected to.
    pub(crate) endpoint: Endpoint,
}

/// Reads a list of addresses.
pub(crate) fn addresses(text: &str) -> Result<Vec<Address>, AddressError> {
    let parts: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() || parts.len() > ADDRESSES_MAX {
        return Err(AddressError::Number(parts.len()));
    }
    parts.into_iter().map(address).collect()
}

fn address(text: &str) -> Result<Address, AddressError> {
    // What stands before an `@` may be a secret.
    let shown = || text.rsplit_once('@').map_or(text, |(_, rest)| rest).to_owned();
    let malformed = || AddressError::Malformed(shown());
    let with_scheme = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let uri: Uri = with_scheme.parse().map_err(|_| malformed())?;
    match uri.scheme_str() {
        Some("http") => {}
        Some("https") => return Err(AddressError::Encrypted(shown())),
        _ => return Err(malformed()),
    }
    let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(malformed)?;
    let has_more = uri.path() != "/" || uri.query().is_some() || text.contains('@');
    if has_more || has_bad_port(&uri) {
        return Err(malformed());
    }
    let text = format!("http://{host}:{}", uri.port_u16().unwrap_or(PORT));
    let endpoint = Endpoint::from_shared(text.clone()).map_err(|_| malformed())?;
    let endpoint = endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .http2_max_header_list_size(HEADER_BYTES_MAX);
    Ok(Address { text, endpoint })
}

/// A `:` without a number after it.
fn has_bad_port(uri: &Uri) -> bool {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let after_host = authority.rsplit_once(']').map_or(authority, |(_, rest)| rest);
    after_host.contains(':') && uri.port_u16().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let check = |text: &str, expect: &[&str]| {
            let found = addresses(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let texts: Vec<_> = found.iter().map(|address| address.text.as_str()).collect();
            assert_eq!(texts, expect, "{text}");
        };
        check("http://127.0.0.1:50051", &["http://127.0.0.1:50051"]);
        check("host", &["http://host:50051"]);
        check("[::1]:7, http://b:8/,", &["http://[::1]:7", "http://b:8"]);
        check("http://[::1]", &["http://[::1]:50051"]);
    }

    #[test]
    fn other_texts_are_refused() {
        let malformed = |text: &str| AddressError::Malformed(text.to_owned());
        for (text, expect) in [
            ("", AddressError::Number(0)),
            (&"a,".repeat(17), AddressError::Number(17)),
            ("https://h:1", AddressError::Encrypted("https://h:1".to_owned())),
            ("redis://h:1", malformed("redis://h:1")),
            ("http://", malformed("http://")),
            ("http://h:x", malformed("http://h:x")),
            ("http://h:99999", malformed("http://h:99999")),
            ("http://h:1/path", malformed("http://h:1/path")),
            ("http://me:secret@h:1", malformed("h:1")),
            ("two words", malformed("two words")),
        ] {
            assert_eq!(addresses(text).expect_err(text), expect, "{text}");
        }
    }
}
