//! A cluster at the other end of a wire: each call goes to one of its coordinators, and to the next where that one is
//! away. They keep no state, so a watch or a result goes on at another one where it was broken off.
//!
//! Every call may be sent again, and is, for a bounded time; those whose answer would then be another are not, once they
//! may have been done. Read next: `link`, `tries`, `streams`.

mod address;
mod link;
mod streams;
mod tries;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use tickfleet_proto::convert::{ScanRun, WireError};
use tickfleet_proto::wire;
use tickfleet_protocol::fleet::WorkerEntry;
use tickfleet_protocol::ids::{EventId, Identity, JobIndex, RunId, WorkerId};
use tickfleet_protocol::limits::{MAX_BATCH, MAX_DEAD_PER_RUN, MAX_PAYLOAD_BYTES, MAX_RUNS, MAX_WORKERS};
use tickfleet_protocol::spec::scan::Day;
use tickfleet_runtime::broker::{Audit, DeadLetter, Progress, RunSummary};
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_runtime::telemetry::trace;
use tonic::{Request as Call, Response, Status as Refusal, Streaming};
use tracing::Span;

pub(crate) use self::address::AddressError;
use self::address::addresses;
use self::link::{Client, Link, away};
use self::tries::{AT_FIRST, Tries};
use super::convert::{audit_from_wire, failure_of};
use crate::cluster::{Accepted, Cluster, Opening, Part, Planned, ProvisionalDay, Request, Result, Status};

/// How long the answer to a call may take that opens no input.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// A cluster by the addresses of its coordinators. Clones share the connection.
#[derive(Clone)]
pub struct Remote {
    link: Arc<Link>,
}

/// What a call that may have been done already may do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeat {
    /// Be sent again: the answer is the same.
    Safe,
    /// Not be sent again: the answer would be another.
    Unsafe,
}

impl Remote {
    /// The cluster at these addresses, `http://HOST:PORT` with commas between them; not connected yet.
    ///
    /// # Errors
    /// A text that is no list of addresses.
    pub(crate) fn new(text: &str) -> std::result::Result<Self, AddressError> {
        Ok(Self {
            link: Arc::new(Link::new(addresses(text)?)),
        })
    }

    /// Connects to the first coordinator that can be.
    ///
    /// # Errors
    /// None can.
    pub(crate) async fn reach(&self) -> Result<()> {
        let mut tries = self.tries();
        while let Err(unconnected) = self.link.wire().await {
            tries.failed(&unconnected.address, unconnected.why).await?;
        }
        Ok(())
    }

    fn tries(&self) -> Tries {
        Tries::new(self.link.addresses(), AT_FIRST)
    }

    /// Makes a call until it is answered, or was tried long enough.
    async fn call<M, T, F>(&self, repeat: Repeat, message: M, call: impl Fn(Client, M) -> F) -> Result<T>
    where
        M: Clone,
        F: Future<Output = std::result::Result<T, Refusal>>,
    {
        let mut tries = self.tries();
        loop {
            let wire = match self.link.wire().await {
                Ok(wire) => wire,
                Err(unconnected) => {
                    tries.failed(&unconnected.address, unconnected.why).await?;
                    continue;
                }
            };
            let status = match call(wire.client.clone(), message.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(status) => status,
            };
            let Some(why) = away(&status) else {
                return Err(refused(&status));
            };
            self.link.give_up(&wire);
            if repeat == Repeat::Unsafe {
                return Err(perhaps_done(&wire.address, &why));
            }
            tries.failed(&wire.address, why).await?;
        }
    }
}

#[async_trait]
impl Cluster for Remote {
    async fn submit(&self, request: Request, progress: &mut (dyn FnMut(Opening) + Send)) -> Result<Accepted> {
        let request = wire::SubmitRequest::from(&request);
        streams::submit(self, &request, progress).await
    }

    async fn plan(&self, request: Request, progress: &mut (dyn FnMut(Opening) + Send)) -> Result<Planned> {
        let request = wire::SubmitRequest::from(&request);
        let (record, notices) = streams::plan(self, &request, progress).await?;
        let record = ScanRun::decode(record.freeze()).map_err(|error| unreadable(&error))?;
        Ok(Planned { record, notices })
    }

