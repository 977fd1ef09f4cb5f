//! What works, and stays so whatever is tried in between.

use proptest::prelude::*;

use super::*;
use crate::Millis;

#[test]
fn two_people_talk() {
    let (mut alice, mut bob) = acquainted();
    for round in 0..20u8 {
        bob.send(&mut alice, &[round; 100]);
        assert_eq!(alice.receive(&bob).unwrap(), [round; 100]);
        alice.send(&mut bob, &[round; 3]);
        alice.send(&mut bob, b"");
        assert_eq!(bob.receive(&alice).unwrap(), [round; 3]);
        assert_eq!(bob.receive(&alice).unwrap(), b"");
    }
}

#[test]
fn every_message_opens_the_session_until_there_is_an_answer() {
    let (mut alice, mut bob) = acquainted();
    for _ in 0..3 {
        let again = alice.seal(&bob, b"anybody there?");
        assert_eq!(again[0], 2);
        assert_eq!(bob.read(&alice, &again), b"anybody there?");
    }
    let answer = bob.seal(&alice, b"yes");
    assert_eq!(answer[0], 1);
    assert_eq!(alice.read(&bob, &answer), b"yes");
    let after = alice.seal(&bob, b"good");
    assert_eq!(after[0], 1);
    assert_eq!(bob.read(&alice, &after), b"good");
}

#[test]
fn two_hundred_messages_need_no_answer() {
    let (mut alice, mut bob) = acquainted();
    for n in 0..200u8 {
        alice.send(&mut bob, &[n]);
    }
    for n in 0..200u8 {
        assert_eq!(bob.receive(&alice).unwrap(), [n]);
    }
    // A session that has skipped nothing keeps no keys of skipped messages.
    assert!(bob.stored.len() < 8 * 1024, "{} bytes", bob.stored.len());
}

proptest! {
    #![proptest_config(cases(16))]

    /// Messages cross in every way that two ordered links allow, through several SPQR epochs.
    #[test]
    fn messages_may_cross(turns in prop::collection::vec(0..4u8, 300..600)) {
        let (mut alice, mut bob) = acquainted();
        let (mut sent, mut heard) = ([0u32; 2], [0u32; 2]);
        for turn in turns {
            let (me, them, i) = if turn & 1 == 0 { (&mut alice, &mut bob, 0) } else { (&mut bob, &mut alice, 1) };
            if turn & 2 == 0 {
                me.send(them, &sent[i].to_be_bytes());
                sent[i] += 1;
            } else if let Some(plaintext) = me.receive(them) {
                prop_assert_eq!(plaintext, heard[i].to_be_bytes());
                heard[i] += 1;
            }
        }
    }
}

#[test]
fn the_same_entropy_gives_the_same_bytes() {
    let run = || {
        let (mut alice, mut bob) = talking();
        let mut bytes = vec![alice.stored.clone(), bob.stored.clone(), alice.seal(&bob, b"x")];
        let ciphertext = bob.seal(&alice, b"y");
        alice.read(&bob, &ciphertext);
        bytes.extend([ciphertext, alice.stored]);
        bytes
    };
    assert_eq!(run(), run());
}

#[test]
fn a_tampered_message_changes_nothing() {
    let (mut alice, mut bob) = talking();
    let good = alice.seal(&bob, b"the real one");
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        bob.refuse(&alice, &bad);
        bob.refuse(&alice, &good[..at]);
    }
    bob.refuse(&alice, &[&good[..], &[0]].concat());
    assert_eq!(bob.read(&alice, &good), b"the real one");
}

#[test]
fn a_tampered_first_message_leaves_the_offer_usable() {
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let prekeys = bob.signal.generate_prekeys(&mut bob.entropy);
    alice.initiate(&bob, &prekeys.bundle);
    let good = alice.seal(&bob, b"hello");
    for at in (0..good.len()).step_by(11) {
        let mut bad = good.clone();
        bad[at] ^= 0x40;
        // What the MAC does not cover still counts, because all of it goes into the agreement or is looked up.
        let refused = bob
            .signal
            .accept(&alice.address, &prekeys.secrets, &bad, &mut bob.entropy)
            .is_err();
        let registration_id = prekey_message(&good).registration_id();
        assert!(
            refused || prekey_message(&bad).registration_id() != registration_id,
            "at {at}"
        );
        let cut = bob
            .signal
            .accept(&alice.address, &prekeys.secrets, &good[..at], &mut bob.entropy);
        assert!(cut.is_err(), "cut at {at}");
    }
    assert_eq!(bob.accept(&alice, &prekeys.secrets, &good), b"hello");
}

#[test]
fn a_message_is_opened_once_and_in_order() {
    let (mut alice, mut bob) = talking();
    let [one, two, three] = [b"1", b"2", b"3"].map(|text| alice.seal(&bob, text));
    assert_eq!(bob.refuse(&alice, &two), SessionError::OutOfOrder);
    assert_eq!(bob.read(&alice, &one), b"1");
    assert_eq!(bob.refuse(&alice, &one), SessionError::Duplicate);
    assert_eq!(bob.refuse(&alice, &three), SessionError::OutOfOrder);
    assert_eq!(bob.read(&alice, &two), b"2");
    assert_eq!(bob.refuse(&alice, &one), SessionError::Duplicate);
    assert_eq!(bob.read(&alice, &three), b"3");

    // The same after both have turned their ratchets.
    bob.send(&mut alice, b"turn");
    alice.receive(&bob);
    let [four, five] = [b"4", b"5"].map(|text| alice.seal(&bob, text));
    assert_eq!(bob.refuse(&alice, &five), SessionError::OutOfOrder);
    assert_eq!(bob.read(&alice, &four), b"4");
    assert_eq!(bob.refuse(&alice, &three), SessionError::Duplicate);
    assert_eq!(bob.read(&alice, &five), b"5");
}

