//! Section 3.2: a whole handshake and the records after it, and handshakes that a listener refuses.

use prost::Message;
use sotto_core::Entropy;
use sotto_core::link::{Link, LinkEvent};
use sotto_core::wire::link::{Frame, Heartbeat, Hello, Relationship, frame::Body};

use super::identity::{x25519_public, x25519_secret};
use super::json::{Json, hex, list, object};
use super::{ALICE, BOB};
use sotto_conformance::noise::{self, Keys};

/// Seeds of the entropy of both sides. Its first 32 bytes are the ephemeral secret.
const DIALERS_ENTROPY: [u8; 32] = [0xa3; 32];
const LISTENERS_ENTROPY: [u8; 32] = [0xb3; 32];

/// The listener of the vectors on a new stream.
pub fn core_listener() -> Link {
    Link::accept(&BOB.secret(), Entropy::from_seed(LISTENERS_ENTROPY))
}

/// The dialer of the vectors on a new stream.
pub fn core_dialer() -> Link {
    let mut link = Link::dial(
        &ALICE.secret(),
        BOB.secret().address(),
        Entropy::from_seed(DIALERS_ENTROPY),
    );
    link.connected();
    link
}

/// Alice's keys for a handshake with Bob.
pub fn dialers_keys() -> Keys {
    Keys {
        x25519_secret: x25519_secret(&ALICE.onion_seed),
        ephemeral_secret: Entropy::from_seed(DIALERS_ENTROPY).bytes(),
        prologue: prologue(),
    }
}

/// Bob's keys as the listener.
pub fn listeners_keys() -> Keys {
    Keys {
        x25519_secret: x25519_secret(&BOB.onion_seed),
        ephemeral_secret: Entropy::from_seed(LISTENERS_ENTROPY).bytes(),
        prologue: prologue(),
    }
}

fn prologue() -> Vec<u8> {
    [b"sotto link v1", &BOB.secret().address().public_key()[..]].concat()
}

/// The file.
pub fn handshake() -> Json {
    let (alice, bob) = (ALICE.secret().address(), BOB.secret().address());
    let (mut dialer, mut listener) = (core_dialer(), core_listener());
    let pass = |from: &mut Link, to: &mut Link| {
        let bytes = say(from);
        to.receive(&bytes);
        (bytes, to.event().expect("no fault"))
    };
    let (one, _) = pass(&mut dialer, &mut listener);
    let (two, called) = pass(&mut listener, &mut dialer);
    let (three, admitted) = pass(&mut dialer, &mut listener);
    assert_eq!(called, Some(LinkEvent::Authenticated(bob)));
    assert_eq!(admitted, Some(LinkEvent::Authenticated(alice)));

    let mut plain = noise::responder(&listeners_keys());
    noise::read(&mut plain, &one);
    assert_eq!(noise::write(&mut plain, &[]), two, "core speaks Noise");
    let hash = plain.get_handshake_hash().to_vec();
    let proof = noise::read(&mut plain, &three);
    assert_eq!(
        proof,
        noise::dialer_proof(&ALICE.onion_seed, &hash),
        "core proves as it must"
    );
    let final_hash = plain.get_handshake_hash().to_vec();

    let said = [
        (true, hello(Relationship::Requested, 4_000_000_000)),
        (true, Body::Heartbeat(Heartbeat { reply: true })),
        (false, hello(Relationship::Stranger, 0)),
        (false, Body::Heartbeat(Heartbeat { reply: false })),
    ];
    let records = said.map(|(dialers, body)| {
        let frame = Frame { body: Some(body) };
        let link = if dialers { &mut dialer } else { &mut listener };
        link.send(&frame);
        object([
            ("from", if dialers { "dialer" } else { "listener" }.into()),
            ("frame", hex(frame.encode_to_vec())),
            ("record", hex(say(link))),
        ])
    });

    object([
        (
            "about",
            "PROTOCOL.md 3. Each record has its two length bytes. The frames are those of frames.json's kinds; a \
             record's plaintext is their length, they, and zeros. The records of refused bring the listener above to \
             end the link; its answer to record_1 is record_2 wherever record_1 is the one above."
                .into(),
        ),
        ("protocol", "Noise_XK_25519_ChaChaPoly_BLAKE2s".into()),
        ("prologue", hex(prologue())),
        ("dialer", side(&ALICE.onion_seed, &dialers_keys())),
        ("listener", side(&BOB.onion_seed, &listeners_keys())),
        ("record_1", hex(one)),
        ("record_2", hex(two)),
        ("handshake_hash_after_message_2", hex(&hash)),
        ("proof_signed", hex([b"sotto dialer v1", &hash[..]].concat())),
        ("message_3_payload", hex(proof)),
        ("record_3", hex(three)),
        ("handshake_hash_after_message_3", hex(final_hash)),
        ("records", list(records)),
        ("refused", refused()),
        ("refused_x25519_keys", weak_keys()),
    ])
}

