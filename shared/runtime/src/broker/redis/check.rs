//! What a Redis must be before jobs are trusted to it, looked at once at the start.

use super::{fault::Fault, server::Server, url::RedisUrl};
use crate::broker::Durability;

/// The oldest server that is supported: major and minor version.
const OLDEST: (u32, u32) = (7, 0);

/// A Redis that can't be used, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address can't be used by the client library.
    #[error("{url}: the address can't be used")]
    Address {
        /// The address, its password masked.
        url: String,
        /// What the client library said.
        #[source]
        source: redis::RedisError,
    },
    /// It can't be reached, or does not let us in.
    #[error("{url}: can't connect")]
    Unreachable {
        /// The address, its password masked.
        url: String,
        /// What went wrong.
        #[source]
        source: Fault,
    },
    /// It is too old.
    #[error("{url}: this is Redis {version}; {}.{} or later is needed (or Valkey)", OLDEST.0, OLDEST.1)]
    TooOld {
        /// The address, its password masked.
        url: String,
        /// Its version.
        version: String,
    },
    /// It would throw jobs away when its memory is full.
    #[error(
        "{url}: maxmemory-policy is {policy}, which throws jobs away when memory is full; \
         run `redis-cli CONFIG SET maxmemory-policy noeviction` and set it in redis.conf or the parameter group"
    )]
    Evicts {
        /// The address, its password masked.
        url: String,
        /// Its policy.
        policy: String,
    },
    /// Another number of shards is in use under the prefix.
    #[error(
        "{url}: the queue under prefix {prefix:?} has {found} shards, the settings say {wanted}; use {found}, or another prefix"
    )]
    OtherShards {
        /// The address, its password masked.
        url: String,
        /// The prefix of the keys.
        prefix: String,
        /// How many there are.
        found: u16,
        /// How many the settings ask for.
        wanted: u16,
    },
    /// A setting is out of its bounds.
    #[error("{what}")]
    Setting {
        /// What is wrong.
        what: &'static str,
    },
}

/// What was found of a server that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerReport {
    /// Its version.
    pub version: String,
    /// How safe what it accepts is: with an append-only file it survives a crash of the server, else it does not.
    pub durability: Durability,
    /// Replicas that follow it.
    pub replicas: u32,
    /// The most memory it may use, in bytes; `None` where it has no bound.
    pub memory_bytes_max: Option<u64>,
    /// What whoever runs it should know: each a sentence with what to do.
    pub advice: Vec<String>,
}

/// Looks at the server behind a link; refuses one that would lose jobs.
pub(super) async fn check_server(server: &Server, url: &RedisUrl) -> Result<ServerReport, ConnectError> {
    let reply = server.query::<redis::Value>(&redis::cmd("INFO")).await;
    let reply = reply.map_err(|source| ConnectError::Unreachable {
        url: url.to_string(),
        source,
    })?;
    let mut reports = Vec::new();
    for text in texts(&reply, "redis_version:") {
        reports.push(judge(&text, url)?);
    }
    let weakest = reports.into_iter().min_by_key(|report| report.durability);
    weakest.ok_or_else(|| ConnectError::TooOld {
        url: url.to_string(),
        version: "of an unknown version".to_owned(),
    })
}

/// Claims the number of shards for the prefix, or finds that it has another.
pub(super) async fn check_shards(
    server: &Server,
    url: &RedisUrl,
    prefix: &str,
    shards: u16,
) -> Result<(), ConnectError> {
    let unreachable = |source| ConnectError::Unreachable {
        url: url.to_string(),
        source,
    };
    let census = server.layout.census();
    let mut claim = redis::cmd("SET");
    claim.arg(&census).arg(shards).arg("NX");
    server.query::<redis::Value>(&claim).await.map_err(unreachable)?;
    let mut read = redis::cmd("GET");
    read.arg(&census);
    let found: u16 = server.query(&read).await.map_err(unreachable)?;
    if found == shards {
        return Ok(());
    }
    Err(ConnectError::OtherShards {
        url: url.to_string(),
        prefix: prefix.to_owned(),
        found,
        wanted: shards,
    })
}

