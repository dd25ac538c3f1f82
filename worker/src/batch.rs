//! Claims that came together, up to where they compute: their runs' records, the names of their results, one look whether
//! those are stored already, and the input of those that are not.
//!
//! It moves bytes and computes nothing; every round trip is made for many jobs. Read next: [`crate::lane`].

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use futures::{FutureExt, StreamExt, stream};
use tickfleet_protocol::identity;
use tickfleet_protocol::ids::{Identity, RunId};
use tickfleet_runtime::broker::Claim;
use tickfleet_runtime::cache::Probe;
use tickfleet_runtime::fault;

use crate::backoff::READ_TRIES;
use crate::claim::Shared;
use crate::error::JobError;
use crate::jobs::{Fetched, Kind, Run};
use crate::lane::{self, Ready};
use crate::outbox::Outcome;
use crate::solo;
use crate::status::Status;

/// Records of runs that are asked for side by side.
const RUNS_SIDE_BY_SIDE: usize = 8;

/// A job with all that is known of it before its input is.
pub(crate) struct Named {
    /// Its claim.
    pub(crate) claim: Claim,
    /// Its run.
    pub(crate) run: Run,
    /// The identity of its result.
    pub(crate) identity: Identity,
}

/// Brings claims on their way: to a lane, or to their end.
pub(crate) async fn start(shared: Arc<Shared>, claims: Vec<Claim>) {
    let prepared = AssertUnwindSafe(prepare(&shared, &claims)).catch_unwind();
    if let Some(Err(panic)) = shared.cut.run_until_cancelled(prepared).await {
        // A claim that were neither ended nor on its way would be renewed for ever.
        for claim in claims {
            if shared.held.end_waiting(&claim.token) {
                let error = JobError::panicked(panic.as_ref());
                shared.outbox.put_now(claim, Outcome::of(&error));
            }
        }
        shared.held.notify();
    }
}

async fn prepare(shared: &Arc<Shared>, claims: &[Claim]) {
    let claims = passing(shared, "worker.after_claim", claims.to_vec(), |claim| claim);
    let named = unstored(shared, named(shared, claims).await).await;
    let named = passing(shared, "worker.after_probe", named, |named| &named.claim);
    let mut ready: BTreeMap<Kind, Vec<Ready>> = BTreeMap::new();
    for Named { claim, run, identity } in named {
        let computation = if claim.solo { None } else { run.ready(&claim.job) };
        match computation {
            Some(computation) => ready.entry(run.kind()).or_default().push(Ready {
                claim,
                identity,
                computation,
            }),
            None => {
                let named = Named { claim, run, identity };
                shared.tasks.spawn(finish(Arc::clone(shared), named));
            }
        }
    }
    for (kind, ready) in ready {
        let ready = passing(shared, "worker.after_fetch", ready, |ready| &ready.claim);
        lane::start(shared, kind, ready);
    }
    shared.held.notify();
}

/// Passes a fault point with these; where it fails, so do they all, and none goes on.
fn passing<T>(shared: &Shared, point: &'static str, items: Vec<T>, claim: impl Fn(&T) -> &Claim) -> Vec<T> {
    match fault::point(point) {
        Ok(()) => items,
        Err(injected) => {
            let error = injected.into();
            items
                .iter()
                .for_each(|item| shared.conclude_failed(claim(item), &error));
            Vec::new()
        }
    }
}

/// The jobs with their runs and the identities of their results; those that cannot have one end here.
async fn named(shared: &Shared, claims: Vec<Claim>) -> Vec<Named> {
    let mut by_run: BTreeMap<RunId, Vec<Claim>> = BTreeMap::new();
    for claim in claims {
        by_run.entry(claim.job.run).or_default().push(claim);
    }
    let asked = stream::iter(by_run).map(|(id, claims)| async move {
        let (broker, runs) = (shared.broker.as_ref(), &shared.runs);
        (runs.get(broker, id, READ_TRIES, &shared.cut).await, claims)
    });
    let asked: Vec<_> = asked.buffered(RUNS_SIDE_BY_SIDE).collect().await;
    let mut of_runs = Vec::with_capacity(asked.len());
    for (run, claims) in asked {
        match run {
            Ok(Some(known)) => {
                shared.observe.begin(&known, &claims, &shared.options);
                of_runs.push((known.run, claims));
            }
            Ok(None) => {
                // The run is gone, and its claims with it.
                let tokens: Vec<_> = claims.iter().map(|claim| claim.token).collect();
                shared.held.release(&tokens);
            }
            Err(error) => claims.iter().for_each(|claim| shared.conclude_failed(claim, &error)),
        }
    }
    identified(shared, of_runs).await
}