fn say(link: &mut Link) -> Vec<u8> {
    let bytes = link.transmit().expect("it has something to say");
    link.drained();
    bytes
}

fn hello(relationship: Relationship, offered: u64) -> Body {
    Body::Hello(Hello {
        version_min: 1,
        version_max: 1,
        relationship: relationship.into(),
        offered,
        ..Hello::default()
    })
}

fn side(onion_seed: &[u8; 32], keys: &Keys) -> Json {
    let address = sotto_core::OnionSecret::from_seed(onion_seed).address();
    object([
        ("onion_seed", hex(onion_seed)),
        ("onion_public_key", hex(address.public_key())),
        ("x25519_secret", hex(keys.x25519_secret)),
        ("x25519_public_key", hex(x25519_public(&address))),
        ("ephemeral_secret", hex(keys.ephemeral_secret)),
    ])
}

/// Handshakes that are correct except for the named fault.
fn refused() -> Json {
    let call = |keys: &Keys, proof: &dyn Fn(&[u8]) -> Vec<u8>| {
        let mut dialer = noise::initiator(keys, &x25519_public(&BOB.secret().address()));
        let mut listener = noise::responder(&listeners_keys());
        let one = noise::write(&mut dialer, &[]);
        noise::read(&mut listener, &one);
        let two = noise::write(&mut listener, &[]);
        noise::read(&mut dialer, &two);
        let proof = proof(dialer.get_handshake_hash());
        [one, noise::write(&mut dialer, &proof)]
    };
    let alices = |hash: &[u8]| noise::dialer_proof(&ALICE.onion_seed, hash);
    let keys = dialers_keys();
    let changed = |at: usize| {
        move |hash: &[u8]| {
            let mut proof = alices(hash);
            proof[at] ^= 0x80;
            proof
        }
    };
    let mut proofs = vec![
        (
            "the proof of another onion key than the static one's",
            call(&keys, &|hash| noise::dialer_proof(&BOB.onion_seed, hash)),
        ),
        (
            "the other onion key with the same X25519 key",
            call(&keys, &changed(31)),
        ),
        ("a proof with a changed signature", call(&keys, &changed(32))),
        ("a proof over another hash", call(&keys, &|_| alices(&[0; 32]))),
        (
            "an onion key of low order",
            call(&keys, &|hash| {
                let mut proof = alices(hash);
                proof[..32].fill(0);
                proof
            }),
        ),
    ];
    let mut spoilt = call(&keys, &alices);
    spoilt[1][161] ^= 1;
    proofs.push(("message 3 with a changed bit", spoilt));
    let proofs = proofs
        .into_iter()
        .map(|(what, [one, three])| object([("what", what.into()), ("record_1", hex(one)), ("record_3", hex(three))]));

    let mut spoilt = call(&keys, &alices)[0].clone();
    spoilt[49] ^= 1;
    let elsewhere = Keys {
        prologue: [b"sotto link v1", &ALICE.secret().address().public_key()[..]].concat(),
        ..dialers_keys()
    };
    let mut elsewhere = noise::initiator(&elsewhere, &x25519_public(&BOB.secret().address()));
    let calls = [
        ("message 1 with a changed bit", spoilt),
        ("the prologue names another listener", noise::write(&mut elsewhere, &[])),
        ("a record of another length", vec![0, 49]),
        ("an empty record", vec![0, 0]),
    ]
    .map(|(what, one)| object([("what", what.into()), ("record_1", hex(one))]));
    list(calls.into_iter().chain(proofs))
}

/// Every encoding of a point of low order on the curve or its twist, canonical and not
/// (<https://cr.yp.to/ecdh.html#validate>), and a sound key that is not canonical. All end a link after message 1.
fn weak_keys() -> Json {
    let number = |hex: &str| -> [u8; 32] {
        let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).expect("hexadecimal");
        bytes.try_into().expect("32 bytes")
    };
    let prime = number("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
    let plus = |mut number: [u8; 32], by: i8| {
        number[0] = number[0].wrapping_add_signed(by);
        number
    };
    let low_order = [
        [0; 32],
        plus([0; 32], 1),
        number("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        number("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
        plus(prime, -1),
        prime,
        plus(prime, 1),
    ];
    let twice = low_order.map(|mut key| {
        key[31] |= 0x80;
        key
    });
    let not_canonical = plus(prime, 9);
    list(low_order.into_iter().chain(twice).chain([not_canonical]).map(hex))
}
