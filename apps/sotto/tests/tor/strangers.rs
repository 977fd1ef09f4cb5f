//! Strangers at an onion address, who come by C tor: one who speaks the protocol gets an answer, by an implementation of
//! the handshake that is not Sotto's own; the others get nothing, and change nothing.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::iter;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use sotto_conformance::SocksTarget;
use sotto_core::wire::link::Relationship;
use sotto_tor_network::SocksClient;

use crate::node::{Runtime, at_rest, friends, node, shared_network, tell};
use crate::visitor::{call, first_words, newcomer, visit, way};

#[test]
fn c_tor_gets_through_and_the_handshake_is_completed() {
    let network = shared_network().arti_config();
    let client = newcomer();
    for runtime in [Runtime::Tokio, Runtime::Smol] {
        let node = node(runtime, &network);
        let hello = call(client, node.address());
        assert_eq!(hello.relationship(), Relationship::Stranger, "{runtime:?}");
        assert!(hello.version_min <= 1 && hello.version_max >= 1, "{runtime:?}");
    }
}

#[test]
fn raw_bytes_change_nothing() {
    let network = shared_network().arti_config();
    let [raw, crowd] = [newcomer(), newcomer()];
    let [mut one, mut other] = friends([Runtime::Tokio, Runtime::Smol], &network);
    tell(&mut *one, &mut *other, "are we alone?");
    tell(&mut *other, &mut *one, "we will see");
    let before = [at_rest(&mut *one), at_rest(&mut *other)];

    let onions = [&one, &other].map(|node| node.address().to_owned());
    let silent = onions.each_ref().map(|onion| fall_silent(raw, onion));
    for onion in &onions {
        let flood = vec![0x5a_u8; 1 << 20];
        let bytes: [&[u8]; 5] = [
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            &[0xff; 2000],
            &[0, 48],
            b"",
            &flood,
        ];
        for bytes in bytes {
            let mut stream = visit(raw, onion);
            say(&mut stream, bytes);
            // It may have been cut off already.
            let _ = stream.shutdown(Shutdown::Write);
            let said = bytes.get(..20).unwrap_or(bytes);
            assert_eq!(
                all_that_is_answered(&mut stream),
                b"",
                "a stranger that does not speak the protocol gets no answer: {said:?}"
            );
        }
    }
    let crowds = onions.each_ref().map(|onion| come_in_a_crowd(crowd, onion));
    for mut streams in silent {
        // A stranger that begins a correct handshake is answered once; no stranger may stay.
        let answers = streams.each_mut().map(all_that_is_answered);
        let [nothing, little, beginning] = answers.each_ref().map(Vec::len);
        assert_eq!((nothing, little), (0, 0));
        assert!(beginning <= 2 + 48, "{beginning}");
    }
    for crowd in crowds {
        let came: Vec<bool> = crowd.into_iter().map(|it| it.join().expect("no panic")).collect();
        assert!(came.contains(&true), "none of the crowd came in");
    }

    for (node, before) in [&mut one, &mut other].into_iter().zip(before) {
        let after = node.picture();
        assert_eq!(after.kept, before.kept);
        assert!(after.faults > before.faults, "it has met them: {after:?}");
    }
    let newcomer = newcomer();
    for onion in &onions {
        assert_eq!(call(newcomer, onion).relationship(), Relationship::Stranger);
    }
    tell(&mut *one, &mut *other, "still here");
    tell(&mut *other, &mut *one, "so am I");
}

/// Visitors who say nothing, or not all of the handshake's first record, or that and no more, and hang on.
fn fall_silent(client: SocksClient, onion: &str) -> [TcpStream; 3] {
    let first = first_words(onion);
    let words: [&[u8]; 3] = [&[], &first[..20], &first];
    words.map(|words| {
        let mut stream = visit(client, onion);
        say(&mut stream, words);
        stream
    })
}

/// More visitors at once than a node listens to, on several circuits; whether each came in.
fn come_in_a_crowd(client: SocksClient, onion: &str) -> Vec<JoinHandle<bool>> {
    const CROWD: usize = 24;
    let way = Arc::new(way(client, onion));
    let visitor = |way: Arc<SocksTarget>| {
        thread::spawn(move || {
            way.connect().is_ok_and(|mut stream| {
                say(&mut stream, &[0, 48, 1]);
                all_that_is_answered(&mut stream).is_empty()
            })
        })
    };
    iter::repeat_n(way, CROWD).map(visitor).collect()
}

/// A write that the node no longer reads is no error.
fn say(stream: &mut TcpStream, bytes: &[u8]) {
    if let Err(error) = stream.write_all(bytes) {
        assert!(is_cut_off(&error), "{error}");
    }
}

/// Until the other side has ended it.
fn all_that_is_answered(stream: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    if let Err(error) = stream.read_to_end(&mut answer) {
        assert!(is_cut_off(&error), "{error}");
    }
    answer
}

fn is_cut_off(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
}
