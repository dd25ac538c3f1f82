//! Each call of the control plane: read the request, ask the cluster, write the answer.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use tickfleet_proto::wire;
use tickfleet_proto::wire::coordinator_server::Coordinator;
use tickfleet_protocol::ids::{EventId, IdError, Identity, JobIndex, RunId, WorkerId};
use tickfleet_protocol::limits::MAX_BATCH;
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tokio::sync::watch;
use tonic::{Request as Call, Response, Status};

use super::admission::Admission;
use super::bound::{STREAM_MAX, in_time, stream_in_time, time_of, until};
use super::opening::{Step, stepwise};
use super::stopped;
use crate::cluster::{Cluster, Request, Result};
use crate::grpc::convert::{audit_to_wire, pieces, status_of};
use crate::grpc::limits::{CLOSES_MAX, LETTERS_A_MESSAGE, PIECE_BYTES, RUNS_A_MESSAGE, WORKERS_A_MESSAGE};

/// The control plane over a cluster.
pub(super) struct Service {
    cluster: Arc<dyn Cluster>,
    admission: Arc<Admission>,
    stop: watch::Receiver<bool>,
}

impl Service {
    pub(super) fn new(cluster: Arc<dyn Cluster>, admission: Arc<Admission>, stop: watch::Receiver<bool>) -> Self {
        Self {
            cluster,
            admission,
            stop,
        }
    }

    /// Ends what follows a run when this coordinator stops or the time is over: it goes on elsewhere.
    fn watch_end(&self, time: Duration) -> impl Future<Output = Status> + Send + use<> {
        let stop = self.stop.clone();
        async move {
            tokio::select! {
                () = stopped(stop) => {}
                () = tokio::time::sleep(time) => {}
            }
            Status::unavailable("this watch ends here: watch again, here or elsewhere, after the last event that came")
        }
    }
}

type Answer<T> = std::result::Result<Response<T>, Status>;
type Messages<T> = BoxStream<'static, std::result::Result<T, Status>>;

#[tonic::async_trait]
impl Coordinator for Service {
    type SubmitStream = Messages<wire::SubmitReply>;
    type PlanStream = Messages<wire::PlanReply>;
    type ListStream = Messages<wire::ListReply>;
    type WatchStream = Messages<wire::RunEvent>;
    type ProvisionalStream = Messages<wire::ProvisionalDay>;
    type ResultsStream = Messages<wire::ResultsReply>;
    type DeadStream = Messages<wire::DeadReply>;
    type WorkersStream = Messages<wire::WorkersReply>;

    async fn submit(&self, call: Call<wire::SubmitRequest>) -> Answer<Self::SubmitStream> {
        use wire::submit_reply::Part;
        let time = time_of(call.metadata(), STREAM_MAX);
        let (cluster, request) = (self.cluster.clone(), request(call)?);
        let steps = stepwise(self.admission.clone(), |told| async move {
            cluster
                .submit(request, &mut |opening| told.send_modify(|last| *last = Some(opening)))
                .await
        });
        let replies = steps.map_ok(|step| {
            let part = match step {
                Step::Opening(opening) => Part::Opening(opening.into()),
                Step::Done(accepted) => Part::Accepted(accepted.into()),
            };
            wire::SubmitReply { part: Some(part) }
        });
        Ok(Response::new(stream_in_time(time, replies)))
    }

    async fn plan(&self, call: Call<wire::SubmitRequest>) -> Answer<Self::PlanStream> {
        use wire::plan_reply::Part;
        let time = time_of(call.metadata(), STREAM_MAX);
        let (cluster, request) = (self.cluster.clone(), request(call)?);
        let steps = stepwise(self.admission.clone(), |told| async move {
            cluster
                .plan(request, &mut |opening| told.send_modify(|last| *last = Some(opening)))
                .await
        });
        let replies = steps.map_ok(|step| {
            let parts = match step {
                Step::Opening(opening) => vec![Part::Opening(opening.into())],
                Step::Done(planned) => {
                    let mut record = planned.record.encode();
                    let mut parts = Vec::new();
                    while !record.is_empty() {
                        parts.push(Part::Record(record.split_to(record.len().min(PIECE_BYTES))));
                    }
                    let texts = planned.notices;
                    parts.push(Part::Notices(wire::Notices { texts }));
                    parts
                }
            };
            stream::iter(parts.into_iter().map(|part| Ok(wire::PlanReply { part: Some(part) })))
        });
        Ok(Response::new(stream_in_time(time, replies.try_flatten())))
    }

