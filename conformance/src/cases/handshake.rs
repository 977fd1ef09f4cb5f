//! Section 3.2: the handshake, and handshakes that must fail.

use std::time::Duration;

use ed25519_dalek::Signer as _;
use sotto_core::wire::link::{Frame, Relationship, frame::Body};
use sotto_core::{OnionAddress, OnionSecret};

use super::case;
use crate::Case;
use crate::fixture::Fixture;
use crate::initiator::Deviations;
use crate::link::padded;
use crate::malformed_keys::{self, MixedOrderKey};
use crate::noise::{ForgedKeyPair, SharedSecret};
use crate::report::Failure;
use crate::test_peer::TestPeer;
use prost::Message as _;

pub const CASES: &[Case] = &[
    case!("L-3.1", "completes the handshake and sends Hello", shakes_hands),
    case!(
        "L-3.2",
        "does not answer a message 1 with another prologue",
        other_prologue
    ),
    case!(
        "L-3.3",
        "does not answer a message 1 for another address",
        other_listener
    ),
    case!("L-3.4", "ends a link on any change of message 1 or 3", changed_messages),
    case!("L-3.5", "uses a new ephemeral key for every link", fresh_keys),
    case!(
        "L-4.1",
        "refuses a dialer that claims another peer's key, with that peer's signature",
        others_key
    ),
    case!(
        "L-4.2",
        "refuses a dialer that claims the other ed25519 key with its X25519 key",
        twin_key
    ),
    case!("L-4.3", "refuses a signature over another handshake's hash", other_hash),
    case!("L-4.4", "refuses a signature over the bare hash", other_domain),
    case!(
        "L-4.5",
        "refuses a malleated signature, with S above the group order",
        malleated_signature
    ),
    case!(
        "I-3.1",
        "refuses a dialer whose key has a component of small order",
        mixed_order
    ),
    case!(
        "L-5.1",
        "refuses ephemeral keys with which the shared secret is zero",
        low_order
    ),
    case!("L-5.2", "refuses an ephemeral key with the highest bit set", high_bit),
    case!(
        "L-5.3",
        "refuses an ephemeral key that is not below 2^255 - 19",
        unreduced
    ),
    case!("L-6.1", "sends nothing before message 1", listens_first),
    case!("L-6.2", "accepts records in the same write as message 3", early_records),
    case!(
        "L-7.1",
        slow,
        "ends a stream without message 1 after 30 s",
        mute_stranger
    ),
    case!(
        "L-7.2",
        slow,
        "ends a stream whose handshake is not finished 30 s after its start",
        half_a_handshake
    ),
    case!(
        "L-8.1",
        "ends a failed handshake without sending a byte",
        silent_refusal
    ),
];

fn shakes_hands(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, mut stranger) = fixture.stranger();
    connector.dial(&mut stranger)?.expect_hello().map(|_| ())
}

/// A handshake that must fail at message 1.
fn refused_at_once(fixture: &mut Fixture<'_>, deviations: Deviations, what: &str) -> Result<(), Failure> {
    let (connector, mut stranger) = fixture.stranger();
    let mut initiator = connector.initiate(&mut stranger, deviations)?;
    let first = initiator.message_1();
    initiator.records.write(&first);
    initiator.records.expect_end(what)
}

fn other_prologue(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let key = *fixture.connector.address.public_key();
    for (prologue, what) in [
        ([&b"sotto link v2"[..], &key].concat(), "another version's prologue"),
        (b"sotto link v1".to_vec(), "a prologue without the listener's key"),
        (Vec::new(), "an empty prologue"),
    ] {
        let deviations = Deviations {
            prologue: Some(prologue),
            ..Deviations::default()
        };
        refused_at_once(fixture, deviations, what)?;
    }
    Ok(())
}

fn other_listener(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (_, other) = fixture.stranger();
    let deviations = Deviations {
        listener: Some(other.address().montgomery()),
        ..Deviations::default()
    };
    refused_at_once(fixture, deviations, "a first message for another X25519 key")
}

