//! A proxy before a Redis that cuts connections in the middle of a reply: the server has done what was asked, and the
//! client can't know.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

/// A running proxy; it ends with the test's process.
pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// Cut every so manyth reply; never where it is 0.
    every: AtomicU64,
    replies: AtomicU64,
    cuts: AtomicU64,
    is_over: AtomicBool,
}

impl Proxy {
    /// Starts one before this server.
    pub(crate) fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port can be bound");
        let address = listener.local_addr().expect("a bound socket has an address");
        let state = Arc::new(State::default());
        let accepting = state.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if accepting.is_over.load(Ordering::Relaxed) {
                    return;
                }
                // A server that is away refuses, and so does the proxy.
                if let Ok(server) = TcpStream::connect(server) {
                    connect(client, server, &accepting);
                }
            }
        });
        Self { address, state }
    }

    /// Its address, as that of a Redis.
    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Cuts every `n`th reply from now on, none where `n` is 0.
    pub(crate) fn cut_every(&self, n: u64) {
        self.state.every.store(n, Ordering::SeqCst);
    }

    /// Replies cut so far.
    pub(crate) fn cuts(&self) -> u64 {
        self.state.cuts.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::Relaxed);
        // Wakes the listener, so that it sees the end.
        drop(TcpStream::connect(self.address));
    }
}

fn connect(client: TcpStream, server: TcpStream, state: &Arc<State>) {
    let copy = |stream: &TcpStream| stream.try_clone().expect("a socket can be shared");
    let (from_client, to_server) = (copy(&client), copy(&server));
    thread::spawn(move || pass(from_client, to_server, |_| true));
    let state = state.clone();
    thread::spawn(move || pass(server, client, move |_| !state.is_cut()));
}

/// Passes bytes on until an end closes, or until they are not to go on: then half of them go, and both ends close.
fn pass(mut from: TcpStream, mut to: TcpStream, goes_on: impl Fn(&[u8]) -> bool) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        let whole = goes_on(&bytes[..count]);
        let sent = if whole { count } else { count / 2 };
        if to.write_all(&bytes[..sent]).is_err() || !whole {
            break;
        }
    }
    // Either may be closed already.
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

impl State {
    fn is_cut(&self) -> bool {
        let every = self.every.load(Ordering::SeqCst);
        let nth = self.replies.fetch_add(1, Ordering::SeqCst) + 1;
        let is_cut = every > 0 && nth.is_multiple_of(every);
        if is_cut {
            self.cuts.fetch_add(1, Ordering::SeqCst);
        }
        is_cut
    }
}
