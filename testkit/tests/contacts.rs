//! States of a contact that outlast a link and a start: invisible, an identity key that the user has not accepted, removed by
//! the peer, and when the next dial is due.

use sotto_core::row::{ContactRow, DeliveryState, Event, Key, MessageKey, Relationship, Row, Verification};
use sotto_core::{
    Availability, Command, ContactObstacle, ConversationId, FriendCode, GroupId, Limits, MessageId, Millis, NewMessage,
    OnionAddress, OnionSecret, Presence, Refusal, Reply, Status,
};
use sotto_testkit::memory_store::MemoryStore;
use sotto_testkit::pair::{A, B, Pair};

fn friends() -> Pair<MemoryStore> {
    let mut pair = Pair::new([MemoryStore::default(), MemoryStore::default()], 1, &Limits::default());
    pair.befriend();
    pair
}

fn status(pair: &mut Pair<MemoryStore>, side: usize) -> Status {
    match pair.command(side, Command::Status) {
        Ok(Reply::Status(status)) => status,
        other => panic!("no status: {other:?}"),
    }
}

fn contact(pair: &Pair<MemoryStore>, side: usize) -> &ContactRow {
    match pair.sides[side].store.row(&Key::Contact(pair.sides[1 - side].address)) {
        Some(Row::Contact(row)) => row,
        other => panic!("no contact: {other:?}"),
    }
}

fn state(pair: &Pair<MemoryStore>, side: usize, id: MessageId) -> Option<DeliveryState> {
    let key = MessageKey::direct(pair.sides[1 - side].address, pair.sides[side].address, id);
    match pair.sides[side].store.row(&Key::Delivery(key)) {
        Some(Row::Delivery(row)) => Some(row.state),
        _ => None,
    }
}

fn presence(pair: &mut Pair<MemoryStore>, side: usize) -> Presence {
    match pair.command(side, Command::Peers) {
        Ok(Reply::Peers(peers)) => peers[0].presence,
        other => panic!("no presence: {other:?}"),
    }
}

fn count(pair: &Pair<MemoryStore>, side: usize, wanted: &Event) -> usize {
    pair.sides[side].store.events().filter(|event| *event == wanted).count()
}

fn add(contact: OnionAddress) -> Command {
    Command::AddContact {
        code: FriendCode {
            address: contact,
            invite: None,
        },
        petname: None,
        note: String::new(),
    }
}

#[test]
fn an_invisible_node_stays_invisible_and_dials_for_mail_alone() {
    let mut pair = friends();
    pair.command(B, Command::SetAvailability(Availability::Invisible))
        .unwrap();
    pair.cut();
    pair.pass(Millis::hours(1));
    let seen = contact(&pair, A).last_seen;
    pair.reopen(B, 7, &Limits::default());
    pair.pass(Millis::hours(1));
    let of_b = status(&mut pair, B);
    assert_eq!((of_b.availability, of_b.links), (Availability::Invisible, 0));
    assert_eq!(contact(&pair, A).last_seen, seen, "no dial has shown that B is here");

    pair.send_text(B, "mail is sent");
    assert_eq!(pair.received_texts(A), ["mail is sent"]);
    assert_ne!(presence(&mut pair, A), Presence::Online);
    let a = pair.sides[A].address;
    pair.command(B, Command::SetTyping(a, true)).unwrap();
    match pair.command(A, Command::Peers) {
        Ok(Reply::Peers(peers)) => assert!(!peers[0].typing, "typing would show it"),
        other => panic!("no presence: {other:?}"),
    }

    // Once it is visible again, contacts learn so without a message.
    pair.cut();
    pair.command(B, Command::SetAvailability(Availability::Away)).unwrap();
    assert_eq!(presence(&mut pair, A), Presence::Away);
}

/// A request is mail as a text is.
#[test]
fn a_pool_without_room_gives_up_the_link_that_is_used_least_for_mail() {
    let limits = Limits {
        pooled_links: 1,
        ..Limits::default()
    };
    let mut pair = Pair::new([MemoryStore::default(), MemoryStore::default()], 1, &limits);
    pair.befriend();
    assert_eq!(status(&mut pair, A).links, 1);
    let third = OnionSecret::from_seed(&[9; 32]).address();
    pair.command(A, add(third)).unwrap();
    assert_eq!(status(&mut pair, A).links, 0);
    pair.send_text(B, "the link comes back when it is needed");
    assert_eq!(pair.received_texts(A), ["the link comes back when it is needed"]);
}