fn changed_messages(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    // In the ephemeral key, and in the tag.
    for at in [2, 40] {
        let (connector, mut stranger) = fixture.stranger();
        let mut initiator = connector.initiate(&mut stranger, Deviations::default())?;
        let mut first = initiator.message_1();
        first[at] ^= 1;
        initiator.records.write(&first);
        initiator
            .records
            .expect_end(&format!("a first message with byte {at} changed"))?;
    }
    // In the sealed key, its tag, the sealed proof, and its tag.
    for at in [2, 40, 100, 155] {
        let (connector, mut stranger) = fixture.stranger();
        let mut initiator = connector.initiate(&mut stranger, Deviations::default())?;
        initiator.exchange_1_2()?;
        let proof = stranger.dialer_proof(&initiator.hash());
        let mut last = initiator.message_3(&proof);
        last[at] ^= 1;
        initiator.records.write(&last);
        initiator
            .records
            .expect_end(&format!("a third message with byte {at} changed"))?;
    }
    Ok(())
}

fn fresh_keys(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let mut keys = Vec::new();
    for _ in 0..3 {
        let (connector, mut stranger) = fixture.stranger();
        let reply = connector
            .initiate(&mut stranger, Deviations::default())?
            .exchange_1_2()?;
        keys.push(reply[..32].to_vec());
    }
    keys.sort();
    keys.dedup();
    if keys.len() == 3 {
        Ok(())
    } else {
        Err(Failure::new(
            "three links, three ephemeral keys",
            format!("{}", keys.len()),
        ))
    }
}

/// A handshake with a wrong payload, which must fail at message 3.
fn refused_at_last(
    fixture: &mut Fixture<'_>,
    what: &str,
    payload: impl FnOnce(&TestPeer, &[u8]) -> Vec<u8>,
) -> Result<(), Failure> {
    let (connector, mut stranger) = fixture.stranger();
    let mut initiator = connector.initiate(&mut stranger, Deviations::default())?;
    initiator.exchange_1_2()?;
    let payload = payload(&stranger, &initiator.hash());
    initiator.send_message_3(&payload).expect_end(what)
}

fn others_key(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (_, other) = fixture.stranger();
    refused_at_last(fixture, "another's key with that peer's signature", |_, hash| {
        other.dialer_proof(hash)
    })
}

fn twin_key(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    refused_at_last(fixture, "the key of the other sign", |stranger, hash| {
        let mut proof = stranger.dialer_proof(hash);
        proof[31] ^= 0x80;
        proof
    })
}

fn other_hash(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    refused_at_last(fixture, "a signature over another hash", |stranger, hash| {
        let mut other = hash.to_vec();
        other[0] ^= 1;
        stranger.dialer_proof(&other)
    })
}

fn other_domain(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    refused_at_last(fixture, "a signature without \"sotto dialer v1\"", |stranger, hash| {
        let key = stranger.onion_key();
        [&key.verifying_key().to_bytes()[..], &key.sign(hash).to_bytes()].concat()
    })
}

fn malleated_signature(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    refused_at_last(
        fixture,
        "a signature whose S is not below the order",
        |stranger, hash| {
            let proof = stranger.dialer_proof(hash);
            [&proof[..32], &malformed_keys::malleated_signature(&proof[32..])].concat()
        },
    )
}

fn mixed_order(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, mut stranger) = fixture.stranger();
    let mixed = MixedOrderKey::of(&stranger);
    let deviations = Deviations {
        identity: Some(ForgedKeyPair {
            public: mixed.x25519,
            shared: SharedSecret::Of(stranger.x25519()),
        }),
        ..Deviations::default()
    };
    let mut initiator = connector.initiate(&mut stranger, deviations)?;
    initiator.exchange_1_2()?;
    let proof = mixed.dialer_proof(&initiator.hash());
    initiator
        .send_message_3(&proof)
        .expect_end("an ed25519 key with a component of small order, and a signature that fits it")
}

fn low_order(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    for public in low_order_points() {
        let deviations = Deviations {
            ephemeral: Some(ForgedKeyPair {
                public,
                shared: SharedSecret::Zero,
            }),
            ..Deviations::default()
        };
        refused_at_once(
            fixture,
            deviations,
            &format!("an ephemeral key of low order ({:02x}{:02x}…)", public[0], public[1]),
        )?;
    }
    Ok(())
}

