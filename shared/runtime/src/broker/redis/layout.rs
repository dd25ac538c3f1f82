//! Where things lie: which shard a run is on, and the names of the keys that this side uses itself.
//!
//! All keys of a shard begin with its root, whose braces keep them in one slot of a Redis Cluster. A run lives on the
//! shard of its id's hash; its id is drawn until that is also the shard of its idempotency key, so the key finds it.

use tickfleet_protocol::ids::{IdempotencyKey, Identity, JobKind, RunId};

/// Names and places under one prefix.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    prefix: String,
    shards: u16,
}

impl Layout {
    /// Keys that begin with `prefix`, over at least one shard.
    pub(super) fn new(prefix: &str, shards: u16) -> Self {
        assert!(shards > 0, "there is at least one shard");
        Self {
            prefix: prefix.to_owned(),
            shards,
        }
    }

    /// Every shard.
    pub(super) fn shards(&self) -> std::ops::Range<u16> {
        0..self.shards
    }

    /// The key that says how many shards there are.
    pub(super) fn census(&self) -> String {
        format!("{}:shards", self.prefix)
    }

    /// What all keys of a shard begin with.
    pub(super) fn root(&self, shard: u16) -> String {
        format!("{}:{{{shard}}}", self.prefix)
    }

    /// The stream that asks those who wait for jobs of a kind to claim.
    pub(super) fn ready(&self, shard: u16, kind: &JobKind) -> String {
        format!("{}:ready:{kind}", self.root(shard))
    }

    /// The events of a run.
    pub(super) fn events(&self, run: &RunId) -> String {
        format!("{}:run:{run}:events", self.root(self.of_run(run)))
    }

    /// The terms, state and counters of a run.
    pub(super) fn run(&self, run: &RunId) -> String {
        format!("{}:run:{run}", self.root(self.of_run(run)))
    }

    /// The set of a shard's runs.
    pub(super) fn runs(&self, shard: u16) -> String {
        format!("{}:runs", self.root(shard))
    }

    /// A result, on a shard whose runs committed it or where it was kept.
    pub(super) fn result(&self, shard: u16, identity: &Identity) -> String {
        format!("{}:result:{identity}", self.root(shard))
    }

    /// The shard of a run.
    pub(super) fn of_run(&self, run: &RunId) -> u16 {
        self.of_bytes(run.as_uuid().as_bytes())
    }

    /// The shard of the run that is submitted under this key.
    pub(super) fn of_key(&self, key: &IdempotencyKey) -> u16 {
        self.of_bytes(key.as_str().as_bytes())
    }

    /// The shard of a result that belongs to no run.
    pub(super) fn of_identity(&self, identity: &Identity) -> u16 {
        self.of_bytes(&identity.0)
    }

    fn of_bytes(&self, bytes: &[u8]) -> u16 {
        let hash = blake3::hash(bytes);
        let word = u64::from_le_bytes(hash.as_bytes()[..8].try_into().expect("a hash has 32 bytes"));
        u16::try_from(word % u64::from(self.shards)).expect("a remainder is below its divisor")
    }
}

#[cfg(test)]
mod tests {
    use tickfleet_protocol::ids::Millis;

    use super::*;

    #[test]
    fn all_keys_of_a_run_carry_the_tag_of_its_shard() {
        let layout = Layout::new("tf", 7);
        let run = RunId::from_parts(Millis(1), [4; 10]);
        let tag = format!("tf:{{{}}}:", layout.of_run(&run));
        let shard = layout.of_run(&run);
        for key in [
            layout.run(&run),
            layout.events(&run),
            layout.ready(shard, &JobKind::new("a{1}/2").unwrap()),
            layout.runs(shard),
            layout.result(shard, &Identity([0; 32])),
        ] {
            assert!(key.starts_with(&tag), "{key}");
        }
    }

    #[test]
    fn runs_spread_over_all_shards() {
        let layout = Layout::new("tf", 4);
        let mut runs = [0; 4];
        for n in 0..200_u8 {
            runs[usize::from(layout.of_run(&RunId::from_parts(Millis(n.into()), [n; 10])))] += 1;
        }
        assert!(runs.iter().all(|&runs| runs > 25), "{runs:?}");
    }
}