fn number(pair: &mut Pair<MemoryStore>, side: usize) -> String {
    let peer = pair.sides[1 - side].address;
    match pair.command(side, Command::SafetyNumber(peer)) {
        Ok(Reply::SafetyNumber(number)) => number.digits,
        other => panic!("no safety number: {other:?}"),
    }
}

#[test]
fn the_verified_mark_is_set_and_taken_away_once() {
    let mut pair = friends();
    let peer = pair.sides[B].address;
    let number = number(&mut pair, A);
    let marked = |verified| Event::ContactVerified {
        contact: peer,
        verified,
    };
    let mark = Command::VerifyContact(peer, Some(number));
    let unmark = Command::VerifyContact(peer, None);
    for (command, expected, times) in [
        (&unmark, Verification::Unverified, [0, 0]),
        (&mark, Verification::Verified, [1, 0]),
        (&mark, Verification::Verified, [1, 0]),
        (&unmark, Verification::Unverified, [1, 1]),
        (&unmark, Verification::Unverified, [1, 1]),
    ] {
        pair.command(A, command.clone()).unwrap();
        assert_eq!(contact(&pair, A).verification, expected);
        let told = [true, false].map(|verified| count(&pair, A, &marked(verified)));
        assert_eq!(told, times, "{command:?}");
    }
}

/// For both directions of the key agreement (the smaller address offers), and for both ways to accept.
#[test]
fn what_waits_for_a_verified_contact_is_held_when_its_key_changes() {
    for (side, compares) in [(A, false), (A, true), (B, false), (B, true)] {
        let mut pair = friends();
        let peer = pair.sides[1 - side].address;
        let compared = number(&mut pair, side);
        pair.command(side, Command::VerifyContact(peer, Some(compared.clone())))
            .unwrap();
        pair.cut();
        pair.reachable = false;
        let waits = pair.send_text(side, "for the verified key alone");
        pair.reachable = true;
        pair.change_identity(1 - side, &Limits::default());
        pair.send_text(1 - side, "it is me, with all new keys");
        pair.pass(Millis::hours(1));

        assert!(
            pair.received_texts(1 - side).is_empty(),
            "nothing is sealed to the new key"
        );
        assert_eq!(state(&pair, side, waits), Some(DeliveryState::Queued));
        assert_eq!(
            pair.received_texts(side),
            ["it is me, with all new keys"],
            "but it is heard"
        );
        let row = contact(&pair, side);
        assert_eq!(row.verification, Verification::Untrusted);
        let held = |untrusted| Event::ContactUntrusted {
            contact: peer,
            untrusted,
        };
        assert_eq!(count(&pair, side, &held(true)), 1);
        let refused = pair.command(side, Command::Send(NewMessage::plain(peer, "and now?")));
        assert_eq!(refused, Err(Refusal::UntrustedKey(peer)));

        // It outlasts a start, and an old number accepts nothing.
        pair.reopen(side, 66, &Limits::default());
        pair.pass(Millis::minutes(20));
        assert!(pair.received_texts(1 - side).is_empty());
        let mismatch = Err(Refusal::SafetyNumberMismatch(peer));
        assert_eq!(pair.command(side, Command::AcceptIdentityKey(peer, compared)), mismatch);
        assert_eq!(contact(&pair, side).verification, Verification::Untrusted);

        let number = number(&mut pair, side);
        let accept = if compares {
            Command::VerifyContact(peer, Some(number))
        } else {
            Command::AcceptIdentityKey(peer, number)
        };
        pair.command(side, accept).unwrap();
        pair.pass(Millis::minutes(1));
        assert_eq!(pair.received_texts(1 - side), ["for the verified key alone"]);
        assert_eq!(state(&pair, side, waits), Some(DeliveryState::Delivered));
        let row = contact(&pair, side);
        let expected = if compares {
            Verification::Verified
        } else {
            Verification::Unverified
        };
        assert_eq!(row.verification, expected);
        assert_eq!(count(&pair, side, &held(false)), 1);
    }
}

