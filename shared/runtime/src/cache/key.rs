//! What an entry is found by: a digest of what it is a copy of, so that a key never names two contents.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use tickfleet_protocol::digest::{Digest, Digester};
use tickfleet_protocol::ids::Identity;

/// Key of an entry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Digest);

impl Key {
    /// Of a job's result.
    #[must_use]
    pub fn result(identity: &Identity) -> Self {
        let mut digester = Digester::new("cached result");
        digester.part(&identity.0);
        Self(digester.finish())
    }

    /// Of some bytes of a file in one version of it.
    #[must_use]
    pub fn range(uri: &str, version: &str, range: &Range<u64>) -> Self {
        let mut digester = Digester::new("cached range");
        digester.part(uri.as_bytes()).part(version.as_bytes());
        digester.part(&range.start.to_le_bytes()).part(&range.end.to_le_bytes());
        Self(digester.finish())
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0.0
    }

    /// The key that a file's name is the text of.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        Digest::from_str(name).ok().map(Self)
    }
}

/// 64 hex digits: the name of the entry's file.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_contents_apart_and_have_a_name() {
        let keys = [
            Key::result(&Identity([0; 32])),
            Key::result(&Identity([1; 32])),
            Key::range("a", "1", &(0..10)),
            Key::range("a", "1", &(0..11)),
            Key::range("a", "2", &(0..10)),
            Key::range("a1", "", &(0..10)),
        ];
        for (at, key) in keys.iter().enumerate() {
            assert_eq!(Key::of_name(&key.to_string()), Some(*key));
            assert!(!keys[..at].contains(key), "{at}");
        }
        assert_eq!(Key::of_name("notes.txt"), None);
    }
}
