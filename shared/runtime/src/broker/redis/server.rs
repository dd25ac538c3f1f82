//! Calls of scripts: by hash over the shared connection, sent again where the server did not know the hash.

use futures::future::try_join_all;
use redis::{Cmd, ErrorKind, FromRedisValue, ServerErrorKind};
use tokio::sync::watch;

use super::{fault::Fault, layout::Layout, link::Link, scripts::Script};
use crate::broker::Result;

/// A Redis with the names and places of one queue on it.
pub(super) struct Server {
    pub(super) link: Link,
    pub(super) layout: Layout,
    /// Milliseconds that scripts add to the server's time.
    pub(super) offset_ms: watch::Receiver<u64>,
}

impl Server {
    /// The call of a script on a shard, to be completed with its arguments.
    pub(super) fn call(&self, script: &Script, shard: u16) -> Cmd {
        let mut call = redis::cmd("EVALSHA");
        call.arg(script.hash())
            .arg(1)
            .arg(self.layout.root(shard))
            .arg(*self.offset_ms.borrow());
        call
    }

    /// Runs a script's call; the script is loaded first where the server does not have it.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        operation: &'static str,
        script: &Script,
        call: &Cmd,
    ) -> Result<T> {
        match self.query(call).await {
            Err(Fault::Unexpected(error)) if is_unknown_script(&error) => {}
            answer => return answer.map_err(|fault| fault.during(operation)),
        }
        let mut load = redis::cmd("SCRIPT");
        load.arg("LOAD").arg(script.source());
        let loaded = self.query::<redis::Value>(&load).await;
        loaded.map_err(|fault| fault.during(operation))?;
        self.query(call).await.map_err(|fault| fault.during(operation))
    }

    /// Runs one call for each shard named, side by side; answers in order.
    pub(super) async fn run_all<T: FromRedisValue>(
        &self,
        operation: &'static str,
        script: &Script,
        calls: &[Cmd],
    ) -> Result<Vec<T>> {
        try_join_all(calls.iter().map(|call| self.run(operation, script, call))).await
    }

    /// Runs a command over the shared connection. One that the server refused as a replica was not done, and is sent
    /// again over a new connection.
    pub(super) async fn query<T: FromRedisValue>(&self, command: &Cmd) -> std::result::Result<T, Fault> {
        match self.query_once(command).await {
            Err(Fault::ReadOnly(_)) => self.query_once(command).await,
            answer => answer,
        }
    }

    async fn query_once<T: FromRedisValue>(&self, command: &Cmd) -> std::result::Result<T, Fault> {
        let (number, mut wire) = self.link.wire().await.map_err(Fault::of)?;
        let answer = command.query_async(&mut wire).await.map_err(Fault::of);
        if answer.as_ref().is_err_and(Fault::spoils_connection) {
            self.link.discard(number);
        }
        answer
    }
}

fn is_unknown_script(error: &redis::RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}
