//! An entry as a file: a header, then the bytes. What does not agree with its header is no entry.
//!
//! The header is `tfc1`, the number of bytes (u64, little endian), and a BLAKE3 digest of key and bytes; so a torn,
//! flipped, foreign or renamed file is told from an entry.

use bytes::Bytes;
use tickfleet_protocol::digest::{Digest, Digester};

use crate::cache::Key;

/// Length of the header, bytes.
pub(super) const HEADER_BYTES: usize = 4 + 8 + 32;

const MAGIC: &[u8; 4] = b"tfc1";

/// The header of an entry.
pub(super) fn header(key: &Key, bytes: &[u8]) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..4].copy_from_slice(MAGIC);
    header[4..12].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
    header[12..].copy_from_slice(&checksum(key, bytes).0);
    header
}

/// The bytes of an entry's file, without a copy; `None` when it is not the entry of this key, whole and unharmed.
pub(super) fn open(key: &Key, file: Vec<u8>) -> Option<Bytes> {
    let expect = header(key, file.get(HEADER_BYTES..)?);
    let is_sound = file[..HEADER_BYTES] == expect;
    is_sound.then(|| Bytes::from(file).slice(HEADER_BYTES..))
}

fn checksum(key: &Key, bytes: &[u8]) -> Digest {
    let mut digester = Digester::new("cache entry");
    digester.part(key.bytes()).part(bytes);
    digester.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_and_unharmed_file_is_an_entry() {
        let key = Key::range("x", "1", &(0..3));
        for bytes in [&b""[..], b"abc", &[7; 100_000]] {
            let mut file = header(&key, bytes).to_vec();
            file.extend_from_slice(bytes);
            assert_eq!(open(&key, file.clone()).as_deref(), Some(bytes));
            assert_eq!(open(&Key::range("x", "2", &(0..3)), file.clone()), None, "another key");
            for length in [0, 3, HEADER_BYTES - 1, file.len() - 1] {
                assert_eq!(open(&key, file[..length].to_vec()), None, "torn at {length}");
            }
            for at in [0, 5, 20, file.len() - 1] {
                let mut flipped = file.clone();
                flipped[at] ^= 1;
                assert_eq!(open(&key, flipped), None, "flipped at {at}");
            }
            file.push(0);
            assert_eq!(open(&key, file), None, "longer");
        }
    }
}
