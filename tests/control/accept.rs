//! Connections that say nothing, or fall silent, or are too many, against the real server.

use std::io::Read;
use std::net::TcpStream;

use crate::fleet::{BOUND, Fleet, block_on, reach};

#[test]
fn a_silent_connection_is_closed_and_others_are_served_meanwhile() {
    let fleet = Fleet::start();
    let silent = [&fleet.server.grpc, &fleet.server.http].map(|address| {
        let stream = TcpStream::connect(address).expect("a server");
        stream.set_read_timeout(Some(BOUND)).expect("a socket takes a timeout");
        stream
    });
    block_on(async {
        let cluster = reach(&fleet.server.url()).await;
        assert_eq!(cluster.list().await, Ok(Vec::new()));
    });
    for mut stream in silent {
        // Closed with or without a last word, but not still open when the bound is over.
        let mut rest = Vec::new();
        let read = stream.read_to_end(&mut rest);
        assert!(
            read.as_ref()
                .map_or_else(|error| error.kind() == std::io::ErrorKind::ConnectionReset, |_| true),
            "{read:?}"
        );
    }
}
