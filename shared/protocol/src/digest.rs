//! Digests: 32 bytes of BLAKE3 over length-prefixed parts, so that no two lists of parts collide by concatenation.

pub use crate::ids::Digest;

/// Digest of one byte string.
pub fn digest_of(bytes: &[u8]) -> Digest {
    Digest(*blake3::hash(bytes).as_bytes())
}

/// Builds a digest from parts; each part is preceded by its length in bytes (u64, little endian).
#[derive(Debug)]
pub struct Digester(blake3::Hasher);

impl Digester {
    /// Starts a digest in a domain of its own, such as `"scan map"`.
    pub fn new(domain: &str) -> Self {
        let mut digester = Self(blake3::Hasher::new());
        digester.part(domain.as_bytes());
        digester
    }

    /// Adds a part.
    pub fn part(&mut self, bytes: &[u8]) -> &mut Self {
        let length = bytes.len() as u64;
        self.0.update(&length.to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// Adds another digest.
    pub fn digest(&mut self, digest: &Digest) -> &mut Self {
        self.part(&digest.0)
    }

    /// Adds a list of days.
    pub fn days(&mut self, days: &[i32]) -> &mut Self {
        self.0.update(&(days.len() as u64).to_le_bytes());
        for day in days {
            self.0.update(&day.to_le_bytes());
        }
        self
    }

    /// The digest of all parts so far.
    pub fn finish(&self) -> Digest {
        Digest(*self.0.finalize().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        let of = |parts: &[&str]| {
            let mut digester = Digester::new("test");
            parts.iter().for_each(|part| {
                digester.part(part.as_bytes());
            });
            digester.finish()
        };
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_ne!(of(&["ab"]), of(&["ab", ""]));
        assert_eq!(of(&["ab", "c"]), of(&["ab", "c"]));
    }
}
