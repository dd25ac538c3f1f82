//! CSV files: opening, unpacking, and cutting into blocks between records.
//!
//! A compressed file cannot be read from its middle, so it is unpacked once into an unnamed scratch file, which the
//! system removes with the process. Parsing is elsewhere: read next [`super::text_parse`].

use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use memchr::{memchr, memchr_iter, memchr2_iter, memrchr};
use tickfleet_protocol::facts::{BlockPart, FileFormat};
use tokio::sync::mpsc;

use super::columns::{ColumnNames, find};
use super::error::DataError;
use super::file::StoredFile;
use super::text_parse::unclosed_quote;

/// Text of a block, bytes; a job holds a few of them at a time.
const BLOCK_BYTES: u64 = 4 << 20;
/// Longest record, bytes: without a line end within it the file is no CSV.
const RECORD_BYTES_MAX: usize = 16 << 20;
/// Most unpacked bytes, as a multiple of the packed ones, and the size below which the ratio is not asked for.
const UNPACK_RATIO_MAX: u64 = 1_000;
const UNPACK_FREE_BYTES: u64 = 64 << 20;
/// Largest window that a Zstandard frame may ask for, as a power of two (128 MiB).
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// An open CSV file.
#[derive(Debug)]
pub struct TextFile {
    /// The stored file.
    pub file: StoredFile,
    unpacked: Option<Arc<File>>,
    length: u64,
    header_end: u64,
    header_lines: u64,
    /// Names in the header, then those of the folders.
    names: Vec<String>,
    fields: usize,
    /// For each wanted column: ordinal in `names`.
    columns: Vec<Option<usize>>,
}

/// Where a parser finds a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// Nowhere.
    Absent,
    /// In this field of each record.
    Field(usize),
    /// The same for every row: a folder's value.
    Constant(&'a str),
}

impl TextFile {
    /// Unpacks if need be, reads the header and finds the columns.
    ///
    /// # Errors
    /// Damaged archives, files without a header line, missing columns.
    pub async fn open(table: &'static str, wanted: &[ColumnNames], file: StoredFile) -> Result<Self, DataError> {
        let unpacked = match file.facts.format {
            FileFormat::CsvGzip | FileFormat::CsvZstd => Some(Arc::new(unpack(&file).await?)),
            FileFormat::Csv | FileFormat::Parquet | FileFormat::Onnx | FileFormat::Database => None,
        };
        let length = match &unpacked {
            Some(scratch) => scratch.metadata().map_err(|source| unpack_error(&file, source))?.len(),
            None => file.facts.size,
        };
        let mut open = Self {
            file,
            unpacked,
            length,
            header_end: 0,
            header_lines: 0,
            names: Vec::new(),
            fields: 0,
            columns: Vec::new(),
        };
        open.read_header().await?;
        let hive = open.file.facts.hive.iter().map(|(key, _)| key.clone());
        open.names.extend(hive.collect::<Vec<_>>());
        open.columns = find(table, &open.file.facts.uri, wanted, &open.names)?;
        Ok(open)
    }

