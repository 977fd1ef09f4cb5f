//! Bytes of a peer that means harm: no panic, no work beyond one message's, and a session as good as before.

use libsignal_protocol::{IdentityKey, KyberPayload, PublicKey};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// SPQR parts that `spqr::recv` would panic on, or that would switch SPQR off or change its version.
const BAD_SPQR: [&[u8]; 14] = [
    &[],
    &[0, 1, 1, 0],
    &[2, 1, 1, 0],
    &[1],
    &[1, 1],
    &[1, 1, 1],
    &[1, 0x80],
    &[1, 0, 0, 0],
    &[1, 1, 1, 7],
    &[1, 1, 1, 5, 0],
    &[1, 1, 0xff, 0xff, 0xff, 0xff, 0x7f, 0],
    &[1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 1, 0],
    &[1, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 0],
    &[1, 1, 1, 1, 0xff, 0xff, 0xff, 0x7f, 0],
];

/// A message as a peer would build it who does not know, or does not care for, the keys.
fn forge(template: &SignalMessage, key: PublicKey, counter: u32, pq: &[u8]) -> Vec<u8> {
    let identity = IdentityKey::new(key);
    let message = SignalMessage::new(4, &[9; 32], key, counter, 0, template.body(), &identity, &identity, pq);
    [&[1], message.unwrap().serialized()].concat()
}

#[test]
fn a_bad_spqr_part_is_refused() {
    let (mut alice, mut bob) = talking();
    let good = alice.seal(&bob, b"good");
    let template = signal_message(&good);
    for pq in BAD_SPQR {
        let forged = forge(&template, *template.sender_ratchet_key(), template.counter(), pq);
        assert_eq!(bob.refuse(&alice, &forged), SessionError::Malformed, "{pq:?}");
    }
    assert_eq!(bob.read(&alice, &good), b"good");
}

#[test]
fn a_claimed_gap_costs_nothing() {
    let (mut alice, mut bob) = talking();
    let good = alice.seal(&bob, b"good");
    let template = signal_message(&good);
    let fresh = *prekey_message(&acquainted().0.seal(&bob, b"x")).base_key();
    let [1, epoch, index, ..] = template.pq_ratchet()[..] else {
        panic!("version 1, and small numbers of one byte");
    };
    let spqr = |epoch: u8, index: u8| {
        let part = [1, epoch, index, 0];
        forge(&template, *template.sender_ratchet_key(), template.counter(), &part)
    };
    let spqr_gap = [1, 1, 0x80, 0x20, 0];
    for forged in [
        forge(&template, *template.sender_ratchet_key(), 25_000, template.pq_ratchet()),
        forge(
            &template,
            *template.sender_ratchet_key(),
            u32::MAX,
            template.pq_ratchet(),
        ),
        forge(&template, fresh, 25_000, template.pq_ratchet()),
        forge(&template, *template.sender_ratchet_key(), template.counter(), &spqr_gap),
        // By one too many: after the index before, and at the start of an epoch.
        spqr(epoch, index + 1),
        spqr(epoch + 1, 2),
        spqr(epoch + 5, 2),
    ] {
        assert_eq!(bob.refuse(&alice, &forged), SessionError::OutOfOrder);
    }
    for next in [spqr(epoch, index), spqr(epoch + 1, 1)] {
        assert_eq!(bob.refuse(&alice, &next), SessionError::Undecipherable);
    }
    // A fresh ratchet key alone gets as far as the MAC.
    let forged = forge(&template, fresh, 0, template.pq_ratchet());
    assert_eq!(bob.refuse(&alice, &forged), SessionError::Undecipherable);
    assert_eq!(bob.read(&alice, &good), b"good");
}

#[test]
fn other_types_and_versions_are_refused() {
    let (mut alice, mut bob) = talking();
    let good = alice.seal(&bob, b"good");
    for kind in (0..=255).filter(|kind| *kind != 1) {
        let mut other = good.clone();
        other[0] = kind;
        assert_eq!(bob.refuse(&alice, &other), SessionError::Malformed, "type {kind}");
    }
    for version in (0..=15).filter(|version| *version != 4) {
        let mut other = good.clone();
        other[1] = version << 4 | 4;
        assert_eq!(bob.refuse(&alice, &other), SessionError::Malformed, "version {version}");
    }
    let prekeys = bob.signal.generate_prekeys(&mut bob.entropy);
    let accepted = bob
        .signal
        .accept(&alice.address, &prekeys.secrets, &good, &mut bob.entropy);
    assert_eq!(accepted.err(), Some(SessionError::Malformed));
    assert_eq!(bob.read(&alice, &good), b"good");
}