    async fn get(&self, run: RunId) -> Result<RunSummary> {
        let request = wire::GetRequest { run: run.to_string() };
        let run = self.call(Repeat::Safe, request, |mut client, request| async move {
            one(client.get(timed(request)).await)
        });
        run.await?.try_into().map_err(|error| unreadable(&error))
    }

    async fn list(&self) -> Result<Vec<RunSummary>> {
        let runs = self.call(Repeat::Safe, wire::ListRequest {}, |mut client, request| async move {
            let pages = client.list(timed(request)).await?;
            collected(pages, MAX_RUNS, |page: wire::ListReply| page.runs).await
        });
        converted(runs.await?)
    }

    async fn watch(&self, run: RunId, after: EventId) -> Result<BoxStream<'static, Result<(EventId, Progress)>>> {
        streams::watch(self.clone(), run, after).await
    }

    async fn provisional(&self, run: RunId) -> Result<BoxStream<'static, Result<ProvisionalDay>>> {
        Ok(streams::provisional(self.clone(), run))
    }

    async fn closes(&self, run: RunId, symbol: &str, as_of: Day, most: usize) -> Result<Vec<f64>> {
        let request = wire::ClosesRequest {
            run: run.to_string(),
            symbol: symbol.to_owned(),
            as_of,
            most: u32::try_from(most).unwrap_or(u32::MAX),
        };
        let reply = self.call(Repeat::Safe, request, |mut client, request| async move {
            one(client.closes(timed(request)).await)
        });
        Ok(reply.await?.closes)
    }

    async fn results(&self, run: RunId) -> Result<BoxStream<'static, Result<Part>>> {
        streams::results(self.clone(), run, 0).await
    }

    async fn results_from(&self, run: RunId, from: usize) -> Result<BoxStream<'static, Result<Part>>> {
        streams::results(self.clone(), run, from).await
    }

    async fn cancel(&self, run: RunId) -> Result<bool> {
        let request = wire::CancelRequest { run: run.to_string() };
        let reply = self.call(Repeat::Safe, request, |mut client, request| async move {
            one(client.cancel(timed(request)).await)
        });
        Ok(reply.await?.was_running)
    }

    async fn forget(&self, run: RunId) -> Result<()> {
        let request = wire::ForgetRequest { run: run.to_string() };
        let reply = self.call(Repeat::Unsafe, request, |mut client, request| async move {
            one(client.forget(timed(request)).await)
        });
        reply.await.map(|wire::ForgetReply {}| ())
    }

    async fn dead(&self, run: RunId) -> Result<Vec<DeadLetter>> {
        let request = wire::DeadRequest { run: run.to_string() };
        let letters = self.call(Repeat::Safe, request, |mut client, request| async move {
            let pages = client.dead(timed(request)).await?;
            collected(pages, MAX_DEAD_PER_RUN, |page: wire::DeadReply| page.letters).await
        });
        converted(letters.await?)
    }

    async fn retry(&self, run: RunId, jobs: Option<Vec<JobIndex>>) -> Result<u64> {
        let request = wire::RetryRequest {
            run: run.to_string(),
            jobs: jobs.as_deref().map(wire::Jobs::from),
        };
        let reply = self.call(Repeat::Unsafe, request, |mut client, request| async move {
            one(client.retry(timed(request)).await)
        });
        Ok(reply.await?.jobs)
    }

    async fn drop_dead(&self, run: RunId, jobs: Option<Vec<JobIndex>>) -> Result<u64> {
        let request = wire::DropDeadRequest {
            run: run.to_string(),
            jobs: jobs.as_deref().map(wire::Jobs::from),
        };
        let reply = self.call(Repeat::Unsafe, request, |mut client, request| async move {
            one(client.drop_dead(timed(request)).await)
        });
        Ok(reply.await?.jobs)
    }

    async fn workers(&self) -> Result<Vec<WorkerEntry>> {
        let workers = self.call(
            Repeat::Safe,
            wire::WorkersRequest {},
            |mut client, request| async move {
                let pages = client.workers(timed(request)).await?;
                collected(pages, MAX_WORKERS, |page: wire::WorkersReply| page.workers).await
            },
        );
        converted(workers.await?)
    }

    async fn drain(&self, worker: WorkerId, is_draining: bool) -> Result<bool> {
        let request = wire::DrainRequest {
            worker: worker.to_string(),
            is_draining,
        };
        let reply = self.call(Repeat::Safe, request, |mut client, request| async move {
            one(client.drain(timed(request)).await)
        });
        Ok(reply.await?.is_there)
    }

    async fn audit(&self, run: RunId, repair: bool) -> Result<Audit> {
        let request = wire::AuditRequest {
            run: run.to_string(),
            repair,
        };
        let reply = self.call(Repeat::Safe, request, |mut client, request| async move {
            one(client.audit(timed(request)).await)
        });
        audit_from_wire(reply.await?).map_err(|error| unreadable(&error))
    }

    async fn stored(&self, identities: &[Identity]) -> Result<Vec<bool>> {
        let mut stored = Vec::with_capacity(identities.len());
        for some in identities.chunks(MAX_BATCH) {
            let request = wire::StoredRequest {
                identities: some
                    .iter()
                    .map(|identity| Bytes::copy_from_slice(&identity.0))
                    .collect(),
            };
            let reply = self.call(Repeat::Safe, request, |mut client, request| async move {
                one(client.stored(timed(request)).await)
            });
            stored.extend(reply.await?.is_stored);
        }
        Ok(stored)
    }

    async fn status(&self) -> Result<Status> {
        let reply = self.call(Repeat::Safe, wire::StatusRequest {}, |mut client, request| async move {
            one(client.status(timed(request)).await)
        });
        Ok(reply.await?.into())
    }
}

