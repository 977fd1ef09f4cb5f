//! A peer that reaches an onion address without Sotto: through C tor's SOCKS port, with bytes of its own.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use prost::Message as _;
use sotto_conformance::SocksTarget;
use sotto_conformance::noise::{self, Keys};
use sotto_core::OnionAddress;
use sotto_core::wire::link::{Frame, Hello, frame::Body};
use sotto_testkit::vectors::ALICE;
use sotto_testkit::vectors::handshake::dialers_keys;
use sotto_testkit::vectors::identity::x25519_public;
use sotto_tor_network::SocksClient;

use crate::node::{shared_network, until};

/// C tor as a client of the shared network, which has been nowhere yet.
pub fn newcomer() -> SocksClient {
    shared_network()
        .socks_client()
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Dials a node as Alice of the vectors, a stranger to it, with snow alone; its first frame. Only a peer with the key of
/// the address can answer.
pub fn call(client: SocksClient, onion: &str) -> Hello {
    let mut stream = visit(client, onion);
    let peer: OnionAddress = onion.parse().expect("an address");
    let mut handshake = noise::initiator(&keys_towards(&peer), &x25519_public(&peer));
    stream.write_all(&noise::write(&mut handshake, &[])).expect("said");
    noise::read(&mut handshake, &record(&mut stream));
    let proof = noise::dialer_proof(&ALICE.onion_seed, handshake.get_handshake_hash());
    stream.write_all(&noise::write(&mut handshake, &proof)).expect("said");
    let mut link = handshake.into_transport_mode().expect("complete");

    let plaintext = noise::open(&mut link, &record(&mut stream));
    let (length, rest) = plaintext.split_first_chunk().expect("a length");
    let frame = &rest[..usize::from(u16::from_be_bytes(*length))];
    match Frame::decode(frame).expect("a frame").body {
        Some(Body::Hello(hello)) => hello,
        other => panic!("not a hello: {other:?}"),
    }
}

/// What [`call`] says first.
pub fn first_words(onion: &str) -> Vec<u8> {
    let peer: OnionAddress = onion.parse().expect("an address");
    let mut handshake = noise::initiator(&keys_towards(&peer), &x25519_public(&peer));
    noise::write(&mut handshake, &[])
}

fn keys_towards(peer: &OnionAddress) -> Keys {
    Keys {
        prologue: [b"sotto link v1", &peer.public_key()[..]].concat(),
        ..dialers_keys()
    }
}

fn record(stream: &mut TcpStream) -> Vec<u8> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).expect("an answer");
    let mut message = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut message).expect("a whole record");
    [&length[..], &message].concat()
}

/// A stream to an onion address, which may have been published just now.
pub fn visit(client: SocksClient, onion: &str) -> TcpStream {
    let way = way(client, onion);
    until("C tor gets through", || way.connect())
}

/// The way to an onion address.
pub fn way(client: SocksClient, onion: &str) -> SocksTarget {
    SocksTarget::new(client.address(), onion.parse().expect("an address"))
}
