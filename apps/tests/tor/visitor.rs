//! Whoever reaches an onion address without Sotto: through C tor's SOCKS port, with bytes of their own.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use prost::Message as _;
use sotto_core::OnionAddress;
use sotto_core::wire::link::{Frame, Hello, frame::Body};
use sotto_testkit::noise::{self, Keys};
use sotto_testkit::tor_network::SocksClient;
use sotto_testkit::vectors::ALICE;
use sotto_testkit::vectors::handshake::dialers_keys;
use sotto_testkit::vectors::identity::x25519_public;

use crate::node::{shared_network, until};

/// No single read or write takes longer, unless it hangs.
const PATIENCE: Duration = Duration::from_mins(2);

/// C tor as a client of the shared network, which has been nowhere yet.
pub fn newcomer() -> SocksClient {
    shared_network()
        .socks_client()
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Calls a node as Alice of the vectors, whom it does not know, with snow alone; its first frame. Only who has the key of
/// the address can answer.
pub fn call(client: SocksClient, onion: &str) -> Hello {
    let mut stream = visit(client, onion);
    let peer: OnionAddress = onion.parse().expect("an address");
    let mut handshake = noise::dialer(&keys_towards(&peer), &x25519_public(&peer));
    stream.write_all(&noise::write(&mut handshake, &[])).expect("said");
    noise::read(&mut handshake, &record(&mut stream));
    let proof = noise::proof(&ALICE.onion_seed, handshake.get_handshake_hash());
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
    let mut handshake = noise::dialer(&keys_towards(&peer), &x25519_public(&peer));
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

/// A stream to the port at which an onion address serves Sotto; the address may have been published just now.
pub fn visit(client: SocksClient, onion: &str) -> TcpStream {
    until("C tor gets through", || try_visit(client, onion, "visitor"))
}

/// One try. SOCKS 5 (RFC 1928), with a name in place of an address, and the visitor's own (RFC 1929): C tor lets those
/// who have different ones share no circuit.
pub fn try_visit(client: SocksClient, onion: &str, name: &str) -> Result<TcpStream, String> {
    let port = sotto_io_tor::PORT.to_be_bytes();
    let [length, name_length] = [onion, name].map(|it| u8::try_from(it.len()).expect("short"));
    let login = [&[1, name_length], name.as_bytes(), &[1, b'-']].concat();
    let request = [&[5, 1, 0, 3, length], onion.as_bytes(), &port].concat();

    let mut stream = TcpStream::connect(client.address()).expect("C tor listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
    let mut exchange = |said: &[u8], answer: &mut [u8]| stream.write_all(said).and_then(|()| stream.read_exact(answer));
    let (mut method, mut welcome, mut reply) = ([0; 2], [0; 2], [0; 10]);
    exchange(&[5, 1, 2], &mut method).map_err(|error| error.to_string())?;
    exchange(&login, &mut welcome).map_err(|error| error.to_string())?;
    exchange(&request, &mut reply).map_err(|error| error.to_string())?;
    match (method, welcome, reply[1]) {
        ([5, 2], [1, 0], 0) => Ok(stream),
        (method, welcome, code) => Err(format!("method {method:?}, welcome {welcome:?}, reply {code:#x}")),
    }
}