    async fn get(&self, call: Call<wire::GetRequest>) -> Answer<wire::Run> {
        in_time(call.metadata(), async {
            let run = id::<RunId>(&call.get_ref().run)?;
            let summary = asked(self.cluster.get(run).await)?;
            Ok(Response::new(wire::Run::from(&summary)))
        })
        .await
    }

    async fn list(&self, call: Call<wire::ListRequest>) -> Answer<Self::ListStream> {
        let runs = in_time(call.metadata(), async { asked(self.cluster.list().await) }).await?;
        let page = |runs: &[_]| wire::ListReply {
            runs: runs.iter().map(wire::Run::from).collect(),
        };
        Ok(pages(&runs, RUNS_A_MESSAGE, page))
    }

    async fn watch(&self, call: Call<wire::WatchRequest>) -> Answer<Self::WatchStream> {
        let time = time_of(call.metadata(), STREAM_MAX);
        let place = self.admission.watches.enter().await?;
        let events = in_time(call.metadata(), async {
            let wire::WatchRequest { run, after } = call.get_ref();
            asked(self.cluster.watch(id(run)?, EventId(*after)).await)
        });
        let events = events.await?.map(move |event| {
            let _ = &place;
            asked(event).map(|event| wire::RunEvent::from(&event))
        });
        Ok(Response::new(until(events, self.watch_end(time))))
    }

    async fn provisional(&self, call: Call<wire::ProvisionalRequest>) -> Answer<Self::ProvisionalStream> {
        let time = time_of(call.metadata(), STREAM_MAX);
        let place = self.admission.watches.enter().await?;
        let days = in_time(call.metadata(), async {
            asked(self.cluster.provisional(id(&call.get_ref().run)?).await)
        });
        let days = days.await?.map(move |day| {
            let _ = &place;
            asked(day).map(wire::ProvisionalDay::from)
        });
        Ok(Response::new(until(days, self.watch_end(time))))
    }

    async fn closes(&self, call: Call<wire::ClosesRequest>) -> Answer<wire::ClosesReply> {
        let _place = self.admission.readers.enter().await?;
        in_time(call.metadata(), async {
            let wire::ClosesRequest {
                run,
                symbol,
                as_of,
                most,
            } = call.get_ref();
            let most = (*most as usize).min(CLOSES_MAX);
            let closes = asked(self.cluster.closes(id(run)?, symbol, *as_of, most).await)?;
            Ok(Response::new(wire::ClosesReply { closes }))
        })
        .await
    }

    async fn results(&self, call: Call<wire::ResultsRequest>) -> Answer<Self::ResultsStream> {
        let time = time_of(call.metadata(), STREAM_MAX);
        let wire::ResultsRequest { run, from } = call.into_inner();
        let (run, from) = (id(&run)?, from as usize);
        let place = self.admission.readers.enter().await?;
        let parts = asked(self.cluster.results_from(run, from).await)?;
        let replies = parts.map(move |part| {
            let _ = &place;
            let pieces = pieces(asked(part)?);
            let pieces = pieces.map_err(|error| status_of(&Failure::from_error(ExitStatus::Failed, &error)))?;
            Ok::<_, Status>(stream::iter(pieces.into_iter().map(Ok)))
        });
        Ok(Response::new(stream_in_time(time, replies.try_flatten())))
    }

    async fn cancel(&self, call: Call<wire::CancelRequest>) -> Answer<wire::CancelReply> {
        in_time(call.metadata(), async {
            let was_running = asked(self.cluster.cancel(id(&call.get_ref().run)?).await)?;
            Ok(Response::new(wire::CancelReply { was_running }))
        })
        .await
    }

    async fn forget(&self, call: Call<wire::ForgetRequest>) -> Answer<wire::ForgetReply> {
        in_time(call.metadata(), async {
            asked(self.cluster.forget(id(&call.get_ref().run)?).await)?;
            Ok(Response::new(wire::ForgetReply {}))
        })
        .await
    }

    async fn dead(&self, call: Call<wire::DeadRequest>) -> Answer<Self::DeadStream> {
        let letters = in_time(call.metadata(), async {
            asked(self.cluster.dead(id(&call.get_ref().run)?).await)
        });
        let page = |letters: &[_]| wire::DeadReply {
            letters: letters.iter().map(wire::DeadLetter::from).collect(),
        };
        Ok(pages(&letters.await?, LETTERS_A_MESSAGE, page))
    }

