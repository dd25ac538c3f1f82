//! The Lua scripts: each a file of its own that opens with its contract, each sent once and then called by its hash.
//!
//! `common.lua` and the limits of the protocol are put before every one of them, so no number is written twice.
//! Read next: `scripts/common.lua`, then `scripts/claim.lua`.

use std::{fmt::Write, sync::LazyLock};

use tickfleet_protocol::{
    fair::{COST_UNIT, TURNS_PER_CLAIM},
    limits::{
        CARD_LIFE_MS, DEFAULT_LEASE_MS, MAX_AUDIT_FAULTS, MAX_DEAD_PER_RUN, MAX_EVENTS_KEPT, MAX_RUNS, MAX_WORKERS,
        ORDER_LIFE_MS, RUN_RETENTION_MS,
    },
};

/// What all scripts share.
const COMMON: &str = include_str!("scripts/common.lua");

/// Bytes of done bits that one step of an audit looks through: half a million jobs, well below a millisecond.
const AUDIT_PIECE_BYTES: u64 = 64 << 10;

/// A script of the broker.
#[derive(Debug)]
pub struct Script {
    /// The name of its file, without the ending.
    pub name: &'static str,
    /// Whether it is carried out while the server is out of memory: those are that free it, or keep what is there.
    pub allows_oom: bool,
    body: &'static str,
    whole: LazyLock<Whole>,
}

/// What the server is given of a script.
#[derive(Debug)]
struct Whole {
    source: String,
    hash: String,
}

macro_rules! scripts {
    ($($(#[$doc:meta])* $constant:ident = $name:literal, allows_oom: $allows_oom:literal;)+) => {
        $(
            $(#[$doc])*
            pub static $constant: Script = Script {
                name: $name,
                allows_oom: $allows_oom,
                body: include_str!(concat!("scripts/", $name, ".lua")),
                whole: LazyLock::new(|| assemble(&$constant)),
            };
        )+

        /// Every script.
        pub static ALL: &[&Script] = &[$(&$constant),+];
    };
}

scripts! {
    /// Accepts a run once.
    SUBMIT = "submit", allows_oom: false;
    /// Delivers jobs in weighted-fair order.
    CLAIM = "claim", allows_oom: false;
    /// Undoes a claim whose answer will not be read.
    RECALL = "recall", allows_oom: true;
    /// Marks jobs done.
    COMMIT = "commit", allows_oom: false;
    /// Says which results there are.
    STORED = "stored", allows_oom: true;
    /// Stores results that belong to no job.
    KEEP = "keep", allows_oom: false;
    /// Counts results, or drops them.
    CENSUS = "census", allows_oom: true;
    /// Renews claims.
    BEAT = "beat", allows_oom: true;
    /// Ends claims with failures.
    FAIL = "fail", allows_oom: true;
    /// Ends claims without a verdict.
    HAND_BACK = "hand_back", allows_oom: true;
    /// Ends a running run.
    CANCEL = "cancel", allows_oom: true;
    /// Lets an ended run go.
    FORGET = "forget", allows_oom: true;
    /// Makes dead jobs available again.
    REPLAY = "replay", allows_oom: false;
    /// Drops dead letters.
    DROP = "drop", allows_oom: true;
    /// Reads dead letters.
    DEAD = "dead", allows_oom: true;
    /// Reads runs.
    VIEW = "view", allows_oom: true;
    /// Reads events.
    EVENTS = "events", allows_oom: true;
    /// Holds a run's counters against what they count.
    AUDIT_COUNTS = "audit_counts", allows_oom: true;
    /// Holds the jobs in one place against their other places.
    AUDIT_PLACES = "audit_places", allows_oom: true;
    /// Looks for jobs that are in no place.
    AUDIT_LOST = "audit_lost", allows_oom: true;
    /// Holds what leads to a run against its state.
    AUDIT_LINKS = "audit_links", allows_oom: true;
    /// Looks for what is left of runs that are gone.
    SWEEP = "sweep", allows_oom: true;
    /// Takes a worker's card.
    ANNOUNCE = "announce", allows_oom: true;
    /// Takes a worker's card away.
    RETIRE = "retire", allows_oom: true;
    /// Tells a worker to drain.
    DRAIN = "drain", allows_oom: true;
    /// Lists workers.
    WORKERS = "workers", allows_oom: true;
}

impl Script {
    /// The whole text that the server is given.
    pub fn source(&self) -> &str {
        &self.whole.source
    }

    /// The name under which the server knows that text: its SHA-1 in hex.
    pub fn hash(&self) -> &str {
        &self.whole.hash
    }
}

fn assemble(script: &Script) -> Whole {
    let flags = if script.allows_oom { " flags=allow-oom" } else { "" };
    let mut source = format!("#!lua{flags}\n");
    for (name, value) in [
        ("RUN_RETENTION_MS", RUN_RETENTION_MS),
        ("MAX_DEAD_PER_RUN", MAX_DEAD_PER_RUN as u64),
        ("MAX_EVENTS_KEPT", MAX_EVENTS_KEPT as u64),
        ("TURNS_PER_CLAIM", TURNS_PER_CLAIM as u64),
        ("MAX_RUNS", MAX_RUNS as u64),
        ("MAX_AUDIT_FAULTS", MAX_AUDIT_FAULTS as u64),
        ("MAX_WORKERS", MAX_WORKERS as u64),
        ("CARD_LIFE_MS", CARD_LIFE_MS),
        ("ORDER_LIFE_MS", ORDER_LIFE_MS),
        ("DEFAULT_LEASE_MS", DEFAULT_LEASE_MS),
        ("COST_UNIT", COST_UNIT),
        ("AUDIT_PIECE_BYTES", AUDIT_PIECE_BYTES),
    ] {
        writeln!(source, "local {name} = {value}").expect("writing to a string does not fail");
    }
    source.push_str(COMMON);
    source.push_str(script.body);
    let hash = redis::Script::new(&source).get_hash().to_owned();
    Whole { source, hash }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_script_opens_with_its_contract() {
        for script in ALL {
            let opening: String = script.body.lines().take_while(|line| line.starts_with("--")).collect();
            assert!(
                opening.starts_with(&format!("-- {}: ", script.name)),
                "{}: {opening}",
                script.name
            );
            for word in ["ARGV[2", "Returns", "Invariant"] {
                assert!(opening.contains(word), "{} does not state its {word}", script.name);
            }
        }
    }

    #[test]
    fn hashes_tell_scripts_apart() {
        let hashes: std::collections::BTreeSet<&str> = ALL.iter().map(|script| script.hash()).collect();
        assert_eq!(hashes.len(), ALL.len());
        assert!(hashes.iter().all(|hash| hash.len() == 40));
    }
}
