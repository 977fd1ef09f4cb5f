//! Hostile peers: a stranger's bytes, an authenticated stranger's frames and a contact's ciphertexts of any content never make a node
//! panic, do not affect its other contact, and use a bounded amount of memory.

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use sotto_core::row::{Key, Relationship, Row};
use sotto_core::wire::content::Content;
use sotto_core::wire::link::{self, frame::Body};
use sotto_core::{Command, FriendCode, Limits, Millis, OnionAddress, Reply};
use sotto_testkit::bystanders::{TEXT, assert_unaffected, bystanders};
use sotto_testkit::disk::Disk;
use sotto_testkit::hostile::HostilePeer;
use sotto_testkit::pair::{A, B, Pair};
use sotto_testkit::strategies;
use sotto_testkit::transparent::Transparent;

/// The ids of the messages between the two contacts.
static KNOWN: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let pair: Pair<Disk> = bystanders();
    let messages = pair.sides[A].store.conversation(pair.sides[B].address).into_iter();
    messages.map(|row| row.key.id.0.to_vec()).collect()
});

/// Checks that the two contacts are not affected and that the hostile peer, which is no contact, has left no session.
fn check_unaffected(pair: &mut Pair<Disk>, hostile: OnionAddress) {
    assert_unaffected(pair, 0);
    for key in [Key::Session(hostile), Key::Offer(hostile)] {
        assert!(pair.sides[A].store.row(&key).is_none(), "a stranger has left {key:?}");
    }
    // Timers run out.
    pair.pass(Millis::minutes(20));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_strangers_bytes_change_no_row(writes in vec(vec(any::<u8>(), 0..400), 0..12)) {
        let mut pair: Pair<Disk> = bystanders();
        let before = pair.sides[A].store.clone();
        let mut peer = HostilePeer::new(&pair, 9);
        for bytes in writes {
            if !peer.is_connected() {
                peer.connect(&mut pair, 0);
            }
            peer.write(&mut pair, bytes);
        }
        prop_assert_eq!(&pair.sides[A].store, &before);
        check_unaffected(&mut pair, peer.address());
    }

    #[test]
    fn an_authenticated_strangers_frames_affect_no_contact(
        greet in any::<bool>(),
        frames in vec(strategies::body(), 1..30),
    ) {
        let mut pair: Pair<Disk> = bystanders();
        let mut peer = HostilePeer::new(&pair, 9);
        for body in frames {
            if !peer.is_connected() {
                peer.dial(&mut pair, 0);
                if greet && peer.is_connected() {
                    let hello = peer.hello(link::Relationship::Stranger);
                    peer.send(&mut pair, hello);
                }
            }
            peer.send(&mut pair, body);
        }
        let consent = pair.command(A, Command::AcceptContact { contact: peer.address(), petname: None });
        prop_assert!(consent.is_err(), "an invalid bundle was accepted");
        check_unaffected(&mut pair, peer.address());
    }

    #[test]
    fn a_hostile_contacts_contents_change_only_its_own_messages(contents in vec(strategies::content(KNOWN.clone()), 1..24)) {
        let mut pair: Pair<Disk> = bystanders();
        let mut peer = HostilePeer::new(&pair, 9);
        peer.befriend(&mut pair, 0);
        for content in &contents {
            prop_assert!(peer.is_connected(), "a content alone ends no link");
            peer.send_content(&mut pair, content);
        }
        let acknowledged = peer.received.iter().filter_map(|frame| match &frame.body {
            Some(Body::Ack(ack)) => Some(ack.received),
            _ => None,
        }).max();
        prop_assert_eq!(acknowledged, Some(peer.sequence()), "every content is acknowledged, valid or not");
        let [_, b] = [pair.sides[A].address, pair.sides[B].address];
        for row in pair.sides[A].store.conversation(b) {
            prop_assert!(row.text == TEXT && row.edited_at.is_none() && row.deleted_at.is_none());
        }
        pair.command(A, Command::RemoveContact(peer.address())).expect("removed");
        check_unaffected(&mut pair, peer.address());
    }

    #[test]
    fn a_hostile_contacts_frames_affect_no_other_contact(frames in vec(strategies::body(), 1..30), garbage in vec(any::<u8>(), 0..300)) {
        let mut pair: Pair<Disk> = bystanders();
        let mut peer = HostilePeer::new(&pair, 9);
        peer.befriend(&mut pair, 0);
        let sealed = peer.encrypt(&pair, &garbage);
        peer.send(&mut pair, Body::Ciphertext(sealed));
        for body in frames {
            if !peer.is_connected() {
                peer.dial(&mut pair, 0);
                if peer.is_connected() {
                    let hello = peer.hello(link::Relationship::Friend);
                    peer.send(&mut pair, hello);
                }
            }
            peer.send(&mut pair, body);
        }
        peer.hang_up(&mut pair);
        pair.command(A, Command::RemoveContact(peer.address())).expect("removed");
        check_unaffected(&mut pair, peer.address());
    }
}