    async fn retry(&self, call: Call<wire::RetryRequest>) -> Answer<wire::RetryReply> {
        in_time(call.metadata(), async {
            let wire::RetryRequest { run, jobs } = call.get_ref();
            let jobs = asked(self.cluster.retry(id(run)?, named(jobs.as_ref())).await)?;
            Ok(Response::new(wire::RetryReply { jobs }))
        })
        .await
    }

    async fn drop_dead(&self, call: Call<wire::DropDeadRequest>) -> Answer<wire::DropDeadReply> {
        in_time(call.metadata(), async {
            let wire::DropDeadRequest { run, jobs } = call.get_ref();
            let jobs = asked(self.cluster.drop_dead(id(run)?, named(jobs.as_ref())).await)?;
            Ok(Response::new(wire::DropDeadReply { jobs }))
        })
        .await
    }

    async fn workers(&self, call: Call<wire::WorkersRequest>) -> Answer<Self::WorkersStream> {
        let workers = in_time(call.metadata(), async { asked(self.cluster.workers().await) }).await?;
        let page = |workers: &[_]| wire::WorkersReply {
            workers: workers.iter().map(wire::Worker::from).collect(),
        };
        Ok(pages(&workers, WORKERS_A_MESSAGE, page))
    }

    async fn drain(&self, call: Call<wire::DrainRequest>) -> Answer<wire::DrainReply> {
        in_time(call.metadata(), async {
            let wire::DrainRequest { worker, is_draining } = call.get_ref();
            let is_there = asked(self.cluster.drain(id::<WorkerId>(worker)?, *is_draining).await)?;
            Ok(Response::new(wire::DrainReply { is_there }))
        })
        .await
    }

    async fn audit(&self, call: Call<wire::AuditRequest>) -> Answer<wire::AuditReply> {
        in_time(call.metadata(), async {
            let wire::AuditRequest { run, repair } = call.get_ref();
            let audit = asked(self.cluster.audit(id(run)?, *repair).await)?;
            Ok(Response::new(audit_to_wire(&audit)))
        })
        .await
    }

    async fn stored(&self, call: Call<wire::StoredRequest>) -> Answer<wire::StoredReply> {
        in_time(call.metadata(), async {
            let identities = identities(&call.get_ref().identities)?;
            let is_stored = asked(self.cluster.stored(&identities).await)?;
            Ok(Response::new(wire::StoredReply { is_stored }))
        })
        .await
    }

    async fn status(&self, call: Call<wire::StatusRequest>) -> Answer<wire::StatusReply> {
        in_time(call.metadata(), async {
            Ok(Response::new(asked(self.cluster.status().await)?.into()))
        })
        .await
    }
}

/// A cluster's answer, its failure as a status.
pub(super) fn asked<T>(answer: Result<T>) -> std::result::Result<T, Status> {
    answer.map_err(|failure| status_of(&failure))
}

/// An id of the request.
pub(super) fn id<T: FromStr<Err = IdError>>(text: &str) -> std::result::Result<T, Status> {
    let id = text.parse();
    id.map_err(|error: IdError| status_of(&Failure::from_error(ExitStatus::BadInput, &error)))
}

/// The identities of a request, no more than one call of the queue takes.
fn identities(wire: &[Bytes]) -> std::result::Result<Vec<Identity>, Status> {
    let identity = |bytes: &Bytes| bytes.as_ref().try_into().ok().map(Identity);
    let identities: Option<Vec<Identity>> = wire.iter().map(identity).collect();
    match identities {
        Some(identities) if identities.len() <= MAX_BATCH => Ok(identities),
        _ => Err(status_of(
            &Failure::new(ExitStatus::BadInput, "these are no identities of results")
                .why(format!("at most {MAX_BATCH} of 32 bytes each are taken")),
        )),
    }
}

fn request(call: Call<wire::SubmitRequest>) -> std::result::Result<Request, Status> {
    let request = Request::try_from(call.into_inner());
    request.map_err(|error| {
        let failure = Failure::from_error(ExitStatus::BadInput, &error);
        status_of(&failure.help("coordinator and client may be of different versions"))
    })
}

fn named(jobs: Option<&wire::Jobs>) -> Option<Vec<JobIndex>> {
    jobs.cloned().map(Into::into)
}

/// A list as messages of so many items each.
fn pages<T, M: Send + 'static>(items: &[T], most: usize, page: impl Fn(&[T]) -> M) -> Response<Messages<M>> {
    let pages: Vec<_> = items.chunks(most).map(|items| Ok(page(items))).collect();
    Response::new(stream::iter(pages).boxed())
}
