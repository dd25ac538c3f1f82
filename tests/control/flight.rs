//! Arrow Flight: results in the hands of clients that know nothing of tickfleet.

use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::{Criteria, FlightDescriptor, Ticket};
use futures::TryStreamExt;
use tickfleet_tests::tables::{TABLES, parquet_metadata, read_parquet};
use tonic::Code;
use tonic::transport::Channel;

use crate::fleet::{Fleet, block_on, channel};

type Client = FlightServiceClient<Channel>;

/// All rows of a ticket.
async fn get(client: &mut Client, ticket: &str) -> RecordBatch {
    let data = client.do_get(Ticket::new(ticket.to_owned())).await.expect("a table");
    let data = data
        .into_inner()
        .map_err(|status| arrow_flight::error::FlightError::Tonic(Box::new(status)));
    let mut stream = FlightRecordBatchStream::new_from_flight_data(data);
    let mut batches = Vec::new();
    while let Some(batch) = stream.try_next().await.expect("a batch") {
        batches.push(batch);
    }
    let schema = stream.schema().expect("a schema comes first").clone();
    concat_batches(&schema, &batches).expect("batches of one schema")
}

#[test]
fn a_table_is_that_of_the_result_file_and_says_the_same_of_its_origin() {
    let fleet = Fleet::start();
    let _worker = fleet.worker();
    let _ = fleet.submit("--from 2016-03-01 --out out/").run().success();
    block_on(async {
        let run = fleet.cluster().await.list().await.expect("a list")[0].run;
        let mut client = Client::new(channel(&fleet.server.url()).await);
        for table in TABLES {
            let path = fleet.path(&format!("out/{table}.parquet"));
            let (got, expect) = (get(&mut client, &format!("{run}/{table}")).await, read_parquet(&path));
            assert_eq!(got.columns(), expect.columns(), "{table}");
            assert_eq!(got.schema().fields(), expect.schema().fields(), "{table}");
            let pairs = parquet_metadata(&path).into_iter();
            for (key, value) in pairs.filter(|(key, _)| key.starts_with("tickfleet.")) {
                assert_eq!(got.schema().metadata().get(&key), value.as_ref(), "{table} {key}");
            }
            let info = client.get_flight_info(FlightDescriptor::new_path(vec![run.to_string(), table.to_owned()]));
            let info = info.await.expect("a flight").into_inner();
            let ticket = info.endpoint[0].ticket.clone().expect("a ticket");
            assert_eq!(ticket.ticket, format!("{run}/{table}"));
            assert_eq!(&info.try_decode_schema().expect("a schema"), got.schema().as_ref());
        }
    });
}

#[test]
fn flights_are_listed_and_what_is_none_is_refused() {
    let fleet = Fleet::start();
    let worker = fleet.worker();
    let _ = fleet.submit("--out r.csv").run().success();
    drop(worker);
    let _ = fleet.submit("--no-wait").run().success();
    block_on(async {
        let runs = fleet.cluster().await.list().await.expect("a list");
        let [done, running] = [runs[0].run, runs[1].run];
        let mut client = Client::new(channel(&fleet.server.url()).await);
        let flights = client.list_flights(Criteria::default()).await.expect("a list");
        let flights: Vec<_> = flights.into_inner().try_collect().await.expect("a list");
        let paths: Vec<_> = flights
            .iter()
            .map(|flight| flight.flight_descriptor.clone().expect("a descriptor").path)
            .collect();
        assert_eq!(
            paths,
            TABLES.map(|table| vec![done.to_string(), table.to_owned()]),
            "only of runs that succeeded"
        );
        let all = client.get_flight_info(FlightDescriptor::new_path(vec![done.to_string()]));
        let all = all.await.expect("a run").into_inner();
        let tickets: Vec<_> = all
            .endpoint
            .iter()
            .map(|one| one.ticket.clone().expect("a ticket").ticket)
            .collect();
        assert_eq!(tickets, TABLES.map(|table| format!("{done}/{table}")));
        for (ticket, code) in [
            (format!("{running}/ranked"), Code::FailedPrecondition),
            (format!("{done}/prices"), Code::NotFound),
            (format!("{}/ranked", uuid::Uuid::nil()), Code::NotFound),
            ("ranked".to_owned(), Code::InvalidArgument),
            ("x/ranked".to_owned(), Code::InvalidArgument),
        ] {
            let status = client.do_get(Ticket::new(ticket.clone())).await.expect_err(&ticket);
            assert_eq!(status.code(), code, "{ticket}: {status}");
        }
        let action = arrow_flight::Action::new("x", "");
        let status = client.do_action(action).await.expect_err("not offered");
        assert_eq!(status.code(), Code::Unimplemented);
        assert!(status.message().contains("DoGet"), "{status}");
    });
}
