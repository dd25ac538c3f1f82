//! Results as Arrow Flight: any Flight client reads a table of a run with no client of ours.
//!
//! A flight is a table of a run that succeeded, all its dates in order, with what result files say of their origin in
//! its schema: descriptor path `[RUN, TABLE]`, ticket `RUN/TABLE`. The path `[RUN]` names all four, each an endpoint.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::writer::IpcWriteOptions;
use arrow::record_batch::RecordBatch;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_server::FlightService;
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightData, FlightDescriptor, FlightEndpoint, FlightInfo, HandshakeRequest,
    HandshakeResponse, PollInfo, PutResult, SchemaAsIpc, SchemaResult, Ticket,
};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use tickfleet_protocol::ids::RunId;
use tickfleet_runtime::broker::RunState;
use tonic::{Request as Call, Response, Status, Streaming};

use super::admission::{Admission, Place};
use super::bound::{STREAM_MAX, in_time, stream_in_time, time_of};
use super::service::{asked, id};
use crate::cluster::{Cluster, DayTables, Part, Result};
use crate::grpc::limits::PIECE_BYTES;

/// The tables of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Table {
    Ranked,
    Scored,
    Rejected,
    Funnel,
}

impl Table {
    const ALL: [Self; 4] = [Self::Ranked, Self::Scored, Self::Rejected, Self::Funnel];

    const fn name(self) -> &'static str {
        match self {
            Self::Ranked => "ranked",
            Self::Scored => "scored",
            Self::Rejected => "rejected",
            Self::Funnel => "funnel",
        }
    }

    fn find(name: &str) -> std::result::Result<Self, Status> {
        let found = Self::ALL.into_iter().find(|table| table.name() == name);
        found.ok_or_else(|| Status::not_found(format!("no table `{name}`: there are ranked, scored, rejected, funnel")))
    }

    fn of(self, day: DayTables) -> RecordBatch {
        match self {
            Self::Ranked => day.ranked,
            Self::Scored => day.scored,
            Self::Rejected => day.rejected,
            Self::Funnel => day.funnel,
        }
    }
}

/// The Flight service over a cluster.
pub(super) struct Tables {
    cluster: Arc<dyn Cluster>,
    admission: Arc<Admission>,
}

impl Tables {
    pub(super) fn new(cluster: Arc<dyn Cluster>, admission: Arc<Admission>) -> Self {
        Self { cluster, admission }
    }

    /// The schema of a table with its origin, and its batches, date by date.
    async fn read(&self, run: RunId, table: Table) -> std::result::Result<(SchemaRef, Batches), Status> {
        let place = self.admission.readers.enter().await?;
        let mut parts = asked(self.cluster.results(run).await)?;
        let unordered = || Status::internal("the results came out of order");
        let Some(Part::Head(head)) = asked(parts.try_next().await)? else {
            return Err(unordered());
        };
        let Some(Part::Day(first)) = asked(parts.try_next().await)? else {
            return Err(unordered());
        };
        let first = table.of(*first);
        let metadata: HashMap<String, String> = head.metadata.into_iter().collect();
        let schema = Arc::new(Schema::clone(&first.schema()).with_metadata(metadata));
        let batches = Batches {
            first,
            rest: parts,
            table,
            _place: place,
        };
        Ok((schema, batches))
    }
}

/// The batches of a table: the first, and where the rest comes from.
struct Batches {
    first: RecordBatch,
    rest: BoxStream<'static, Result<Part>>,
    table: Table,
    _place: Place,
}

impl Batches {
    /// All of them, with the schema that names their origin.
    fn stream(self, schema: SchemaRef) -> BoxStream<'static, std::result::Result<RecordBatch, FlightError>> {
        let Self {
            first,
            rest,
            table,
            _place: place,
        } = self;
        let rest = rest.try_filter_map(move |part| {
            let _ = &place;
            std::future::ready(Ok(match part {
                Part::Day(day) => Some(table.of(*day)),
                Part::Head(_) | Part::Notes(_) => None,
            }))
        });
        let all = stream::iter([Ok(first)]).chain(rest.map(asked));
        let all = all.map_err(|status| FlightError::Tonic(Box::new(status)));
        all.and_then(move |batch| std::future::ready(batch.with_schema(schema.clone()).map_err(FlightError::from)))
            .boxed()
    }
}

type Answer<T> = std::result::Result<Response<T>, Status>;
type Messages<T> = BoxStream<'static, std::result::Result<T, Status>>;

#[tonic::async_trait]
impl FlightService for Tables {
    type HandshakeStream = Messages<HandshakeResponse>;
    type ListFlightsStream = Messages<FlightInfo>;
    type DoGetStream = Messages<FlightData>;
    type DoPutStream = Messages<PutResult>;
    type DoActionStream = Messages<arrow_flight::Result>;
    type ListActionsStream = Messages<ActionType>;
    type DoExchangeStream = Messages<FlightData>;