/// A request that is dropped has no answer. The answer to the next one on that link is not taken for one to it.
#[test]
fn an_answer_is_to_the_request_of_its_number() {
    let mut pair: Pair<Disk> = bystanders();
    let mut peer: HostilePeer = HostilePeer::new(&pair, 9);
    let address = peer.address();
    let ask = |pair: &mut Pair<Disk>| {
        let add = Command::AddContact {
            code: FriendCode { address, invite: None },
            petname: None,
            note: String::new(),
        };
        pair.command(A, add).expect("asked");
    };
    let standing = |pair: &Pair<Disk>| match pair.sides[A].store.row(&Key::Contact(address)) {
        Some(Row::Contact(row)) => row.relationship,
        _ => panic!("no contact"),
    };
    let declines = |request| {
        Body::RequestStatus(link::RequestStatus {
            relationship: link::Relationship::Declined.into(),
            request,
        })
    };
    ask(&mut pair);
    peer.dial(&mut pair, 0);
    let hello = peer.hello(link::Relationship::Stranger);
    peer.send(&mut pair, hello);
    ask(&mut pair);
    peer.exchange(&mut pair);
    let numbers = peer.received.iter().filter_map(|frame| match &frame.body {
        Some(Body::Request(request)) => Some(request.number),
        _ => None,
    });
    assert_eq!(numbers.collect::<Vec<_>>(), [1, 2]);
    peer.send(&mut pair, declines(1));
    assert_eq!(standing(&pair), Relationship::Requested, "the second one has no answer");
    peer.send(&mut pair, declines(2));
    assert_eq!(standing(&pair), Relationship::RequestDeclined);

    // The first request of the next link is dropped.
    peer.hang_up(&mut pair);
    ask(&mut pair);
    peer.dial(&mut pair, 0);
    let hello = peer.hello(link::Relationship::Stranger);
    peer.send(&mut pair, hello);
    ask(&mut pair);
    peer.exchange(&mut pair);
    peer.send(&mut pair, declines(2));
    assert_eq!(standing(&pair), Relationship::RequestDeclined);
}

#[test]
fn requests_and_idle_links_of_strangers_are_bounded() {
    let limits = Limits::default();
    let mut pair: Pair<Disk> = bystanders();
    for seed in 10..120 {
        let mut peer = HostilePeer::new(&pair, seed);
        peer.dial(&mut pair, seed.into());
        let hello = peer.hello(link::Relationship::Requested);
        peer.send(&mut pair, hello);
        let request = peer.request();
        peer.send(&mut pair, Body::Request(request));
        // Links stay open, and time passes so that the token bucket is not the bound.
        pair.pass(Millis::seconds(1));
    }
    let requests = pair.sides[A]
        .store
        .rows()
        .filter(|row| matches!(row, Row::Request(_)))
        .count();
    assert!(
        (1..=limits.requests).contains(&requests),
        "{requests} requests are held"
    );
    // A hundred streams without a byte.
    for seed in 120..220 {
        let mut peer = HostilePeer::new(&pair, seed);
        peer.connect(&mut pair, seed.into());
    }
    let hostile = HostilePeer::new(&pair, 10).address();
    check_unaffected(&mut pair, hostile);
}

#[test]
fn an_accept_without_a_request_is_dropped() {
    let mut pair: Pair<Disk> = bystanders();
    let mut peer = HostilePeer::new(&pair, 9);
    peer.befriend(&mut pair, 0);
    let before = pair.sides[A].store.row(&Key::Contact(peer.address())).cloned();
    let accept = sotto_core::wire::content::Accept {
        name: "Eve".to_owned(),
        identity_signature: vec![1; 64],
    };
    let kind = Some(sotto_core::wire::content::content::Kind::Accept(accept));
    peer.send_content(
        &mut pair,
        &Content {
            id: vec![3; 16],
            kind,
            ..Content::default()
        },
    );
    assert_eq!(pair.sides[A].store.row(&Key::Contact(peer.address())).cloned(), before);
    let Ok(Reply::Status(status)) = pair.command(A, Command::Status) else {
        panic!("no status")
    };
    assert_eq!(status.peer_faults, 1, "and counted");
}

/// The reply to the beginning of a session was kept after that session, so each new session added a row.
#[test]
fn new_sessions_of_a_contact_leave_one_outbox_row() {
    let mut pair = Pair::over([Disk::default(), Disk::default()], 1, &Limits::default());
    let victim = pair.sides[A].address;
    let mut peers = (1..).map(|seed| HostilePeer::<Transparent>::new(&pair, seed));
    let mut peer = peers.find(|peer| victim < peer.address()).expect("some are larger");
    peer.befriend(&mut pair, 0);
    for _ in 0..8 {
        peer.hang_up(&mut pair);
        pair.pass(Millis::minutes(1));
        peer.replace_session(&mut pair, 0);
        let rows = pair.sides[A].store.rows();
        let waiting = rows.filter(|row| matches!(row, Row::Outbox(row) if row.contact == peer.address()));
        assert_eq!(waiting.count(), 1);
    }
}
