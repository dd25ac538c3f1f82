//! The wire as any gRPC client finds it: reflection, limits, codes, details.

use futures::StreamExt;
use tickfleet_proto::wire;
use tickfleet_proto::wire::coordinator_client::CoordinatorClient;
use tonic::codec::CompressionEncoding;
use tonic::{Code, Request};
use tonic_reflection::pb::{v1, v1alpha};

use crate::fleet::{Fleet, block_on, channel};
use crate::resume::spec;

fn submission(spec: String) -> wire::SubmitRequest {
    wire::SubmitRequest {
        spec,
        shard_size: 0,
        key: "wire".to_owned(),
        weight: 10,
        durability: wire::Durability::Memory.into(),
        traceparent: String::new(),
    }
}

#[test]
fn reflection_lists_the_services_in_both_versions() {
    let fleet = Fleet::start();
    let url = fleet.server.url();
    let expect = ["grpc.health.v1.Health", "tickfleet.cluster.v1.Coordinator"];
    block_on(async {
        let mut client = v1::server_reflection_client::ServerReflectionClient::new(channel(&url).await);
        let ask = v1::server_reflection_request::MessageRequest::ListServices(String::new());
        let ask = v1::ServerReflectionRequest {
            host: String::new(),
            message_request: Some(ask),
        };
        let answers = client.server_reflection_info(futures::stream::iter([ask])).await;
        let answer = answers.expect("an answer").into_inner().next().await;
        let Some(v1::server_reflection_response::MessageResponse::ListServicesResponse(list)) =
            answer.expect("an answer").expect("an answer").message_response
        else {
            panic!("no list");
        };
        let names: Vec<_> = list.service.iter().map(|service| service.name.as_str()).collect();
        assert!(expect.iter().all(|name| names.contains(name)), "{names:?}");

        let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(channel(&url).await);
        let ask = v1alpha::server_reflection_request::MessageRequest::FileContainingSymbol(expect[1].to_owned());
        let ask = v1alpha::ServerReflectionRequest {
            host: String::new(),
            message_request: Some(ask),
        };
        let answers = client.server_reflection_info(futures::stream::iter([ask])).await;
        let answer = answers.expect("an answer").into_inner().next().await;
        let answer = answer.expect("an answer").expect("an answer").message_response;
        use v1alpha::server_reflection_response::MessageResponse::FileDescriptorResponse;
        assert!(matches!(answer, Some(FileDescriptorResponse(files)) if !files.file_descriptor_proto.is_empty()));
    });
}

#[test]
fn a_message_too_large_is_refused_plain_or_compressed() {
    let fleet = Fleet::start();
    block_on(async {
        let client = CoordinatorClient::new(channel(&fleet.server.url()).await);
        let large = || Request::new(submission(" ".repeat(5 << 20)));
        let status = client.clone().submit(large()).await.expect_err("too large");
        assert_eq!(status.code(), Code::OutOfRange, "{status}");
        let mut packing = client.clone().send_compressed(CompressionEncoding::Zstd);
        let status = packing.submit(large()).await.expect_err("too large once unpacked");
        assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
        let runs = client
            .clone()
            .list(wire::ListRequest {})
            .await
            .expect("the server serves on");
        assert!(runs.into_inner().next().await.is_none());
    });
}

#[test]
fn refusals_have_the_customary_codes_and_say_all_in_their_details() {
    let fleet = Fleet::start();
    let url = fleet.server.url();
    let _ = fleet.submit("--no-wait --key wire").run().success();
    block_on(async {
        let mut client = CoordinatorClient::new(channel(&url).await);
        let run = client.list(wire::ListRequest {}).await.expect("a list").into_inner();
        let run = run.into_inner_first().await;
        let text = |spec| serde_json::to_string(&spec).expect("a spec is JSON");
        let other = text(spec(&fleet.path("b.csv")));
        let mut lost = spec(&fleet.path("no.csv"));
        lost.rank.top = 3;
        for (spec, code, status) in [
            (other, Code::AlreadyExists, wire::ExitStatus::BadInput),
            (text(lost), Code::NotFound, wire::ExitStatus::BadInput),
            ("{}".to_owned(), Code::InvalidArgument, wire::ExitStatus::BadInput),
        ] {
            let refused = match client.submit(submission(spec)).await {
                Err(refused) => refused,
                Ok(replies) => {
                    let replies: Vec<_> = replies.into_inner().collect().await;
                    replies.into_iter().find_map(Result::err).expect("a refusal")
                }
            };
            assert_eq!(refused.code(), code, "{refused}");
            let failure = wire::Failure::from_details(refused.details()).expect("a failure in the details");
            assert_eq!((failure.what.as_str(), failure.status()), (refused.message(), status));
        }
        let forget = client.forget(wire::ForgetRequest { run: run.clone() }).await;
        assert_eq!(forget.expect_err("it runs").code(), Code::FailedPrecondition);
        let get = client.get(wire::GetRequest { run: "7".to_owned() }).await;
        assert_eq!(get.expect_err("no id").code(), Code::InvalidArgument);
        let get = client
            .get(wire::GetRequest { run })
            .await
            .expect("the run")
            .into_inner();
        assert_eq!((get.key.as_str(), get.state()), ("wire", wire::RunState::Running));
    });
}

/// The first run of a list.
trait FirstRun {
    async fn into_inner_first(self) -> String;
}

impl FirstRun for tonic::Streaming<wire::ListReply> {
    async fn into_inner_first(mut self) -> String {
        let page = self.message().await.expect("a page").expect("a page");
        page.runs[0].run.clone()
    }
}
