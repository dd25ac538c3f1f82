//! What machines ask: health over gRPC, `/healthz`, `/readyz` and `/metrics` over HTTP, before and through an outage.

use std::io::{Read, Write};
use std::net::TcpStream;

use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::fleet::{Fleet, block_on, channel, patiently};

/// Status and body of a page.
fn page(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("a server");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("a server that listens");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer in text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.expect("a status"), body.to_owned())
}

async fn health(url: &str, service: &str) -> ServingStatus {
    let mut client = HealthClient::new(channel(url).await);
    let service = service.to_owned();
    let answer = client.check(HealthCheckRequest { service }).await.expect("a service");
    answer.into_inner().status()
}

#[test]
fn a_server_says_how_it_does_and_gets_over_an_outage_by_itself() {
    let mut fleet = Fleet::start();
    let (url, http) = (fleet.server.url(), fleet.server.http.clone());
    block_on(async {
        for service in [
            "",
            "tickfleet.cluster.v1.Coordinator",
            "arrow.flight.protocol.FlightService",
        ] {
            patiently(async || health(&url, service).await == ServingStatus::Serving).await;
        }
        assert_eq!(page(&http, "/healthz"), (200, "lives\n".to_owned()));
        assert_eq!(page(&http, "/readyz"), (200, "ready\n".to_owned()));
        fleet.redis.kill();
        patiently(async || page(&http, "/readyz").0 == 503).await;
        let (_, why) = page(&http, "/readyz");
        assert!(why.starts_with("not ready: the queue has not answered for "), "{why}");
        assert_eq!(page(&http, "/healthz").0, 200, "it lives, there is nothing to restart");
        patiently(async || health(&url, "").await == ServingStatus::NotServing).await;
        assert!(page(&http, "/metrics").1.contains("tickfleet_queue_up 0\n"));
        fleet.redis.kill_and_restart();
        patiently(async || page(&http, "/readyz").0 == 200).await;
        patiently(async || health(&url, "").await == ServingStatus::Serving).await;
        assert_eq!(
            fleet.cluster().await.list().await,
            Ok(Vec::new()),
            "calls are answered again"
        );
    });
}

#[test]
fn the_numbers_are_those_of_the_queue() {
    let fleet = Fleet::start();
    let worker = fleet.worker();
    let _ = fleet.submit("--shard-size 5 --out r.csv").run().success();
    drop(worker);
    let _ = fleet.submit("--shard-size 5 --no-wait").run().success();
    let (status, text) = page(&fleet.server.http, "/metrics");
    assert_eq!(status, 200);
    for line in [
        "tickfleet_queue_up 1",
        "tickfleet_runs{tickfleet_run_state=\"running\"} 1",
        "tickfleet_runs{tickfleet_run_state=\"succeeded\"} 1",
        "tickfleet_jobs{tickfleet_job_state=\"done\"} 6",
        "tickfleet_backlog_jobs 6",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    let is_described = |line: &str| line.starts_with("# ") || !line.is_empty();
    assert!(text.lines().all(is_described));
}

#[test]
fn a_page_that_is_not_there_is_404() {
    let fleet = Fleet::start();
    assert_eq!(page(&fleet.server.http, "/nothing").0, 404);
}
