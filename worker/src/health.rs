//! `/healthz`, `/readyz` and `/metrics` of a worker, for whoever watches it.
//!
//! Healthy is a worker that answers; ready is one whose queue answers it and that takes jobs. It serves a bounded number of
//! connections, each for a bounded time, and decides nothing.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;

/// Connections at once: a few scrapers and probes.
const CONNECTIONS_MAX: usize = 32;
/// Longest life of a connection: whoever asks again connects again.
const CONNECTION_MAX: Duration = Duration::from_secs(10);

/// What a worker says of itself.
pub trait Health: Send + Sync + 'static {
    /// Whether it takes jobs.
    ///
    /// # Errors
    /// Why not, in words.
    fn readiness(&self) -> Result<(), String>;

    /// What it counts, in Prometheus' text format.
    fn metrics(&self) -> String;
}

/// Listens on an address; port 0 is any that is free.
///
/// # Errors
/// The address is none, or taken.
pub async fn listen(address: &str) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

/// Serves until it is dropped.
///
/// # Errors
/// None so far: what goes wrong with a connection ends that connection.
pub async fn serve(listener: TcpListener, health: Arc<dyn Health>) -> io::Result<()> {
    let router = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(health);
    let bounded = Bounded {
        listener,
        room: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
    };
    axum::serve(bounded, router).await
}

async fn ready(State(health): State<Arc<dyn Health>>) -> Response {
    match health.readiness() {
        Ok(()) => "ready\n".into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")).into_response(),
    }
}

async fn metrics(State(health): State<Arc<dyn Health>>) -> Response {
    let format = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    (format, health.metrics()).into_response()
}

/// A listener of a bounded number of connections.
struct Bounded {
    listener: TcpListener,
    room: Arc<Semaphore>,
}

impl Listener for Bounded {
    type Io = Brief;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Brief, SocketAddr) {
        let permit = Arc::clone(&self.room).acquire_owned().await;
        let permit = permit.expect("the semaphore is never closed");
        let (stream, from) = Listener::accept(&mut self.listener).await;
        let brief = Brief {
            stream,
            end: Box::pin(tokio::time::sleep(CONNECTION_MAX)),
            _permit: permit,
        };
        (brief, from)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that says nothing more once its time is over.
struct Brief {
    stream: TcpStream,
    end: Pin<Box<Sleep>>,
    _permit: OwnedSemaphorePermit,
}

impl Brief {
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.end.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Brief {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Brief {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_write(context, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    struct Sick;

    impl Health for Sick {
        fn readiness(&self) -> Result<(), String> {
            Err("the queue last answered 9 s ago".to_owned())
        }

        fn metrics(&self) -> String {
            "jobs_total 7\n".to_owned()
        }
    }

    #[tokio::test]
    async fn each_path_says_its_own() {
        let (listener, address) = listen("127.0.0.1:0").await.expect("a port is free");
        let serving = tokio::spawn(serve(listener, Arc::new(Sick)));
        for (path, status, body) in [
            ("/healthz", "200", "ok"),
            ("/readyz", "503", "not ready: the queue last answered 9 s ago"),
            ("/metrics", "200", "jobs_total 7"),
            ("/", "404", ""),
        ] {
            let mut stream = TcpStream::connect(address).await.expect("it listens");
            let request = format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.expect("it reads");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.expect("it answers");
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.trim_end().ends_with(body),
                "{answer}"
            );
        }
        serving.abort();
    }
}
