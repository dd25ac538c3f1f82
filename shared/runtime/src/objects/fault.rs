//! What a store said when it did not do as asked, in words that help.
//!
//! The clients of stores wrap and repeat themselves, and name requests rather than places. What is shown here is the
//! cause alone: the server's own code and message where it sent some, else why it could not be reached.

use std::error::Error;
use std::fmt;

use object_store::client::{HttpError, HttpErrorKind};
use thiserror::Error;

/// Longest answer of a server that is repeated, characters.
const SAID_MAX: usize = 200;

/// A place that cannot be used.
#[derive(Debug, Error)]
pub enum ObjectsError {
    /// Not a name of object storage.
    #[error("{uri} names no object: {why}")]
    Name {
        /// The name, without secrets.
        uri: String,
        /// What is wrong with it.
        why: String,
    },
    /// A name with a secret in it.
    #[error("{uri} has a user name, password or query string in it")]
    Secrets {
        /// The name, without secrets.
        uri: String,
    },
    /// An endpoint without TLS that nobody asked for.
    #[error("{uri}: {variable} names a server without TLS")]
    PlainHttp {
        /// The store.
        uri: String,
        /// The variable that names the server.
        variable: &'static str,
    },
    /// Nothing to prove who asks.
    #[error("{uri}: no credentials")]
    NoCredentials {
        /// The store.
        uri: String,
    },
    /// Settings of the store that make no sense.
    #[error("{uri} cannot be opened")]
    Setup {
        /// The store.
        uri: String,
        /// What the client said.
        #[source]
        source: StoreFault,
    },
}

impl ObjectsError {
    /// What mends it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Name { .. } => {
                "name it as s3://bucket/key, gs://bucket/key, az://container/blob or https://host/path"
            }
            Self::Secrets { .. } => {
                "credentials come from the environment (docs/data.md); names travel with runs and must hold none"
            }
            Self::PlainHttp { .. } => "set AWS_ALLOW_HTTP=true to talk to it in clear, or name an https:// server",
            Self::NoCredentials { .. } => Cause::NoCredentials.help(),
            Self::Setup { .. } => "check the environment variables of this service (docs/data.md)",
        }
    }
}

/// What a store said, without what is known already.
#[derive(Debug)]
pub struct StoreFault(pub object_store::Error);

/// Why a store did not do as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Nothing to prove who asks.
    NoCredentials,
    /// Who asks may not.
    Denied,
    /// There is no such bucket or container.
    NoBucket,
    /// There is no such object.
    NotFound,
    /// The content has another version.
    Changed,
    /// The server cannot be reached.
    Unreachable,
    /// It did not answer in time, or broke off.
    TimedOut,
    /// It answers that it cannot now.
    Busy,
    /// It gives whole files only.
    NoRanges,
    /// Any other.
    Other,
}

impl Cause {
    /// What mends it.
    #[must_use]
    pub const fn help(self) -> &'static str {
        match self {
            Self::NoCredentials => {
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the variables of the other services (docs/data.md)"
            }
            Self::Denied => "check the credentials in the environment, and that they may list and read this place",
            Self::NoBucket => "check the bucket's name, its region (AWS_REGION) and the endpoint (AWS_ENDPOINT_URL)",
            Self::NotFound => "check the name: upper and lower case differ",
            Self::Changed => "run it again when the input is complete",
            Self::Unreachable => "check the network, the host's name and the endpoint (AWS_ENDPOINT_URL)",
            Self::TimedOut => "try again, or allow more time: --source-timeout-s",
            Self::Busy => "try again later, or allow more tries: --source-retries",
            Self::NoRanges => "download the file and name the copy: this server gives no parts of files",
            Self::Other => "check that the place exists and that you may read it",
        }
    }

    /// Whether the server never answered, or only that it cannot now.
    #[must_use]
    pub const fn is_outage(self) -> bool {
        matches!(self, Self::Unreachable | Self::TimedOut | Self::Busy)
    }
}

