//! Public keys that must not reach an agreement, wherever a peer can put one.

use curve25519_dalek::constants::EIGHT_TORSION;
use libsignal_protocol::{IdentityKey, KyberPayload, PublicKey};

use super::*;

/// Every encoding of a u-coordinate of low order, on the curve and its twist: canonical, plus p where that fits into 255
/// bits, each also with the 256th bit set. And some that are only not canonical.
fn bad_keys() -> Vec<[u8; 32]> {
    let mut p = [0xff; 32];
    (p[0], p[31]) = (0xed, 0x7f);
    let mut keys: Vec<[u8; 32]> = EIGHT_TORSION.iter().map(|point| point.to_montgomery().0).collect();
    // On the twist: -1. Written with p: p - 1, p, p + 1.
    for low in [0xec, 0xed, 0xee] {
        let mut key = p;
        key[0] = low;
        keys.push(key);
    }
    // Not of low order, but above p.
    for low in 0xef..=0xff {
        let mut key = p;
        key[0] = low;
        keys.push(key);
    }
    keys.sort_unstable();
    keys.dedup();
    let flipped = keys.iter().map(|key| {
        let mut key = *key;
        key[31] |= 0x80;
        key
    });
    let keys: Vec<_> = flipped.chain(keys.iter().copied()).collect();
    // 0, 1, two of order 8, p - 1 … p + 18, and all with the high bit.
    assert_eq!(keys.len(), 2 * (4 + 20));
    keys
}

fn serialised(key: &[u8; 32]) -> Vec<u8> {
    [&[5], &key[..]].concat()
}

fn public(key: &[u8; 32]) -> PublicKey {
    PublicKey::deserialize(&serialised(key)).unwrap()
}

fn bundle_fault(person: &mut Person, peer: &Person, bundle: &Bundle) -> SessionError {
    let session = person.signal.initiate(&peer.address, bundle, NOW, &mut person.entropy);
    session.err().expect("a fault")
}

fn accept_fault(person: &mut Person, peer: &Person, secrets: &[u8], message: &PreKeySignalMessage) -> SessionError {
    let ciphertext = [&[2], message.serialized()].concat();
    let opened = person
        .signal
        .accept(&peer.address, secrets, &ciphertext, &mut person.entropy);
    opened.err().expect("a fault")
}

#[test]
fn in_a_bundle() {
    type Field = fn(&mut Bundle) -> &mut Vec<u8>;
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let good = bob.signal.generate_prekeys(&mut bob.entropy).bundle;
    let set: [(&str, Field); 3] = [
        ("identity key", |bundle| &mut bundle.identity_key),
        ("signed prekey", |bundle| &mut bundle.signed_prekey),
        ("one-time prekey", |bundle| &mut bundle.one_time_prekey),
    ];
    for (what, field) in set {
        let key = field(&mut good.clone()).clone();
        let mut bad: Vec<Vec<u8>> = bad_keys().iter().map(serialised).collect();
        bad.extend([
            vec![],
            key[..32].to_vec(),
            key[1..].to_vec(),
            [&key[..], &[0]].concat(),
            [&[6], &key[1..]].concat(),
        ]);
        for value in bad {
            let mut bundle = good.clone();
            *field(&mut bundle) = value;
            assert_eq!(bundle_fault(&mut alice, &bob, &bundle), SessionError::InvalidKey(what));
        }
    }
    alice.initiate(&bob, &good);
}

#[test]
fn a_bundle_is_whole_in_range_and_signed() {
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let good = bob.signal.generate_prekeys(&mut bob.entropy).bundle;
    let other = bob.signal.generate_prekeys(&mut bob.entropy).bundle;
    let with = |change: &dyn Fn(&mut Bundle)| {
        let mut bundle = good.clone();
        change(&mut bundle);
        bundle
    };
    let kyber = SessionError::InvalidKey("Kyber prekey");
    let range = SessionError::InvalidBundle("registration id out of range");
    let ids = SessionError::InvalidBundle("prekey id out of range");
    let signature = SessionError::InvalidBundle("a prekey's signature is wrong");
    for (bundle, fault) in [
        (with(&|bundle| bundle.registration_id = 0), range),
        (with(&|bundle| bundle.registration_id = 0x4000), range),
        (with(&|bundle| bundle.signed_prekey_id = 0), ids),
        (with(&|bundle| bundle.kyber_prekey_id = 1 << 24), ids),
        (with(&|bundle| bundle.one_time_prekey_id = u32::MAX), ids),
        (with(&|bundle| bundle.kyber_prekey.clear()), kyber),
        (with(&|bundle| bundle.kyber_prekey.truncate(1568)), kyber),
        (with(&|bundle| bundle.kyber_prekey.push(0)), kyber),
        (with(&|bundle| bundle.kyber_prekey[0] = 7), kyber),
        (with(&|bundle| bundle.kyber_prekey[0] = 10), kyber),
        (with(&|bundle| bundle.kyber_prekey[9] ^= 1), signature),
        (with(&|bundle| bundle.kyber_prekey_signature.clear()), signature),
        (with(&|bundle| bundle.kyber_prekey_signature[0] ^= 1), signature),
        (
            with(&|bundle| bundle.signed_prekey.clone_from(&other.signed_prekey)),
            signature,
        ),
        (with(&|bundle| bundle.signed_prekey_signature[63] ^= 1), signature),
        (with(&|bundle| bundle.signed_prekey_signature.push(0)), signature),
        (with(&|bundle| bundle.identity_key = alice_key(3)), signature),
        (Bundle::default(), range),
    ] {
        assert_eq!(bundle_fault(&mut alice, &bob, &bundle), fault);
    }
    let own = bundle_fault(&mut bob, &alice, &good);
    assert_eq!(own, SessionError::InvalidKey("the identity key is our own"));
}

