//! Names and moments that cross a border: one newtype for each, each with one text form.
//!
//! Nothing here is invented from a clock or a random source: both are passed in. Read next: [`crate::state`].

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use crate::limits::MAX_NAME_BYTES;

/// A text that is not the name it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text does not have the form of this id.
    #[error("{text:?} is not a {kind}: expected {expected}")]
    Malformed {
        /// What the text should have been, such as `run id`.
        kind: &'static str,
        /// The form it should have had.
        expected: &'static str,
        /// The text, as given.
        text: String,
    },
    /// The name is empty, or longer than [`MAX_NAME_BYTES`].
    #[error("a {kind} has 1 to {MAX_NAME_BYTES} bytes, this one has {bytes}")]
    Length {
        /// What the text should have been.
        kind: &'static str,
        /// How long it is.
        bytes: usize,
    },
}

/// A moment by the broker's clock, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Millis(pub u64);

impl Millis {
    /// The moment `ms` milliseconds later; the end of time where that overflows.
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment; zero where `earlier` is later.
    pub const fn since_ms(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A run's name: a UUID, version 7, so that the order of names is the order of submission.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(Uuid);

impl RunId {
    /// The run of this UUID.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// A version 7 id of a moment and 74 of the 80 random bits.
    pub const fn from_parts(at: Millis, random: [u8; 10]) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(at.0, &random).into_uuid())
    }

    /// The id as a UUID.
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for RunId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Uuid::try_parse(text)
            .map(Self)
            .map_err(|_| malformed("run id", "a UUID", text))
    }
}

/// A stage's place in its run, from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StageIndex(pub u16);

/// A job's place in its stage, from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobIndex(pub u64);

/// A job: all there is to say of it, since the run's plan computes the rest. Its text is `run/stage/index`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobRef {
    /// The run it is part of.
    pub run: RunId,
    /// The stage of that run.
    pub stage: StageIndex,
    /// Its place in that stage.
    pub index: JobIndex,
}

impl fmt::Display for JobRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.run, self.stage.0, self.index.0)
    }
}

impl FromStr for JobRef {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let parse = || {
            let mut parts = text.split('/');
            let run = parts.next()?.parse().ok()?;
            let stage = StageIndex(parts.next()?.parse().ok()?);
            let index = JobIndex(parts.next()?.parse().ok()?);
            parts.next().is_none().then_some(Self { run, stage, index })
        };
        parse().ok_or_else(|| malformed("job", "RUN/STAGE/INDEX", text))
    }
}

/// One delivery's fence: fresh and random for each claim, named by every write that follows. 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u128);

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for Token {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        parse_hex::<16>(text)
            .map(|b| Self(u128::from_be_bytes(b)))
            .ok_or_else(|| malformed("token", "32 hex digits", text))
    }
}

/// An event's place in its run's history: 1 for the first, and no number is skipped. 0 stands before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventId(pub u64);

impl EventId {
    /// Before the first event: reading after it gives all that is kept.
    pub const START: Self = Self(0);

    /// The id of the event that follows.
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A 32-byte hash with 64 hex digits as its text.
macro_rules! hash_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 32]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                parse_hex(text).map(Self).ok_or_else(|| malformed($kind, "64 hex digits", text))
            }
        }
    };
}

hash_id!(
    /// Hash of kernel version, canonical job spec and input digest: the same identity has the same result bytes.
    Identity,
    "result identity"
);
hash_id!(
    /// Hash of what a run was asked to do; it tells a repeated submission from a different one under the same key.
    Digest,
    "digest"
);

/// A name that someone chose: 1 to [`MAX_NAME_BYTES`] bytes of printable ASCII without spaces.
macro_rules! chosen_name {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name, where its length and characters are allowed.
            pub fn new(text: &str) -> Result<Self, IdError> {
                if text.is_empty() || text.len() > MAX_NAME_BYTES {
                    return Err(IdError::Length { kind: $kind, bytes: text.len() });
                }
                if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
                    return Err(malformed($kind, "printable ASCII without spaces", text));
                }
                Ok(Self(text.into()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }
    };
}

