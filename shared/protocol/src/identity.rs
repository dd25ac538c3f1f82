//! Identities: the same identity has the same result bytes, for ever.
//!
//! An identity names the kernel version, the part of the spec that the stage reads, and the digests of the input it
//! reads; never a run, a shard size by name, a machine or a time. Read next: [`crate::plan`].

use crate::digest::{Digest, Digester};
use crate::facts::ScanFacts;
use crate::ids::Identity;
use crate::plan::{Job, Plan};
use crate::spec::scan::ScanSpec;

/// Version of the kernels: raised with every change that can change a result byte.
pub const KERNEL_VERSION: &str = "scan/1";

/// Identity of a job's result.
pub fn identity(spec: &ScanSpec, facts: &ScanFacts, plan: &Plan, job: &Job) -> Identity {
    let digest = match job {
        Job::Map { symbols, dates } => map_digest(spec, facts, symbols.clone(), dates.clone()),
        Job::Reduce { date } => reduce_digest(spec, facts, plan, *date),
    };
    Identity(digest.0)
}

fn map_digest(
    spec: &ScanSpec,
    facts: &ScanFacts,
    symbols: std::ops::Range<usize>,
    dates: std::ops::Range<usize>,
) -> Digest {
    let mapped = &facts.mapped[symbols];
    let as_of = &facts.as_of[dates];
    let mut digester = Digester::new("scan map");
    digester.part(KERNEL_VERSION.as_bytes()).part(&canonical(&spec.map)).days(as_of);
    let last = as_of.last().copied().unwrap_or(i32::MIN);
    digester.digest(&calendar_digest(facts, last));
    for &ordinal in mapped {
        digester.part(facts.symbols[ordinal as usize].symbol.as_bytes());
    }
    if let (Some(&first), Some(&end)) = (mapped.first(), mapped.last()) {
        for block in facts.blocks_of((first, end), last) {
            digester.digest(&facts.blocks[block as usize].digest);
        }
    }
    digester.finish()
}

fn reduce_digest(spec: &ScanSpec, facts: &ScanFacts, plan: &Plan, date: usize) -> Digest {
    let mut digester = Digester::new("scan reduce");
    let as_of = facts.as_of[date];
    digester.part(KERNEL_VERSION.as_bytes()).days(&[as_of]);
    digester.part(&canonical(&(&spec.universe_stage, &spec.data_stage, &spec.rank)));
    if let Some(universe) = &facts.universe {
        digester.digest(&universe.digest);
    }
    for known in facts.symbols.iter().filter(|known| known.first_day <= as_of) {
        digester.part(known.symbol.as_bytes());
    }
    for index in plan.maps_of(date) {
        let job = plan.job(crate::plan::MAP, index).expect("maps_of names jobs of the plan");
        digester.part(&identity(spec, facts, plan, &job).0);
    }
    digester.finish()
}

/// Dates and sessions up to a day: later data changes no identity.
fn calendar_digest(facts: &ScanFacts, last: i32) -> Digest {
    let known = facts.dates.partition_point(|&date| date <= last);
    let flags: Vec<u8> = facts.session[..known].iter().map(|&session| u8::from(session)).collect();
    let mut digester = Digester::new("calendar");
    digester.days(&facts.dates[..known]).part(&flags);
    digester.finish()
}

/// Canonical text of a part of a spec: JSON with fields in their declared order and shortest round-trip numbers.
pub fn canonical<T: serde::Serialize>(part: &T) -> Vec<u8> {
    serde_json::to_vec(part).expect("specs hold only text, finite numbers and lists")
}
