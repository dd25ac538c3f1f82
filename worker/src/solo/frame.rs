//! What passes between a worker and the process that runs a job alone: frames of a length and so many bytes.
//!
//! An order is a head in JSON, the run's payload, and each result that the job reads; an answer is one frame. Nothing is
//! taken that is longer than what either side may send.

use std::io::{self, Read, Write};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tickfleet_protocol::ids::{Identity, JobKind, JobRef};
use tickfleet_protocol::limits::{MAX_PAYLOAD_BYTES, MAX_RESULT_BYTES};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The version of both sides: they are one program, and its file may be replaced while it runs.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Longest head: a few fields, and the identities of what the job reads.
const HEAD_BYTES_MAX: usize = 64 << 20;
/// Longest answer: a result and its tag.
pub(super) const ANSWER_BYTES_MAX: usize = MAX_RESULT_BYTES + 1;

/// The first byte of an answer that is a result.
const RESULT: u8 = b'R';
/// The first byte of an answer that is a failure, in JSON.
const FAILURE: u8 = b'F';

/// What a job is, where it runs alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrderHead {
    /// Version of the program.
    pub(super) version: String,
    /// Kind of the run.
    pub(super) kind: JobKind,
    /// The job.
    pub(super) job: JobRef,
    /// Memory that it may use.
    pub(super) memory_bytes: u64,
    /// Bound of its input cache.
    pub(super) cache_bytes: u64,
    /// The results that it reads, in the order in which they follow.
    pub(super) identities: Vec<Identity>,
}

/// A job with all that it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// What it is.
    pub(super) head: OrderHead,
    /// The run's payload.
    pub(super) payload: Bytes,
    /// What it reads.
    pub(super) results: Vec<Bytes>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// A result.
    Result(Bytes),
    /// A failure that the process lived to tell.
    Failure(Failed),
}

/// A failure, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failed {
    /// Why.
    pub(super) reason: String,
    /// Whether another attempt may succeed.
    pub(super) is_retryable: bool,
}

impl Order {
    /// Sends it.
    pub(super) async fn send(&self, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let head = serde_json::to_vec(&self.head).map_err(io::Error::other)?;
        for frame in [&head[..], &self.payload]
            .into_iter()
            .chain(self.results.iter().map(|result| &result[..]))
        {
            to.write_all(&(frame.len() as u64).to_le_bytes()).await?;
            to.write_all(frame).await?;
        }
        to.flush().await
    }

    /// Receives one; `limit` is given its memory before anything large is read.
    pub(super) fn receive(from: &mut impl Read, limit: impl FnOnce(u64) -> io::Result<()>) -> io::Result<Self> {
        let head: OrderHead = serde_json::from_slice(&frame(from, HEAD_BYTES_MAX)?)?;
        if head.version != VERSION {
            let other = format!("version {} was started by version {}", VERSION, head.version);
            return Err(io::Error::other(other));
        }
        limit(head.memory_bytes)?;
        let payload = frame(from, MAX_PAYLOAD_BYTES)?;
        let results = head.identities.iter().map(|_| frame(from, MAX_RESULT_BYTES));
        Ok(Self {
            results: results.collect::<io::Result<_>>()?,
            payload,
            head,
        })
    }
}

impl Answer {
    /// Sends it.
    pub(super) fn send(&self, to: &mut impl Write) -> io::Result<()> {
        let (tag, bytes) = match self {
            Self::Result(result) => (RESULT, result.clone()),
            Self::Failure(failed) => (FAILURE, serde_json::to_vec(failed)?.into()),
        };
        to.write_all(&(bytes.len() as u64 + 1).to_le_bytes())?;
        to.write_all(&[tag])?;
        to.write_all(&bytes)?;
        to.flush()
    }

