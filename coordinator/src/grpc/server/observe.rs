//! A gRPC service whose calls are traced and timed: each to the last byte of its answer, whoever ends it.
//!
//! It changes nothing that passes. The caller's `traceparent` becomes the parent of the call's span, in which the service
//! works. Methods that the service does not have share one name, so that a caller cannot make series.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tickfleet_runtime::telemetry::metrics::shared;
use tickfleet_runtime::telemetry::trace::{self, TRACEPARENT};
use tonic::body::Body;
use tonic::codegen::http::{HeaderMap, Request, Response};
use tonic::codegen::{BoxFuture, Service};
use tonic::server::NamedService;
use tonic::{Code, Status};
use tracing::{Instrument, Span};

/// The method of calls that no service has.
const OTHER: &str = "_OTHER";
/// Where gRPC says how a call ended.
const GRPC_STATUS: &str = "grpc-status";

/// A service, observed.
#[derive(Debug, Clone)]
pub(crate) struct Observed<S> {
    service: S,
}

/// The service to offer in the place of `service`.
pub(crate) const fn observed<S>(service: S) -> Observed<S> {
    Observed { service }
}

impl<S: NamedService> NamedService for Observed<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for Observed<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Response<Body>, Infallible>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let method = request.uri().path().trim_start_matches('/').to_owned();
        let traceparent = request.headers().get(TRACEPARENT).and_then(|text| text.to_str().ok());
        let mut call = Call {
            span: trace::server(&method, traceparent),
            method,
            since: Instant::now(),
            status: None,
        };
        let answer = {
            let _within = call.span.enter();
            self.service.call(request)
        };
        let answer = answer.instrument(call.span.clone());
        Box::pin(async move {
            let (head, body) = answer.await?.into_parts();
            call.take_status(&head.headers);
            Ok(Response::from_parts(head, Body::new(Observing { body, call })))
        })
    }
}

/// A call that has not ended. It ends when it is dropped: with its answer, or because the caller left.
#[derive(Debug)]
struct Call {
    span: Span,
    method: String,
    since: Instant,
    /// How it ended, once that is said.
    status: Option<Code>,
}

impl Call {
    /// Headers say it where there is no body, trailers where there is one.
    fn take_status(&mut self, headers: &HeaderMap) {
        let said = headers
            .get(GRPC_STATUS)
            .map(|status| Code::from_bytes(status.as_bytes()));
        self.status = said.or(self.status);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let status = self.status.unwrap_or(Code::Cancelled);
        shared().served(counted_as(&self.method, status), name(status), self.since.elapsed());
        self.span.record("rpc.response.status_code", name(status));
        if is_fault(status) {
            trace::fail(&self.span, name(status), status);
        }
        // A span ends when it was left last.
        self.span.in_scope(|| ());
    }
}

/// The body of an answer, with the call that it belongs to.
#[derive(Debug)]
struct Observing {
    body: Body,
    call: Call,
}

impl http_body::Body for Observing {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Self { body, call } = &mut *self;
        let frame = {
            let _within = call.span.enter();
            ready!(Pin::new(body).poll_frame(context))
        };
        if let Some(Ok(frame)) = &frame
            && let Some(trailers) = frame.trailers_ref()
        {
            call.take_status(trailers);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The method under which a call is counted: only those that there are make series.
fn counted_as(method: &str, status: Code) -> &str {
    if status == Code::Unimplemented { OTHER } else { method }
}

/// Whether a status is the server's fault, as the conventions see it.
const fn is_fault(status: Code) -> bool {
    matches!(
        status,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    )
}

/// A status by its name in gRPC.
const fn name(status: Code) -> &'static str {
    match status {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_cannot_make_series() {
        for (method, status, expect) in [
            (
                "tickfleet.cluster.v1.Coordinator/Get",
                Code::Ok,
                "tickfleet.cluster.v1.Coordinator/Get",
            ),
            (
                "tickfleet.cluster.v1.Coordinator/Get",
                Code::NotFound,
                "tickfleet.cluster.v1.Coordinator/Get",
            ),
            ("tickfleet.cluster.v1.Coordinator/G3t", Code::Unimplemented, "_OTHER"),
        ] {
            assert_eq!(counted_as(method, status), expect);
        }
    }

    #[test]
    fn what_the_caller_did_wrong_is_no_fault_of_the_server() {
        for (status, expect) in [
            (Code::Ok, false),
            (Code::NotFound, false),
            (Code::InvalidArgument, false),
            (Code::Cancelled, false),
            (Code::Internal, true),
            (Code::Unavailable, true),
        ] {
            assert_eq!(is_fault(status), expect, "{}", name(status));
        }
    }

    #[tokio::test]
    async fn an_answer_passes_as_it_is_and_its_end_is_told() {
        let body = Body::new(axum::body::Body::from("some bytes"));
        let mut headers = HeaderMap::new();
        headers.insert(GRPC_STATUS, "5".parse().unwrap());
        let mut call = Call {
            span: Span::none(),
            method: "a/B".to_owned(),
            since: Instant::now(),
            status: None,
        };
        call.take_status(&headers);
        assert_eq!(call.status, Some(Code::NotFound));
        call.take_status(&HeaderMap::new());
        assert_eq!(call.status, Some(Code::NotFound), "later silence says nothing");
        let answer = Body::new(Observing { body, call });
        let bytes = axum::body::to_bytes(axum::body::Body::new(answer), 100).await.unwrap();
        assert_eq!(&bytes[..], b"some bytes");
    }
}
