//! Connections to a database: few, shared, each wait bounded, tried again where that may help.
//!
//! A connection whose last answer was not read to its end is closed rather than used again.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use moka::sync::Cache;
use tokio::runtime::{Handle, Id};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::fault::{DatabaseError, Said};
use super::name::TableName;
use super::secrets;
use crate::objects::{Limits, limits};

/// Connections of one process to one database.
const CONNECTIONS_MAX: usize = 4;
/// Most databases that stay open.
const DATABASES_MAX: u64 = 16;
/// Longest time until a connection stands.
const CONNECT: Duration = Duration::from_secs(5);
/// The first pause before another try, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// What every session sets, so that dates and numbers mean the same whatever the server's defaults.
const SESSION: &str = "SET timezone = 'UTC'; SET standard_conforming_strings = on; \
                       SET client_encoding = 'UTF8'; SET application_name = 'tickfleet'";

/// A database that this process connects to.
#[derive(Debug)]
pub struct Database {
    uri: String,
    config: Config,
    idle: Mutex<Vec<Connected>>,
    permits: Arc<Semaphore>,
    limits: Limits,
}

/// A connection and the task that drives it.
#[derive(Debug)]
struct Connected {
    client: Client,
    driver: JoinHandle<()>,
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// A connection in use.
#[derive(Debug)]
pub struct Session {
    database: Arc<Database>,
    connected: Option<Connected>,
    _permit: OwnedSemaphorePermit,
}

/// Databases by name, for each runtime whose tasks drive their connections.
type Databases = Cache<(String, Option<Id>), Arc<Database>>;

/// The database of a table, as named: a password in the name is remembered for this process.
///
/// # Errors
/// [`DatabaseError::Name`].
pub fn open(uri: &str) -> Result<(TableName, Arc<Database>), DatabaseError> {
    static DATABASES: OnceLock<Databases> = OnceLock::new();
    let databases = DATABASES.get_or_init(|| Cache::new(DATABASES_MAX));
    let (name, mut config) = TableName::parse(uri)?;
    let key = (
        name.database().to_owned(),
        Handle::try_current().ok().map(|handle| handle.id()),
    );
    let has_password = config.get_password().is_some();
    if let Some(database) = databases.get(&key).filter(|_| !has_password) {
        return Ok((name, database));
    }
    secrets::complete(&mut config);
    let limits = limits();
    config.connect_timeout(CONNECT.min(limits.request));
    let database = Arc::new(Database {
        uri: name.database().to_owned(),
        config,
        idle: Mutex::default(),
        permits: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
        limits,
    });
    databases.insert(key, database.clone());
    Ok((name, database))
}

impl Database {
    /// A connection: an idle one, or a new one, tried again where that may help.
    ///
    /// # Errors
    /// [`DatabaseError::Connect`].
    pub async fn session(self: &Arc<Self>) -> Result<Session, DatabaseError> {
        let permit = self.permits.clone().acquire_owned().await;
        let permit = permit.expect("nobody closes the semaphore");
        let idle = self.idle().pop();
        let connected = match idle.filter(|idle| !idle.client.is_closed()) {
            Some(idle) => idle,
            None => self.connected().await?,
        };
        Ok(Session {
            database: self.clone(),
            connected: Some(connected),
            _permit: permit,
        })
    }

    /// Does something that may be done again, and again where the database could not, each time with a connection, which
    /// is handed back when all that was asked of it was answered.
    ///
    /// # Errors
    /// What the last try gave.
    pub async fn retried<T, F>(self: &Arc<Self>, ask: impl Fn(Session) -> F) -> Result<T, DatabaseError>
    where
        F: Future<Output = Result<(Session, T), DatabaseError>>,
    {
        let mut pause = PAUSE.0;
        for left in (0..=self.limits.retries).rev() {
            match ask(self.session().await?).await {
                Ok((session, done)) => {
                    session.keep();
                    return Ok(done);
                }
                Err(error) if left > 0 && error.is_outage() => tracing::info!(%error, "the database is asked again"),
                Err(error) => return Err(error),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE.1);
        }
        unreachable!("the last try returns")
    }

    async fn connected(&self) -> Result<Connected, DatabaseError> {
        let mut pause = PAUSE.0;
        let mut left = self.limits.retries;
        loop {
            match self.connected_once().await {
                Err(error) if left > 0 && error.is_outage() => tracing::info!(%error, "connecting again"),
                done => return done,
            }
            left -= 1;
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    async fn connected_once(&self) -> Result<Connected, DatabaseError> {
        let failed = |source| DatabaseError::Connect {
            uri: self.uri.clone(),
            source: Said(source),
        };
        // Programs that link other cryptography too must say which one TLS takes; set already is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let connecting = self.config.connect(MakeRustlsConnect::with_webpki_roots());
        let connecting = tokio::time::timeout(self.limits.request, connecting).await;
        let (client, connection) = connecting
            .map_err(|_| self.slow("take the connection"))?
            .map_err(failed)?;
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = %Said(error), "a connection to a database ended");
            }
        });
        let connected = Connected { client, driver };
        connected.client.batch_execute(SESSION).await.map_err(failed)?;
        Ok(connected)
    }

    fn slow(&self, operation: &'static str) -> DatabaseError {
        DatabaseError::Slow {
            operation,
            uri: self.uri.clone(),
            seconds: self.limits.request.as_secs(),
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connected>> {
        // The list is valid after any panic.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// The client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.connected.as_ref().expect("in use until it is kept").client
    }

    /// The client, for transactions.
    pub fn client_mut(&mut self) -> &mut Client {
        &mut self.connected.as_mut().expect("in use until it is kept").client
    }

    /// Waits for an answer, within the bound.
    ///
    /// # Errors
    /// [`DatabaseError::Slow`], [`DatabaseError::Failed`].
    pub async fn timed<T>(
        &self,
        operation: &'static str,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, DatabaseError> {
        timed(&self.database, operation, answer).await
    }

    /// Its database.
    #[must_use]
    pub fn database(&self) -> Arc<Database> {
        self.database.clone()
    }

    /// Hands the connection back: every answer was read to its end.
    pub fn keep(mut self) {
        if let Some(connected) = self.connected.take() {
            self.database.idle().push(connected);
        }
    }
}

/// Waits for an answer of a database, within the bound.
///
/// # Errors
/// [`DatabaseError::Slow`], [`DatabaseError::Failed`].
pub async fn timed<T>(
    database: &Database,
    operation: &'static str,
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, DatabaseError> {
    let answer = tokio::time::timeout(database.limits.request, answer).await;
    answer
        .map_err(|_| database.slow(operation))?
        .map_err(|source| DatabaseError::Failed {
            operation,
            uri: database.uri.clone(),
            source: Said(source),
        })
}
