//! Identities: the same identity has the same result bytes, for ever.
//!
//! An identity names the kernel version, the options that the stage reads, and the digests of the input it reads; never
//! a run, a machine or a time. A map job's is made of whole blocks, which are known before anything is read; its
//! [content identity](MapContent) of the rows themselves, which are known once they are decoded. Read next:
//! [`crate::plan`].

use std::ops::Range;

use tickfleet_kernels::scan::hygiene::SymbolRows;
use tickfleet_kernels::scan::session::Calendar;

use crate::digest::{Digest, Digester};
use crate::facts::ScanFacts;
use crate::ids::Identity;
use crate::plan::{Job, MAP, Plan};
use crate::spec::scan::{Day, ScanSpec};

/// Version of the kernels: raised with every change that can change a result byte.
pub const KERNEL_VERSION: &str = "scan/2";

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

    /// Begins the content identity of a map job over some dates of the facts.
    ///
    /// # Panics
    /// When the dates are beyond the facts'.
    pub fn content(&self, dates: Range<usize>) -> MapContent {
        let as_of = &self.facts.as_of[dates];
        MapContent {
            digester: self.map_terms("scan map content", as_of),
            last: as_of.last().copied().unwrap_or(i32::MIN),
            bytes: Vec::new(),
        }
    }

    fn map(&self, symbols: Range<usize>, dates: Range<usize>) -> Digest {
        let (mapped, as_of) = (&self.facts.mapped[symbols], &self.facts.as_of[dates]);
        let last = as_of.last().copied().unwrap_or(i32::MIN);
        let mut digester = self.map_terms("scan map", as_of);
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

    /// What every map job reads beside bars: the kernel version, the options, the dates, and the sessions up to the last
    /// of these, so that later data changes no identity.
    fn map_terms(&self, domain: &str, as_of: &[Day]) -> Digester {
        let last = as_of.last().copied();
        let mut digester = Digester::new(domain);
        digester
            .part(KERNEL_VERSION.as_bytes())
            .part(&canonical(&self.spec.map))
            .days(as_of)
            .days(self.calendar.sessions_between(None, Some(last.unwrap_or(i32::MIN))));
        digester
    }

    fn reduce(&self, date: usize) -> Digest {
        let (spec, as_of) = (self.spec, self.facts.as_of[date]);
        let mut digester = Digester::new("scan reduce");
        digester.part(KERNEL_VERSION.as_bytes()).days(&[as_of]);
        digester.part(&canonical(&(
            &spec.universe_stage,
            &spec.data_stage,
            &spec.blend,
            &spec.plan,
            &spec.rank,
        )));
        if let Some(universe) = &self.facts.universe {
            digester.part(b"universe").digest(&universe.digest);
        }
        self.joined(&mut digester, date);
        for known in self.facts.symbols.iter().filter(|known| known.first_day <= as_of) {
            digester.part(known.symbol.as_bytes());
        }
        self.maps_of(date).iter().for_each(|map| {
            digester.part(&map.0);
        });
        digester.finish()
    }

    /// What the reduce of a date joins: that of the tables which was known by then, and the model.
    fn joined(&self, digester: &mut Digester, date: usize) {
        let joined = &self.facts.joined;
        let given = [
            (b"fundamentals".as_slice(), &joined.fundamentals),
            (b"events", &joined.events),
            (b"predictions", &joined.predictions),
        ];
        for (name, _) in given.into_iter().filter(|(_, table)| table.is_some()) {
            digester.part(name);
        }
        if let Some(known) = joined.known.get(date) {
            digester.part(b"known").digest(known);
        }
        if let Some(model) = &joined.model {
            digester.part(b"model").digest(&model.digest);
            digester.part(&canonical(&self.spec.joined.model_device));
            for feature in &model.features {
                digester.part(feature.as_bytes());
            }
        }
    }
}

/// Identity of the record that the result of this identity was found by a worker and not computed for it: that is no
/// part of a result.
pub fn found(identity: &Identity) -> Identity {
    let mut digester = Digester::new("found result");
    digester.part(&identity.0);
    Identity(digester.finish().0)
}

/// Builds the content identity of a map job: jobs that share it have the same map rows and drop the same rows for the
/// same reasons, wherever these lie in their files.
#[derive(Debug)]
pub struct MapContent {
    digester: Digester,
    last: Day,
    /// Rows of one symbol, reused: hashing is fastest over much at once.
    bytes: Vec<u8>,
}

impl MapContent {
    /// Adds the job's next symbol and its rows, sorted by date and then input order. Rows after the last as-of date are
    /// passed over, as the kernels pass over them.
    pub fn symbol(&mut self, name: &str, rows: &SymbolRows<'_>) {
        let count = rows.date.partition_point(|date| *date <= self.last);
        self.bytes.clear();
        self.bytes
            .extend(rows.date[..count].iter().flat_map(|day| day.to_le_bytes()));
        for column in [rows.open, rows.high, rows.low, rows.close, rows.volume] {
            self.column(count, |row| column[row]);
        }
        // A column that is not there reads as one of missing values.
        match rows.adj_close {
            Some(column) => self.column(count, |row| column[row]),
            None => self.column(count, |_| f64::NAN),
        }
        self.digester.part(name.as_bytes()).part(&self.bytes);
    }

    /// The identity of all symbols so far.
    pub fn finish(&self) -> Identity {
        Identity(self.digester.finish().0)
    }

    fn column(&mut self, rows: usize, value: impl Fn(usize) -> f64) {
        let start = self.bytes.len();
        self.bytes.resize(start + rows * size_of::<u64>(), 0);
        for (row, bytes) in self.bytes[start..].chunks_exact_mut(size_of::<u64>()).enumerate() {
            bytes.copy_from_slice(&value(row).to_bits().to_le_bytes());
        }
    }
}

/// Canonical text of a part of a spec: JSON with fields in their declared order and shortest round-trip numbers.
///
/// # Panics
/// Never for specs: they hold only text, finite numbers and lists.
pub fn canonical<T: serde::Serialize>(part: &T) -> Vec<u8> {
    serde_json::to_vec(part).expect("specs hold only text, finite numbers and lists")
}

#[cfg(test)]
mod tests;
