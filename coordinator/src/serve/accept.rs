//! Accepts connections, so many and no more, and closes those that say nothing: a server library that waits for the
//! first bytes of a connection waits for ever, and each costs memory and a file.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use futures::stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};
use tonic::transport::server::{Connected, TcpConnectInfo};

/// The pause after a failed accept: the process is out of files, and some are closed meanwhile.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What is asked of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Manners {
    /// Connections side by side; further ones are closed at once.
    pub connections_max: usize,
    /// Bytes with which a connection opens.
    pub opening_bytes: usize,
    /// How long it may take to send them.
    pub opening: Duration,
    /// How long it may send nothing after that.
    pub idle: Duration,
}

/// A listener that holds connections to its manners.
#[derive(Debug)]
pub struct Door {
    listener: TcpListener,
    slots: Arc<Semaphore>,
    manners: Manners,
}

impl Door {
    /// Opens a listener.
    pub fn new(listener: TcpListener, manners: Manners) -> Self {
        let slots = Arc::new(Semaphore::new(manners.connections_max));
        Self {
            listener,
            slots,
            manners,
        }
    }

    /// Connections as they come, for ever.
    pub fn incoming(self) -> impl Stream<Item = io::Result<Guarded>> + Send {
        stream::unfold(self, |mut door| async move {
            let guarded = door.next().await;
            Some((Ok(guarded), door))
        })
    }

    async fn next(&mut self) -> Guarded {
        loop {
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Ok(slot) = self.slots.clone().try_acquire_owned() else {
                tracing::warn!(most = self.manners.connections_max, "a connection too many was closed");
                continue;
            };
            // Where this can't be set, answers come a little later.
            let _ = stream.set_nodelay(true);
            return Guarded::new(stream, slot, self.manners);
        }
    }
}

impl axum::serve::Listener for Door {
    type Io = Guarded;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Guarded, Self::Addr) {
        let guarded = self.next().await;
        let unknown = std::net::SocketAddr::from(([0, 0, 0, 0], 0));
        let address = guarded.stream.peer_addr().unwrap_or(unknown);
        (guarded, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// A connection that ends with an error where its other end says nothing for too long.
#[derive(Debug)]
pub struct Guarded {
    stream: TcpStream,
    _slot: OwnedSemaphorePermit,
    idle: Duration,
    /// Bytes that are still to come before it is open.
    opening_left: usize,
    /// When silence is too long; while it opens, silence or not.
    limit: Instant,
    alarm: Pin<Box<Sleep>>,
}

impl Guarded {
    fn new(stream: TcpStream, slot: OwnedSemaphorePermit, manners: Manners) -> Self {
        let limit = Instant::now() + manners.opening;
        Self {
            stream,
            _slot: slot,
            idle: manners.idle,
            opening_left: manners.opening_bytes,
            limit,
            alarm: Box::pin(tokio::time::sleep_until(limit)),
        }
    }

    fn heard(&mut self, bytes: usize) {
        let was_opening = self.opening_left > 0;
        self.opening_left = self.opening_left.saturating_sub(bytes);
        if self.opening_left > 0 {
            return;
        }
        self.limit = Instant::now() + self.idle;
        if was_opening {
            let limit = self.limit;
            self.alarm.as_mut().reset(limit);
        }
    }

    /// Whether silence has lasted too long. The alarm is set anew only when it rings, which is seldom.
    fn is_overdue(&mut self, cx: &mut Context<'_>) -> bool {
        while self.alarm.as_mut().poll(cx).is_ready() {
            if Instant::now() >= self.limit {
                return true;
            }
            let limit = self.limit;
            self.alarm.as_mut().reset(limit);
        }
        false
    }
}

impl AsyncRead for Guarded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            Poll::Ready(Ok(())) => {
                self.heard(buf.filled().len() - before);
                Poll::Ready(Ok(()))
            }
            Poll::Pending if self.is_overdue(cx) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            polled => polled,
        }
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }
}

impl Connected for Guarded {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.stream.connect_info()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn door(manners: Manners) -> (Door, std::net::SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (Door::new(listener, manners), address)
    }

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(600);

    /// What reading from the accepted end gives while the other end sends `sent` and then nothing.
    async fn read_all(manners: Manners, sent: &[u8]) -> (Vec<u8>, io::ErrorKind) {
        let (mut door, address) = door(manners).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        let mut guarded = door.next().await;
        client.write_all(sent).await.unwrap();
        let mut read = Vec::new();
        let error = guarded
            .read_to_end(&mut read)
            .await
            .expect_err("it stays open and silent");
        (read, error.kind())
    }

    #[tokio::test]
    async fn who_does_not_open_or_falls_silent_is_left() {
        let manners = |opening, idle| Manners {
            connections_max: 1,
            opening_bytes: 3,
            opening,
            idle,
        };
        let timed_out = io::ErrorKind::TimedOut;
        assert_eq!(read_all(manners(SHORT, LONG), b"").await, (b"".to_vec(), timed_out));
        assert_eq!(read_all(manners(SHORT, LONG), b"ab").await, (b"ab".to_vec(), timed_out));
        assert_eq!(
            read_all(manners(LONG, SHORT), b"abc").await,
            (b"abc".to_vec(), timed_out)
        );
    }

    #[tokio::test]
    async fn a_connection_too_many_is_closed_and_room_is_given_back() {
        let manners = Manners {
            connections_max: 1,
            opening_bytes: 0,
            opening: LONG,
            idle: LONG,
        };
        let (mut door, address) = door(manners).await;
        let _first = TcpStream::connect(address).await.unwrap();
        let held = door.next().await;
        let mut second = TcpStream::connect(address).await.unwrap();
        let accepting = tokio::spawn(async move {
            let next = door.next().await;
            (next, door)
        });
        // Closed by the other end: either way of saying so will do.
        let read = second.read(&mut [0]).await;
        assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
        drop(held);
        let _third = TcpStream::connect(address).await.unwrap();
        accepting.await.expect("the third is taken");
    }
}
