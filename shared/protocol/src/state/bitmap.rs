//! One bit for each job of a stage: all that is stored of a job at rest.

/// A fixed number of bits, all clear at first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bitmap {
    words: Vec<u64>,
}

impl Bitmap {
    /// Room for `bits` bits.
    pub(super) fn new(bits: u64) -> Self {
        let words = usize::try_from(bits.div_ceil(64)).expect("a stage's bitmap fits into memory");
        Self { words: vec![0; words] }
    }

    /// Whether bit `index` is set; bits out of range are clear.
    pub(super) fn contains(&self, index: u64) -> bool {
        let (word, mask) = Self::locate(index);
        self.words.get(word).is_some_and(|bits| bits & mask != 0)
    }

    /// Sets bit `index`, and says whether it was clear before. The bit must be in range.
    pub(super) fn insert(&mut self, index: u64) -> bool {
        let (word, mask) = Self::locate(index);
        let was_clear = self.words[word] & mask == 0;
        self.words[word] |= mask;
        was_clear
    }

    /// How many bits are set.
    pub(super) fn count(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// One past the highest set bit; 0 where none is.
    pub(super) fn end(&self) -> u64 {
        let top = self.words.iter().rposition(|&word| word != 0);
        top.map_or(0, |i| {
            i as u64 * 64 + u64::from(u64::BITS - self.words[i].leading_zeros())
        })
    }

    fn locate(index: u64) -> (usize, u64) {
        (usize::try_from(index / 64).unwrap_or(usize::MAX), 1 << (index % 64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_set_once_and_counted() {
        let mut bits = Bitmap::new(130);
        assert_eq!((bits.count(), bits.end()), (0, 0));
        for index in [0, 63, 64, 129] {
            assert!(!bits.contains(index));
            assert!(bits.insert(index));
            assert!(!bits.insert(index));
            assert!(bits.contains(index));
            assert_eq!(bits.end(), index + 1);
        }
        assert_eq!(bits.count(), 4);
        assert!(!bits.contains(1) && !bits.contains(10_000) && !bits.contains(u64::MAX));
    }
}