/// The points of small order, on the curve and its twist, in their canonical encoding (<https://cr.yp.to/ecdh.html#validate>).
fn low_order_points() -> [[u8; 32]; 5] {
    const EIGHT: [u8; 32] = [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09,
        0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
    ];
    const OTHER: [u8; 32] = [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44,
        0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
    ];
    let small = |number: u8| {
        let mut key = [0; 32];
        key[0] = number;
        key
    };
    [small(0), small(1), EIGHT, OTHER, below_two_to_255(20)]
}

/// 2^255 less a small number; 2^255 - 19 is the field's prime.
fn below_two_to_255(less: u8) -> [u8; 32] {
    let mut key = [0xff; 32];
    key[0] = 0xff - (less - 1);
    key[31] = 0x7f;
    key
}

fn high_bit(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (_, mut stranger) = fixture.stranger();
    let secret = stranger.random();
    let mut public = curve25519_dalek::MontgomeryPoint::mul_base_clamped(secret).to_bytes();
    public[31] |= 0x80;
    let deviations = Deviations {
        ephemeral: Some(ForgedKeyPair {
            public,
            shared: SharedSecret::Of(secret),
        }),
        ..Deviations::default()
    };
    refused_at_once(fixture, deviations, "an ephemeral key with its highest bit set")
}

fn unreduced(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    // The base point, 9, as 9 + 2^255 - 19.
    let deviations = Deviations {
        ephemeral: Some(ForgedKeyPair {
            public: below_two_to_255(10),
            shared: SharedSecret::Theirs,
        }),
        ..Deviations::default()
    };
    refused_at_once(fixture, deviations, "an ephemeral key of 2^255 - 10, which is 9")
}

fn listens_first(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    const WHILE: Duration = Duration::from_millis(300);
    let (connector, mut stranger) = fixture.stranger();
    let mut initiator = connector.initiate(&mut stranger, Deviations::default())?;
    initiator.records.wait(WHILE);
    initiator.exchange_1_2().map(|_| ())
}

fn early_records(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, requester) = fixture.requester()?;
    connector.bucket(requester).take(1);
    let mut initiator = connector.initiate(requester, Deviations::default())?;
    initiator.exchange_1_2()?;
    let hello = Frame {
        body: Some(Body::Hello(requester.hello(Relationship::Requested))),
    };
    let mut link = initiator.finish(requester, &[padded(&hello.encode_to_vec())]);
    link.expect_hello()?;
    link.expect_alive("a Hello in the same write as message 3")
}

fn mute_stranger(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let records = fixture.connector.records()?;
    cut_off(fixture, records)
}

fn half_a_handshake(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, mut stranger) = fixture.stranger();
    let mut initiator = connector.initiate(&mut stranger, Deviations::default())?;
    initiator.records.wait(connector.seconds(10));
    initiator.exchange_1_2()?;
    let mut records = initiator.records;
    records.timeout = connector.seconds(20) + connector.timeout;
    records.expect_end("30 s, a third of them before message 1")
}

fn cut_off(fixture: &Fixture<'_>, mut records: crate::record_stream::RecordStream) -> Result<(), Failure> {
    let half = fixture.connector.seconds(15);
    records.wait(half);
    let waited = std::time::Instant::now();
    records.timeout = half + fixture.connector.timeout;
    records.expect_end("30 s without message 1")?;
    if waited.elapsed() * 3 < half {
        return Err(Failure::new("30 s for a handshake", "an end long before"));
    }
    Ok(())
}

fn silent_refusal(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (_, other) = fixture.stranger();
    let unknown = OnionSecret::from_seed(&[7; 32]).address();
    let deviations = |listener: OnionAddress| Deviations {
        listener: Some(listener.montgomery()),
        ..Deviations::default()
    };
    refused_at_once(
        fixture,
        deviations(unknown),
        "a first message that does not authenticate",
    )?;
    refused_at_last(fixture, "a third message with another's proof", |_, hash| {
        other.dialer_proof(hash)
    })
}
