//! Section 3.2: the handshake, and those that must not succeed.

use std::time::Duration;

use ed25519_dalek::Signer as _;
use sotto_core::wire::link::{Frame, Relationship, frame::Body};
use sotto_core::{OnionAddress, OnionSecret};

use super::case;
use crate::Case;
use crate::call::{self, Lies, Mixed, prove};
use crate::line::padded;
use crate::noise::{Forged, Shared};
use crate::peer::Peer;
use crate::report::Failure;
use crate::world::World;
use prost::Message as _;

pub const CASES: &[Case] = &[
    case!("L-3.1", "shakes hands, and says Hello", shakes_hands),
    case!(
        "L-3.2",
        "gives no answer to a first message with another prologue",
        other_prologue
    ),
    case!(
        "L-3.3",
        "gives no answer to a first message for another address",
        other_listener
    ),
    case!(
        "L-3.4",
        "ends a link whose first or third message is changed in any part",
        changed_messages
    ),
    case!("L-3.5", "makes a fresh ephemeral key for every link", fresh_keys),
    case!(
        "L-4.1",
        "refuses a dialer that claims another's key, signed for by that other",
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
        "refuses a signature in its second form, with S beyond the order",
        second_form
    ),
    case!(
        "I-3.1",
        "refuses a dialer whose key has a component of small order, all else being right",
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
    case!("L-6.1", "says nothing before the dialer's first message", listens_first),
    case!(
        "L-6.2",
        "takes records that come along with the third message",
        early_records
    ),
    case!("L-7.1", slow, "cuts off who says nothing for 30 s", mute_stranger),
    case!(
        "L-7.2",
        slow,
        "cuts off who does not finish the handshake within 30 s of the stream's beginning",
        half_a_handshake
    ),
    case!("L-8.1", "ends a failed handshake without a word", silent_refusal),
];

fn shakes_hands(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, mut stranger) = world.stranger();
    net.dial(&mut stranger)?.expect_hello().map(|_| ())
}

/// A call that must fail at its first message.
fn refused_at_once(world: &mut World<'_>, lies: Lies, what: &str) -> Result<(), Failure> {
    let (net, mut stranger) = world.stranger();
    let mut call = net.call(&mut stranger, lies)?;
    let first = call.first();
    call.records.write(&first);
    call.records.expect_end(what)
}

fn other_prologue(world: &mut World<'_>) -> Result<(), Failure> {
    let key = *world.net.address.public_key();
    for (prologue, what) in [
        ([&b"sotto link v2"[..], &key].concat(), "another version's prologue"),
        (b"sotto link v1".to_vec(), "a prologue without the listener's key"),
        (Vec::new(), "an empty prologue"),
    ] {
        let lies = Lies {
            prologue: Some(prologue),
            ..Lies::default()
        };
        refused_at_once(world, lies, what)?;
    }
    Ok(())
}

fn other_listener(world: &mut World<'_>) -> Result<(), Failure> {
    let (_, other) = world.stranger();
    let lies = Lies {
        listener: Some(other.address().montgomery()),
        ..Lies::default()
    };
    refused_at_once(world, lies, "a first message for another X25519 key")
}

fn changed_messages(world: &mut World<'_>) -> Result<(), Failure> {
    // In the ephemeral key, and in the tag.
    for at in [2, 40] {
        let (net, mut stranger) = world.stranger();
        let mut call = net.call(&mut stranger, Lies::default())?;
        let mut first = call.first();
        first[at] ^= 1;
        call.records.write(&first);
        call.records
            .expect_end(&format!("a first message with byte {at} changed"))?;
    }
    // In the sealed key, its tag, the sealed proof, and its tag.
    for at in [2, 40, 100, 155] {
        let (net, mut stranger) = world.stranger();
        let mut call = net.call(&mut stranger, Lies::default())?;
        call.greet()?;
        let proof = prove(&stranger, &call.hash());
        let mut last = call.last(&proof);
        last[at] ^= 1;
        call.records.write(&last);
        call.records
            .expect_end(&format!("a third message with byte {at} changed"))?;
    }
    Ok(())
}

