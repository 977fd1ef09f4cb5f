//! Hostile peers: a stranger's bytes, an authenticated stranger's frames and a contact's ciphertexts of any content never make a node
//! panic, do not affect its other contact, and use a bounded amount of memory.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use sotto_core::row::{Event, Key, Relationship, Row};
use sotto_core::wire::content::Content;
use sotto_core::wire::link::{self, frame::Body};
use sotto_core::{
    Command, FaultKind, FriendCode, InviteToken, Limits, MessageObstacle, Millis, NewMessage, OnionAddress, Refusal,
    Reply,
};
use sotto_testkit::bystanders::{TEXT, assert_unaffected, bystanders, status};
use sotto_testkit::hostile::HostilePeer;
use sotto_testkit::memory_store::MemoryStore;
use sotto_testkit::pair::{A, B, Pair};
use sotto_testkit::strategies;
use sotto_testkit::transparent::Transparent;

/// The ids of the messages between the two contacts.
static KNOWN: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let pair: Pair<MemoryStore> = bystanders();
    let messages = pair.sides[A].store.conversation(pair.sides[B].address).into_iter();
    messages.map(|row| row.key.id.0.to_vec()).collect()
});

/// Checks that the two contacts are not affected and that the hostile peer, which is no contact, has left no session.
fn check_unaffected(pair: &mut Pair<MemoryStore>, hostile: OnionAddress) {
    assert_unaffected(pair, 0);
    for key in [Key::Session(hostile), Key::PreKeyOffer(hostile)] {
        assert!(pair.sides[A].store.row(&key).is_none(), "a stranger has left {key:?}");
    }
    // Timers run out.
    pair.pass(Millis::minutes(20));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_strangers_bytes_change_no_row(writes in vec(vec(any::<u8>(), 0..400), 0..12)) {
        let mut pair: Pair<MemoryStore> = bystanders();
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
        let mut pair: Pair<MemoryStore> = bystanders();
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
        let mut pair: Pair<MemoryStore> = bystanders();
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
        let mut pair: Pair<MemoryStore> = bystanders();
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
    let mut pair: Pair<MemoryStore> = bystanders();
    let mut peer: HostilePeer = HostilePeer::new(&pair, 9);
    let address = peer.address();
    let ask = |pair: &mut Pair<MemoryStore>| {
        let add = Command::AddContact {
            code: FriendCode { address, invite: None },
            petname: None,
            note: String::new(),
        };
        pair.command(A, add).expect("asked");
    };
    let relationship = |pair: &Pair<MemoryStore>| match pair.sides[A].store.row(&Key::Contact(address)) {
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
    assert_eq!(
        relationship(&pair),
        Relationship::Requested,
        "the second one has no answer"
    );
    peer.send(&mut pair, declines(2));
    assert_eq!(relationship(&pair), Relationship::RequestDeclined);

    // The first request of the next link is dropped.
    peer.hang_up(&mut pair);
    ask(&mut pair);
    peer.dial(&mut pair, 0);
    let hello = peer.hello(link::Relationship::Stranger);
    peer.send(&mut pair, hello);
    ask(&mut pair);
    peer.exchange(&mut pair);
    peer.send(&mut pair, declines(2));
    assert_eq!(relationship(&pair), Relationship::RequestDeclined);
}

/// A store that was restored has forgotten the consent to its request. Where the peer has had no more than the first content of
/// that session, which is a timer, nothing that waits can have arrived, and it can be taken back. The link is cut between
/// the Hellos and the new consent.
#[test]
fn what_waits_for_a_forgotten_consent_is_marked_if_it_may_have_arrived() {
    for (has_session, received, may_have_arrived) in [(true, 1, false), (true, 2, true), (false, 1, true)] {
        let mut pair: Pair<MemoryStore> = bystanders();
        let mut peer: HostilePeer = HostilePeer::new(&pair, 9);
        let address = peer.address();
        let add = Command::AddContact {
            code: FriendCode { address, invite: None },
            petname: None,
            note: String::new(),
        };
        pair.command(A, add).expect("asked");
        let waits = Command::Send(NewMessage::plain(address, "see you there"));
        let Ok(Reply::Message { id, .. }) = pair.command(A, waits) else {
            panic!("it is not queued");
        };
        peer.dial(&mut pair, 0);
        let hello = peer.hello(link::Relationship::Stranger);
        peer.send(&mut pair, hello);
        let offered = |peer: &HostilePeer| {
            let mut requests = peer.received.iter().filter_map(|frame| match &frame.body {
                Some(Body::Request(request)) => Some(request.session_epoch),
                _ => None,
            });
            requests.next_back().expect("a request")
        };
        let session_epoch = offered(&peer);
        peer.hang_up(&mut pair);

        peer.dial(&mut pair, 0);
        let Body::Hello(friend) = peer.hello(link::Relationship::Friend) else {
            panic!("a Hello");
        };
        let consented = link::Hello {
            session_epoch: if has_session { session_epoch } else { 0 },
            sent: 1,
            received,
            ..friend
        };
        peer.send(&mut pair, Body::Hello(consented));
        assert!(
            !has_session || offered(&peer) > session_epoch,
            "the used offer is not made again"
        );
        peer.hang_up(&mut pair);

        let conversation = address.into();
        let taken_back = pair.command(A, Command::CancelMessage { conversation, id });
        let expected = may_have_arrived.then_some(Refusal::WrongState {
            id,
            obstacle: MessageObstacle::OnItsWay,
        });
        assert_eq!(
            taken_back.err(),
            expected,
            "session: {has_session}, received: {received}"
        );
    }
}

#[test]
fn requests_and_idle_links_of_strangers_are_bounded() {
    let limits = Limits::default();
    let mut pair: Pair<MemoryStore> = bystanders();
    for seed in 10..120 {
        let mut peer = HostilePeer::new(&pair, seed);
        peer.dial(&mut pair, seed);
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
        peer.connect(&mut pair, seed);
    }
    let hostile = HostilePeer::new(&pair, 10).address();
    check_unaffected(&mut pair, hostile);
}

#[test]
fn an_accept_without_a_request_is_dropped() {
    let mut pair: Pair<MemoryStore> = bystanders();
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
    let mut pair = Pair::over([MemoryStore::default(), MemoryStore::default()], 1, &Limits::default());
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

/// The first contact of a stranger. `number` tells strangers apart.
fn stranger(pair: &Pair<MemoryStore, Transparent>, number: u64) -> HostilePeer<Transparent> {
    HostilePeer::new(pair, 1000 + number)
}

/// A node that strangers may reach: side A of a pair of contacts.
fn reachable(limits: &Limits) -> Pair<MemoryStore, Transparent> {
    let mut pair = Pair::over([MemoryStore::default(), MemoryStore::default()], 1, limits);
    pair.befriend();
    pair
}

fn requests_held(pair: &Pair<MemoryStore, Transparent>) -> Vec<OnionAddress> {
    let rows = pair.sides[A].store.rows();
    let requests = rows.filter_map(|row| match row {
        Row::Request(row) => Some(row.contact),
        _ => None,
    });
    requests.collect()
}

/// Events that the log of side A has of this peer.
fn events_about(pair: &Pair<MemoryStore, Transparent>, peer: OnionAddress) -> Vec<Event> {
    let rows = pair.sides[A].store.rows();
    let events = rows.filter_map(|row| match row {
        Row::Event(row) => Some(row.event.clone()),
        _ => None,
    });
    events
        .filter(|event| matches!(event, Event::RequestReceived { contact } if *contact == peer))
        .collect()
}

fn relationship(pair: &Pair<MemoryStore, Transparent>, peer: OnionAddress) -> Option<Relationship> {
    match pair.sides[A].store.row(&Key::Contact(peer)) {
        Some(Row::Contact(row)) => Some(row.relationship),
        _ => None,
    }
}

fn faults(pair: &mut Pair<MemoryStore, Transparent>, kind: FaultKind) -> u64 {
    status(pair).faults_by_kind.get(&kind).copied().unwrap_or_default()
}

fn invite(pair: &mut Pair<MemoryStore, Transparent>) -> InviteToken {
    match pair.command(A, Command::CreateInvite) {
        Ok(Reply::Invite(code)) => code.invite.expect("an invite"),
        other => panic!("no invite: {other:?}"),
    }
}

/// All strangers had one bucket of tokens, so one of them could keep it empty.
#[test]
fn a_flood_of_one_stranger_ends_its_link_and_stops_no_other_first_contact() {
    for flood in [
        Body::Heartbeat(link::Heartbeat { reply: true }),
        Body::Ciphertext(link::Ciphertext {
            session_epoch: 1,
            sequence: 1,
            ciphertext: vec![2; 1000],
        }),
    ] {
        let mut pair = reachable(&Limits::default());
        let mut flooder = stranger(&pair, 1);
        flooder.dial(&mut pair, 1);
        flooder.send(&mut pair, flooder.hello(link::Relationship::Requested));
        for _ in 0..100 {
            flooder.send(&mut pair, flood.clone());
        }
        assert!(!flooder.is_connected(), "the link of the flood ends");
        assert_eq!(faults(&mut pair, FaultKind::Flood), 1);
        // Not a moment has passed.
        assert!(stranger(&pair, 2).ask(&mut pair, 2));
    }
}

#[test]
fn other_frames_leave_the_tokens_of_a_request() {
    let mut pair = reachable(&Limits::default());
    let token = invite(&mut pair);
    let mut asker = stranger(&pair, 1);
    assert!(asker.ask(&mut pair, 1));
    for _ in 0..100 {
        asker.send(&mut pair, Body::Heartbeat(link::Heartbeat { reply: true }));
    }
    let request = asker.request_with(&token);
    asker.ask_with(&mut pair, 1, request);
    assert_eq!(relationship(&pair, asker.address()), Some(Relationship::Friend));
}

#[test]
fn a_revoked_invite_is_no_better_than_none() {
    let mut pair = reachable(&Limits::default());
    let token = invite(&mut pair);
    let kept = invite(&mut pair);
    let listed = |pair: &mut Pair<MemoryStore, Transparent>| match pair.command(A, Command::Invites) {
        Ok(Reply::Invites(rows)) => rows.into_iter().map(|row| row.token).collect::<BTreeSet<_>>(),
        other => panic!("no invites: {other:?}"),
    };
    assert_eq!(listed(&mut pair), BTreeSet::from([token, kept]));
    assert_eq!(pair.command(A, Command::RevokeInvite(token)), Ok(Reply::Done));
    assert_eq!(
        pair.command(A, Command::RevokeInvite(token)),
        Err(Refusal::UnknownInvite)
    );
    assert_eq!(listed(&mut pair), BTreeSet::from([kept]));
    for (number, token, became) in [(65, token, Relationship::Asking), (66, kept, Relationship::Friend)] {
        let mut invited = stranger(&pair, number);
        let request = invited.request_with(&token);
        invited.ask_with(&mut pair, number, request);
        assert_eq!(relationship(&pair, invited.address()), Some(became));
    }
    assert!(listed(&mut pair).is_empty());
}

/// The bound was looked at before the invite.
#[test]
fn junk_requests_keep_no_bearer_of_an_invite_out_and_hold_their_places_for_a_day() {
    let limits = Limits::default();
    let mut pair = reachable(&limits);
    let token = invite(&mut pair);
    let first = stranger(&pair, 0).address();
    for number in 0..64 {
        assert!(stranger(&pair, number).ask(&mut pair, number));
        pair.pass(Millis::seconds(1));
    }
    let mut late = stranger(&pair, 64);
    assert!(!late.ask(&mut pair, 64), "no answer, so it asks again");
    assert_eq!(relationship(&pair, late.address()), None);
    assert!(late.is_connected() && faults(&mut pair, FaultKind::TooManyRequests) == 1);

    let mut invited = stranger(&pair, 65);
    let request = invited.request_with(&token);
    invited.ask_with(&mut pair, 65, request);
    assert_eq!(relationship(&pair, invited.address()), Some(Relationship::Friend));

    pair.pass(Millis::hours(24));
    assert!(late.ask(&mut pair, 64), "the oldest has had its day");
    let held = requests_held(&pair);
    assert!(held.len() == 64 && held.contains(&late.address()) && !held.contains(&first));
    assert_eq!(relationship(&pair, first), None);
}

#[test]
fn a_request_expires_and_leaves_nothing() {
    let mut pair = reachable(&Limits::default());
    let mut asker = stranger(&pair, 1);
    assert!(asker.ask(&mut pair, 1));
    pair.pass(Millis::hours(29 * 24));
    assert_eq!(requests_held(&pair), [asker.address()]);
    pair.pass(Millis::hours(3 * 24));
    assert_eq!(requests_held(&pair), []);
    assert_eq!(relationship(&pair, asker.address()), None);
    assert!(asker.ask(&mut pair, 1), "and may come again");
}

/// A clock that is far ahead for a while erases nothing, whether it was so at the start or has jumped.
#[test]
fn a_wrong_clock_that_is_set_right_within_the_hour_expires_no_request() {
    let limits = Limits::default();
    for restart in [true, false] {
        let mut pair = reachable(&limits);
        let mut asker = stranger(&pair, 1);
        assert!(asker.ask(&mut pair, 1));
        let right = pair.now.wall;
        pair.now.wall = right.after(Millis::hours(10_000));
        if restart {
            pair.reopen(A, 7, &limits);
        }
        pair.pass(Millis::minutes(50));
        pair.now.wall = right;
        pair.pass(Millis::hours(48));
        assert_eq!(requests_held(&pair), [asker.address()]);
        // A clock that stays is believed.
        pair.now.wall = right.after(Millis::hours(10_000));
        pair.pass(Millis::hours(48));
        assert_eq!(requests_held(&pair), []);
    }
}

/// A request that was received under a clock far ahead would otherwise stay for as long.
#[test]
fn a_request_that_was_received_under_a_clock_far_ahead_expires_a_month_after_the_clock_is_right() {
    let mut pair = reachable(&Limits::default());
    let right = pair.now.wall;
    pair.now.wall = right.after(Millis::hours(100_000));
    assert!(stranger(&pair, 1).ask(&mut pair, 1));
    pair.now.wall = right;
    pair.pass(Millis::hours(32 * 24));
    assert_eq!(requests_held(&pair), []);
}

/// A program that rejects every request filled the table of contacts, and then no contact could be added.
#[test]
fn declined_strangers_never_fill_the_table_of_contacts() {
    let limits = Limits {
        contacts: 20,
        declined: 8,
        ..Limits::default()
    };
    let mut pair = reachable(&limits);
    for number in 0..40 {
        let mut asker = stranger(&pair, number);
        assert!(asker.ask(&mut pair, number));
        pair.command(A, Command::RejectContact(asker.address()))
            .expect("rejected");
        assert_eq!(relationship(&pair, asker.address()), Some(Relationship::Declined));
        pair.pass(Millis::minutes(1));
    }
    let rows = pair.sides[A].store.rows();
    let contacts = rows.filter(|row| matches!(row, Row::Contact(_))).count();
    assert_eq!(contacts, 1 + limits.declined);
    assert_eq!(
        relationship(&pair, stranger(&pair, 0).address()),
        None,
        "the oldest gave way"
    );
    pair.pass(Millis::hours(32 * 24));
    assert_eq!(
        relationship(&pair, stranger(&pair, 39).address()),
        None,
        "a month later none is left"
    );
}

#[test]
fn repeated_requests_are_one_event_and_replace_the_held_one_once_a_minute() {
    let mut pair = reachable(&Limits::default());
    let mut asker = stranger(&pair, 1);
    let held = |pair: &Pair<MemoryStore, Transparent>, asker: OnionAddress| match pair.sides[A]
        .store
        .row(&Key::Request(asker))
    {
        Some(Row::Request(row)) => row.session_epoch.0,
        _ => panic!("no request"),
    };
    let request = asker.request();
    let first = request.session_epoch;
    assert!(asker.ask_with(&mut pair, 1, request));
    let mut last = first;
    for _ in 0..15 {
        let request = asker.request();
        last = request.session_epoch;
        assert!(asker.ask_with(&mut pair, 1, request), "each is answered");
    }
    assert_eq!(held(&pair, asker.address()), first);
    pair.pass(Millis::minutes(1));
    let request = asker.request();
    assert_ne!(last, request.session_epoch);
    last = request.session_epoch;
    assert!(asker.ask_with(&mut pair, 1, request));
    assert_eq!(held(&pair, asker.address()), last);
    assert_eq!(events_about(&pair, asker.address()).len(), 1);
}

#[test]
fn a_request_with_a_bundle_larger_than_any_correct_one_leaves_nothing() {
    let mut pair = reachable(&Limits::default());
    let mut asker = stranger(&pair, 1);
    let mut request = asker.request();
    request.bundle.as_mut().expect("a bundle").kyber_prekey = vec![8; 2048];
    assert!(!asker.ask_with(&mut pair, 1, request));
    assert!(!asker.is_connected() && requests_held(&pair).is_empty());
    assert_eq!(relationship(&pair, asker.address()), None);
}

/// A program that rejects at once makes room for the next stranger at once: without a pace, strangers would write the log.
#[test]
fn strangers_write_a_bounded_number_of_events_however_quickly_they_are_rejected() {
    let limits = Limits::default();
    let mut pair = reachable(&limits);
    let before = pair.sides[A]
        .store
        .rows()
        .filter(|row| matches!(row, Row::Event(_)))
        .count();
    for number in 0..400 {
        let mut asker = stranger(&pair, number);
        if asker.ask(&mut pair, number) {
            pair.command(A, Command::RejectContact(asker.address()))
                .expect("rejected");
        }
        pair.pass(Millis::seconds(1));
    }
    let after = pair.sides[A]
        .store
        .rows()
        .filter(|row| matches!(row, Row::Event(_)))
        .count();
    let most = limits.request_burst + limits.requests_per_hour * 400 / 3600 + 1;
    assert!((after - before) as u64 <= most, "{} events", after - before);
}

/// The oldest of all handshakes gave way, and that was the friend's who needs a round trip or two.
#[test]
fn a_flood_of_handshakes_over_one_circuit_displaces_no_other_peer() {
    let limits = Limits::default();
    let mut pair = reachable(&limits);
    let mut slow = stranger(&pair, 1);
    slow.connect(&mut pair, 1);
    let mut flooder = stranger(&pair, 2);
    for _ in 0..1000 {
        flooder.connect(&mut pair, 2);
    }
    assert!(status(&mut pair).handshakes <= limits.unauthenticated_links);
    slow.exchange(&mut pair);
    slow.send(&mut pair, slow.hello(link::Relationship::Requested));
    assert!(slow.is_connected() && slow.ask(&mut pair, 1));
    // The same of links that are authenticated: a newcomer waits for our Hello before it asks.
    let mut waiting = stranger(&pair, 3);
    waiting.dial(&mut pair, 3);
    for number in 0..200 {
        stranger(&pair, 100 + number).dial(&mut pair, 4);
    }
    assert!(status(&mut pair).stranger_links <= limits.stranger_links);
    waiting.send(&mut pair, waiting.hello(link::Relationship::Requested));
    assert!(waiting.is_connected() && waiting.ask(&mut pair, 3));
}
