//! What can go wrong with the service, in words that help and without the key.

use std::time::Duration;

use thiserror::Error;

/// What the service did not give.
#[derive(Debug, Error)]
pub enum PolygonError {
    /// The address is none.
    #[error("the address of the service cannot be used: {why}")]
    Base {
        /// What is wrong with it.
        why: &'static str,
    },
    /// The key is none.
    #[error("the key has characters that no key has")]
    Key,
    /// No client.
    #[error("no connection can be made from here")]
    Setup {
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// A day did not come.
    #[error("the bars of {date} did not come: {fault}")]
    Day {
        /// The day.
        date: String,
        /// Why the last call failed.
        fault: Fault,
    },
    /// The answer goes on at another server.
    #[error("the bars of {date} go on at another server, which is not asked")]
    Elsewhere {
        /// The day.
        date: String,
    },
    /// The answer does not end.
    #[error("the bars of {date} have more than {limit} pages")]
    Pages {
        /// The day.
        date: String,
        /// Most pages.
        limit: usize,
    },
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// A status other than 200.
    #[error("{}", refusal(*.status))]
    Refused {
        /// The status.
        status: u16,
        /// The pause that the server asks for.
        pause: Option<Duration>,
    },
    /// No connection.
    #[error("the service cannot be reached ({why})")]
    Unreachable {
        /// Why.
        why: String,
    },
    /// It did not answer in time, or broke off.
    #[error("the service broke off or took too long ({why})")]
    BrokenOff {
        /// Why.
        why: String,
    },
    /// The answer is not what the service's documents say.
    #[error("the answer cannot be read: {why}")]
    Unreadable {
        /// What is wrong.
        why: String,
    },
    /// The answer has too many bytes.
    #[error("the answer is too large")]
    TooLarge,
}

fn refusal(status: u16) -> String {
    match status {
        401 | 403 => format!("the service refuses the key, or the key's plan has not these data (status {status})"),
        404 => "the service knows no such call (status 404)".to_owned(),
        429 => "the service is asked too often (status 429)".to_owned(),
        status => format!("the service answers with status {status}"),
    }
}

impl Fault {
    /// From a call that did not come to its end. The address is left out: it says nothing new.
    pub(super) fn of(error: &reqwest::Error) -> Self {
        let cause = std::iter::successors(std::error::Error::source(error), |&error| error.source()).last();
        let why = cause.map_or_else(|| "no answer".to_owned(), ToString::to_string);
        if error.is_connect() {
            Self::Unreachable { why }
        } else {
            Self::BrokenOff { why }
        }
    }

    /// Whether another call may do.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Refused { status, .. } => matches!(status, 408 | 429 | 500..=599),
            Self::Unreachable { .. } | Self::BrokenOff { .. } | Self::Unreadable { .. } => true,
            Self::TooLarge => false,
        }
    }

    /// The pause that the server asks for.
    pub(super) fn pause(&self) -> Option<Duration> {
        match self {
            Self::Refused { pause, .. } => *pause,
            _ => None,
        }
    }
}

impl PolygonError {
    /// What mends it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Base { .. } => "--polygon-url names the service, such as https://api.polygon.io",
            Self::Key => "set POLYGON_API_KEY to the key and nothing else",
            Self::Setup { .. } => "check this machine's TLS certificates and proxy settings",
            Self::Day { fault, .. } => match fault {
                Fault::Refused { status: 401 | 403, .. } => {
                    "set POLYGON_API_KEY to a key whose plan has grouped daily bars"
                }
                Fault::Refused { status: 429, .. } => "make fewer calls a minute: --polygon-rate",
                Fault::Unreachable { .. } => "check the network and --polygon-url",
                Fault::Unreadable { .. } | Fault::TooLarge => "check that --polygon-url names a compatible service",
                _ => "try again later, or allow more tries: --source-retries",
            },
            Self::Elsewhere { .. } | Self::Pages { .. } => "check that --polygon-url names a compatible service",
        }
    }

    /// Whether the service never answered, or only that it cannot now.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Day { fault, .. } if fault.may_pass() && !matches!(fault, Fault::Unreadable { .. }))
    }
}
