//! How many results a server keeps, and dropping all of them: looks of an operator, in steps that hold nobody up.

use super::{RedisBroker, scripts};
use crate::broker::Result;

/// Keys that the server looks at in one step: a millisecond or less of its time.
const KEYS_AT_ONCE: u32 = 1_000;
/// Most steps over one shard: beyond twenty million keys the count is only a part.
const STEPS_MAX: u32 = 20_000;

/// The results that a server keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct KeptResults {
    /// How many.
    pub results: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Whether all keys were looked at.
    pub is_whole: bool,
}

impl RedisBroker {
    /// Counts the results kept. What is stored or expires meanwhile may or may not count.
    pub async fn kept_results(&self) -> Result<KeptResults> {
        self.census(false).await
    }

    /// Drops the results kept, and gives what there was. Runs that have not read theirs yet miss them.
    pub async fn drop_results(&self) -> Result<KeptResults> {
        self.census(true).await
    }

    async fn census(&self, is_drop: bool) -> Result<KeptResults> {
        let mut sum = KeptResults {
            is_whole: true,
            ..KeptResults::default()
        };
        for shard in self.server.layout.shards() {
            let mut cursor = "0".to_owned();
            for step in 0.. {
                let mut call = self.server.call(&scripts::CENSUS, shard);
                call.arg(&cursor).arg(KEYS_AT_ONCE).arg(u8::from(is_drop));
                let (next, results, bytes): (String, u64, u64) =
                    self.server.run("census", &scripts::CENSUS, &call).await?;
                sum.results += results;
                sum.bytes += bytes;
                cursor = next;
                if cursor == "0" {
                    break;
                }
                if step == STEPS_MAX {
                    sum.is_whole = false;
                    break;
                }
            }
        }
        Ok(sum)
    }
}
