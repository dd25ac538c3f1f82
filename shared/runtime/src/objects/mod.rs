//! Object storage and web servers: `s3://`, `gs://`, `az://` and `http(s)://`, by one name for each place.
//!
//! Stores are opened once in a process and shared, as connections are: each is found by its root (`s3://bucket`). What
//! a store may cost is bounded by [`Limits`]: time of a request, tries again, connections. Credentials come from the
//! environment variables that each service's own tools read; none is part of a name, a message or a fact.
//! Read next: [`name`], [`fault`].

mod credentials;
pub mod fault;
pub mod name;
pub mod upload;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use moka::sync::Cache;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::http::HttpBuilder;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};
use tokio::runtime::{Handle, Id};

pub use self::fault::{ObjectsError, StoreFault};
pub use self::name::{Place, Scheme, is_remote};

use crate::settings::{InForce, registry};

/// Most stores that stay open; the least recently used one is closed first.
const STORES_MAX: u64 = 64;
/// Longest time until a connection stands.
const CONNECT: Duration = Duration::from_secs(5);
/// Idle connections kept for each server.
const IDLE_MAX: usize = 16;
/// The first pause before another try, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// What a request to a store may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest time of one request, its body included.
    pub request: Duration,
    /// Most tries after the first.
    pub retries: usize,
}

impl Limits {
    /// As the settings say.
    ///
    /// # Panics
    /// Never: the settings have defaults.
    #[must_use]
    pub fn of(settings: &InForce) -> Self {
        let count = |setting| settings.count(setting).expect("the setting has a default");
        Self {
            request: Duration::from_secs(count(&registry::SOURCE_TIMEOUT_S)),
            retries: usize::try_from(count(&registry::SOURCE_RETRIES)).unwrap_or(usize::MAX),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request: Duration::from_secs(60),
            retries: 6,
        }
    }
}

static LIMITS: OnceLock<Limits> = OnceLock::new();

/// Sets the limits of this process, before its first store is opened. The first call counts.
pub fn configure(settings: &InForce) {
    let _ = LIMITS.set(Limits::of(settings));
}

/// The limits of this process.
#[must_use]
pub fn limits() -> Limits {
    LIMITS.get().copied().unwrap_or_default()
}

/// A store belongs to the runtime whose tasks drive its connections.
type StoreKey = (String, Option<Id>);

/// The store of a place, opened now or before.
///
/// # Errors
/// Credentials that are missing or make no sense, plain HTTP that nobody asked for.
pub fn open(place: &Place) -> Result<Arc<dyn ObjectStore>, ObjectsError> {
    static STORES: OnceLock<Cache<StoreKey, Arc<dyn ObjectStore>>> = OnceLock::new();
    let stores = STORES.get_or_init(|| Cache::new(STORES_MAX));
    let key = (
        place.root().to_owned(),
        Handle::try_current().ok().map(|handle| handle.id()),
    );
    if let Some(store) = stores.get(&key) {
        return Ok(store);
    }
    let store = build(place, limits())?;
    stores.insert(key, store.clone());
    Ok(store)
}

/// A store of the caller's own, for a runtime that ends soon.
fn open_alone(place: &Place) -> Result<Arc<dyn ObjectStore>, ObjectsError> {
    build(place, limits())
}

fn build(place: &Place, limits: Limits) -> Result<Arc<dyn ObjectStore>, ObjectsError> {
    // Programs that link other cryptography too must say which one TLS takes; set already is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    credentials::check(place)?;
    let setup = |source| ObjectsError::Setup {
        uri: place.root().to_owned(),
        source: StoreFault(source),
    };
    let client = client(limits, credentials::allows_http(place.scheme()));
    Ok(match place.scheme() {
        Scheme::S3 => {
            let builder = AmazonS3Builder::from_env().with_bucket_name(place.bucket());
            let builder = builder.with_client_options(client);
            Arc::new(builder.with_retry(retry(limits)).build().map_err(setup)?)
        }
        Scheme::Gs => {
            let builder = GoogleCloudStorageBuilder::from_env().with_bucket_name(place.bucket());
            let builder = builder.with_client_options(client);
            Arc::new(builder.with_retry(retry(limits)).build().map_err(setup)?)
        }
        Scheme::Az => {
            let builder = MicrosoftAzureBuilder::from_env().with_container_name(place.bucket());
            let builder = builder.with_client_options(client);
            Arc::new(builder.with_retry(retry(limits)).build().map_err(setup)?)
        }
        Scheme::Http | Scheme::Https => {
            let builder = HttpBuilder::new().with_url(place.root());
            let builder = builder.with_client_options(client);
            Arc::new(builder.with_retry(retry(limits)).build().map_err(setup)?)
        }
    })
}

fn client(limits: Limits, allow_http: bool) -> ClientOptions {
    ClientOptions::new()
        .with_timeout(limits.request)
        .with_connect_timeout(CONNECT.min(limits.request))
        .with_pool_max_idle_per_host(IDLE_MAX)
        .with_allow_http(allow_http)
}

fn retry(limits: Limits) -> RetryConfig {
    let tries = u32::try_from(limits.retries).unwrap_or(u32::MAX).saturating_add(1);
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: PAUSE.0,
            max_backoff: PAUSE.1,
            base: 2.0,
        },
        max_retries: limits.retries,
        retry_timeout: limits.request.saturating_mul(tries),
    }
}
