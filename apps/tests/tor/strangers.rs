//! Strangers at an onion address, who come by C tor: one who speaks the protocol gets an answer, by an implementation of
//! the handshake that is not Sotto's own; the others get nothing, and change nothing.

use std::io::{ErrorKind, Read as _, Write as _};

use sotto_core::wire::link::Standing;

use crate::node::{Runtime, friends, node, shared_network, tell};
use crate::visitor::{call, visit};

#[test]
fn c_tor_gets_through_and_the_handshake_is_completed() {
    let network = shared_network().arti_config();
    let client = shared_network()
        .socks_client()
        .unwrap_or_else(|error| panic!("{error}"));
    for runtime in [Runtime::Tokio, Runtime::Smol] {
        let node = node(runtime, &network);
        let hello = call(client, node.address());
        assert_eq!(hello.standing(), Standing::Stranger, "{runtime:?}");
        assert!(hello.version_min <= 1 && hello.version_max >= 1, "{runtime:?}");
    }
}

#[test]
fn raw_bytes_change_nothing() {
    let network = shared_network().arti_config();
    let client = shared_network()
        .socks_client()
        .unwrap_or_else(|error| panic!("{error}"));
    let [mut one, mut other] = friends([Runtime::Tokio, Runtime::Smol], &network);
    let before = [one.history(other.address()), other.history(one.address())];
    for node in [&one, &other] {
        let bytes: [&[u8]; 4] = [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", &[0xff; 2000], &[0, 48], b""];
        for bytes in bytes {
            let mut stream = visit(client, node.address());
            stream.write_all(bytes).expect("said");
            stream.shutdown(std::net::Shutdown::Write).expect("said all");
            let mut answer = Vec::new();
            match stream.read_to_end(&mut answer) {
                Ok(_) => assert_eq!(answer, b"", "whoever does not speak the protocol is told nothing"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}"),
            }
        }
    }
    assert_eq!([one.history(other.address()), other.history(one.address())], before);
    tell(&mut *one, &mut *other, "still here");
    tell(&mut *other, &mut *one, "so am I");
}
