//! The committed vectors are the ones that core makes, and core handles them as they state.

use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use prost::Message;
use serde_json::Value;
use snow::TransportState;
use sotto_conformance::noise::{self, Keys};
use sotto_core::link::{Link, LinkEvent, LinkFault};
use sotto_core::row::{ContentType, Row};
use sotto_core::wire::link::{Frame, frame::Body};
use sotto_core::{Command, FriendCode, Limits, OnionAddress, Reply};
use sotto_testkit::hostile::HostilePeer;
use sotto_testkit::memory_store::MemoryStore;
use sotto_testkit::pair::{A, Pair};
use sotto_testkit::vectors::handshake::{core_dialer, core_listener};
use sotto_testkit::vectors::{self, BOB};

const REGENERATE: &str = "SOTTO_BLESS=1 cargo test -p sotto-testkit --test vectors committed";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

#[test]
fn the_committed_vectors_are_what_core_makes() {
    let bless = std::env::var_os("SOTTO_BLESS").is_some();
    for (name, made) in vectors::files() {
        let path = folder().join(name);
        if bless {
            fs::write(&path, made).expect("testkit/vectors can be written");
            continue;
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        let differs = committed.lines().zip(made.lines()).position(|(then, now)| then != now);
        assert!(
            committed == made,
            "testkit/vectors/{name} differs from line {} on. If the protocol was meant to change: {REGENERATE}",
            differs.unwrap_or_else(|| committed.lines().count().min(made.lines().count())) + 1
        );
    }
}

/// The file has everything that another implementation needs for a handshake: with `snow` alone, without core, both sides compute
/// the same bytes.
#[test]
fn the_handshake_follows_from_its_file() {
    let file = read("handshake.json");
    let keys = |side: &str| Keys {
        x25519_secret: array(&file[side]["x25519_secret"]),
        ephemeral_secret: array(&file[side]["ephemeral_secret"]),
        prologue: bytes(&file["prologue"]),
    };
    let (dialers, listeners) = (keys("dialer"), keys("listener"));
    let mut dialer = noise::initiator(&dialers, &array(&file["listener"]["x25519_public_key"]));
    let mut listener = noise::responder(&listeners);

    let one = noise::write(&mut dialer, &[]);
    assert_eq!(one, bytes(&file["record_1"]));
    noise::read(&mut listener, &one);
    let two = noise::write(&mut listener, &[]);
    assert_eq!(two, bytes(&file["record_2"]));
    noise::read(&mut dialer, &two);
    let hash = bytes(&file["handshake_hash_after_message_2"]);
    assert_eq!(dialer.get_handshake_hash(), hash);
    let proof = noise::dialer_proof(&array(&file["dialer"]["onion_seed"]), &hash);
    assert_eq!(proof, bytes(&file["message_3_payload"]));
    let three = noise::write(&mut dialer, &proof);
    assert_eq!(three, bytes(&file["record_3"]));
    assert_eq!(noise::read(&mut listener, &three), proof);
    let hash = bytes(&file["handshake_hash_after_message_3"]);
    assert_eq!(
        [dialer.get_handshake_hash(), listener.get_handshake_hash()],
        [&hash[..]; 2]
    );

    let mut dialer = dialer.into_transport_mode().unwrap();
    let mut listener = listener.into_transport_mode().unwrap();
    for record in items(&file["records"]) {
        let receiver = match record["from"].as_str() {
            Some("dialer") => &mut listener,
            _ => &mut dialer,
        };
        let plaintext = noise::open(receiver, &bytes(&record["record"]));
        let frame = bytes(&record["frame"]);
        let length = u16::try_from(frame.len()).unwrap().to_be_bytes();
        assert!(plaintext.starts_with(&[&length[..], &frame].concat()));
        assert!(plaintext[2 + frame.len()..].iter().all(|byte| *byte == 0));
    }
}

#[test]
fn a_listener_refuses_the_refused_handshakes() {
    let file = read("handshake.json");
    for call in items(&file["refused"]) {
        let mut listener = core_listener();
        listener.receive(&bytes(&call["record_1"]));
        let mut fault = listener.event().err();
        assert_eq!(fault.is_none(), call["record_3"].is_string(), "{call}");
        if fault.is_none() {
            assert_eq!(listener.transmit().unwrap(), bytes(&file["record_2"]));
            listener.receive(&bytes(&call["record_3"]));
            fault = listener.event().err();
        }
        assert!(fault.is_some(), "{call}");
    }
    for key in items(&file["refused_x25519_keys"]) {
        let mut listener = core_listener();
        listener.receive(&[&[0, 48][..], &bytes(key), &[0; 16]].concat());
        assert_eq!(listener.event(), Err(LinkFault::WeakKey), "{key}");
    }
}

#[test]
fn a_receiver_accepts_and_refuses_the_records_of_the_file() {
    let file = read("records.json");
    for taken in items(&file["taken"]) {
        let (mut sender, mut receiver) = open();
        receiver.receive(&noise::seal(&mut sender, &bytes(&taken["plaintext"])));
        let frame = Frame::decode(&bytes(&taken["frame"])[..]).unwrap();
        assert_eq!(receiver.event(), Ok(Some(LinkEvent::Frame(frame))), "{taken}");
    }
    for refused in items(&file["refused"]) {
        let (mut sender, mut receiver) = open();
        receiver.receive(&noise::seal(&mut sender, &bytes(&refused["plaintext"])));
        let fault = match refused["reason"].as_str() {
            Some("padding") => LinkFault::Padding,
            _ => LinkFault::Frame,
        };
        assert_eq!(receiver.event(), Err(fault), "{refused}");
    }
    let [lowest, highest] = ["n_min", "n_max"].map(|bound| u16::try_from(file[bound].as_u64().unwrap()).unwrap());
    for (n, possible) in [
        (lowest - 1, false),
        (lowest, true),
        (highest, true),
        (highest + 1, false),
    ] {
        let (_, mut receiver) = open();
        receiver.receive(&n.to_be_bytes());
        let expected = if possible { Ok(None) } else { Err(LinkFault::Length(n)) };
        assert_eq!(receiver.event(), expected);
    }
}

#[test]
fn frames_decode_as_their_file_states() {
    let file = read("frames.json");
    let mut kinds: Vec<_> = items(&file["frames"]).map(|frame| frame["kind"].to_string()).collect();
    kinds.dedup();
    assert_eq!(kinds.len(), 9, "every kind has an example");
    for ignored in items(&file["ignored"]) {
        let frame = Frame::decode(&bytes(&ignored["encoded"])[..]);
        assert_eq!(frame, Ok(Frame { body: None }), "{ignored}");
    }
    for undecodable in items(&file["undecodable"]) {
        let encoded = bytes(&undecodable["encoded"]);
        let (mut sender, mut receiver) = open();
        let length = u16::try_from(encoded.len()).unwrap().to_be_bytes();
        receiver.receive(&noise::seal(&mut sender, &[&length[..], &encoded].concat()));
        assert_eq!(receiver.event(), Err(LinkFault::Frame), "{undecodable}");
    }
}

#[test]
fn every_reader_refuses_the_refused_keys() {
    let file = read("addresses.json");
    for refused in items(&file["refused_keys"]) {
        let key = array(&refused["onion_public_key"]);
        assert!(OnionAddress::from_public_key(key).is_err(), "{refused}");
    }
    for (name, list) in [
        ("addresses.json", "also_read"),
        ("friend_codes.json", "codes"),
        ("friend_codes.json", "also_read"),
    ] {
        for read in items(&read(name)[list]) {
            let code: FriendCode = read["text"].as_str().unwrap().parse().unwrap();
            assert_eq!(code.address.public_key()[..], bytes(&read["onion_public_key"]));
            let invite = code.invite.map(|token| token.0.to_vec()).unwrap_or_default();
            assert_eq!(invite, bytes(read.get("invite").unwrap_or(&Value::from(""))));
        }
    }
}

/// A contact sends each content. The node acknowledges all and accepts the valid ones.
#[test]
fn a_node_handles_contents_as_their_file_states() {
    let file = read("contents.json");
    let mut pair = Pair::new([MemoryStore::default(), MemoryStore::default()], 1, &Limits::default());
    let mut friend = HostilePeer::new(&pair, 9);
    friend.befriend(&mut pair, 0);
    let mut say = |pair: &mut Pair<MemoryStore>, content: &Value| {
        let (faults, stored) = (faults(pair), messages(pair).len());
        let sealed = friend.encrypt(pair, &bytes(&content["encoded"]));
        let sequence = sealed.sequence;
        friend.received.clear();
        friend.send(pair, Body::Ciphertext(sealed));
        let acknowledged = friend
            .received
            .iter()
            .any(|frame| matches!(&frame.body, Some(Body::Ack(ack)) if ack.received == sequence));
        assert!(acknowledged && friend.is_connected(), "{content}");
        (self::faults(pair) - faults, messages(pair).len() - stored)
    };

    for content in items(&file["contents"]) {
        // These two are valid only as the first content of a session.
        let opening = ["accept", "renewed"]
            .iter()
            .any(|kind| content["fields"].get(kind).is_some());
        assert_eq!(say(&mut pair, content).0, u64::from(opening), "{content}");
    }
    // All texts of the file have one id, so they are one message.
    assert_eq!(messages(&pair), [ContentType::Plain]);
    for content in items(&file["refused"]) {
        assert_eq!(say(&mut pair, content), (1, 0), "{content}");
    }

    let mut pair = Pair::new([MemoryStore::default(), MemoryStore::default()], 1, &Limits::default());
    let mut friend = HostilePeer::new(&pair, 9);
    friend.befriend(&mut pair, 0);
    for content in items(&file["unsupported"]) {
        let before = faults(&mut pair);
        let sealed = friend.encrypt(&pair, &bytes(&content["encoded"]));
        friend.send(&mut pair, Body::Ciphertext(sealed));
        assert_eq!(faults(&mut pair), before);
        assert_eq!(messages(&pair), [ContentType::Unsupported]);
    }
}

fn faults(pair: &mut Pair<MemoryStore>) -> u64 {
    match pair.command(A, Command::Status) {
        Ok(Reply::Status(status)) => status.peer_faults,
        other => panic!("no status: {other:?}"),
    }
}

/// The kinds of the messages that side A has.
fn messages(pair: &Pair<MemoryStore>) -> Vec<ContentType> {
    let messages = pair.sides[A].store.rows().filter_map(|row| match row {
        Row::Message(message) => Some(message.content_type),
        _ => None,
    });
    messages.collect()
}

/// Core as a dialer with an open link, and the transport state of its peer.
fn open() -> (TransportState, Link) {
    let mut dialer = core_dialer();
    let keys = vectors::handshake::listeners_keys();
    let mut listener = noise::responder(&keys);
    noise::read(&mut listener, &dialer.transmit().unwrap());
    dialer.drained();
    dialer.receive(&noise::write(&mut listener, &[]));
    let authenticated = LinkEvent::Authenticated(BOB.secret().address());
    assert_eq!(dialer.event(), Ok(Some(authenticated)));
    noise::read(&mut listener, &dialer.transmit().unwrap());
    (listener.into_transport_mode().unwrap(), dialer)
}

fn read(name: &str) -> Value {
    let text = fs::read_to_string(folder().join(name)).expect(name);
    serde_json::from_str(&text).expect(name)
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    let items = list.as_array().expect("a list");
    assert!(!items.is_empty());
    items.iter()
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().expect("a string");
    HEXLOWER.decode(hex.as_bytes()).expect("hexadecimal")
}

fn array<const N: usize>(hex: &Value) -> [u8; N] {
    bytes(hex).try_into().expect("as long as it must be")
}
