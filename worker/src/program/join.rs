//! Joining the queue: waits for one that may come, ends for one that will never take this worker.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tickfleet_runtime::broker::Broker;
use tickfleet_runtime::broker::redis::{ConnectError, Fault, RedisBroker};
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_runtime::settings::registry::{REDIS, REDIS_PREFIX};
use tickfleet_runtime::shutdown::{Shutdown, Stop, reached};

use super::config::Config;
use crate::backoff::Backoff;
use crate::say::{Event, Say};

/// How often a worker says that it waits.
const SAY_EVERY: Duration = Duration::from_secs(5);

/// Connects to the queue, however long it takes; `None` where it is told to end before.
pub(super) async fn join(config: &Config, stop: &Stop, say: Say) -> Result<Option<Arc<dyn Broker>>, Failure> {
    let (mut asked, mut backoff, mut said) = (stop.asked(), Backoff::default(), None::<Instant>);
    loop {
        let connected = tokio::select! {
            connected = RedisBroker::connect(&config.redis) => connected,
            () = reached(&mut asked, Shutdown::Draining) => return Ok(None),
        };
        let error = match connected {
            Ok(broker) => return Ok(Some(Arc::new(broker))),
            Err(error) if !may_pass(&error) => return Err(refused(&error)),
            Err(error) => error,
        };
        if said.is_none_or(|said| said.elapsed() >= SAY_EVERY) {
            said = Some(Instant::now());
            say.say(&Event::Waiting {
                worker: config.id.as_str(),
                queue: &config.redis.url.to_string(),
                why: cause(&error),
            });
        }
        tokio::select! {
            () = tokio::time::sleep(backoff.pause()) => {}
            () = reached(&mut asked, Shutdown::Draining) => return Ok(None),
        }
    }
}

/// Whether waiting may help.
fn may_pass(error: &ConnectError) -> bool {
    match error {
        ConnectError::Unreachable { source, .. } => !matches!(source, Fault::Denied(_) | Fault::Unexpected(_)),
        _ => false,
    }
}

/// What went wrong, without what it is known to be about.
fn cause(error: &ConnectError) -> String {
    match error {
        ConnectError::Unreachable { source, .. } => match std::error::Error::source(source) {
            Some(cause) => format!("{source} ({cause})"),
            None => source.to_string(),
        },
        other => other.to_string(),
    }
}

fn refused(error: &ConnectError) -> Failure {
    match error {
        ConnectError::Address { .. } => Failure::from_error(ExitStatus::BadInput, error).at(REDIS.flag()),
        ConnectError::Setting { .. } => Failure::from_error(ExitStatus::BadInput, error).at(REDIS_PREFIX.flag()),
        _ => Failure::from_error(ExitStatus::Unreachable, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unreachable(line: &str) -> ConnectError {
        let reply = redis_error(line);
        ConnectError::Unreachable {
            url: "redis://h:6379".to_owned(),
            source: Fault::of(reply),
        }
    }

    fn redis_error(line: &str) -> redis::RedisError {
        let reply = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).expect("an error line");
        reply.extract_error().expect_err("it is an error")
    }

    #[test]
    fn only_what_may_pass_is_waited_for() {
        for line in [
            "LOADING Redis is loading the dataset in memory",
            "CLUSTERDOWN The cluster is down",
        ] {
            assert!(may_pass(&unreachable(line)), "{line}");
        }
        for line in [
            "WRONGPASS invalid username-password pair",
            "NOAUTH Authentication required.",
            "ERR unknown command",
        ] {
            let error = unreachable(line);
            assert!(!may_pass(&error), "{line}");
            assert_eq!(refused(&error).status, ExitStatus::Unreachable);
        }
        let evicts = ConnectError::Evicts {
            url: String::new(),
            policy: "allkeys-lru".to_owned(),
        };
        assert!(!may_pass(&evicts));
        assert_eq!(
            refused(&ConnectError::Setting { what: "no prefix" }).status,
            ExitStatus::BadInput
        );
    }
}
