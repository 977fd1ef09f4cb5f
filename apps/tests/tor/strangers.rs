//! Strangers at an onion address, who come by C tor: one who speaks the protocol gets an answer, by an implementation of
//! the handshake that is not Sotto's own; the others get nothing, and change nothing.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;

use prost::Message as _;
use sotto_core::OnionAddress;
use sotto_core::wire::link::{Frame, Hello, Standing, frame::Body};
use sotto_testkit::noise::{self, Keys};
use sotto_testkit::vectors::ALICE;
use sotto_testkit::vectors::handshake::dialers_keys;
use sotto_testkit::vectors::identity::x25519_public;

use crate::node::{Runtime, friends, node, shared_network, tell};
use crate::visitor::visit;

#[test]
fn c_tor_gets_through_and_the_handshake_is_completed() {
    let network = shared_network().arti_config();
    let client = shared_network()
        .socks_client()
        .unwrap_or_else(|error| panic!("{error}"));
    for runtime in [Runtime::Tokio, Runtime::Smol] {
        let node = node(runtime, &network);
        let mut stream = visit(client, node.address());
        let hello = greeted(&mut stream, node.address());
        assert_eq!(hello.standing(), Standing::Stranger, "{runtime:?}");
        assert!(hello.version_min <= 1 && hello.version_max >= 1, "{runtime:?}");
    }
}

/// Calls the node as Alice of the vectors, whom it does not know, with snow alone; its first frame.
fn greeted(stream: &mut TcpStream, onion: &str) -> Hello {
    let peer: OnionAddress = onion.parse().expect("an address");
    let keys = Keys {
        prologue: [b"sotto link v1", &peer.public_key()[..]].concat(),
        ..dialers_keys()
    };
    let mut handshake = noise::dialer(&keys, &x25519_public(&peer));
    stream.write_all(&noise::write(&mut handshake, &[])).expect("said");
    noise::read(&mut handshake, &record(stream));
    let proof = noise::proof(&ALICE.onion_seed, handshake.get_handshake_hash());
    stream.write_all(&noise::write(&mut handshake, &proof)).expect("said");
    let mut link = handshake.into_transport_mode().expect("complete");

    let plaintext = noise::open(&mut link, &record(stream));
    let (length, rest) = plaintext.split_first_chunk().expect("a length");
    let frame = &rest[..usize::from(u16::from_be_bytes(*length))];
    match Frame::decode(frame).expect("a frame").body {
        Some(Body::Hello(hello)) => hello,
        other => panic!("not a hello: {other:?}"),
    }
}

fn record(stream: &mut TcpStream) -> Vec<u8> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).expect("an answer");
    let mut message = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut message).expect("a whole record");
    [&length[..], &message].concat()
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
