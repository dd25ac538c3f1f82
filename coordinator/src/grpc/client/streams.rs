//! Calls whose answer comes in parts: taken up again, here or at another coordinator, after the last part that came.

use std::collections::BTreeMap;

use bytes::BytesMut;
use futures::stream::{self, BoxStream, StreamExt};
use tickfleet_proto::wire;
use tickfleet_proto::wire::plan_reply::Part as PlanPart;
use tickfleet_proto::wire::submit_reply::Part as SubmitPart;
use tickfleet_protocol::ids::{EventId, RunId};
use tickfleet_protocol::limits::MAX_PAYLOAD_BYTES;
use tickfleet_runtime::broker::Progress;
use tonic::{Response, Status as Refusal, Streaming};

use super::link::{Client, Wire, away};
use super::tries::Tries;
use super::{Remote, refused, traced, unreadable};
use crate::cluster::{Accepted, Opening, Part, ProvisionalDay, Result};
use crate::grpc::convert::Assembly;

/// What opening a stream gives.
type Opened<M> = std::result::Result<Response<Streaming<M>>, Refusal>;

/// A stream of answers that is opened again where it breaks off.
struct Reader<M> {
    remote: Remote,
    tries: Tries,
    open: Option<(Wire, Streaming<M>)>,
    /// How often it was opened: what comes after that begins anew.
    openings: u64,
}

impl<M> Reader<M> {
    fn new(remote: Remote) -> Self {
        let tries = remote.tries();
        Self {
            remote,
            tries,
            open: None,
            openings: 0,
        }
    }

    /// The next message, from a stream that `call` opens where none is open; `None` at the end.
    async fn next<R, F>(&mut self, request: &R, call: impl Fn(Client, R) -> F) -> Result<Option<M>>
    where
        R: Clone,
        F: Future<Output = Opened<M>>,
    {
        loop {
            let (wire, stream) = match &mut self.open {
                Some(open) => open,
                None => {
                    self.openings += 1;
                    self.open
                        .insert(open(&self.remote, &mut self.tries, request, &call).await?)
                }
            };
            let status = match stream.message().await {
                Ok(message) => {
                    self.tries.progressed();
                    return Ok(message);
                }
                Err(status) => status,
            };
            let why = away(&status).ok_or_else(|| refused(&status))?;
            self.remote.link.give_up(wire);
            let address = wire.address.clone();
            self.open = None;
            self.tries.failed(&address, why).await?;
        }
    }
}

async fn open<R, M, F>(
    remote: &Remote,
    tries: &mut Tries,
    request: &R,
    call: &impl Fn(Client, R) -> F,
) -> Result<(Wire, Streaming<M>)>
where
    R: Clone,
    F: Future<Output = Opened<M>>,
{
    loop {
        let wire = match remote.link.wire().await {
            Ok(wire) => wire,
            Err(unconnected) => {
                tries.failed(&unconnected.address, unconnected.why).await?;
                continue;
            }
        };
        match call(wire.client.clone(), request.clone()).await {
            Ok(stream) => return Ok((wire, stream.into_inner())),
            Err(status) => {
                let why = away(&status).ok_or_else(|| refused(&status))?;
                remote.link.give_up(&wire);
                tries.failed(&wire.address, why).await?;
            }
        }
    }
}

/// Submits, again with the same key where no answer came.
pub(super) async fn submit(
    remote: &Remote,
    request: &wire::SubmitRequest,
    progress: &mut (dyn FnMut(Opening) + Send),
) -> Result<Accepted> {
    let mut reader = Reader::new(remote.clone());
    loop {
        let call = |mut client: Client, request| async move { client.submit(traced(request)).await };
        let reply: Option<wire::SubmitReply> = reader.next(request, call).await?;
        match reply.and_then(|reply| reply.part) {
            Some(SubmitPart::Opening(opening)) => progress(opening.into()),
            Some(SubmitPart::Accepted(accepted)) => return accepted.try_into().map_err(|error| unreadable(&error)),
            None => {
                return Err(unreadable(&std::io::Error::other(
                    "the submission ended without an answer",
                )));
            }
        }
    }
}

/// Plans; gives the encoded record and the notices.
pub(super) async fn plan(
    remote: &Remote,
    request: &wire::SubmitRequest,
    progress: &mut (dyn FnMut(Opening) + Send),
) -> Result<(BytesMut, Vec<String>)> {
    let mut reader = Reader::new(remote.clone());
    let (mut record, mut openings) = (BytesMut::new(), 0);
    loop {
        let call = |mut client: Client, request| async move { client.plan(traced(request)).await };
        let reply: Option<wire::PlanReply> = reader.next(request, call).await?;
        if reader.openings > openings {
            openings = reader.openings;
            record.clear();
        }
        match reply.and_then(|reply| reply.part) {
            Some(PlanPart::Opening(opening)) => progress(opening.into()),
            Some(PlanPart::Record(piece)) if record.len() + piece.len() <= MAX_PAYLOAD_BYTES => {
                record.extend_from_slice(&piece);
            }
            Some(PlanPart::Notices(notices)) => return Ok((record, notices.texts)),
            Some(PlanPart::Record(_)) => return Err(unreadable(&std::io::Error::other("the record is too large"))),
            None => return Err(unreadable(&std::io::Error::other("the plan ended without its record"))),
        }
    }
}