fn fresh_keys(world: &mut World<'_>) -> Result<(), Failure> {
    let mut keys = Vec::new();
    for _ in 0..3 {
        let (net, mut stranger) = world.stranger();
        let reply = net.call(&mut stranger, Lies::default())?.greet()?;
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

/// A handshake that must fail at its third message, all but whose payload is right.
fn refused_at_last(
    world: &mut World<'_>,
    what: &str,
    payload: impl FnOnce(&Peer, &[u8]) -> Vec<u8>,
) -> Result<(), Failure> {
    let (net, mut stranger) = world.stranger();
    let mut call = net.call(&mut stranger, Lies::default())?;
    call.greet()?;
    let payload = payload(&stranger, &call.hash());
    call.confirm(&payload).expect_end(what)
}

fn others_key(world: &mut World<'_>) -> Result<(), Failure> {
    let (_, other) = world.stranger();
    refused_at_last(world, "another's key with that other's signature", |_, hash| {
        prove(&other, hash)
    })
}

fn twin_key(world: &mut World<'_>) -> Result<(), Failure> {
    refused_at_last(world, "the key of the other sign", |stranger, hash| {
        let mut proof = prove(stranger, hash);
        proof[31] ^= 0x80;
        proof
    })
}

fn other_hash(world: &mut World<'_>) -> Result<(), Failure> {
    refused_at_last(world, "a signature over another hash", |stranger, hash| {
        let mut other = hash.to_vec();
        other[0] ^= 1;
        prove(stranger, &other)
    })
}

fn other_domain(world: &mut World<'_>) -> Result<(), Failure> {
    refused_at_last(world, "a signature without \"sotto dialer v1\"", |stranger, hash| {
        let key = stranger.onion_key();
        [&key.verifying_key().to_bytes()[..], &key.sign(hash).to_bytes()].concat()
    })
}

fn second_form(world: &mut World<'_>) -> Result<(), Failure> {
    refused_at_last(world, "a signature whose S is not below the order", |stranger, hash| {
        let proof = prove(stranger, hash);
        [&proof[..32], &call::second_form(&proof[32..])].concat()
    })
}

fn mixed_order(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, mut stranger) = world.stranger();
    let mixed = Mixed::of(&stranger);
    let lies = Lies {
        identity: Some(Forged {
            public: mixed.x25519,
            shared: Shared::Of(stranger.x25519()),
        }),
        ..Lies::default()
    };
    let mut call = net.call(&mut stranger, lies)?;
    call.greet()?;
    let proof = mixed.prove(&call.hash());
    call.confirm(&proof)
        .expect_end("an ed25519 key with a component of small order, and a signature that fits it")
}

fn low_order(world: &mut World<'_>) -> Result<(), Failure> {
    for public in low_order_points() {
        let lies = Lies {
            ephemeral: Some(Forged {
                public,
                shared: Shared::Zero,
            }),
            ..Lies::default()
        };
        refused_at_once(
            world,
            lies,
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

fn high_bit(world: &mut World<'_>) -> Result<(), Failure> {
    let (_, mut stranger) = world.stranger();
    let secret = stranger.random();
    let mut public = curve25519_dalek::MontgomeryPoint::mul_base_clamped(secret).to_bytes();
    public[31] |= 0x80;
    let lies = Lies {
        ephemeral: Some(Forged {
            public,
            shared: Shared::Of(secret),
        }),
        ..Lies::default()
    };
    refused_at_once(world, lies, "an ephemeral key with its highest bit set")
}

fn unreduced(world: &mut World<'_>) -> Result<(), Failure> {
    // The base point, 9, as 9 + 2^255 - 19.
    let lies = Lies {
        ephemeral: Some(Forged {
            public: below_two_to_255(10),
            shared: Shared::Theirs,
        }),
        ..Lies::default()
    };
    refused_at_once(world, lies, "an ephemeral key of 2^255 - 10, which is 9")
}

fn listens_first(world: &mut World<'_>) -> Result<(), Failure> {
    const WHILE: Duration = Duration::from_millis(300);
    let (net, mut stranger) = world.stranger();
    let mut call = net.call(&mut stranger, Lies::default())?;
    call.records.wait(WHILE);
    call.greet().map(|_| ())
}

fn early_records(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, asker) = world.asker()?;
    asker.pace.pay(1);
    let mut call = net.call(asker, Lies::default())?;
    call.greet()?;
    let hello = Frame {
        body: Some(Body::Hello(asker.hello(Relationship::Requested))),
    };
    let mut line = call.finish(asker, &[padded(&hello.encode_to_vec())]);
    line.expect_hello()?;
    line.expect_life("a Hello that came along with message 3")
}

fn mute_stranger(world: &mut World<'_>) -> Result<(), Failure> {
    let records = world.net.records()?;
    cut_off(world, records)
}

fn half_a_handshake(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, mut stranger) = world.stranger();
    let mut call = net.call(&mut stranger, Lies::default())?;
    call.records.wait(net.seconds(10));
    call.greet()?;
    let mut records = call.records;
    records.patience = net.seconds(20) + net.patience;
    records.expect_end("30 s, a third of them before message 1")
}

fn cut_off(world: &World<'_>, mut records: crate::records::Records) -> Result<(), Failure> {
    let half = world.net.seconds(15);
    records.wait(half);
    let waited = std::time::Instant::now();
    records.patience = half + world.net.patience;
    records.expect_end("30 s without message 1")?;
    if waited.elapsed() * 3 < half {
        return Err(Failure::new("30 s for a handshake", "an end long before"));
    }
    Ok(())
}

fn silent_refusal(world: &mut World<'_>) -> Result<(), Failure> {
    let (_, other) = world.stranger();
    let unknown = OnionSecret::from_seed(&[7; 32]).address();
    let lies = |listener: OnionAddress| Lies {
        listener: Some(listener.montgomery()),
        ..Lies::default()
    };
    refused_at_once(world, lies(unknown), "a first message that does not authenticate")?;
    refused_at_last(world, "a third message with another's proof", |_, hash| {
        prove(&other, hash)
    })
}
