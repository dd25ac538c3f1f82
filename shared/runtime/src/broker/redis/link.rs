//! The connection that calls go over: one, shared by all of them, opened when it is needed and again when it broke.
//!
//! Commands of many callers travel side by side, so nothing that blocks may be sent here; see [`super::blocking`].
//! A broken connection is never mended in place: the next call opens another, which is also how the new primary is
//! found behind Sentinel.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, ErrorKind, Pipeline, RedisError, RedisFuture, RedisResult,
    Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster::{ClusterClient, ClusterClientBuilder},
    cluster_async::ClusterConnection,
    sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType},
};

use super::url::{RedisUrl, Topology};

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// To open a connection.
    pub(super) connect: Duration,
    /// To answer a call.
    pub(super) reply: Duration,
}

/// An open connection; clones share it.
#[derive(Clone)]
pub(super) enum Wire {
    /// To one server.
    Direct(MultiplexedConnection),
    /// To the nodes of a cluster.
    Cluster(ClusterConnection),
}

impl ConnectionLike for Wire {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Direct(wire) => wire.req_packed_command(cmd),
            Self::Cluster(wire) => wire.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        cmd: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Direct(wire) => wire.req_packed_commands(cmd, offset, count),
            Self::Cluster(wire) => wire.req_packed_commands(cmd, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Direct(wire) => wire.get_db(),
            Self::Cluster(wire) => wire.get_db(),
        }
    }
}

/// How a wire is opened.
enum Opener {
    Single(Box<Client>),
    Sentinel(Box<tokio::sync::Mutex<SentinelClient>>),
    Cluster(Box<ClusterClient>),
}

/// The shared connection to a Redis.
pub(super) struct Link {
    opener: Opener,
    patience: Patience,
    /// The open connection, and how many were opened before it.
    current: Mutex<(u64, Option<Wire>)>,
    /// Held while one is opened, with the last failure: who waited through it shares it.
    opening: tokio::sync::Mutex<Option<(Instant, RedisError)>>,
}

impl Link {
    /// A link to these nodes of an address, not open yet.
    pub(super) fn new(url: &RedisUrl, nodes: Vec<ConnectionInfo>, patience: Patience) -> RedisResult<Self> {
        let opener = match &url.topology {
            Topology::Single => {
                let node: Option<ConnectionInfo> = nodes.into_iter().next();
                let node = node.ok_or((ErrorKind::InvalidClientConfig, "no host"))?;
                Opener::Single(Box::new(Client::open(node)?))
            }
            Topology::Sentinel { service } => {
                let mut node = SentinelNodeConnectionInfo::default().set_redis_connection_info(url.settings());
                if url.is_tls() {
                    node = node.set_tls_mode(redis::TlsMode::Secure);
                }
                let client = SentinelClient::build(nodes, service, Some(node), SentinelServerType::Master)?;
                Opener::Sentinel(Box::new(tokio::sync::Mutex::new(client)))
            }
            Topology::Cluster => {
                let builder = ClusterClientBuilder::new(nodes).connection_timeout(patience.connect);
                Opener::Cluster(Box::new(builder.response_timeout(patience.reply).build()?))
            }
        };
        Ok(Self {
            opener,
            patience,
            current: Mutex::new((0, None)),
            opening: tokio::sync::Mutex::new(None),
        })
    }

    /// The open connection and its number, opened now if there is none.
    pub(super) async fn wire(&self) -> RedisResult<(u64, Wire)> {
        if let Some(open) = self.open_wire() {
            return Ok(open);
        }
        let asked_at = Instant::now();
        let mut last_failure = self.opening.lock().await;
        if let Some(open) = self.open_wire() {
            return Ok(open);
        }
        if let Some((at, error)) = &*last_failure
            && *at > asked_at
        {
            return Err(error.clone());
        }
        let opened = tokio::time::timeout(self.patience.connect, self.open()).await;
        match opened.unwrap_or_else(|_| Err(timed_out())) {
            Ok(wire) => {
                *last_failure = None;
                let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
                *current = (current.0 + 1, Some(wire.clone()));
                Ok((current.0, wire))
            }
            Err(error) => {
                *last_failure = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// Gives up the connection of this number, unless another was opened already.
    pub(super) fn discard(&self, number: u64) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.0 == number {
            current.1 = None;
        }
    }

    fn open_wire(&self) -> Option<(u64, Wire)> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.1.clone().map(|wire| (current.0, wire))
    }

    async fn open(&self) -> RedisResult<Wire> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.patience.connect))
            .set_response_timeout(Some(self.patience.reply));
        match &self.opener {
            Opener::Single(client) => client.get_multiplexed_async_connection_with_config(&config).await,
            Opener::Sentinel(client) => client.lock().await.get_async_connection_with_config(&config).await,
            Opener::Cluster(client) => return client.get_async_connection().await.map(Wire::Cluster),
        }
        .map(Wire::Direct)
    }
}

/// What the client library says of a connection that took too long.
pub(super) fn timed_out() -> RedisError {
    RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut))
}