/// A run's events after one.
pub(super) async fn watch(
    remote: Remote,
    run: RunId,
    after: EventId,
) -> Result<BoxStream<'static, Result<(EventId, Progress)>>> {
    let mut watcher = Watcher {
        reader: Reader::new(remote),
        run,
        after,
    };
    watcher.open().await?;
    let events = stream::unfold(Some(watcher), |watcher| async move {
        let mut watcher = watcher?;
        match watcher.next().await {
            Ok(event) => Some((Ok(event?), Some(watcher))),
            Err(failure) => Some((Err(failure), None)),
        }
    });
    Ok(events.boxed())
}

struct Watcher {
    reader: Reader<wire::RunEvent>,
    run: RunId,
    after: EventId,
}

impl Watcher {
    fn request(&self) -> wire::WatchRequest {
        wire::WatchRequest {
            run: self.run.to_string(),
            after: self.after.0,
        }
    }

    /// Opens the stream, so that a run that is not there is refused at once.
    async fn open(&mut self) -> Result<()> {
        let call = |mut client: Client, request| async move { client.watch(traced(request)).await };
        let request = self.request();
        let opened = open(&self.reader.remote, &mut self.reader.tries, &request, &call).await?;
        self.reader.open = Some(opened);
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<(EventId, Progress)>> {
        loop {
            let request = self.request();
            let call = |mut client: Client, request| async move { client.watch(traced(request)).await };
            let Some(event) = self.reader.next(&request, call).await? else {
                return Ok(None);
            };
            let (id, progress) = event.try_into().map_err(|error| unreadable(&error))?;
            if id > self.after {
                self.after = id;
                return Ok(Some((id, progress)));
            }
        }
    }
}

/// The best rows of each date. A coordinator that is asked in mid-run reads them anew: what it knows less of is passed
/// over.
pub(super) fn provisional(remote: Remote, run: RunId) -> BoxStream<'static, Result<ProvisionalDay>> {
    let rows = Rows {
        reader: Reader::new(remote),
        request: wire::ProvisionalRequest { run: run.to_string() },
        known: BTreeMap::new(),
    };
    let days = stream::unfold(Some(rows), |rows| async move {
        let mut rows = rows?;
        match rows.next().await {
            Ok(day) => Some((Ok(day?), Some(rows))),
            Err(failure) => Some((Err(failure), None)),
        }
    });
    days.boxed()
}

struct Rows {
    reader: Reader<wire::ProvisionalDay>,
    request: wire::ProvisionalRequest,
    /// Jobs that were read of each date that was told.
    known: BTreeMap<i32, u64>,
}

impl Rows {
    async fn next(&mut self) -> Result<Option<ProvisionalDay>> {
        loop {
            let call = |mut client: Client, request| async move { client.provisional(traced(request)).await };
            let Some(day) = self.reader.next(&self.request, call).await? else {
                return Ok(None);
            };
            let known = self.known.entry(day.as_of).or_default();
            if day.done >= *known {
                *known = day.done;
                return day.try_into().map(Some).map_err(|error| unreadable(&error));
            }
        }
    }
}

/// The parts of a run's results, from the date at `from` on.
pub(super) async fn results(remote: Remote, run: RunId, from: usize) -> Result<BoxStream<'static, Result<Part>>> {
    let mut fetcher = Fetcher {
        reader: Reader::new(remote),
        run,
        has_head: false,
        next_date: from,
        assembly: Assembly::default(),
    };
    let head = fetcher.next().await?;
    let parts = stream::unfold(Some(fetcher), |fetcher| async move {
        let mut fetcher = fetcher?;
        match fetcher.next().await {
            Ok(part) => Some((Ok(part?), Some(fetcher))),
            Err(failure) => Some((Err(failure), None)),
        }
    });
    Ok(stream::iter(head.map(Ok)).chain(parts).boxed())
}

struct Fetcher {
    reader: Reader<wire::ResultsReply>,
    run: RunId,
    has_head: bool,
    /// The first date that is not complete.
    next_date: usize,
    assembly: Assembly,
}

impl Fetcher {
    async fn next(&mut self) -> Result<Option<Part>> {
        loop {
            let request = wire::ResultsRequest {
                run: self.run.to_string(),
                from: u32::try_from(self.next_date).unwrap_or(u32::MAX),
            };
            let openings = self.reader.openings;
            let call = |mut client: Client, request| async move { client.results(traced(request)).await };
            let Some(reply) = self.reader.next(&request, call).await? else {
                return Ok(None);
            };
            if self.reader.openings > openings {
                self.assembly = Assembly::default();
            }
            let part = self.assembly.take(reply).map_err(|error| unreadable(&error))?;
            match part {
                Some(Part::Head(_)) if self.has_head => {}
                Some(part) => {
                    match &part {
                        Part::Head(_) => self.has_head = true,
                        Part::Day(day) => self.next_date = day.date + 1,
                        Part::Notes(_) => {}
                    }
                    return Ok(Some(part));
                }
                None => {}
            }
        }
    }
}