async fn identified(shared: &Shared, of_runs: Vec<(Run, Vec<Claim>)>) -> Vec<Named> {
    let of_runs = Arc::new(of_runs);
    let naming = Arc::clone(&of_runs);
    let identities = move || {
        let jobs = naming
            .iter()
            .flat_map(|(run, claims)| claims.iter().map(move |claim| (run, claim.job)));
        jobs.map(|(run, job)| run.identity(&job)).collect::<Vec<_>>()
    };
    // An identity hashes what its job reads: that is nothing for a thread that moves bytes.
    let identities = tokio::task::spawn_blocking(identities).await;
    let pairs = of_runs
        .iter()
        .flat_map(|(run, claims)| claims.iter().map(move |claim| (run, claim)));
    let identities = match identities {
        Ok(identities) => identities,
        Err(panicked) => {
            let error = panicked.into();
            pairs.for_each(|(_, claim)| shared.conclude_failed(claim, &error));
            return Vec::new();
        }
    };
    let mut named = Vec::with_capacity(identities.len());
    for ((run, claim), identity) in pairs.zip(identities) {
        match identity {
            Ok(identity) => named.push(Named {
                claim: claim.clone(),
                run: run.clone(),
                identity,
            }),
            Err(error) => shared.conclude_failed(claim, &error),
        }
    }
    named
}

/// The jobs that nobody has a result of; the others are done with it. A look that fails finds nothing: it costs time,
/// never a value.
async fn unstored(shared: &Shared, named: Vec<Named>) -> Vec<Named> {
    let identities: Vec<Identity> = named.iter().map(|named| named.identity).collect();
    let probes = shared.results.probe(&identities).await;
    let mut unstored = Vec::with_capacity(named.len());
    for (named, probe) in named.into_iter().zip(probes) {
        let result = match probe {
            Probe::Stored => None,
            Probe::Held(result) => Some(result),
            Probe::Absent => {
                unstored.push(named);
                continue;
            }
        };
        found(shared, &named.claim, named.identity, result);
    }
    unstored
}

/// Ends a claim with a result that was there.
fn found(shared: &Shared, claim: &Claim, identity: Identity, result: Option<Bytes>) {
    Status::add(&shared.status.found, 1);
    shared.observe.found(&claim.token);
    if result.is_some() {
        // The queue is about to have it, and says by this that it was not computed for it.
        shared.results.note(identity::found(&identity), Bytes::new());
    }
    shared.conclude(claim, Outcome::Done(identity, result));
}

/// One job that has input to fetch, or runs alone.
async fn finish(shared: Arc<Shared>, named: Named) {
    let claim = named.claim.clone();
    let work = AssertUnwindSafe(fetch(&shared, named)).catch_unwind();
    let Some(ended) = shared.cut.run_until_cancelled(work).await else {
        return;
    };
    let ended = ended.unwrap_or_else(|panic| Err(JobError::panicked(panic.as_ref())));
    if let Err(error) = ended {
        shared.conclude_failed(&claim, &error);
    }
    shared.held.notify();
}

async fn fetch(shared: &Arc<Shared>, named: Named) -> Result<(), JobError> {
    if named.claim.solo {
        return solo::run(shared, named).await;
    }
    let Named { claim, run, identity } = named;
    let after = shared.options.job_max;
    let fetching = async {
        let fetched = tokio::time::timeout(after, run.fetch(&claim.job, &shared.tools)).await;
        fetched.unwrap_or(Err(JobError::FetchTimeout { after }))
    };
    let fetched = shared.observe.fetch(&claim.token, fetching).await?;
    fault::point("worker.after_fetch")?;
    let computation = match fetched {
        Fetched::Computation(computation) => computation,
        Fetched::Result(result) => {
            found(shared, &claim, identity, Some(result));
            return Ok(());
        }
    };
    let ready = Ready {
        claim,
        identity,
        computation,
    };
    lane::start(shared, run.kind(), vec![ready]);
    Ok(())
}
