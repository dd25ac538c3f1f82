//! How long a call may take: as long as its caller said, and never longer than its kind may.

use std::future::Future;
use std::time::Duration;

use futures::Stream;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt};
use tonic::Status;
use tonic::metadata::MetadataMap;

/// Longest time for an answer in one message.
pub(super) const ANSWER_MAX: Duration = Duration::from_secs(60);
/// Longest time for an answer in many: opening an input, reading results, one watch.
pub(super) const STREAM_MAX: Duration = Duration::from_secs(3_600);

/// How much earlier than asked an answer in one message is given up: the library would cut it off at that moment, and
/// call it cancelled.
const HEAD_START: Duration = Duration::from_millis(20);

/// How long a call may take.
pub(super) fn time_of(metadata: &MetadataMap, most: Duration) -> Duration {
    asked(metadata).map_or(most, |asked| asked.min(most))
}

/// An answer in one message, in time.
pub(super) async fn in_time<T>(
    metadata: &MetadataMap,
    answer: impl Future<Output = Result<T, Status>>,
) -> Result<T, Status> {
    let time = time_of(metadata, ANSWER_MAX);
    let time = time - HEAD_START.min(time / 2);
    let answered = tokio::time::timeout(time, answer).await;
    answered.unwrap_or_else(|_| Err(too_late()))
}

/// An answer in many messages, in time.
pub(super) fn stream_in_time<T: Send + 'static>(
    time: Duration,
    stream: impl Stream<Item = Result<T, Status>> + Send + 'static,
) -> BoxStream<'static, Result<T, Status>> {
    until(stream, async move {
        tokio::time::sleep(time).await;
        too_late()
    })
}

/// A stream up to what ends it early.
pub(super) fn until<T: Send + 'static>(
    stream: impl Stream<Item = Result<T, Status>> + Send + 'static,
    end: impl Future<Output = Status> + Send + 'static,
) -> BoxStream<'static, Result<T, Status>> {
    let parts: (BoxStream<'static, Result<T, Status>>, BoxFuture<'static, Status>) = (stream.boxed(), Box::pin(end));
    stream::unfold(Some(parts), |parts| async move {
        let (mut stream, mut end) = parts?;
        tokio::select! {
            biased;
            item = stream.next() => item.map(|item| (item, Some((stream, end)))),
            status = &mut end => Some((Err(status), None)),
        }
    })
    .boxed()
}

fn too_late() -> Status {
    Status::deadline_exceeded("the call took longer than it may")
}

/// The time that the caller gives, in gRPC's own header: digits and a unit.
fn asked(metadata: &MetadataMap) -> Option<Duration> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3_600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_time_is_read() {
        let check = |text: &str, expect: Option<Duration>| {
            let mut metadata = MetadataMap::new();
            metadata.insert("grpc-timeout", text.parse().unwrap());
            assert_eq!(asked(&metadata), expect, "{text}");
        };
        check("2H", Some(Duration::from_secs(7_200)));
        check("3M", Some(Duration::from_secs(180)));
        check("5S", Some(Duration::from_secs(5)));
        check("50m", Some(Duration::from_millis(50)));
        check("7u", Some(Duration::from_micros(7)));
        check("99999999n", Some(Duration::from_nanos(99_999_999)));
        for text in ["", "S", "5", "5s", "-5S", "999999999S", "5 S"] {
            check(text, None);
        }
        assert_eq!(asked(&MetadataMap::new()), None);
    }

    #[tokio::test]
    async fn what_takes_too_long_is_given_up_with_the_proper_code() {
        let mut metadata = MetadataMap::new();
        metadata.insert("grpc-timeout", "50m".parse().unwrap());
        let silent = std::future::pending::<Result<(), Status>>();
        let status = in_time(&metadata, silent).await.expect_err("too late");
        assert_eq!(status.code(), tonic::Code::DeadlineExceeded);
        let mut stream = stream_in_time(time_of(&metadata, STREAM_MAX), stream::pending::<Result<(), Status>>());
        let status = stream.next().await.expect("an end").expect_err("too late");
        assert_eq!(status.code(), tonic::Code::DeadlineExceeded);
        assert!(stream.next().await.is_none(), "nothing comes after the end");
    }
}
