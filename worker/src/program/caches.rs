//! The caches of a worker, as its settings say. A store that cannot be used ends it before it joins; a disk that cannot be
//! used is done without.

use std::sync::Arc;

use tickfleet_runtime::broker::Broker;
use tickfleet_runtime::cache::ranges::{Ranges, Reach};
use tickfleet_runtime::cache::{DiskTier, Local, ResultStore, Results, open};
use tickfleet_runtime::data::inputs::Inputs;
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_runtime::settings::InForce;
use tickfleet_runtime::settings::registry::{MEMORY, STORE};

/// The part of the memory bound that is for results; the rest is for inputs.
const RESULTS_PART: u64 = 4;

/// What the tiers are made of.
pub(super) struct Caches {
    memory_bytes: u64,
    disk: Option<Arc<DiskTier>>,
    store: Option<Arc<ResultStore>>,
    inline_bytes: u64,
}

impl Caches {
    /// Opens what is not the queue's.
    ///
    /// # Errors
    /// A store that cannot be used.
    pub(super) async fn open(settings: &InForce) -> Result<Self, Failure> {
        let store = open::store(settings).await.map_err(|error| {
            Failure::from_error(ExitStatus::BadInput, &error)
                .at_place(settings.origin(&STORE).place())
                .help(error.help())
        })?;
        Ok(Self {
            memory_bytes: settings.count(&MEMORY).expect("the setting has a default"),
            disk: open::disk(settings),
            store,
            inline_bytes: open::inline_bytes(settings),
        })
    }

    /// Inputs that keep far files on disk.
    pub(super) fn inputs(&self) -> Inputs {
        let ranges = Ranges::new(self.disk.clone().map(|disk| (disk, Reach::Far)));
        Inputs::over(self.memory_bytes - self.memory_bytes / RESULTS_PART, ranges)
    }

    /// Results of a queue over all tiers.
    pub(super) fn results(&self, broker: Arc<dyn Broker>) -> Results {
        let local = Local::new(self.memory_bytes / RESULTS_PART, self.disk.clone());
        Results::new(broker, local, self.store.clone(), self.inline_bytes)
    }
}

#[cfg(test)]
mod tests {
    use tickfleet_runtime::settings::Layer;

    use super::*;

    #[tokio::test]
    async fn a_store_of_another_kind_is_refused_with_its_place() {
        let layer = Layer::from_flags(&[(&STORE, vec!["ftp://host/x".to_owned()])]).expect("a location");
        let settings = InForce::merge(&[layer]);
        let failure = Caches::open(&settings).await.err().expect("no store of this version");
        let told = failure.render(false);
        assert_eq!(failure.status, ExitStatus::BadInput);
        assert!(
            told.contains("--store") && told.contains("ftp") && told.contains("folder"),
            "{told}"
        );
    }
}