    /// Receives one.
    pub(super) async fn receive(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Self> {
        let mut length = [0; 8];
        from.read_exact(&mut length).await?;
        let mut bytes = Vec::new();
        let length = allowed(length, ANSWER_BYTES_MAX)?;
        from.take(length).read_to_end(&mut bytes).await?;
        let bytes = whole(bytes, length)?;
        match bytes.first() {
            Some(&RESULT) => Ok(Self::Result(bytes.slice(1..))),
            Some(&FAILURE) => Ok(Self::Failure(serde_json::from_slice(&bytes[1..])?)),
            _ => Err(io::Error::from(io::ErrorKind::InvalidData)),
        }
    }
}

fn frame(from: &mut impl Read, bytes_max: usize) -> io::Result<Bytes> {
    let mut length = [0; 8];
    from.read_exact(&mut length)?;
    let mut bytes = Vec::new();
    let length = allowed(length, bytes_max)?;
    from.take(length).read_to_end(&mut bytes)?;
    whole(bytes, length)
}

fn allowed(length: [u8; 8], bytes_max: usize) -> io::Result<u64> {
    let length = u64::from_le_bytes(length);
    if length <= bytes_max as u64 {
        Ok(length)
    } else {
        Err(io::Error::from(io::ErrorKind::InvalidData))
    }
}

fn whole(bytes: Vec<u8>, length: u64) -> io::Result<Bytes> {
    if bytes.len() as u64 == length {
        Ok(bytes.into())
    } else {
        Err(io::Error::from(io::ErrorKind::UnexpectedEof))
    }
}

#[cfg(test)]
mod tests {
    use tickfleet_protocol::ids::{JobIndex, Millis, RunId, StageIndex};

    use super::*;

    fn order() -> Order {
        Order {
            head: OrderHead {
                version: VERSION.to_owned(),
                kind: JobKind::new("noop/1").unwrap(),
                job: JobRef {
                    run: RunId::from_parts(Millis(7), [1; 10]),
                    stage: StageIndex(1),
                    index: JobIndex(5),
                },
                memory_bytes: 1 << 30,
                cache_bytes: 1 << 20,
                identities: vec![Identity([1; 32]), Identity([2; 32])],
            },
            payload: Bytes::from_static(b"payload"),
            results: vec![Bytes::new(), Bytes::from_static(b"result")],
        }
    }

    async fn sent(order: &Order) -> Vec<u8> {
        let mut wire = Vec::new();
        order.send(&mut wire).await.expect("memory takes it");
        wire
    }

    #[tokio::test]
    async fn an_order_and_its_answers_arrive_whole() {
        let wire = sent(&order()).await;
        let mut limited = 0;
        let limit = |bytes| {
            limited = bytes;
            Ok(())
        };
        assert_eq!(Order::receive(&mut &wire[..], limit).expect("it is whole"), order());
        assert_eq!(limited, 1 << 30);
        let failed = Failed {
            reason: "bad row".to_owned(),
            is_retryable: false,
        };
        for answer in [
            Answer::Result(Bytes::new()),
            Answer::Result(vec![7; 100_000].into()),
            Answer::Failure(failed),
        ] {
            let mut wire = Vec::new();
            answer.send(&mut wire).expect("memory takes it");
            assert_eq!(Answer::receive(&mut &wire[..]).await.expect("it is whole"), answer);
        }
    }

    #[tokio::test]
    async fn what_is_cut_or_too_long_or_of_another_version_is_refused() {
        let wire = sent(&order()).await;
        for cut in [0, 4, 8, 20, wire.len() - 1] {
            assert!(Order::receive(&mut &wire[..cut], |_| Ok(())).is_err(), "{cut} bytes");
        }
        let mut other = order();
        other.head.version = "0.0.0".to_owned();
        let refused = Order::receive(&mut &sent(&other).await[..], |_| Ok(())).expect_err("another version");
        assert!(refused.to_string().contains("0.0.0"), "{refused}");
        for wire in [
            &u64::MAX.to_le_bytes()[..],
            &[1, 0, 0, 0, 0, 0, 0, 0, b'?'],
            &[0; 8],
            &[9],
        ] {
            assert!(Answer::receive(&mut &*wire).await.is_err(), "{wire:?}");
        }
    }
}
