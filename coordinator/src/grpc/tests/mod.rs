//! The adapter, both ends in one process: what a cluster answers or refuses is what its client is told, whole.

mod scripted;

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{BoxStream, StreamExt};
use tickfleet_proto::wire;
use tickfleet_proto::wire::coordinator_client::CoordinatorClient;
use tickfleet_protocol::ids::{EventId, JobIndex, WorkerId};
use tickfleet_runtime::failure::ExitStatus;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::Code;
use tonic::transport::Endpoint;

use self::scripted::{Script, Scripted, record, request, run};
use super::client::Remote;
use super::server::serve;
use crate::cluster::{Cluster, Result};
use crate::serve::accept::{Door, Manners};

/// A served cluster, ended with this.
struct Served {
    url: String,
    _stop: watch::Sender<bool>,
}

async fn served(script: Script) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let manners = Manners {
        connections_max: 8,
        opening_bytes: 33,
        opening: Duration::from_secs(60),
        idle: Duration::from_secs(60),
    };
    let (stop, stopping) = watch::channel(false);
    let (_, health) = tonic_health::server::health_reporter();
    let incoming = Door::new(listener, manners).incoming();
    tokio::spawn(serve(incoming, Arc::new(Scripted(script)), health, stopping));
    Served { url, _stop: stop }
}

async fn collected<T>(stream: Result<BoxStream<'static, Result<T>>>) -> Result<Vec<T>> {
    let items: Vec<Result<T>> = stream?.collect().await;
    items.into_iter().collect()
}

/// Everything that can be asked, as text.
async fn everything(cluster: &dyn Cluster) -> Vec<String> {
    let mut words = Vec::new();
    let accepted = cluster.submit(request(), &mut |opening| words.push(opening)).await;
    let planned = cluster.plan(request(), &mut |_| {}).await;
    let planned = planned.map(|planned| (planned.record == record(&request()), planned.notices));
    vec![
        format!("{accepted:?}"),
        format!("{planned:?}"),
        format!("{:?}", cluster.get(run()).await),
        format!("{:?}", cluster.list().await),
        format!("{:?}", collected(cluster.watch(run(), EventId(1)).await).await),
        format!("{:?}", collected(cluster.provisional(run()).await).await),
        format!("{:?}", cluster.closes(run(), "BRK.B", -3, 252).await),
        format!("{:?}", collected(cluster.results(run()).await).await),
        format!("{:?}", cluster.cancel(run()).await),
        format!("{:?}", cluster.forget(run()).await),
        format!("{:?}", cluster.dead(run()).await),
        format!("{:?}", cluster.retry(run(), None).await),
        format!("{:?}", cluster.retry(run(), Some(vec![JobIndex(3), JobIndex(4)])).await),
        format!("{:?}", cluster.drop_dead(run(), Some(Vec::new())).await),
        format!("{:?}", cluster.workers().await),
        format!("{:?}", cluster.drain(WorkerId::new("w").unwrap(), true).await),
        format!("{:?}", cluster.audit(run(), true).await),
        format!("{:?}", cluster.status().await),
    ]
}

#[tokio::test]
async fn a_client_is_told_what_the_cluster_says() {
    for script in [Script::Answer, Script::Refuse] {
        let served = served(script).await;
        let remote = Remote::new(&served.url).expect("an address");
        let (told, said) = (everything(&remote).await, everything(&Scripted(script)).await);
        for (at, (told, said)) in told.iter().zip(&said).enumerate() {
            assert!(told == said, "answer {at}: {told:.500} is not {said:.500}");
        }
    }
}

#[tokio::test]
async fn a_watch_and_results_begin_where_they_are_wanted() {
    let served = served(Script::Answer).await;
    let channel = Endpoint::from_shared(served.url.clone())
        .unwrap()
        .connect()
        .await
        .unwrap();
    let mut client = CoordinatorClient::new(channel);
    let request = wire::WatchRequest {
        run: run().to_string(),
        after: 3,
    };
    let events: Vec<_> = client.watch(request).await.unwrap().into_inner().collect().await;
    assert_eq!(events.len(), 1);
    let request = wire::ResultsRequest {
        run: run().to_string(),
        from: 1,
    };
    let replies: Vec<_> = client.results(request).await.unwrap().into_inner().collect().await;
    let dates = replies.iter().filter_map(|reply| match &reply.as_ref().unwrap().part {
        Some(wire::results_reply::Part::Day(day)) => Some(day.date),
        _ => None,
    });
    assert_eq!(dates.collect::<Vec<_>>(), [1], "the head, the second date, the notes");
    assert!(replies.len() > 7, "a large table comes in pieces");
}

#[tokio::test]
async fn a_caller_who_gives_little_time_is_told_that_it_is_over() {
    let served = served(Script::KeepSilent).await;
    let channel = Endpoint::from_shared(served.url.clone())
        .unwrap()
        .connect()
        .await
        .unwrap();
    let mut client = CoordinatorClient::new(channel);
    // The header alone: the client's own clock would hide what the server says.
    fn within<T>(message: T) -> tonic::Request<T> {
        let mut call = tonic::Request::new(message);
        call.metadata_mut().insert("grpc-timeout", "200m".parse().unwrap());
        call
    }
    let status = client
        .status(within(wire::StatusRequest {}))
        .await
        .expect_err("silence");
    assert!(
        matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled),
        "{status}"
    );
    let replies = client.submit(within(wire::SubmitRequest::from(&request()))).await;
    let replies: Vec<_> = replies.expect("a stream").into_inner().collect().await;
    let end = replies.last().expect("an end").as_ref().expect_err("silence");
    assert_eq!(end.code(), Code::DeadlineExceeded, "{end}");
}

#[tokio::test]
async fn what_may_have_been_done_is_not_sent_again_unless_it_is_safe() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (counted, count) = watch::channel(0);
    tokio::spawn(async move {
        // Takes the call and closes without an answer.
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.send_modify(|count| *count += 1);
            let mut bytes = [0; 4_096];
            let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut bytes).await;
        }
    });
    let remote = Remote::new(&url).expect("an address");
    let failure = remote.forget(run()).await.expect_err("no answer");
    assert_eq!(failure.status, ExitStatus::Unreachable);
    assert!(
        failure.why.iter().any(|why| why == "the call may have been done"),
        "{failure:?}"
    );
    assert_eq!(*count.borrow(), 1, "sent once");
    let failure = remote.cancel(run()).await.expect_err("no answer");
    assert_eq!(
        (failure.status, failure.what.as_str()),
        (ExitStatus::Unreachable, "no coordinator answers")
    );
    assert!(*count.borrow() > 2, "sent again and again, for a while");
}