chosen_name!(
    /// A worker process, unique while it lives. Printable ASCII without spaces, 1 to [`MAX_NAME_BYTES`] bytes.
    WorkerId,
    "worker id"
);
chosen_name!(
    /// What makes a submission repeatable: the same key and digest give the same run. Form as [`WorkerId`].
    IdempotencyKey,
    "idempotency key"
);
chosen_name!(
    /// What a worker must be able to compute to take a run's jobs: a job and its kernel version, such as `scan/1`.
    /// Form as [`WorkerId`].
    JobKind,
    "job kind"
);

/// `Debug` and serde by the text form, so that logs, JSON and the command line all say the same.
macro_rules! text_form {
    ($($name:ident),+) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )+};
}

text_form!(
    RunId,
    JobRef,
    Token,
    Identity,
    Digest,
    WorkerId,
    IdempotencyKey,
    JobKind
);

fn malformed(kind: &'static str, expected: &'static str, text: &str) -> IdError {
    let text = text.chars().take(MAX_NAME_BYTES).collect();
    IdError::Malformed { kind, expected, text }
}

fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text to value and back, and through JSON.
    fn check_text<T>(text: &str)
    where
        T: FromStr<Err = IdError> + fmt::Display + fmt::Debug + PartialEq + Serialize + for<'de> Deserialize<'de>,
    {
        let value: T = text.parse().unwrap();
        assert_eq!(value.to_string(), text);
        assert_eq!(format!("{value:?}"), text);
        let json = serde_json::to_string(&value).unwrap();
        assert_eq!(json, format!("{text:?}"));
        assert_eq!(serde_json::from_str::<T>(&json).unwrap(), value);
    }

    #[test]
    fn texts_go_there_and_back() {
        check_text::<RunId>("01890a5d-ac96-774b-bcce-b302099a8057");
        check_text::<JobRef>("01890a5d-ac96-774b-bcce-b302099a8057/1/42");
        check_text::<Token>("00000000000000000000000000000abc");
        check_text::<Identity>(&"0f".repeat(32));
        check_text::<Digest>(&"e1".repeat(32));
        check_text::<WorkerId>("host-1:4711");
        check_text::<IdempotencyKey>("nightly-2026-01-02");
    }

    #[test]
    fn bad_texts_are_refused() {
        fn check<T: FromStr<Err = IdError> + fmt::Debug>(text: &str) {
            assert!(text.parse::<T>().is_err(), "{text:?} was taken");
        }
        check::<RunId>("nightly");
        check::<JobRef>("01890a5d-ac96-774b-bcce-b302099a8057/1");
        check::<JobRef>("01890a5d-ac96-774b-bcce-b302099a8057/1/2/3");
        check::<JobRef>("01890a5d-ac96-774b-bcce-b302099a8057/70000/2");
        check::<Token>("abc");
        check::<Token>("+0000000000000000000000000000abc");
        check::<Identity>(&"0g".repeat(32));
        check::<WorkerId>("");
        check::<WorkerId>("two words");
        check::<IdempotencyKey>(&"k".repeat(MAX_NAME_BYTES + 1));
    }

    #[test]
    fn run_ids_are_version_7_and_sort_by_time() {
        let early = RunId::from_parts(Millis(1_700_000_000_000), [0xff; 10]);
        let late = RunId::from_parts(Millis(1_700_000_000_001), [0; 10]);
        assert_eq!(early.as_uuid().get_version_num(), 7);
        assert!(early < late);
        assert_eq!(late.to_string(), "018bcfe5-6801-7000-8000-000000000000");
    }

    #[test]
    fn moments_saturate() {
        assert_eq!(Millis(u64::MAX).plus_ms(1), Millis(u64::MAX));
        assert_eq!(Millis(5).since_ms(Millis(9)), 0);
    }
}
