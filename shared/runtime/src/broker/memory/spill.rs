//! The bytes of results: those used last in memory, the others in a scratch file that has no name and goes with the
//! process.
//!
//! A run over many dates makes more results than a process should hold, and reads most of them once. Where the file
//! cannot be written, all stays in memory, within the bound of [`super::results`].

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use bytes::Bytes;

/// Bytes that are kept in memory beside those in use.
pub(super) const HOT_BYTES: u64 = 96 << 20;
/// A result of fewer bytes stays in memory: a piece of a file that small is not worth its place.
const SMALL: usize = 4 << 10;

/// Where a result is.
#[derive(Debug)]
pub(super) struct Place(u64);

/// The bytes of results, by place.
#[derive(Debug)]
pub(super) struct Spill {
    hot_max: u64,
    hot_bytes: u64,
    places: BTreeMap<u64, Entry>,
    /// Places whose bytes are in memory and may leave it, by when they were used.
    hot: BTreeMap<u64, u64>,
    uses: u64,
    next: u64,
    scratch: Scratch,
}

#[derive(Debug)]
struct Entry {
    len: usize,
    /// In memory, with when it was used.
    hot: Option<(Bytes, u64)>,
    /// Where it begins in the scratch file.
    offset: Option<u64>,
}

/// A file without a name, made when it is first written.
#[derive(Debug, Default)]
struct Scratch {
    file: Option<File>,
    end: u64,
    /// Pieces that somebody still has.
    pieces: u64,
    is_broken: bool,
}

impl Spill {
    /// One without bytes, that keeps `hot_max` bytes in memory.
    pub(super) fn new(hot_max: u64) -> Self {
        Self {
            hot_max,
            hot_bytes: 0,
            places: BTreeMap::new(),
            hot: BTreeMap::new(),
            uses: 0,
            next: 0,
            scratch: Scratch::default(),
        }
    }

    /// Puts bytes in.
    pub(super) fn put(&mut self, bytes: Bytes) -> Place {
        let place = self.next;
        self.next += 1;
        let entry = Entry {
            len: bytes.len(),
            hot: None,
            offset: None,
        };
        self.places.insert(place, entry);
        self.heat(place, bytes);
        Place(place)
    }

    /// The bytes at a place.
    ///
    /// # Errors
    /// The scratch file cannot be read.
    pub(super) fn get(&mut self, place: &Place) -> io::Result<Bytes> {
        let &Place(place) = place;
        let entry = self.entry(place);
        let bytes = match (&entry.hot, entry.offset) {
            (Some((bytes, used)), _) => {
                let (bytes, used) = (bytes.clone(), *used);
                self.cool(place, used, bytes.len());
                bytes
            }
            (None, Some(offset)) => self.scratch.read(offset, entry.len)?,
            (None, None) => unreachable!("what was put in is in memory or in the file"),
        };
        self.heat(place, bytes.clone());
        Ok(bytes)
    }

    /// Takes out what is at a place.
    pub(super) fn remove(&mut self, place: &Place) {
        let entry = self.places.remove(&place.0).expect("a place is given up once");
        if let Some((bytes, used)) = entry.hot {
            self.cool(place.0, used, bytes.len());
        }
        if entry.offset.is_some() {
            self.scratch.give_up();
        }
    }

    fn entry(&self, place: u64) -> &Entry {
        self.places.get(&place).expect("a place is good until it is given up")
    }

    /// Makes bytes the ones used last, and lets others go into the file.
    fn heat(&mut self, place: u64, bytes: Bytes) {
        self.uses += 1;
        let used = self.uses;
        if bytes.len() >= SMALL {
            self.hot.insert(used, place);
            self.hot_bytes += bytes.len() as u64;
        }
        self.places.get_mut(&place).expect("it was put in").hot = Some((bytes, used));
        while self.hot_bytes > self.hot_max
            && let Some((&used, &coldest)) = self.hot.first_key_value()
        {
            if !self.let_go(coldest, used) {
                break;
            }
        }
    }