fn alice_key(seed: u8) -> Vec<u8> {
    Person::new(seed).signal.identity_key().to_vec()
}

/// `message` with another base key, identity key or inner message.
fn forge(
    message: &PreKeySignalMessage,
    base_key: PublicKey,
    identity_key: IdentityKey,
    inner: SignalMessage,
) -> PreKeySignalMessage {
    let kyber = message.kyber_pre_key_id().zip(message.kyber_ciphertext());
    PreKeySignalMessage::new(
        4,
        message.registration_id(),
        message.pre_key_id(),
        message.signed_pre_key_id(),
        kyber.map(|(id, ciphertext)| KyberPayload::new(id, ciphertext.clone())),
        base_key,
        identity_key,
        inner,
    )
    .unwrap()
}

fn with_ratchet_key(message: &SignalMessage, key: PublicKey) -> SignalMessage {
    let identity = IdentityKey::new(key);
    let (body, pq) = (message.body(), message.pq_ratchet());
    SignalMessage::new(4, &[0; 32], key, 0, 0, body, &identity, &identity, pq).unwrap()
}

#[test]
fn in_a_first_message() {
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let prekeys = bob.signal.generate_prekeys(&mut bob.entropy);
    alice.initiate(&bob, &prekeys.bundle);
    let first = alice.seal(&bob, b"first");
    let good = prekey_message(&first);
    let (base, identity, inner) = (*good.base_key(), *good.identity_key(), good.message().clone());
    for key in bad_keys().iter().map(public) {
        for (forged, what) in [
            (forge(&good, key, identity, inner.clone()), "base key"),
            (forge(&good, base, key.into(), inner.clone()), "identity key"),
            (
                forge(&good, base, identity, with_ratchet_key(&inner, key)),
                "ratchet key",
            ),
        ] {
            let fault = accept_fault(&mut bob, &alice, &prekeys.secrets, &forged);
            assert_eq!(fault, SessionError::InvalidKey(what));
        }
    }
    let own = IdentityKey::decode(bob.signal.identity_key()).unwrap();
    let fault = accept_fault(&mut bob, &alice, &prekeys.secrets, &forge(&good, base, own, inner));
    assert_eq!(fault, SessionError::InvalidKey("the identity key is our own"));
    assert_eq!(bob.accept(&alice, &prekeys.secrets, &first), b"first");
}

#[test]
fn in_a_later_message() {
    let (mut alice, mut bob) = talking();
    let good = alice.seal(&bob, b"later");
    for key in bad_keys().iter().map(public) {
        let forged = with_ratchet_key(&signal_message(&good), key);
        let fault = bob.refuse(&alice, &[&[1], forged.serialized()].concat());
        assert_eq!(fault, SessionError::InvalidKey("ratchet key"));
    }
    assert_eq!(bob.read(&alice, &good), b"later");
}

#[test]
fn another_identity_key_in_a_session_is_refused() {
    let (mut alice, mut bob) = acquainted();
    let again = alice.seal(&bob, b"again");
    let good = prekey_message(&again);
    let carol = IdentityKey::decode(Person::new(3).signal.identity_key()).unwrap();
    let forged = forge(&good, *good.base_key(), carol, good.message().clone());
    let fault = bob.refuse(&alice, &[&[2], forged.serialized()].concat());
    assert_eq!(fault, SessionError::UnexpectedIdentity);
    assert_eq!(bob.read(&alice, &again), b"again");
}

#[test]
fn in_a_safety_number() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    for key in bad_keys() {
        let number = alice
            .signal
            .safety_number(&alice.address, &bob.address, &serialised(&key));
        assert_eq!(number, Err(SessionError::InvalidKey("identity key")));
    }
}