/// Whether every server in a reply to `INFO persistence` has handed what it logs to the system.
pub(super) fn has_written_log(reply: &redis::Value) -> bool {
    let texts = texts(reply, "aof_enabled:1");
    !texts.is_empty() && texts.iter().all(|text| text.contains("aof_buffer_length:0\r"))
}

/// The reports in a reply: one of a single server, one for each node of a cluster; those that hold the mark.
fn texts(reply: &redis::Value, mark: &str) -> Vec<String> {
    match reply {
        redis::Value::Map(nodes) => nodes.iter().flat_map(|(_, text)| texts(text, mark)).collect(),
        redis::Value::Array(parts) => parts.iter().flat_map(|part| texts(part, mark)).collect(),
        value => redis::from_redis_value_ref::<String>(value)
            .into_iter()
            .filter(|text| text.contains(mark))
            .collect(),
    }
}

fn judge(info: &str, url: &RedisUrl) -> Result<ServerReport, ConnectError> {
    let field = |name: &str| {
        let mut lines = info.lines();
        lines
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim))
            .unwrap_or_default()
    };
    let version = field("redis_version").to_owned();
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    if (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) < OLDEST {
        return Err(ConnectError::TooOld {
            url: url.to_string(),
            version,
        });
    }
    let policy = field("maxmemory_policy");
    if !policy.is_empty() && policy != "noeviction" {
        return Err(ConnectError::Evicts {
            url: url.to_string(),
            policy: policy.to_owned(),
        });
    }
    let is_logged = field("aof_enabled") == "1";
    let replicas = field("connected_slaves").parse().unwrap_or(0);
    let memory_bytes_max = field("maxmemory").parse().ok().filter(|&bytes| bytes > 0);
    let mut advice = Vec::new();
    if !is_logged {
        advice.push(
            "runs are lost if Redis stops: set `appendonly yes` and `appendfsync everysec`, or have its service replicate"
                .to_owned(),
        );
    }
    if memory_bytes_max.is_none() {
        advice.push(
            "Redis has no memory bound and may be killed by the system: set maxmemory below the machine's".to_owned(),
        );
    }
    Ok(ServerReport {
        version,
        durability: if is_logged {
            Durability::Logged
        } else {
            Durability::Memory
        },
        replicas,
        memory_bytes_max,
        advice,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(info: &str) -> Result<ServerReport, String> {
        let url = "redis://user:geheim@h".parse().unwrap();
        judge(info, &url).map_err(|error| error.to_string())
    }

    #[test]
    fn a_server_that_keeps_what_it_takes_is_accepted() {
        let info = "# Server\r\nredis_version:7.0.15\r\n# Memory\r\nmaxmemory:1000\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\nconnected_slaves:2\r\n";
        let report = check(info).unwrap();
        assert_eq!(
            (report.durability, report.replicas, report.memory_bytes_max),
            (Durability::Logged, 2, Some(1_000))
        );
        assert!(report.advice.is_empty(), "{:?}", report.advice);
        let bare =
            check("redis_version:7.2.4\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\naof_enabled:0\r\n").unwrap();
        assert_eq!((bare.durability, bare.advice.len()), (Durability::Memory, 2));
    }

    #[test]
    fn a_server_that_would_lose_jobs_is_refused_with_what_to_do() {
        for (info, says) in [
            ("redis_version:6.2.14\r\n", "7.0"),
            (
                "redis_version:7.0.15\r\nmaxmemory_policy:allkeys-lru\r\n",
                "CONFIG SET maxmemory-policy noeviction",
            ),
        ] {
            let message = check(info).unwrap_err();
            assert!(message.contains(says) && !message.contains("geheim"), "{message}");
        }
    }
}