    /// Where a wanted column is.
    pub fn place(&self, wanted: usize) -> Place<'_> {
        match self.columns[wanted] {
            None => Place::Absent,
            Some(ordinal) if ordinal < self.fields => Place::Field(ordinal),
            Some(ordinal) => Place::Constant(&self.file.facts.hive[ordinal - self.fields].1),
        }
    }

    /// Where each wanted column is: the same text under another header is other data.
    pub fn layout(&self) -> String {
        let places = (0..self.columns.len()).map(|wanted| format!("{:?}", self.place(wanted)));
        places.collect::<Vec<_>>().join("; ")
    }

    /// Name of a wanted column in this file.
    pub fn column_name(&self, wanted: usize) -> &str {
        self.columns[wanted].map_or("", |ordinal| &self.names[ordinal])
    }

    /// Reads text, from the scratch file if the file was packed.
    ///
    /// # Errors
    /// As [`StoredFile::read`].
    pub async fn read(&self, range: Range<u64>) -> Result<Bytes, DataError> {
        let Some(scratch) = self.unpacked.clone() else {
            return self.file.read(range).await;
        };
        let read = move || {
            let mut bytes = BytesMut::zeroed(usize::try_from(range.end - range.start).map_err(io::Error::other)?);
            scratch.read_exact_at(&mut bytes, range.start)?;
            Ok(bytes.freeze())
        };
        let done = tokio::task::spawn_blocking(read)
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error)));
        done.map_err(|source| unpack_error(&self.file, source))
    }

    /// A cursor over the file's blocks, in order.
    pub fn blocks(&self) -> BlockCursor<'_> {
        BlockCursor {
            file: self,
            at: self.header_end,
            line: self.header_lines + 1,
            carry: Bytes::new(),
        }
    }

    /// All text after the header, for small tables.
    ///
    /// # Errors
    /// [`DataError::TooLarge`] beyond `limit` bytes.
    pub async fn body(&self, limit: u64) -> Result<Bytes, DataError> {
        if self.length > limit {
            return Err(DataError::TooLarge {
                uri: self.file.facts.uri.clone(),
                what: format!("the text ({} bytes)", self.length),
                limit: format!("{limit} bytes"),
            });
        }
        let text = self.read(self.header_end..self.length).await?;
        self.check_quotes(&text, self.header_lines + 1)?;
        Ok(text)
    }

    /// Refuses the end of a file that an unclosed quote takes for one cell. `line` is that of the text's first byte.
    fn check_quotes(&self, text: &[u8], line: u64) -> Result<(), DataError> {
        match unclosed_quote(text) {
            None => Ok(()),
            Some(at) => Err(DataError::Text {
                uri: self.file.facts.uri.clone(),
                line: line + at,
                why: "a quote that opens here is never closed, so the rest of the file is one cell".to_owned(),
            }),
        }
    }

    /// Lines above the first record.
    pub fn header_lines(&self) -> u64 {
        self.header_lines
    }

    async fn read_header(&mut self) -> Result<(), DataError> {
        let head = self.read(0..self.length.min(1 << 20)).await?;
        let body = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(body);
        let mut record = csv::ByteRecord::new();
        let found = reader.read_byte_record(&mut record).unwrap_or(false);
        let uri = || self.file.facts.uri.clone();
        if !found {
            return Err(DataError::Empty { uri: uri() });
        }
        if record.as_slice().contains(&0) {
            let why = "NUL bytes where the names of the columns should be: this is no text".to_owned();
            return Err(DataError::Text {
                uri: uri(),
                line: 1,
                why,
            });
        }
        let consumed = usize::try_from(reader.position().byte()).expect("within the header's bytes");
        self.header_end = (head.len() - body.len() + consumed) as u64;
        self.header_lines = memchr_iter(b'\n', &head[..head.len() - body.len() + consumed]).count() as u64;
        self.names = record
            .iter()
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect();
        self.fields = self.names.len();
        Ok(())
    }
}

/// Walks a file block by block; the bytes come along, so that a survey reads the file once.
#[derive(Debug)]
pub struct BlockCursor<'a> {
    file: &'a TextFile,
    at: u64,
    line: u64,
    carry: Bytes,
}

impl BlockCursor<'_> {
    /// The next block and its text; `None` at the end.
    ///
    /// # Errors
    /// I/O, and records longer than 16 MiB.
    pub async fn next(&mut self) -> Result<Option<(BlockPart, Bytes)>, DataError> {
        let mut text = std::mem::take(&mut self.carry);
        let mut want = BLOCK_BYTES;
        loop {
            let from = self.at + text.len() as u64;
            let to = (from + want).min(self.file.length);
            if from < to {
                let more = self.file.read(from..to).await?;
                text = if text.is_empty() { more } else { joined(&text, &more) };
            }
            if text.is_empty() {
                return Ok(None);
            }
            let end = if to == self.file.length {
                self.file.check_quotes(&text, self.line)?;
                Some(text.len())
            } else {
                last_record_end(&text)
            };
            if let Some(end) = end {
                return Ok(Some(self.cut(&text, end)));
            }
            if text.len() > RECORD_BYTES_MAX {
                let why = format!("no end of record within {RECORD_BYTES_MAX} bytes: unbalanced quotes, or no CSV");
                return Err(DataError::Text {
                    uri: self.file.file.facts.uri.clone(),
                    line: self.line,
                    why,
                });
            }
            want = BLOCK_BYTES;
        }
    }

    fn cut(&mut self, text: &Bytes, end: usize) -> (BlockPart, Bytes) {
        let block = text.slice(..end);
        let part = BlockPart::Text {
            start: self.at,
            end: self.at + end as u64,
            line: self.line,
        };
        self.at += end as u64;
        self.line += memchr_iter(b'\n', &block).count() as u64;
        self.carry = text.slice(end..);
        (part, block)
    }
}