#[test]
fn a_friend_that_has_removed_us_is_shown_so_and_can_be_asked_again() {
    let mut pair = friends();
    let [a, b] = [pair.sides[A].address, pair.sides[B].address];
    pair.cut();
    pair.reachable = false;
    let waits = pair.send_text(B, "are you angry?");
    pair.command(A, Command::RemoveContact(b)).unwrap();
    pair.reachable = true;
    pair.pass(Millis::hours(1));
    let removed = |removed| Event::RemovedByPeer { contact: a, removed };
    assert!(contact(&pair, B).removed_by_peer);
    assert_eq!(count(&pair, B, &removed(true)), 1);
    assert_eq!(state(&pair, B, waits), Some(DeliveryState::Queued));

    // It outlasts a start; the node's one look at its contacts hears the same again and writes nothing.
    pair.reopen(B, 7, &Limits::default());
    pair.pass(Millis::hours(1));
    assert!(contact(&pair, B).removed_by_peer);
    assert_eq!(count(&pair, B, &removed(true)), 1);
    let obstacle = ContactObstacle::RemovedByPeer;
    let refused = pair.command(B, Command::Send(NewMessage::plain(a, "still there?")));
    assert_eq!(refused, Err(Refusal::WrongRelationship { contact: a, obstacle }));

    // The way out: ask again. What waits goes out once they accept.
    pair.command(B, add(a)).unwrap();
    assert!(!contact(&pair, B).removed_by_peer);
    assert_eq!(contact(&pair, B).relationship, Relationship::RequestDelivered);
    assert_eq!(state(&pair, B, waits), Some(DeliveryState::Queued));
    let accept = Command::AcceptContact {
        contact: b,
        petname: None,
    };
    pair.command(A, accept).unwrap();
    pair.pass(Millis::minutes(1));
    assert_eq!(pair.received_texts(A), ["are you angry?"]);
    assert_eq!(state(&pair, B, waits), Some(DeliveryState::Delivered));
}

#[test]
fn a_friend_whose_restored_store_knows_us_again_has_not_removed_us() {
    let mut pair = friends();
    let [a, b] = [pair.sides[A].address, pair.sides[B].address];
    let before = pair.sides[A].store.clone();
    pair.command(A, Command::RemoveContact(b)).unwrap();
    pair.send_text(B, "are you angry?");
    pair.pass(Millis::minutes(1));
    assert!(contact(&pair, B).removed_by_peer);
    pair.sides[A].store = before;
    pair.reopen(A, 7, &Limits::default());
    pair.pass(Millis::minutes(1));
    assert!(!contact(&pair, B).removed_by_peer);
    let cleared = Event::RemovedByPeer {
        contact: a,
        removed: false,
    };
    assert_eq!(count(&pair, B, &cleared), 1);
    assert_eq!(pair.received_texts(A), ["are you angry?"]);
}

#[test]
fn a_start_tries_at_once_and_then_quickly() {
    let mut pair = friends();
    pair.cut();
    pair.reachable = false;
    pair.send_text(A, "hello?");
    pair.pass(Millis::hours(3));
    assert!(contact(&pair, A).retry.attempts > 5, "tries are far apart by now");
    pair.reopen(A, 7, &Limits::default());
    assert_eq!(contact(&pair, A).retry.attempts, 1, "one try at once");
    pair.reachable = true;
    pair.pass(Limits::default().retry_first);
    assert_eq!(pair.received_texts(B), ["hello?"]);
}

fn obstacle(outcome: Result<Reply, Refusal>) -> ContactObstacle {
    match outcome {
        Err(Refusal::WrongRelationship { obstacle, .. }) => obstacle,
        other => panic!("not refused by the relationship: {other:?}"),
    }
}

