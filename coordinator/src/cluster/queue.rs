//! The queue of a fleet as the settings name it: connected, checked, and described.

use std::sync::Arc;

use tickfleet_runtime::broker::redis::{ConnectError, RedisBroker, RedisOptions, RedisUrl, ServerReport};
use tickfleet_runtime::broker::{Broker, Durability};
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_runtime::settings::{InForce, registry};
use tickfleet_runtime::telemetry::observed;

use super::Result;
use super::local::About;

/// Connections for reads that wait: each watch of a coordinator takes one now and then.
const BLOCKING_CONNECTIONS: usize = 1_024;

/// A queue that can be trusted with jobs.
pub struct Queue {
    /// The queue.
    pub broker: Arc<dyn Broker>,
    /// What is said of its server.
    pub about: About,
}

/// Connects to the queue that the settings name.
///
/// # Errors
/// It can't be reached, or would lose jobs.
pub async fn open(settings: &InForce) -> Result<Queue> {
    let (broker, url) = connect(settings).await?;
    let about = about(&url, broker.report());
    Ok(Queue {
        broker: observed(Arc::new(broker)),
        about,
    })
}

/// Connects to the Redis that the settings name, and gives its address.
///
/// # Errors
/// As [`open`].
pub async fn connect(settings: &InForce) -> Result<(RedisBroker, RedisUrl)> {
    let text = settings.text(&registry::REDIS).expect("redis has a default");
    let place = settings.origin(&registry::REDIS).place();
    let url: RedisUrl = text
        .parse()
        .map_err(|error| Failure::from_error(ExitStatus::BadInput, &error).at_place(place.clone()))?;
    let options = RedisOptions {
        prefix: settings
            .text(&registry::REDIS_PREFIX)
            .expect("the prefix has a default")
            .to_owned(),
        blocking_connections: BLOCKING_CONNECTIONS,
        ..RedisOptions::new(url.clone())
    };
    let broker = RedisBroker::connect(&options).await;
    Ok((broker.map_err(|error| refusal(&error).at_place(place))?, url))
}

fn refusal(error: &ConnectError) -> Failure {
    match error {
        ConnectError::Unreachable { .. } => Failure::from_error(ExitStatus::Unreachable, error).help(format!(
            "start Redis 7, or name the one to use with {} URL",
            registry::REDIS.flag()
        )),
        _ => Failure::from_error(ExitStatus::BadInput, error),
    }
}

fn about(url: &RedisUrl, report: &ServerReport) -> About {
    let safety = match report.durability {
        Durability::Memory => "in memory only",
        Durability::Logged | Durability::Replicated => "with an append-only file",
    };
    let replicas = match report.replicas {
        0 => String::new(),
        1 => ", 1 replica".to_owned(),
        replicas => format!(", {replicas} replicas"),
    };
    About {
        broker: format!("{url}: Redis {}, {safety}{replicas}", report.version),
        advice: report.advice.clone(),
    }
}
