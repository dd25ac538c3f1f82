//! What goes wrong between a broker and its Redis, told apart by what mends it.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::broker::BrokerError;

/// A call that Redis did not answer as it should. Most mend themselves, with time or by whoever runs the server;
/// [`Fault::Denied`] and [`Fault::Unexpected`] do not.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The connection could not be made, or was cut; the call may have been done.
    #[error("no connection to Redis, or it was cut: is the server up, and the address right?")]
    Disconnected(#[source] RedisError),
    /// No answer came in time; the call may have been done.
    #[error("Redis did not answer in time: it is overloaded, stopped, or the network drops packets")]
    TimedOut(#[source] RedisError),
    /// The server has started and reads its data set.
    #[error("Redis is loading its data set and answers when that is done")]
    Loading(#[source] RedisError),
    /// The server is a replica now; the next call looks for its primary.
    #[error("this Redis is a replica and takes no writes: a failover, or the address of a replica")]
    ReadOnly(#[source] RedisError),
    /// The server has no memory left for what the call would add.
    #[error(
        "Redis is out of memory: raise maxmemory, or let ended runs go; the policy must stay noeviction, since evicting loses jobs"
    )]
    OutOfMemory(#[source] RedisError),
    /// The server can't write its append-only file or snapshot.
    #[error(
        "Redis refuses writes because it can't write to its disk: free space or mend the folder named in its log; it recovers by itself"
    )]
    DiskRefused(#[source] RedisError),
    /// Part of the cluster has no primary, or a slot is on its way.
    #[error("the Redis Cluster has a slot without a primary, or one that is moving")]
    ClusterUnsettled(#[source] RedisError),
    /// Another script runs too long, or too few replicas follow.
    #[error("Redis refuses calls for now")]
    Refusing(#[source] RedisError),
    /// The user may not do this.
    #[error(
        "Redis denies access: check user and password; the ACL user needs the keys of the prefix and +@all -@dangerous +info"
    )]
    Denied(#[source] RedisError),
    /// An answer that should never come.
    #[error("Redis answered something unexpected")]
    Unexpected(#[source] RedisError),
}

impl Fault {
    /// Tells what an error of the client library means.
    pub fn of(error: RedisError) -> Self {
        match error.kind() {
            ErrorKind::Server(ServerErrorKind::BusyLoading) => return Self::Loading(error),
            ErrorKind::Server(ServerErrorKind::ReadOnly) => return Self::ReadOnly(error),
            ErrorKind::Server(ServerErrorKind::NoPerm) | ErrorKind::AuthenticationFailed => return Self::Denied(error),
            ErrorKind::Server(
                ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::TryAgain
                | ServerErrorKind::Moved
                | ServerErrorKind::Ask,
            )
            | ErrorKind::ClusterConnectionNotFound => return Self::ClusterUnsettled(error),
            _ => {}
        }
        match error.code() {
            Some("OOM") => return Self::OutOfMemory(error),
            Some("MISCONF") => return Self::DiskRefused(error),
            Some("BUSY" | "NOREPLICAS" | "UNBLOCKED") => return Self::Refusing(error),
            Some("NOAUTH" | "WRONGPASS") => return Self::Denied(error),
            _ => {}
        }
        if error.is_timeout() {
            Self::TimedOut(error)
        } else if error.is_io_error()
            || error.is_connection_dropped()
            || error.is_connection_refusal()
            || error.is_unrecoverable_error()
            || matches!(error.kind(), ErrorKind::MasterNameNotFoundBySentinel)
        {
            Self::Disconnected(error)
        } else {
            Self::Unexpected(error)
        }
    }

    /// Whether the connection that it came over is of no more use.
    pub(super) const fn spoils_connection(&self) -> bool {
        matches!(self, Self::Disconnected(_) | Self::TimedOut(_) | Self::ReadOnly(_))
    }

    /// The broker's error for a call that ended so.
    pub(super) fn during(self, operation: &'static str) -> BrokerError {
        match self {
            Self::Denied(_) | Self::Unexpected(_) => {
                let cause = std::error::Error::source(&self).map(|source| format!(" ({source})"));
                BrokerError::Unfit {
                    operation,
                    reason: format!("{self}{}", cause.unwrap_or_default()),
                }
            }
            _ => BrokerError::Unavailable {
                operation,
                source: Box::new(self),
            },
        }
    }
}

/// The broker's error for a reply that does not have the form it should.
pub(super) fn malformed(operation: &'static str, what: &str) -> BrokerError {
    BrokerError::Unfit {
        operation,
        reason: format!("the stored state is not what this version writes: {what}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(line: &str) -> RedisError {
        let reply = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).expect("an error line");
        reply.extract_error().expect_err("it is an error")
    }

    #[test]
    fn answers_are_told_apart_by_what_mends_them() {
        let retryable = |line: &str| Fault::of(server(line)).during("claim").is_retryable();
        for line in [
            "LOADING Redis is loading the dataset in memory",
            "READONLY You can't write against a read only replica.",
            "OOM command not allowed when used memory > 'maxmemory'.",
            "MISCONF Errors writing to the AOF file: No space left on device",
            "CLUSTERDOWN The cluster is down",
            "MASTERDOWN Link with MASTER is down",
            "TRYAGAIN Multiple keys request during rehashing of slot",
            "MOVED 3999 127.0.0.1:6381",
            "BUSY Redis is busy running a script.",
            "NOREPLICAS Not enough good replicas to write.",
        ] {
            assert!(retryable(line), "{line}");
        }
        for line in [
            "NOAUTH Authentication required.",
            "WRONGPASS invalid username-password pair or user is disabled.",
            "NOPERM this user has no permissions to run the 'evalsha' command",
            "ERR unknown command 'EVALSHA'",
            "WRONGTYPE Operation against a key holding the wrong kind of value",
        ] {
            assert!(!retryable(line), "{line}");
        }
    }

    #[test]
    fn a_cut_connection_and_a_late_answer_are_no_verdict() {
        for kind in [
            std::io::ErrorKind::BrokenPipe,
            std::io::ErrorKind::TimedOut,
            std::io::ErrorKind::ConnectionRefused,
        ] {
            let fault = Fault::of(RedisError::from(std::io::Error::from(kind)));
            assert!(
                fault.spoils_connection() && fault.during("commit").is_retryable(),
                "{kind:?}"
            );
        }
    }
}
