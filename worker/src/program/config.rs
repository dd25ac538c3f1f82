//! What the settings mean for a worker, checked before it starts.

use std::time::Duration;

use tickfleet_protocol::ids::{JobKind, WorkerId};
use tickfleet_protocol::limits::MAX_NAME_BYTES;
use tickfleet_runtime::broker::redis::{RedisOptions, RedisUrl};
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_runtime::pool::Machine;
use tickfleet_runtime::settings::InForce;
use tickfleet_runtime::settings::registry::{
    HEALTH, JOB_MAX_S, JOB_MEMORY, KINDS, LANES, LEASE_MS, MEMORY, NAME, REDIS, REDIS_PREFIX, Setting,
};

use crate::claim::{DRAIN_MAX, WorkerOptions};
use crate::jobs::Kind;
use crate::memory::JOB_BYTES;
use crate::registry::host_name;
use crate::solo::{self, SoloOptions};

/// The settings of a worker.
pub(super) struct Config {
    /// Its name.
    pub(super) id: WorkerId,
    /// The queue.
    pub(super) redis: RedisOptions,
    /// What it runs on.
    pub(super) machine: Machine,
    /// Jobs side by side.
    pub(super) lanes: usize,
    /// Where its health is served.
    pub(super) health: Option<String>,
    kinds: Vec<JobKind>,
    lease: Duration,
    job_max: Duration,
    solo: SoloOptions,
}

impl Config {
    /// What the settings say.
    pub(super) fn of(settings: &InForce) -> Result<Self, Failure> {
        let machine = Machine::detect();
        let count = |setting: &Setting| settings.count(setting).expect("the setting has a default");
        let lanes = settings
            .count(&LANES)
            .map(|lanes| usize::try_from(lanes).unwrap_or(usize::MAX));
        let program = solo::this_program();
        let program =
            program.map_err(|error| Failure::new(ExitStatus::Failed, "no path of this program").because(&error));
        Ok(Self {
            id: name(settings)?,
            redis: redis(settings)?,
            machine,
            lanes: lanes.unwrap_or_else(|| machine.lanes(JOB_BYTES)),
            health: settings.text(&HEALTH).map(str::to_owned),
            kinds: kinds(settings)?,
            lease: Duration::from_millis(count(&LEASE_MS)),
            job_max: Duration::from_secs(count(&JOB_MAX_S)),
            solo: SoloOptions {
                program: program?,
                memory_bytes: count(&JOB_MEMORY),
                cache_bytes: count(&MEMORY),
            },
        })
    }

    /// How the worker works.
    pub(super) fn worker_options(&self) -> WorkerOptions {
        WorkerOptions {
            id: self.id.clone(),
            read_ahead: self.lanes,
            lease: self.lease,
            job_max: self.job_max,
            drain_max: DRAIN_MAX,
            kinds: self.kinds.clone(),
            solo: Some(self.solo.clone()),
        }
    }
}

fn redis(settings: &InForce) -> Result<RedisOptions, Failure> {
    let text = settings.text(&REDIS).expect("the setting has a default");
    let url: RedisUrl = text
        .parse()
        .map_err(|error| Failure::from_error(ExitStatus::BadInput, &error).at_place(settings.origin(&REDIS).place()))?;
    Ok(RedisOptions {
        prefix: settings
            .text(&REDIS_PREFIX)
            .expect("the setting has a default")
            .to_owned(),
        ..RedisOptions::new(url)
    })
}

/// What it is to claim: all that it can compute, or those of it that were named.
fn kinds(settings: &InForce) -> Result<Vec<JobKind>, Failure> {
    let asked = settings.list(&KINDS);
    if asked.is_empty() {
        return Ok(Kind::ALL.map(Kind::job_kind).to_vec());
    }
    let known = |name: &String| {
        let found = Kind::ALL.into_iter().find(|kind| kind.version() == name.as_str());
        found.map(Kind::job_kind).ok_or_else(|| {
            Failure::new(
                ExitStatus::BadInput,
                format!("this version computes no jobs of kind `{name}`"),
            )
            .at_place(settings.origin(&KINDS).place())
            .help(format!("it computes {}", Kind::ALL.map(Kind::version).join(", ")))
        })
    };
    asked.iter().map(known).collect()
}

/// The name that was given, or one that no other process has now.
fn name(settings: &InForce) -> Result<WorkerId, Failure> {
    let Some(given) = settings.text(&NAME) else {
        return Ok(found_name(&host_name(), std::process::id()));
    };
    WorkerId::new(given).map_err(|error| {
        Failure::from_error(ExitStatus::BadInput, &error)
            .at_place(settings.origin(&NAME).place())
            .help("a name is printable ASCII without spaces, such as worker-1")
    })
}

fn found_name(host: &str, pid: u32) -> WorkerId {
    let end = format!("-{pid}");
    let host = host.chars().map(|c| if c.is_ascii_graphic() { c } else { '_' });
    let host: String = host.take(MAX_NAME_BYTES - end.len()).collect();
    WorkerId::new(&(host + &end)).expect("a short text of printable ASCII is a name")
}

#[cfg(test)]
mod tests {
    use tickfleet_runtime::settings::{Layer, Origin};

    use super::*;

    fn config(flags: &[(&'static Setting, &str)]) -> Result<Config, Failure> {
        let flags: Vec<_> = flags
            .iter()
            .map(|(setting, text)| (*setting, vec![(*text).to_owned()]))
            .collect();
        let layer = Layer::from_flags(&flags).expect("the flags can be read");
        Config::of(&InForce::merge(&[layer]))
    }

    #[test]
    fn defaults_fit_this_machine() {
        let config = config(&[]).expect("defaults are good");
        assert!(config.lanes >= 1 && config.id.as_str().ends_with(&std::process::id().to_string()));
        assert_eq!(config.redis.url.to_string(), "redis://127.0.0.1:6379");
        let options = config.worker_options();
        assert_eq!(options.lease, Duration::from_secs(15));
        assert_eq!(options.solo.expect("it runs jobs alone").memory_bytes, 2_000_000_000);
    }

    #[test]
    fn what_is_given_holds() {
        let config = config(&[(&LANES, "3"), (&NAME, "w-1"), (&LEASE_MS, "2000"), (&REDIS_PREFIX, "q")]).expect("good");
        assert_eq!(
            (config.lanes, config.id.as_str(), config.redis.prefix.as_str()),
            (3, "w-1", "q")
        );
        assert_eq!(config.worker_options().lease, Duration::from_secs(2));
    }

    #[test]
    fn bad_values_are_refused_with_their_place() {
        for (setting, text) in [(&REDIS, "http://geheim@h"), (&NAME, "two words")] {
            let failure = config(&[(setting, text)]).err().expect(text);
            let told = failure.render(false);
            assert_eq!(failure.status, ExitStatus::BadInput);
            assert!(
                told.contains(&Origin::Flag(setting.flag()).to_string()) && !told.contains("geheim"),
                "{told}"
            );
        }
    }

    #[test]
    fn a_found_name_is_always_one() {
        assert_eq!(found_name("Büro 1", 7).as_str(), "B_ro_1-7");
        assert_eq!(found_name(&"h".repeat(500), u32::MAX).as_str().len(), MAX_NAME_BYTES);
    }
}