/// A call that says which trace it belongs to, where there is one.
fn traced<T>(message: T) -> Call<T> {
    let mut call = Call::new(message);
    let traceparent = trace::traceparent(&Span::current()).and_then(|text| text.parse().ok());
    if let Some(traceparent) = traceparent {
        call.metadata_mut().insert(trace::TRACEPARENT, traceparent);
    }
    call
}

/// A call that must be answered in time.
fn timed<T>(message: T) -> Call<T> {
    let mut call = traced(message);
    call.set_timeout(ANSWER_TIMEOUT);
    call
}

fn one<T>(answer: std::result::Result<Response<T>, Refusal>) -> std::result::Result<T, Refusal> {
    answer.map(Response::into_inner)
}

/// All items of a stream of pages, which are at most `most`.
async fn collected<P, T>(
    pages: Response<Streaming<P>>,
    most: usize,
    items: impl Fn(P) -> Vec<T>,
) -> std::result::Result<Vec<T>, Refusal> {
    let (mut pages, mut all) = (pages.into_inner(), Vec::new());
    while let Some(page) = pages.message().await? {
        all.extend(items(page));
        if all.len() > most {
            return Err(Refusal::out_of_range(format!("more than {most} items came")));
        }
    }
    Ok(all)
}

fn converted<W, T: TryFrom<W, Error = WireError>>(items: Vec<W>) -> Result<Vec<T>> {
    let items: std::result::Result<Vec<T>, WireError> = items.into_iter().map(T::try_from).collect();
    items.map_err(|error| unreadable(&error))
}

/// What the coordinator refused, in its own words where it has some.
fn refused(status: &Refusal) -> Failure {
    failure_of(status).unwrap_or_else(|| {
        let failure = Failure::new(ExitStatus::Failed, "the coordinator refused the call");
        let failure = failure.why(format!("{}: {}", status.code(), status.message()));
        failure.help("coordinator status says of which version it is")
    })
}

fn perhaps_done(address: &str, why: &str) -> Failure {
    Failure::new(ExitStatus::Unreachable, "the coordinator did not answer")
        .at(address)
        .why(why)
        .why("the call may have been done")
        .help("look with coordinator get or list, then give the command again if it is needed")
}

/// An answer that is not what this version knows.
fn unreadable(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new(ExitStatus::Failed, "the coordinator's answer cannot be read")
        .because(error)
        .help("coordinator and client may be of different versions: coordinator status says of which it is")
}

// Collected records stay below what a queue would take.
const _: () = assert!(MAX_PAYLOAD_BYTES >= super::limits::PIECE_BYTES);