#[test]
fn a_first_message_is_opened_once() {
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let prekeys = bob.signal.generate_prekeys(&mut bob.entropy);
    alice.initiate(&bob, &prekeys.bundle);
    let [first, second] = [b"1", b"2"].map(|text| alice.seal(&bob, text));
    let early = bob
        .signal
        .accept(&alice.address, &prekeys.secrets, &second, &mut bob.entropy);
    assert_eq!(early.err(), Some(SessionError::OutOfOrder));
    bob.accept(&alice, &prekeys.secrets, &first);
    assert_eq!(bob.refuse(&alice, &first), SessionError::Duplicate);
    assert_eq!(bob.read(&alice, &second), b"2");
}

#[test]
fn a_message_of_another_session_is_refused() {
    let (mut alice, mut bob) = talking();
    let (old, current) = (bob.stored.clone(), alice.stored.clone());
    let [used, prekeys] = [(), ()].map(|()| bob.signal.generate_prekeys(&mut bob.entropy));
    alice.initiate(&bob, &prekeys.bundle);
    let first = alice.seal(&bob, b"anew");

    assert_eq!(bob.refuse(&alice, &first), SessionError::OtherSession);
    let other = bob
        .signal
        .accept(&alice.address, &used.secrets, &first, &mut bob.entropy);
    assert_eq!(other.err(), Some(SessionError::OtherSession));
    bob.accept(&alice, &prekeys.secrets, &first);

    // A message of the session before is not one of this.
    alice.stored = current;
    let late = alice.seal(&bob, b"of before");
    assert!(matches!(
        bob.refuse(&alice, &late),
        SessionError::Undecipherable | SessionError::OutOfOrder
    ));
    bob.stored = old;
    assert_eq!(bob.read(&alice, &late), b"of before");
}

#[test]
fn a_session_without_an_answer_goes_stale_after_thirty_days() {
    let (mut alice, mut bob) = acquainted();
    let days = |n: u64| NOW.after(Millis::hours(24 * n));
    let seal = |alice: &mut Person, bob: &Person, at| {
        let sealed = alice
            .signal
            .encrypt(&bob.address, alice.session(), b"?", at, &mut alice.entropy);
        sealed.map(|_| ())
    };
    assert_eq!(seal(&mut alice, &bob, days(29)), Ok(()));
    assert_eq!(seal(&mut alice, &bob, days(31)), Err(SessionError::Stale));
    bob.send(&mut alice, b"still here");
    alice.receive(&bob);
    assert_eq!(seal(&mut alice, &bob, days(31)), Ok(()));
}

#[test]
fn a_damaged_row_is_told_apart() {
    let (alice, bob) = talking();
    for stored in [&alice.stored, &bob.stored] {
        for len in [0, 1, 47, 48, 60, stored.len() - 1] {
            assert!(Signal::decode(&stored[..len]).is_err(), "{len}");
        }
    }
    let mut entropy = Entropy::from_seed([3; 32]);
    let (key_pair, id) = Signal::generate(&mut entropy);
    let mut other = key_pair.to_vec();
    *other.last_mut().unwrap() ^= 1;
    assert!(Signal::open(&key_pair, id).is_ok());
    assert!(Signal::open(&other, id).is_err());
    assert!(Signal::open(b"", id).is_err());
}

#[test]
fn a_text_too_long_for_a_frame_is_refused_on_either_side() {
    let (mut alice, mut bob) = talking();
    let long = vec![0; 63 * 1024];
    let sealed = alice
        .signal
        .encrypt(&bob.address, alice.session(), &long, NOW, &mut alice.entropy);
    assert_eq!(sealed.err(), Some(SessionError::Oversized));
    assert_eq!(bob.refuse(&alice, &vec![1; 63 * 1024 + 1]), SessionError::Oversized);
    alice.send(&mut bob, &long[..60 * 1024]);
    assert_eq!(bob.receive(&alice).unwrap(), long[..60 * 1024]);
}

#[test]
fn both_sides_see_one_safety_number() {
    let (alice, bob, carol) = (Person::new(1), Person::new(2), Person::new(3));
    let number = |me: &Person, them: &Person| {
        let number = me
            .signal
            .safety_number(&me.address, &them.address, them.signal.identity_key());
        number.unwrap()
    };
    let (ours, theirs) = (number(&alice, &bob), number(&bob, &alice));
    assert_eq!(ours.digits, theirs.digits);
    assert_eq!(ours.digits.len(), 60);
    assert!(ours.digits.bytes().all(|digit| digit.is_ascii_digit()));

    let scan = |number: &[u8]| libsignal_protocol::ScannableFingerprint::deserialize(number).unwrap();
    assert!(scan(&ours.scannable).compare(&theirs.scannable).unwrap());
    assert!(
        !scan(&ours.scannable)
            .compare(&number(&carol, &alice).scannable)
            .unwrap()
    );

    // Another address or another key is another number.
    let key = bob.signal.identity_key();
    let elsewhere = alice.signal.safety_number(&alice.address, &carol.address, key).unwrap();
    assert_ne!(elsewhere.digits, ours.digits);
    assert_ne!(number(&alice, &carol).digits, elsewhere.digits);
}