impl StoreFault {
    /// Why.
    #[must_use]
    pub fn cause(&self) -> Cause {
        use object_store::Error as Said;
        let text = self.0.to_string();
        if text.contains("latest/api/token") || text.contains("169.254.169.254") || text.contains("metadata.google") {
            return Cause::NoCredentials;
        }
        if text.contains("NoSuchBucket") || text.contains("ContainerNotFound") {
            return Cause::NoBucket;
        }
        if self.causes().any(|error| {
            let said = error.downcast_ref::<Said>();
            matches!(said, Some(Said::Precondition { .. }))
        }) {
            return Cause::Changed;
        }
        match &self.0 {
            Said::NotFound { .. } => return Cause::NotFound,
            Said::PermissionDenied { .. } | Said::Unauthenticated { .. } => return Cause::Denied,
            _ => {}
        }
        if let Some(error) = self.causes().find_map(|error| error.downcast_ref::<HttpError>()) {
            return match error.kind() {
                HttpErrorKind::Connect => Cause::Unreachable,
                _ => Cause::TimedOut,
            };
        }
        if text.contains("range request") || text.contains("non-partial") || text.contains("Range request") {
            return Cause::NoRanges;
        }
        match status(&text) {
            Some(401 | 403) => Cause::Denied,
            Some(404) => Cause::NotFound,
            Some(429 | 500..=599) => Cause::Busy,
            _ => Cause::Other,
        }
    }

    fn causes(&self) -> impl Iterator<Item = &(dyn Error + 'static)> {
        std::iter::successors(Some(&self.0 as &(dyn Error + 'static)), |&error| error.source())
    }
}

impl fmt::Display for StoreFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        let said = said(&text);
        match self.cause() {
            Cause::NoCredentials => f.write_str("no credentials in the environment, and this machine gives none"),
            Cause::Denied => write!(f, "access denied{}", after(&said)),
            Cause::NoBucket => write!(f, "no such bucket{}", after(&said)),
            Cause::NotFound => f.write_str("no such object"),
            Cause::Changed => f.write_str("its content has another version"),
            Cause::Unreachable => write!(f, "the server cannot be reached{}", after(&self.deepest())),
            Cause::TimedOut => write!(f, "the server broke off or took too long{}", after(&self.deepest())),
            Cause::Busy => write!(f, "the server cannot now{}", after(&said)),
            Cause::NoRanges => f.write_str("the server gives no parts of files"),
            Cause::Other => f.write_str(if said.is_empty() { &text } else { &said }),
        }
    }
}

impl Error for StoreFault {}

impl StoreFault {
    fn deepest(&self) -> String {
        self.causes().last().map(ToString::to_string).unwrap_or_default()
    }
}

fn after(said: &str) -> String {
    if said.is_empty() {
        String::new()
    } else {
        format!(" ({said})")
    }
}

/// The status of an answer, from the client's words for it.
fn status(text: &str) -> Option<u16> {
    let (_, after) = text.split_once("status code: ")?;
    after.get(..3)?.parse().ok()
}

/// The server's status, code and message.
fn said(text: &str) -> String {
    let element = |name: &str| {
        let (_, after) = text.split_once(&format!("<{name}>"))?;
        Some(after.split_once("</")?.0.trim().to_owned())
    };
    let words = [
        status(text).map(|status| status.to_string()),
        element("Code"),
        element("Message"),
    ];
    let said: Vec<String> = words.into_iter().flatten().filter(|word| !word.is_empty()).collect();
    said.join(" ").chars().take(SAID_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> StoreFault {
        StoreFault(object_store::Error::Generic {
            store: "S3",
            source: text.to_owned().into(),
        })
    }

    #[test]
    fn a_server_is_quoted_and_its_client_is_not() {
        let body = "<Error><Code>SlowDown</Code><Message>Reduce your rate.</Message></Error>";
        let text =
            format!("Error performing GET http://h/b in 3s - Server returned non-2xx status code: 503 Busy: {body}");
        let fault = generic(&text);
        assert_eq!(fault.cause(), Cause::Busy);
        assert_eq!(
            fault.to_string(),
            "the server cannot now (503 SlowDown Reduce your rate.)"
        );
        let fault = generic("Error performing PUT http://169.254.169.254/latest/api/token in 1s - HTTP error");
        assert_eq!(fault.cause(), Cause::NoCredentials);
        let fault = generic("status code: 404 Not Found: <Error><Code>NoSuchBucket</Code></Error>");
        assert_eq!(fault.cause(), Cause::NoBucket);
    }
}
