//! Reads that wait on the server: each on a connection of its own, from a bounded pool.
//!
//! The client library gives up on any answer after a while that is set for each connection, and a blocking read stalls
//! whatever shares its connection, so these never go over the shared one. Each waits at most a slice; callers come again.

use std::time::Duration;

use deadpool_redis::{Runtime, cluster, sentinel};
use redis::{AsyncConnectionConfig, Cmd, ConnectionInfo, ErrorKind, FromRedisValue, RedisError, RedisResult};

use super::{
    fault::Fault,
    link::{Patience, timed_out},
    url::{RedisUrl, Topology},
};

/// Longest time that a read waits on the server.
pub(super) const SLICE: Duration = Duration::from_secs(2);

/// Connections for blocking reads.
pub(super) struct BlockingPool {
    pool: Pool,
    reply: Duration,
}

enum Pool {
    Single(deadpool_redis::Pool),
    Sentinel(sentinel::Pool),
    Cluster(cluster::Pool),
}

impl BlockingPool {
    /// A pool of at most `size` connections to these nodes of an address, none of which is open yet.
    pub(super) fn new(
        url: &RedisUrl,
        nodes: Vec<ConnectionInfo>,
        patience: Patience,
        size: usize,
    ) -> RedisResult<Self> {
        let reply = SLICE + patience.reply;
        macro_rules! build {
            ($pool:path, $manager:expr) => {
                <$pool>::builder($manager)
                    .max_size(size)
                    .wait_timeout(Some(reply))
                    .create_timeout(Some(patience.connect))
                    .recycle_timeout(Some(reply))
                    .runtime(Runtime::Tokio1)
                    .build()
                    .map_err(|_| (ErrorKind::InvalidClientConfig, "a pool without a runtime"))?
            };
        }
        let pool = match &url.topology {
            Topology::Single => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(patience.connect))
                    .set_response_timeout(Some(reply));
                let node = nodes.into_iter().next();
                let node = node.ok_or((ErrorKind::InvalidClientConfig, "no host"))?;
                Pool::Single(build!(
                    deadpool_redis::Pool,
                    deadpool_redis::Manager::new_with_config(node, config)?
                ))
            }
            Topology::Sentinel { service } => {
                let node = sentinel::SentinelNodeConnectionInfo {
                    tls_mode: url.is_tls().then_some(sentinel::TlsMode::Secure),
                    redis_connection_info: Some(url.settings().into()),
                };
                let primary = sentinel::SentinelServerType::Master;
                Pool::Sentinel(build!(
                    sentinel::Pool,
                    sentinel::Manager::new(nodes, service.clone(), Some(node), primary)?
                ))
            }
            Topology::Cluster => Pool::Cluster(build!(cluster::Pool, cluster::Manager::new(nodes, false)?)),
        };
        Ok(Self { pool, reply })
    }

    /// Runs commands one after the other on a connection of their own; gives the answer to the last.
    pub(super) async fn run<T: FromRedisValue>(&self, commands: &[&Cmd]) -> Result<T, Fault> {
        let all = async {
            match &self.pool {
                Pool::Single(pool) => query_all(&mut pool.get().await.map_err(lend_error)?, commands).await,
                Pool::Sentinel(pool) => {
                    let mut connection = pool.get().await.map_err(lend_error)?;
                    connection.set_response_timeout(self.reply);
                    query_all(&mut connection, commands).await
                }
                Pool::Cluster(pool) => query_all(&mut pool.get().await.map_err(lend_error)?, commands).await,
            }
        };
        let bounded = tokio::time::timeout(2 * self.reply, all).await;
        bounded.unwrap_or_else(|_| Err(timed_out())).map_err(Fault::of)
    }
}

async fn query_all<T: FromRedisValue>(
    connection: &mut impl redis::aio::ConnectionLike,
    commands: &[&Cmd],
) -> RedisResult<T> {
    let (last, before) = commands.split_last().expect("there is a command");
    for command in before {
        command.query_async::<redis::Value>(connection).await?;
    }
    last.query_async(connection).await
}

fn lend_error(error: deadpool_redis::PoolError) -> RedisError {
    match error {
        deadpool_redis::PoolError::Backend(error) => error,
        _ => timed_out(),
    }
}
