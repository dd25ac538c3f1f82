//! What was found in files before: a process that runs on does not survey again what has not changed.
//!
//! Files are known by their names and versions, as jobs know them: one that changed has another version. Bounded; whatever
//! is forgotten is surveyed again.

use std::sync::Arc;

use moka::sync::Cache;
use tickfleet_kernels::scan::options::TickerRule;
use tickfleet_protocol::digest::{Digest, Digester};
use tickfleet_protocol::facts::{FileFacts, FileFormat};
use tickfleet_protocol::survey::Survey;

/// Surveys by what was surveyed.
#[derive(Debug)]
pub(super) struct Surveys(Cache<Digest, Arc<Survey>>);

impl Surveys {
    /// None yet, and at most so many bytes of them.
    pub(super) fn new(bytes_max: u64) -> Self {
        let weigh = |_: &Digest, survey: &Arc<Survey>| u32::try_from(bytes(survey)).unwrap_or(u32::MAX);
        Self(Cache::builder().max_capacity(bytes_max).weigher(weigh).build())
    }

    /// The survey of these files in these versions.
    pub(super) fn get(&self, files: &Digest) -> Option<Arc<Survey>> {
        self.0.get(files)
    }

    /// Remembers the survey of these files.
    pub(super) fn keep(&self, files: Digest, survey: &Survey) {
        self.0.insert(files, Arc::new(survey.clone()));
    }
}

/// A digest of files with their versions, and of what else decides a survey; nothing where a file has no version before it
/// is read, as rows of a database have none.
pub(super) fn versions(files: &[FileFacts], rule: TickerRule) -> Option<Digest> {
    let mut digester = Digester::new("surveyed files");
    digester.part(format!("{rule:?}").as_bytes());
    for file in files {
        if file.format == FileFormat::Database || file.version.is_empty() {
            return None;
        }
        digester.part(file.uri.as_bytes()).part(file.version.as_bytes());
        digester.part(&file.size.to_le_bytes());
        for (key, value) in &file.hive {
            digester.part(key.as_bytes()).part(value.as_bytes());
        }
    }
    Some(digester.finish())
}

/// About what a survey takes in memory.
fn bytes(survey: &Survey) -> usize {
    let (symbols, blocks) = (survey.symbols.len(), survey.blocks.len() + survey.files.len());
    symbols * 64 + blocks * 256 + survey.dates.len() * 8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(version: &str, format: FileFormat) -> FileFacts {
        FileFacts {
            uri: "/data/bars.parquet".to_owned(),
            size: 7,
            version: version.to_owned(),
            format,
            hive: Vec::new(),
        }
    }

    #[test]
    fn another_version_rule_or_order_is_another_survey() {
        let (a, b) = (file("1", FileFormat::Parquet), file("2", FileFormat::Parquet));
        let digests = [
            versions(&[a.clone(), b.clone()], TickerRule::Us),
            versions(&[b.clone(), a.clone()], TickerRule::Us),
            versions(&[a.clone(), b], TickerRule::Any),
            versions(std::slice::from_ref(&a), TickerRule::Us),
        ];
        for (nth, digest) in digests.iter().enumerate() {
            assert!(digest.is_some() && !digests[..nth].contains(digest));
        }
        assert_eq!(versions(&[a, file("", FileFormat::Database)], TickerRule::Us), None);
    }
}