    async fn list_flights(&self, call: Call<Criteria>) -> Answer<Self::ListFlightsStream> {
        let runs = in_time(call.metadata(), async { asked(self.cluster.list().await) }).await?;
        let succeeded = runs.into_iter().filter(|run| run.state == RunState::Succeeded);
        let flights = succeeded.flat_map(|run| Table::ALL.map(|table| Ok(flight(run.run, table))));
        Ok(Response::new(stream::iter(flights).boxed()))
    }

    async fn get_flight_info(&self, call: Call<FlightDescriptor>) -> Answer<FlightInfo> {
        in_time(call.metadata(), async {
            let (run, table) = described(call.get_ref())?;
            let info = match table {
                Some(table) => {
                    let (schema, _) = self.read(run, table).await?;
                    let with_schema = flight(run, table).try_with_schema(&schema);
                    with_schema.map_err(|error| Status::internal(error.to_string()))?
                }
                None => {
                    // Refused where there are no results, as for one table.
                    drop(asked(self.cluster.results(run).await)?);
                    let endpoints = Table::ALL.map(|table| endpoint(run, table)).into();
                    FlightInfo::new()
                        .with_endpoints(endpoints)
                        .with_descriptor(FlightDescriptor::new_path(vec![run.to_string()]))
                        .with_ordered(true)
                }
            };
            Ok(Response::new(info))
        })
        .await
    }

    async fn get_schema(&self, call: Call<FlightDescriptor>) -> Answer<SchemaResult> {
        in_time(call.metadata(), async {
            let (run, table) = described(call.get_ref())?;
            let table = table.ok_or_else(|| Status::invalid_argument("a schema is of one table: name [RUN, TABLE]"))?;
            let (schema, _) = self.read(run, table).await?;
            let encoded = SchemaResult::try_from(SchemaAsIpc::new(&schema, &IpcWriteOptions::default()));
            let encoded = encoded.map_err(|error| Status::internal(error.to_string()))?;
            Ok(Response::new(encoded))
        })
        .await
    }

    async fn do_get(&self, call: Call<Ticket>) -> Answer<Self::DoGetStream> {
        let time = time_of(call.metadata(), STREAM_MAX);
        let ticket = std::str::from_utf8(&call.get_ref().ticket).unwrap_or_default();
        let Some((run, table)) = ticket.split_once('/') else {
            return Err(Status::invalid_argument("a ticket is RUN/TABLE"));
        };
        let (schema, batches) = self.read(id(run)?, Table::find(table)?).await?;
        let encoder = FlightDataEncoderBuilder::new()
            .with_schema(schema.clone())
            .with_max_flight_data_size(PIECE_BYTES)
            .build(batches.stream(schema));
        Ok(Response::new(stream_in_time(time, encoder.map_err(Status::from))))
    }

    async fn handshake(&self, _: Call<Streaming<HandshakeRequest>>) -> Answer<Self::HandshakeStream> {
        Err(not_offered("Handshake"))
    }

    async fn poll_flight_info(&self, _: Call<FlightDescriptor>) -> Answer<PollInfo> {
        Err(not_offered("PollFlightInfo"))
    }

    async fn do_put(&self, _: Call<Streaming<FlightData>>) -> Answer<Self::DoPutStream> {
        Err(not_offered("DoPut"))
    }

    async fn do_exchange(&self, _: Call<Streaming<FlightData>>) -> Answer<Self::DoExchangeStream> {
        Err(not_offered("DoExchange"))
    }

    async fn do_action(&self, _: Call<Action>) -> Answer<Self::DoActionStream> {
        Err(not_offered("DoAction"))
    }

    async fn list_actions(&self, _: Call<Empty>) -> Answer<Self::ListActionsStream> {
        Ok(Response::new(stream::empty().boxed()))
    }
}

fn not_offered(call: &str) -> Status {
    Status::unimplemented(format!(
        "{call} is not offered: results are read with ListFlights, GetFlightInfo, GetSchema and DoGet"
    ))
}

fn endpoint(run: RunId, table: Table) -> FlightEndpoint {
    FlightEndpoint::new()
        .with_ticket(Ticket::new(format!("{run}/{}", table.name())))
        .with_app_metadata(table.name())
}

/// A table of a run, its schema not told.
fn flight(run: RunId, table: Table) -> FlightInfo {
    let path = vec![run.to_string(), table.name().to_owned()];
    FlightInfo::new()
        .with_descriptor(FlightDescriptor::new_path(path))
        .with_endpoint(endpoint(run, table))
        .with_ordered(true)
}

/// What a descriptor names.
fn described(descriptor: &FlightDescriptor) -> std::result::Result<(RunId, Option<Table>), Status> {
    match descriptor.path.as_slice() {
        [run] => Ok((id(run)?, None)),
        [run, table] => Ok((id(run)?, Some(Table::find(table)?))),
        _ => Err(Status::invalid_argument(
            "a flight is named by its path: [RUN] or [RUN, TABLE]",
        )),
    }
}
