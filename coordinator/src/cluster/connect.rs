//! Which cluster a command means: the coordinator that is named, else the Redis that is named, else the coordinator at
//! the default address.

use std::sync::Arc;

use tickfleet_runtime::broker::memory::MemoryBroker;
use tickfleet_runtime::cache;
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_runtime::pool::{Machine, Pool};
use tickfleet_runtime::settings::{InForce, Origin, registry};

use super::local::{About, Reading};
use super::{Cluster, Local, Result, queue};
use crate::grpc::client::Remote;

/// Where a coordinator is looked for that nobody named.
const DEFAULT_COORDINATOR: &str = "http://127.0.0.1:50051";

/// The cluster that the settings mean, reached.
///
/// # Errors
/// It can't be reached; an address that is none.
pub async fn connect(settings: &InForce) -> Result<Arc<dyn Cluster>> {
    let coordinator = settings.text(&registry::COORDINATOR);
    if coordinator.is_none() && is_set(settings.origin(&registry::REDIS)) {
        return Ok(Arc::new(direct(settings).await?));
    }
    let remote = Remote::new(coordinator.unwrap_or(DEFAULT_COORDINATOR)).map_err(|error| {
        Failure::from_error(ExitStatus::BadInput, &error)
            .at_place(settings.origin(&registry::COORDINATOR).place())
            .help("write http://HOST:PORT; several with commas between them")
    })?;
    remote.reach().await?;
    Ok(Arc::new(remote))
}

/// The cluster of the settings' queue, with as many lanes for opening inputs as the settings or the machine say.
///
/// # Errors
/// The queue can't be reached, or would lose jobs; threads can't be started.
pub async fn direct(settings: &InForce) -> Result<Local> {
    let queue = queue::open(settings).await?;
    let lanes = settings
        .count(&registry::LANES)
        .and_then(|lanes| usize::try_from(lanes).ok())
        .unwrap_or_else(|| Machine::detect().cores);
    let pool = Pool::new(lanes).map_err(|error| Failure::from_error(ExitStatus::Failed, &error))?;
    let store = cache::open::store(settings).await.map_err(|error| {
        Failure::from_error(ExitStatus::BadInput, &error)
            .at_place(settings.origin(&registry::STORE).place())
            .help(error.help())
    })?;
    // Each result is read once: what is worth keeping is kept where jobs read it.
    let (nothing, inline) = (cache::Local::new(0, None), cache::open::inline_bytes(settings));
    let results = cache::Results::new(queue.broker.clone(), nothing, store, inline);
    Ok(Local::with_results(
        queue.broker,
        Arc::new(results),
        Reading::Apart,
        pool,
        queue.about,
    ))
}

/// A cluster of nothing: no run, no worker, no queue outside this process.
///
/// # Errors
/// Threads can't be started.
pub fn nowhere() -> Result<Local> {
    let pool = Pool::new(1).map_err(|error| Failure::from_error(ExitStatus::Failed, &error))?;
    let broker = Arc::new(MemoryBroker::new(0));
    Ok(Local::new(broker, Reading::Apart, pool, About::default()))
}

fn is_set(origin: &Origin) -> bool {
    !matches!(origin, Origin::Default(_) | Origin::Unset)
}
