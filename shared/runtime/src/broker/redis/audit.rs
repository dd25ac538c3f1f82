//! Audit: a run proved in steps of a few milliseconds, each of them atomic, so that a large run holds nobody up and a
//! live one is never blamed for what it does between two steps.
//!
//! The proof counts: where every job in a place is in that one only, and there are as many jobs in places as were
//! delivered, each delivered job is in exactly one. Only where the counts differ, or a place has a fault, are the jobs
//! looked for one by one. Read next: `scripts/audit_places.lua`.

use tickfleet_protocol::{
    ids::{JobIndex, JobRef, RunId, StageIndex},
    limits::MAX_AUDIT_FAULTS,
    state::Census,
};

use super::{RedisBroker, decode::Words, fault::malformed, life::unknown, scripts};
use crate::broker::{Audit, AuditFault, Result, Sweep};

/// The places of jobs, and their leases. A job's failures are looked at last, when all jobs are where they belong.
const PLACES: [&str; 6] = ["claims", "leases", "dead", "dropped", "delayed", "again"];

/// Members of a place in one step: a few milliseconds of the server's time where each has a fault.
const MEMBERS_AT_ONCE: usize = 256;

/// Jobs that are not done and are looked for in one step.
const JOBS_AT_ONCE: usize = 512;

/// Jobs in no place that one audit looks for; the next one goes on from there. Each costs some hundred bytes when it is
/// available again.
const LOST_MAX: u64 = 1 << 20;

/// Keys in one step of a sweep.
const KEYS_AT_ONCE: usize = 1_000;

/// What a sweep looks through on each shard.
const SWEPT: [&str; 5] = ["runs", "timers", "keys", "feed", "rest"];

/// Most steps through one place or one part of a shard: far beyond the jobs of a run and the keys of a server.
const STEPS_MAX: usize = 1 << 22;

/// Faults, of which the first are listed.
#[derive(Default)]
struct Found {
    faults: Vec<AuditFault>,
    unlisted: u64,
}

/// What the counters of a run say.
struct Counted {
    stage: StageIndex,
    fed: u64,
    placed: u64,
    look_before: u64,
}

impl RedisBroker {
    /// Proves a run, or names what is wrong with it, and mends that where asked to.
    pub(super) async fn audit_run(&self, run: RunId, repair: bool) -> Result<Audit> {
        let mut found = Found::default();
        let counted = self.audit_counts(run, repair, &mut found).await?;
        let before = found.count();
        for place in PLACES {
            self.audit_place(run, place, repair, &mut found).await?;
        }
        if counted.placed != counted.fed || found.count() > before {
            self.audit_lost(run, &counted, repair, &mut found).await?;
        }
        self.audit_place(run, "strikes", repair, &mut found).await?;
        let census = self.audit_links(run, repair, &mut found).await?;
        let Found { faults, unlisted } = found;
        Ok(Audit {
            run,
            census,
            faults,
            unlisted,
        })
    }

    /// Looks through every shard for what is left of runs that are gone.
    pub(super) async fn sweep_shards(&self, repair: bool) -> Result<Sweep> {
        let mut found = Found::default();
        for shard in self.server.layout.shards() {
            for part in SWEPT {
                self.sweep_part(shard, part, repair, &mut found).await?;
            }
        }
        let Found { faults, unlisted } = found;
        Ok(Sweep { faults, unlisted })
    }

    async fn audit_counts(&self, run: RunId, repair: bool, found: &mut Found) -> Result<Counted> {
        let reply = self.step(&scripts::AUDIT_COUNTS, run, &[flag(repair)]).await?;
        let mut words = Words::new("audit", &reply);
        let counted = Counted {
            stage: StageIndex(words.number()?),
            fed: words.number()?,
            placed: words.number()?,
            look_before: words.number()?,
        };
        found.note(run, counted.stage, words)?;
        Ok(counted)
    }

