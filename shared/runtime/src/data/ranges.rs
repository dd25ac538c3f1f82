//! Byte ranges of a file, fetched beforehand, as the Parquet decoder's input: decoding then does no I/O.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

/// Byte ranges of a file, fetched beforehand, as the Parquet decoder's input.
#[derive(Debug, Clone)]
pub struct FetchedRanges {
    length: u64,
    chunks: Arc<Vec<(u64, Bytes)>>,
    wanted: Arc<Vec<Range<u64>>>,
}

impl FetchedRanges {
    /// Chunks of a file of `length` bytes, each with the position of its first byte, that hold the ranges `wanted`.
    pub fn new(length: u64, chunks: Vec<(u64, Bytes)>, wanted: Vec<Range<u64>>) -> Self {
        Self {
            length,
            chunks: Arc::new(chunks),
            wanted: Arc::new(wanted),
        }
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.chunks.iter().map(|(_, bytes)| bytes.len()).sum()
    }

    /// The bytes of the ranges asked for, in file order, without those that merely lie between them.
    pub fn parts(&self) -> impl Iterator<Item = Bytes> + '_ {
        self.wanted.iter().filter_map(|range| {
            let length = usize::try_from(range.end - range.start).ok()?;
            self.tail(range.start)
                .ok()
                .map(|tail| tail.slice(..length.min(tail.len())))
        })
    }

    fn tail(&self, start: u64) -> Result<Bytes, ParquetError> {
        let hold = |&&(first, ref bytes): &&(u64, Bytes)| first <= start && start < first + bytes.len() as u64;
        let (first, bytes) = self
            .chunks
            .iter()
            .find(hold)
            .ok_or_else(|| ParquetError::EOF(format!("no data at byte {start}")))?;
        Ok(bytes.slice(usize::try_from(start - first).expect("an offset in a slice")..))
    }
}

impl Length for FetchedRanges {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for FetchedRanges {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(self.tail(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let tail = self.tail(start)?;
        if tail.len() < length {
            return Err(ParquetError::EOF(format!(
                "{length} bytes wanted at byte {start}, {} there",
                tail.len()
            )));
        }
        Ok(tail.slice(..length))
    }
}