/// One past the last line end outside quotes. The text begins outside quotes.
fn last_record_end(text: &[u8]) -> Option<usize> {
    if memchr(b'"', text).is_none() {
        return memrchr(b'\n', text).map(|at| at + 1);
    }
    let (mut quoted, mut end) = (false, None);
    for at in memchr2_iter(b'"', b'\n', text) {
        if text[at] == b'"' {
            quoted = !quoted;
        } else if !quoted {
            end = Some(at + 1);
        }
    }
    end
}

fn joined(head: &[u8], tail: &[u8]) -> Bytes {
    let mut all = BytesMut::with_capacity(head.len() + tail.len());
    all.extend_from_slice(head);
    all.extend_from_slice(tail);
    all.freeze()
}

/// Unpacks a file into an unnamed scratch file, within the limits.
async fn unpack(file: &StoredFile) -> Result<File, DataError> {
    let (send, receive) = mpsc::channel::<Bytes>(4);
    let (uri, format, size) = (file.facts.uri.clone(), file.facts.format, file.facts.size);
    let unpacking = tokio::task::spawn_blocking(move || -> Result<File, DataError> {
        let limit = UNPACK_FREE_BYTES.max(size.saturating_mul(UNPACK_RATIO_MAX));
        unpack_to_scratch(
            format,
            Packed {
                receive,
                chunk: Bytes::new(),
            },
            limit,
        )
        .map_err(|source| {
            // A limit of the system's on file sizes has the same kind, and a number.
            if source.kind() == io::ErrorKind::FileTooLarge && source.raw_os_error().is_none() {
                return DataError::Bomb {
                    uri: uri.clone(),
                    limit_bytes: limit,
                    ratio: limit / size.max(1),
                };
            }
            DataError::Unpack {
                uri: uri.clone(),
                source,
            }
        })
    });
    let mut at = 0;
    while at < size {
        let end = (at + BLOCK_BYTES).min(size);
        let chunk = file.read(at..end).await?;
        if send.send(chunk).await.is_err() {
            break;
        }
        at = end;
    }
    drop(send);
    unpacking
        .await
        .unwrap_or_else(|error| Err(unpack_error(file, io::Error::other(error))))
}

fn unpack_to_scratch(format: FileFormat, packed: Packed, limit: u64) -> io::Result<File> {
    let mut scratch = tempfile::tempfile()?;
    let mut reader: Box<dyn Read> = if format == FileFormat::CsvGzip {
        Box::new(flate2::read::MultiGzDecoder::new(packed))
    } else {
        let mut decoder = zstd::stream::read::Decoder::new(packed)?;
        decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
        Box::new(decoder)
    };
    let written = io::copy(&mut reader.as_mut().take(limit + 1), &mut scratch)?;
    if written > limit {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge));
    }
    scratch.flush()?;
    Ok(scratch)
}

fn unpack_error(file: &StoredFile, source: io::Error) -> DataError {
    DataError::Unpack {
        uri: file.facts.uri.clone(),
        source,
    }
}

/// Chunks from the async side as a blocking reader.
struct Packed {
    receive: mpsc::Receiver<Bytes>,
    chunk: Bytes,
}

impl Read for Packed {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.receive.blocking_recv() {
                Some(chunk) => self.chunk = chunk,
                None => return Ok(0),
            }
        }
        let taken = self.chunk.split_to(self.chunk.len().min(out.len()));
        out[..taken.len()].copy_from_slice(&taken);
        Ok(taken.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_end_outside_quotes() {
        for (text, expect) in [
            ("a,b\nc", Some(4)),
            ("a,b", None),
            ("\"a\nb\",1\n2", Some(8)),
            ("\"a\nb", None),
            ("x\n\"a\"\"\n\",1", Some(2)),
        ] {
            assert_eq!(last_record_end(text.as_bytes()), expect, "{text:?}");
        }
    }
}