#[test]
fn a_command_that_does_not_fit_the_relationship_is_refused_with_the_reason() {
    let mut pair = friends();
    let (a, b) = (pair.sides[A].address, pair.sides[B].address);
    assert_eq!(pair.command(A, add(a)), Err(Refusal::Ourselves));
    let long = "x".repeat(501);
    for (petname, note) in [(Some(long.clone()), String::new()), (None, long.clone())] {
        let Command::AddContact { code, .. } = add(b) else {
            panic!("it adds");
        };
        let refused = pair.command(A, Command::AddContact { code, petname, note });
        assert!(matches!(refused, Err(Refusal::OutOfRange(_))), "{refused:?}");
    }
    let refused = pair.command(A, Command::RenameContact(b, long));
    assert!(matches!(refused, Err(Refusal::OutOfRange(_))), "{refused:?}");
    assert_eq!(obstacle(pair.command(A, add(b))), ContactObstacle::AlreadyAContact);
    let accept = Command::AcceptContact {
        contact: b,
        petname: None,
    };
    assert_eq!(pair.command(A, accept.clone()), Ok(Reply::Contact(b)), "once more");
    let named = Command::AcceptContact {
        contact: b,
        petname: Some(String::from("robert")),
    };
    pair.command(A, named).unwrap();
    pair.command(A, accept.clone()).unwrap();
    assert_eq!(
        contact(&pair, A).petname,
        "robert",
        "a name is given also then, and is not taken away without one"
    );
    assert_eq!(
        obstacle(pair.command(A, Command::RejectContact(b))),
        ContactObstacle::HasNotAsked
    );
    assert_eq!(
        obstacle(pair.command(A, Command::ForgetContact(b))),
        ContactObstacle::NotRemoved
    );
    let wrong = Command::VerifyContact(b, Some(String::from("1 2 3")));
    assert_eq!(pair.command(A, wrong), Err(Refusal::SafetyNumberMismatch(b)));

    pair.command(A, Command::BlockContact(b, true)).unwrap();
    pair.command(A, Command::BlockContact(b, true)).unwrap();
    assert_eq!(obstacle(pair.command(A, add(b))), ContactObstacle::Blocked);
    let text = Command::Send(NewMessage::plain(b, "to no one"));
    assert_eq!(obstacle(pair.command(A, text.clone())), ContactObstacle::Blocked);
    assert_eq!(
        obstacle(pair.command(A, Command::ForgetContact(b))),
        ContactObstacle::Blocked
    );
    pair.command(A, Command::BlockContact(b, false)).unwrap();

    pair.command(A, Command::RemoveContact(b)).unwrap();
    pair.command(A, Command::RemoveContact(b)).unwrap();
    assert_eq!(obstacle(pair.command(A, text)), ContactObstacle::NotAContact);
    assert_eq!(obstacle(pair.command(A, accept)), ContactObstacle::HasNotAsked);
    pair.command(A, Command::ForgetContact(b)).unwrap();
    assert!(pair.sides[A].store.row(&Key::Contact(b)).is_none());
    let unknown = [
        Command::ForgetContact(b),
        Command::RemoveContact(b),
        Command::RejectContact(b),
        Command::BlockContact(b, true),
        Command::RenameContact(b, String::from("bob")),
        Command::SafetyNumber(b),
        Command::VerifyContact(b, None),
        Command::SetTyping(b, true),
        Command::SetTimer(b.into(), 60),
    ];
    for command in unknown {
        assert_eq!(pair.command(A, command), Err(Refusal::UnknownContact(b)));
    }
}

#[test]
fn no_command_takes_a_group_or_a_stranger_for_a_contact() {
    let mut pair = friends();
    let author = pair.sides[B].address;
    let stranger = Pair::new([MemoryStore::default(), MemoryStore::default()], 9, &Limits::default()).sides[A].address;
    let group = ConversationId::Group(GroupId([7; 32]));
    for (conversation, refusal) in [
        (group, Refusal::UnknownConversation(group)),
        (ConversationId::Direct(stranger), Refusal::UnknownContact(stranger)),
    ] {
        let (id, text) = (MessageId([1; 16]), || "x".to_owned());
        let message = MessageKey {
            conversation,
            author,
            id,
        };
        let commands = [
            Command::Send(NewMessage::plain(conversation, "x")),
            Command::EditMessage {
                conversation,
                id,
                text: text(),
            },
            Command::DeleteMessage { conversation, id },
            Command::EraseMessages {
                conversation,
                messages: vec![(author, id)],
            },
            Command::CancelMessage { conversation, id },
            Command::RetryMessage { conversation, id },
            Command::React {
                message,
                emoji: Some(text()),
            },
            Command::MarkRead {
                conversation,
                author,
                ids: vec![id],
                receipt: true,
            },
            Command::SetTimer(conversation, 60),
        ];
        for command in commands {
            let shown = format!("{command:?}");
            assert_eq!(pair.command(A, command), Err(refusal.clone()), "{shown}");
        }
    }
}