    /// Takes note that bytes leave memory.
    fn cool(&mut self, place: u64, used: u64, len: usize) {
        if self.hot.remove(&used) == Some(place) {
            self.hot_bytes -= len as u64;
        }
    }

    /// Lets the bytes at a place leave memory; false where the file does not take them.
    fn let_go(&mut self, place: u64, used: u64) -> bool {
        let entry = self.places.get_mut(&place).expect("what is hot was put in");
        let Some((bytes, _)) = &entry.hot else { return false };
        if entry.offset.is_none() {
            match self.scratch.append(bytes) {
                Some(offset) => entry.offset = Some(offset),
                None => return false,
            }
        }
        entry.hot = None;
        let len = entry.len;
        self.cool(place, used, len);
        true
    }
}

impl Scratch {
    /// Appends bytes and gives where they begin; nothing once the file has failed.
    fn append(&mut self, bytes: &[u8]) -> Option<u64> {
        if self.is_broken {
            return None;
        }
        match self.try_append(bytes) {
            Ok(offset) => Some(offset),
            Err(error) => {
                self.is_broken = true;
                tracing::warn!(%error, "no scratch file for results: all of them stay in memory");
                None
            }
        }
    }

    fn try_append(&mut self, bytes: &[u8]) -> io::Result<u64> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        file.write_all_at(bytes, self.end)?;
        let offset = self.end;
        self.end += bytes.len() as u64;
        self.pieces += 1;
        Ok(offset)
    }

    fn read(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        let file = self.file.as_ref().expect("a piece is of a file");
        let mut bytes = vec![0; len];
        file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes.into())
    }

    /// Lets a piece go; without pieces the file begins anew.
    fn give_up(&mut self) {
        self.pieces -= 1;
        if self.pieces == 0 {
            (self.file, self.end) = (None, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(fill: u8, len: usize) -> Bytes {
        vec![fill; len].into()
    }

    #[test]
    fn what_was_used_last_is_in_memory_and_all_is_there() {
        let mut spill = Spill::new(3 * SMALL as u64);
        let places: Vec<Place> = (0..6).map(|n| spill.put(bytes(n, SMALL))).collect();
        let is_hot = |spill: &Spill| {
            places
                .iter()
                .map(|place| spill.entry(place.0).hot.is_some())
                .collect::<Vec<_>>()
        };
        assert_eq!(is_hot(&spill), [false, false, false, true, true, true]);
        assert_eq!(spill.get(&places[0]).unwrap(), bytes(0, SMALL));
        assert_eq!(spill.get(&places[4]).unwrap(), bytes(4, SMALL));
        assert_eq!(is_hot(&spill), [true, false, false, false, true, true]);
        for (n, place) in (0..).zip(&places) {
            assert_eq!(spill.get(place).unwrap(), bytes(n, SMALL));
        }
        assert_eq!((spill.hot_bytes, spill.scratch.pieces), (3 * SMALL as u64, 6));
        places.iter().for_each(|place| spill.remove(place));
        assert!(spill.hot_bytes == 0 && spill.hot.is_empty() && spill.places.is_empty());
        assert!(spill.scratch.file.is_none() && spill.scratch.end == 0);
    }

    #[test]
    fn small_results_stay() {
        let mut spill = Spill::new(0);
        let small = spill.put(bytes(1, SMALL - 1));
        let large = spill.put(bytes(2, SMALL));
        assert!(spill.entry(small.0).hot.is_some() && spill.entry(large.0).hot.is_none());
        assert_eq!(spill.get(&large).unwrap(), bytes(2, SMALL));
    }

    #[test]
    fn without_a_file_all_stays_in_memory() {
        let mut spill = Spill::new(0);
        spill.scratch.is_broken = true;
        let place = spill.put(bytes(3, 2 * SMALL));
        assert_eq!(spill.get(&place).unwrap(), bytes(3, 2 * SMALL));
        assert!(spill.entry(place.0).hot.is_some());
    }
}