#[test]
fn the_one_time_prekey_cannot_be_left_out() {
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let prekeys = bob.signal.generate_prekeys(&mut bob.entropy);
    alice.initiate(&bob, &prekeys.bundle);
    let first = alice.seal(&bob, b"first");
    let good = prekey_message(&first);
    let kyber = |ciphertext: Vec<u8>| Some(KyberPayload::new(good.kyber_pre_key_id().unwrap(), ciphertext.into()));
    let kyber_ciphertext = good.kyber_ciphertext().unwrap().to_vec();
    let mut other_type = kyber_ciphertext.clone();
    other_type[0] = 10;
    for (one_time, kyber_ciphertext, fault) in [
        (None, kyber_ciphertext.clone(), SessionError::OtherSession),
        (Some(0.into()), kyber_ciphertext.clone(), SessionError::OtherSession),
        (
            good.pre_key_id(),
            kyber_ciphertext[1..].to_vec(),
            SessionError::Malformed,
        ),
        (good.pre_key_id(), Vec::new(), SessionError::Malformed),
        (good.pre_key_id(), other_type, SessionError::Malformed),
    ] {
        let forged = PreKeySignalMessage::new(
            4,
            good.registration_id(),
            one_time,
            good.signed_pre_key_id(),
            kyber(kyber_ciphertext),
            *good.base_key(),
            *good.identity_key(),
            good.message().clone(),
        );
        let ciphertext = [&[2], forged.unwrap().serialized()].concat();
        let accepted = bob
            .signal
            .accept(&alice.address, &prekeys.secrets, &ciphertext, &mut bob.entropy);
        assert_eq!(accepted.err(), Some(fault));
    }
    bob.accept(&alice, &prekeys.secrets, &first);
}

#[test]
fn damaged_secrets_are_told_apart() {
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let prekeys = bob.signal.generate_prekeys(&mut bob.entropy);
    alice.initiate(&bob, &prekeys.bundle);
    let first = alice.seal(&bob, b"first");
    for secrets in [&b"\xff"[..], &prekeys.secrets[..prekeys.secrets.len() - 1]] {
        let accepted = bob.signal.accept(&alice.address, secrets, &first, &mut bob.entropy);
        assert_eq!(accepted.err(), Some(SessionError::Damaged));
    }
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..200),
        (1..=2u8, vec(any::<u8>(), 0..400)).prop_map(|(kind, rest)| [&[kind, 0x44], &rest[..]].concat()),
    ]
}

/// An SPQR part with a sound head and anything inside.
fn any_spqr() -> impl Strategy<Value = Vec<u8>> {
    let head = (0..4u8, 0..4u8, 0..8u8, 0..40u8);
    (head, vec(any::<u8>(), 0..40))
        .prop_map(|((epoch, index, kind, chunk), data)| [&[1, epoch, index, kind, chunk], &data[..]].concat())
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn any_bytes_are_refused(bytes in any_bytes()) {
        let (alice, mut bob) = talking();
        let prekeys = bob.signal.generate_prekeys(&mut bob.entropy);
        prop_assert!(bob.try_read(&alice, &bytes).is_err());
        prop_assert!(bob.signal.accept(&alice.address, &prekeys.secrets, &bytes, &mut bob.entropy).is_err());
        prop_assert!(Signal::decode(&bytes).is_err());
        prop_assert!(Signal::open(&bytes, 1).is_err());
    }

    #[test]
    fn any_change_is_refused(cuts in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let (mut alice, mut bob) = acquainted();
        let good = alice.seal(&bob, b"good");
        let mut bad = prekey_message(&good).message().serialized().to_vec();
        bad.insert(0, 1);
        let whole = bad.clone();
        for (at, byte) in cuts {
            let at = at.index(bad.len());
            bad[at] = byte;
        }
        if bad != whole && bad[1] == whole[1] {
            prop_assert!(bob.try_read(&alice, &bad).is_err());
        }
        prop_assert_eq!(bob.read(&alice, &good), b"good");
    }

    /// Sound in form, hostile in content: everything that is read before the MAC is verified.
    #[test]
    fn any_sound_message_is_refused(
        turns in 0..90usize,
        own_key in any::<bool>(),
        counter in prop_oneof![0..3u32, any::<u32>()],
        pq in any_spqr(),
    ) {
        let (mut alice, mut bob) = talking();
        // So that every state of SPQR is met.
        for _ in 0..turns {
            alice.send(&mut bob, b"a");
            bob.receive(&alice);
            bob.send(&mut alice, b"b");
            alice.receive(&bob);
        }
        let good = alice.seal(&bob, b"good");
        let template = signal_message(&good);
        let key = if own_key {
            *template.sender_ratchet_key()
        } else {
            PublicKey::deserialize(Person::new(9).signal.identity_key()).unwrap()
        };
        prop_assert!(bob.try_read(&alice, &forge(&template, key, counter, &pq)).is_err());
        prop_assert_eq!(bob.read(&alice, &good), b"good");
    }

    #[test]
    fn any_bundle_is_refused(
        registration_id in any::<u32>(),
        ids in any::<[u32; 3]>(),
        field in 0..6usize,
        value in prop_oneof![vec(any::<u8>(), 0..100), vec(any::<u8>(), 33), vec(any::<u8>(), 64), vec(any::<u8>(), 1569)],
    ) {
        let (mut alice, mut bob) = (Person::new(1), Person::new(2));
        let mut bundle = bob.signal.generate_prekeys(&mut bob.entropy).bundle;
        bundle.registration_id = registration_id & 0x7fff;
        [bundle.signed_prekey_id, bundle.kyber_prekey_id, bundle.one_time_prekey_id] = ids.map(|id| id >> 7);
        let target = [
            &mut bundle.identity_key,
            &mut bundle.signed_prekey,
            &mut bundle.signed_prekey_signature,
            &mut bundle.kyber_prekey,
            &mut bundle.kyber_prekey_signature,
            &mut bundle.one_time_prekey,
        ];
        *target.into_iter().nth(field).unwrap() = value;
        prop_assert!(alice.signal.initiate(&bob.address, &bundle, NOW, &mut alice.entropy).is_err());
    }
}