    async fn audit_place(&self, run: RunId, place: &str, repair: bool, found: &mut Found) -> Result<()> {
        let mut cursor = "0".to_owned();
        for _ in 0..STEPS_MAX {
            let args = [place, &cursor, &MEMBERS_AT_ONCE.to_string(), flag(repair)];
            let reply = self.step(&scripts::AUDIT_PLACES, run, &args).await?;
            let mut words = Words::new("audit", &reply);
            words.word()?.clone_into(&mut cursor);
            let stage = StageIndex(words.number()?);
            found.note(run, stage, words)?;
            if cursor == "0" {
                break;
            }
        }
        Ok(())
    }

    async fn audit_lost(&self, run: RunId, counted: &Counted, repair: bool, found: &mut Found) -> Result<()> {
        let (stage, before) = (counted.stage.0.to_string(), counted.look_before.to_string());
        let mut from = "0".to_owned();
        let enough = found.count() + LOST_MAX;
        while found.count() < enough {
            let args = [&*stage, &from, &before, &JOBS_AT_ONCE.to_string(), flag(repair)];
            let reply = self.step(&scripts::AUDIT_LOST, run, &args).await?;
            let mut words = Words::new("audit", &reply);
            words.word()?.clone_into(&mut from);
            let stage = StageIndex(words.number()?);
            found.note(run, stage, words)?;
            if from.is_empty() {
                break;
            }
        }
        Ok(())
    }

    async fn audit_links(&self, run: RunId, repair: bool, found: &mut Found) -> Result<Census> {
        let reply = self.step(&scripts::AUDIT_LINKS, run, &[flag(repair)]).await?;
        let mut words = Words::new("audit", &reply);
        let census = Census {
            unfed: words.number()?,
            ready: words.number()?,
            claimed: words.number()?,
            delayed: words.number()?,
            dead: words.number()?,
            done: words.number()?,
        };
        found.note(run, StageIndex::default(), words)?;
        Ok(census)
    }

    async fn sweep_part(&self, shard: u16, part: &str, repair: bool, found: &mut Found) -> Result<()> {
        let mut cursor = "0".to_owned();
        for _ in 0..STEPS_MAX {
            let mut call = self.server.call(&scripts::SWEEP, shard);
            call.arg(part).arg(&cursor).arg(KEYS_AT_ONCE).arg(flag(repair));
            let reply: Vec<String> = self.server.run("sweep", &scripts::SWEEP, &call).await?;
            let mut words = Words::new("sweep", &reply);
            words.word()?.clone_into(&mut cursor);
            found.unlisted += words.number::<u64>()?;
            while !words.is_empty() {
                found.add(None, words.word()?, repair);
            }
            if cursor == "0" {
                break;
            }
        }
        Ok(())
    }

    /// One step of an audit.
    async fn step(&self, script: &scripts::Script, run: RunId, args: &[&str]) -> Result<Vec<String>> {
        let mut call = self.server.call(script, self.server.layout.of_run(&run));
        call.arg(run.to_string()).arg(args);
        let reply: Option<Vec<String>> = self.server.run("audit", script, &call).await?;
        reply.ok_or_else(|| unknown("audit", run))
    }
}

impl Found {
    /// Notes the faults of a script's answer: index or nothing, whether it was mended, what is wrong.
    fn note(&mut self, run: RunId, stage: StageIndex, mut words: Words<'_>) -> Result<()> {
        while !words.is_empty() {
            let index = words.word()?;
            let is_mended = words.word()? == "1";
            let what = words.word()?;
            let job = match index {
                "" => None,
                index => Some(JobRef {
                    run,
                    stage,
                    index: JobIndex(index.parse().map_err(|_| malformed("audit", index))?),
                }),
            };
            self.add(job, what, is_mended);
        }
        Ok(())
    }

    fn add(&mut self, job: Option<JobRef>, what: &str, is_mended: bool) {
        if self.faults.len() < MAX_AUDIT_FAULTS {
            self.faults.push(AuditFault {
                job,
                what: what.to_owned(),
                is_mended,
            });
        } else {
            self.unlisted += 1;
        }
    }

    fn count(&self) -> u64 {
        self.faults.len() as u64 + self.unlisted
    }
}

const fn flag(repair: bool) -> &'static str {
    if repair { "1" } else { "0" }
}
