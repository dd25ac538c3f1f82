//! What the queue's server keeps for a result: the bytes themselves, or where they are.
//!
//! An envelope begins with `tfr1` and a tag. Tag 0: the result follows. Tag 1: its length (u64, little endian), its
//! BLAKE3 digest and the URI of the object that holds it follow.

use bytes::{BufMut, Bytes, BytesMut};
use tickfleet_protocol::ids::Digest;

/// Bytes before an inline result.
pub(super) const INLINE_OVERHEAD: usize = MAGIC.len() + 1;

const MAGIC: &[u8; 4] = b"tfr1";
const INLINE: u8 = 0;
const POINTER: u8 = 1;

/// A result, or where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Envelope {
    Inline(Bytes),
    Pointer(Pointer),
}

/// Where a result is, and what tells that it is the right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pointer {
    pub(super) uri: String,
    pub(super) length: u64,
    pub(super) digest: Digest,
}

impl Envelope {
    pub(super) fn encode(&self) -> Bytes {
        let mut bytes = BytesMut::new();
        match self {
            Self::Inline(result) => {
                bytes.reserve(INLINE_OVERHEAD + result.len());
                bytes.put_slice(MAGIC);
                bytes.put_u8(INLINE);
                bytes.put_slice(result);
            }
            Self::Pointer(pointer) => {
                bytes.put_slice(MAGIC);
                bytes.put_u8(POINTER);
                bytes.put_u64_le(pointer.length);
                bytes.put_slice(&pointer.digest.0);
                bytes.put_slice(pointer.uri.as_bytes());
            }
        }
        bytes.freeze()
    }

    /// `None` for bytes that are no envelope of this version.
    pub(super) fn decode(bytes: &Bytes) -> Option<Self> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let (tag, rest) = rest.split_first()?;
        match *tag {
            INLINE => Some(Self::Inline(bytes.slice(INLINE_OVERHEAD..))),
            POINTER => {
                let (length, rest) = rest.split_first_chunk::<8>()?;
                let (digest, uri) = rest.split_first_chunk::<32>()?;
                Some(Self::Pointer(Pointer {
                    uri: std::str::from_utf8(uri).ok()?.to_owned(),
                    length: u64::from_le_bytes(*length),
                    digest: Digest(*digest),
                }))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envelopes_go_there_and_back_and_other_bytes_are_none() {
        let pointer = Pointer {
            uri: "file:///shared/results/ab/abcd".into(),
            length: 1 << 40,
            digest: Digest([9; 32]),
        };
        for envelope in [
            Envelope::Inline(Bytes::new()),
            Envelope::Inline(Bytes::from_static(b"result")),
            Envelope::Pointer(pointer.clone()),
        ] {
            assert_eq!(Envelope::decode(&envelope.encode()), Some(envelope));
        }
        let whole = Envelope::Pointer(pointer).encode();
        for torn in [0, 3, 4, 5, 12, 40] {
            assert_eq!(Envelope::decode(&whole.slice(..torn)), None, "{torn}");
        }
        assert_eq!(Envelope::decode(&Bytes::from_static(b"tfr1\x07x")), None);
        assert_eq!(Envelope::decode(&Bytes::from_static(b"\x0a\x03raw")), None);
    }
}
