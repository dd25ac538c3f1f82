//! Identities: the same identity has the same result bytes, for ever.
//!
//! An identity names the kernel version, the options that the stage reads, and the digests of the input it reads; never
//! a run, a machine or a time. Read next: [`crate::plan`].

use std::ops::Range;

use tickfleet_kernels::scan::session::Calendar;

use crate::digest::{Digest, Digester};
use crate::facts::ScanFacts;
use crate::ids::Identity;
use crate::plan::{Job, MAP, Plan};
use crate::spec::scan::ScanSpec;

/// Version of the kernels: raised with every change that can change a result byte.
pub const KERNEL_VERSION: &str = "scan/1";

/// What the identities of a run's jobs are made from.
#[derive(Debug, Clone, Copy)]
pub struct Identities<'a> {
    /// What was asked for.
    pub spec: &'a ScanSpec,
    /// What was found.
    pub facts: &'a ScanFacts,
    /// How it is cut.
    pub plan: &'a Plan,
    /// The facts' dates and sessions.
    pub calendar: &'a Calendar,
}

impl Identities<'_> {
    /// Identity of a job's result.
    pub fn of(&self, job: &Job) -> Identity {
        let digest = match job {
            Job::Map { symbols, dates } => self.map(symbols.clone(), dates.clone()),
            Job::Reduce { date } => self.reduce(*date),
        };
        Identity(digest.0)
    }

    /// Identities of the map jobs whose dates include `date`, in symbol order.
    ///
    /// # Panics
    /// When `date` is beyond the plan's.
    pub fn maps_of(&self, date: usize) -> Vec<Identity> {
        let job = |index| self.plan.job(MAP, index).expect("maps_of names jobs of the plan");
        self.plan.maps_of(date).map(|index| self.of(&job(index))).collect()
    }

    fn map(&self, symbols: Range<usize>, dates: Range<usize>) -> Digest {
        let (mapped, as_of) = (&self.facts.mapped[symbols], &self.facts.as_of[dates]);
        let last = as_of.last().copied().unwrap_or(i32::MIN);
        let mut digester = Digester::new("scan map");
        digester
            .part(KERNEL_VERSION.as_bytes())
            .part(&canonical(&self.spec.map))
            .days(as_of);
        // Sessions up to the last date: later data changes no identity.
        digester.days(self.calendar.sessions_between(None, Some(last)));
        for &ordinal in mapped {
            digester.part(self.facts.symbols[ordinal as usize].symbol.as_bytes());
        }
        if let (Some(&first), Some(&end)) = (mapped.first(), mapped.last()) {
            // The result names dropped rows by the ordinals of their blocks, so it hangs on them too.
            for block in self.facts.blocks_of((first, end), last) {
                digester.part(&block.to_le_bytes());
                digester.digest(&self.facts.blocks[block as usize].digest);
            }
        }
        digester.finish()
    }

    fn reduce(&self, date: usize) -> Digest {
        let (spec, as_of) = (self.spec, self.facts.as_of[date]);
        let mut digester = Digester::new("scan reduce");
        digester.part(KERNEL_VERSION.as_bytes()).days(&[as_of]);
        digester.part(&canonical(&(&spec.universe_stage, &spec.data_stage, &spec.rank)));
        if let Some(universe) = &self.facts.universe {
            digester.digest(&universe.digest);
        }
        for known in self.facts.symbols.iter().filter(|known| known.first_day <= as_of) {
            digester.part(known.symbol.as_bytes());
        }
        self.maps_of(date).iter().for_each(|map| {
            digester.part(&map.0);
        });
        digester.finish()
    }
}

/// Canonical text of a part of a spec: JSON with fields in their declared order and shortest round-trip numbers.
///
/// # Panics
/// Never for specs: they hold only text, finite numbers and lists.
pub fn canonical<T: serde::Serialize>(part: &T) -> Vec<u8> {
    serde_json::to_vec(part).expect("specs hold only text, finite numbers and lists")
}
