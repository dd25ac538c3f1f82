//! Which settings are flags of which verb. Any setting may stand in a file or in the environment, whatever the verb.
//!
//! A flag that a verb would not heed is not among its flags: it would be taken in silence. Read next: `cluster`, which
//! flattens these into a verb.

use tickfleet_runtime::settings::flags::Takes;
use tickfleet_runtime::settings::registry::{self, Setting, Table};

/// What decides which cluster a verb talks to, and how it logs.
#[derive(Debug, Clone)]
pub(super) struct OfACluster;

impl Takes for OfACluster {
    fn takes(setting: &Setting) -> bool {
        is_one_of(
            setting,
            &[
                &registry::COORDINATOR,
                &registry::REDIS,
                &registry::REDIS_PREFIX,
                &registry::LOG,
                &registry::LOG_FORMAT,
            ],
        )
    }
}

/// What a verb that fetches results needs: those too large for Redis lie in the store.
#[derive(Debug, Clone)]
pub(super) struct OfResults;

impl Takes for OfResults {
    fn takes(setting: &Setting) -> bool {
        OfACluster::takes(setting) || is_one_of(setting, &[&registry::STORE])
    }
}

/// What a scan computes, where it runs, and what the embedded worker may use.
#[derive(Debug, Clone)]
pub(super) struct OfAScan;

impl Takes for OfAScan {
    fn takes(setting: &Setting) -> bool {
        let embedded = [
            &registry::LANES,
            &registry::MEMORY,
            &registry::CACHE_DIR,
            &registry::CACHE_DISK,
            &registry::SHARD_SIZE,
            &registry::SOURCE_TIMEOUT_S,
            &registry::SOURCE_RETRIES,
            &registry::OTLP,
            &registry::JOB_SPANS,
            &registry::JOB_SPANS_RATIO,
        ];
        setting.table == Table::Scan || OfResults::takes(setting) || is_one_of(setting, &embedded)
    }
}

fn is_one_of(setting: &Setting, settings: &[&Setting]) -> bool {
    settings.iter().any(|one| one.key == setting.key)
}
