//! Stores that have lost something. The two nodes must detect it and open a new session, before a key is used twice and
//! without losing queued messages.

use sotto_core::row::{Batch, Change, Event, Key, Row, Verification};
use sotto_core::{Command, Millis, Refusal, Reply};
use sotto_testkit::memory_store::MemoryStore;

use crate::node_index::{ALICE, BOB, NodeIndex};
use crate::world::{Fate, World};

/// Alice's store has lost her sessions.
pub fn session_lost_by_one(world: &mut World) {
    session_lost_by(ALICE, world);
}

/// Bob's store has lost his.
pub fn session_lost_by_the_other(world: &mut World) {
    session_lost_by(BOB, world);
}

fn session_lost_by(loser: NodeIndex, world: &mut World) {
    world.deliver_text(ALICE, BOB, "before");
    world.deliver_text(BOB, ALICE, "before, too");
    world.partition(ALICE, BOB);
    world.submit_text(ALICE, BOB, "waiting");
    world.submit_text(BOB, ALICE, "waiting, too");
    world.until("both wait", World::all_answered);
    world.edit_disk(loser, MemoryStore::lose_sessions);
    world.heal();
    world.until_quiescent(&[(ALICE, BOB)]);
    assert_eq!(world.received_texts(ALICE, BOB), ["before", "waiting"]);
    assert_eq!(world.received_texts(BOB, ALICE), ["before, too", "waiting, too"]);
}

/// Bob has stored Alice's messages, but his acknowledgement is lost, and then her session. She sends them again in a
/// new one, and he recognises them.
pub fn session_lost_before_the_ack(world: &mut World) {
    let ids = ["one", "two"].map(|text| world.send_text(ALICE, BOB, text));
    world.until_received(ALICE, BOB, ids[1]);
    world.partition(ALICE, BOB);
    world.edit_disk(ALICE, MemoryStore::lose_sessions);
    world.heal();
    world.until_quiescent(&[(ALICE, BOB)]);
    assert_eq!(world.received_texts(ALICE, BOB), ["one", "two"]);
}

/// Alice restores a backup. Nothing had happened since.
pub fn old_store_without_traffic(world: &mut World) {
    world.deliver_text(ALICE, BOB, "before");
    world.until_quiescent(&[(ALICE, BOB)]);
    let backup = world.snapshot(ALICE);
    world.restore(ALICE, backup);
    world.deliver_text(ALICE, BOB, "after");
    world.deliver_text(BOB, ALICE, "after, too");
    assert_eq!(world.received_texts(ALICE, BOB), ["before", "after"]);
}

/// Alice restores a backup, and has lost what she has sent since. Bob keeps that.
pub fn old_store_after_sending(world: &mut World) {
    world.deliver_text(ALICE, BOB, "before");
    let backup = world.snapshot(ALICE);
    let sent_since = world.deliver_text(ALICE, BOB, "since");
    world.submit_text(BOB, ALICE, "an answer");
    world.until_quiescent(&[(ALICE, BOB)]);
    world.expect(sent_since, Fate::Received);
    expect_forgotten_since(world, &backup, BOB, ALICE);
    world.restore(ALICE, backup);
    world.deliver_text(ALICE, BOB, "after");
    world.deliver_text(BOB, ALICE, "after, too");
    assert_eq!(world.received_texts(ALICE, BOB), ["before", "since", "after"]);
}

/// Bob restores a backup, and has lost what he has received since. Later messages arrive.
pub fn old_store_after_receiving(world: &mut World) {
    world.deliver_text(ALICE, BOB, "before");
    let backup = world.snapshot(BOB);
    world.deliver_text(ALICE, BOB, "since");
    world.deliver_text(ALICE, BOB, "since, again");
    expect_forgotten_since(world, &backup, ALICE, BOB);
    world.restore(BOB, backup);
    world.deliver_text(ALICE, BOB, "after");
    world.deliver_text(BOB, ALICE, "after, too");
    assert_eq!(world.received_texts(ALICE, BOB), ["before", "after"]);
}

/// Both restore backups of different times.
pub fn old_stores_of_both(world: &mut World) {
    let alice = world.snapshot(ALICE);
    let since_alice = world.deliver_text(ALICE, BOB, "one");
    let bob = world.snapshot(BOB);
    let since_both = world.deliver_text(ALICE, BOB, "two");
    world.expect(since_alice, Fate::Received);
    world.expect(since_both, Fate::Forgotten);
    world.restore(ALICE, alice);
    world.restore(BOB, bob);
    world.deliver_text(ALICE, BOB, "after");
    world.deliver_text(BOB, ALICE, "after, too");
    assert_eq!(world.received_texts(ALICE, BOB), ["one", "after"]);
}

/// Alice restores the store of the time when Bob had her request. They have been friends since, so her request is consent
/// given again, and Bob is told what may be missing.
pub fn old_store_of_a_request(world: &mut World) {
    world.request(ALICE, BOB);
    world.until_requested(ALICE, BOB);
    let backup = world.snapshot(ALICE);
    world.accept_contact(BOB, ALICE);
    world.until_friends(ALICE, BOB);
    let hers = world.deliver_text(ALICE, BOB, "before");
    let his = world.deliver_text(BOB, ALICE, "before, too");
    world.expect(hers, Fate::Received);
    world.expect(his, Fate::Forgotten);
    world.restore(ALICE, backup);
    world.until_friends(ALICE, BOB);
    world.deliver_text(ALICE, BOB, "after");
    world.deliver_text(BOB, ALICE, "after, too");
    assert_eq!(world.received_texts(ALICE, BOB), ["before", "after"]);
    let contact = world.address(ALICE);
    let told = |event: &Event| *event == Event::ContactRolledBack { contact };
    assert_eq!(world.count_events(BOB, told), 1);
}

/// A session is replaced, and later the peer that offered the bundle restores its store of the time when the offer was
/// outstanding. It does not wait for what the offer has brought already.
pub fn old_store_of_an_offer(world: &mut World) {
    world.edit_disk(BOB, MemoryStore::lose_sessions);
    let waits = world.send_text(ALICE, BOB, "waits");
    let offers = |world: &World, (peer, other): (NodeIndex, NodeIndex)| {
        let offer = Key::PreKeyOffer(world.address(other));
        world.disk(peer).row(&offer).is_some()
    };
    world.until("a bundle is offered", |world| {
        offers(world, (ALICE, BOB)) || offers(world, (BOB, ALICE))
    });
    let (offerer, other) = if offers(world, (ALICE, BOB)) {
        (ALICE, BOB)
    } else {
        (BOB, ALICE)
    };
    let backup = world.snapshot(offerer);
    world.until_delivered(ALICE, BOB, waits);
    let sent = world.deliver_text(offerer, other, "before");
    let received = world.deliver_text(other, offerer, "before, too");
    world.expect(sent, Fate::Received);
    world.expect(received, Fate::Forgotten);
    if offerer == BOB {
        world.expect(waits, Fate::Forgotten);
    }
    world.restore(offerer, backup);
    world.deliver_text(ALICE, BOB, "after");
    world.deliver_text(BOB, ALICE, "after, too");
}

/// Bob has lost everything but his identity. He asks Alice again, and since he is her contact, that is enough.
pub fn only_the_identity_is_left(world: &mut World) {
    let hers = world.deliver_text(ALICE, BOB, "before");
    let his = world.deliver_text(BOB, ALICE, "before, too");
    world.expect(hers, Fate::Forgotten);
    world.expect(his, Fate::Received);
    world.edit_disk(BOB, |disk| disk.lose(|row| !matches!(row, Row::Identity(_))));
    let waits = world.send_text(ALICE, BOB, "where are you?");
    world.advance(Millis::minutes(40));
    assert!(world.received_texts(ALICE, BOB).is_empty(), "he has no contact");
    world.request(BOB, ALICE);
    world.until_delivered(ALICE, BOB, waits);
    world.until_friends(ALICE, BOB);
}

/// Alice has verified Bob's safety number. A new session with the same identity keeps the verification.
pub fn verified_across_a_new_session(world: &mut World) {
    compare_numbers(world);
    world.edit_disk(BOB, MemoryStore::lose_sessions);
    world.deliver_text(BOB, ALICE, "back again");
    assert!(
        world
            .contact(ALICE, BOB)
            .is_some_and(|row| row.verification == Verification::Verified)
    );
}

/// Bob comes back under his address with another Signal identity. Alice is warned, the verification is removed, and the
/// old safety number no longer matches. She sends nothing until she accepts the new key.
pub fn a_new_identity_is_a_warning(world: &mut World) {
    let number = compare_numbers(world);
    let (signal_identity, registration_id) = world.another_identity();
    world.edit_disk(BOB, |disk| {
        disk.lose_sessions();
        let known = disk.image().identity.expect("it was opened");
        let mut identity = known.clone();
        identity.signal_identity = signal_identity;
        identity.registration_id = registration_id;
        disk.apply(Batch {
            changes: vec![Change::Put(Row::Identity(identity))],
        });
    });
    world.deliver_text(BOB, ALICE, "back again, with all new keys");
    assert!(
        world
            .contact(ALICE, BOB)
            .is_some_and(|row| row.verification != Verification::Verified)
    );
    let contact = world.address(BOB);
    let warned = Event::ContactRekeyed {
        contact,
        identity_changed: true,
    };
    assert_eq!(world.count_events(ALICE, |event| *event == warned), 1);
    let verify = Command::VerifyContact(contact, Some(number));
    assert_eq!(world.call(ALICE, verify), Err(Refusal::SafetyNumberMismatch(contact)));

    // Alice sends nothing to the new key before she has accepted it.
    let message = world.new_message(BOB, "who are you?");
    assert_eq!(
        world.call(ALICE, Command::Send(message)),
        Err(Refusal::UntrustedKey(contact))
    );
    let Ok(Reply::SafetyNumber(current)) = world.call(ALICE, Command::SafetyNumber(contact)) else {
        panic!("there is a session");
    };
    world.call_ok(ALICE, Command::AcceptIdentityKey(contact, current.digits));
    world.deliver_text(ALICE, BOB, "it is you");
}

/// Alice and Bob compare their safety numbers. Returns the digits.
fn compare_numbers(world: &mut World) -> String {
    let mut number = |peer: NodeIndex, other: NodeIndex| {
        let contact = world.address(other);
        match world.call(peer, Command::SafetyNumber(contact)) {
            Ok(Reply::SafetyNumber(number)) => number.digits,
            other => panic!("{other:?}"),
        }
    };
    let digits = number(ALICE, BOB);
    assert_eq!(digits, number(BOB, ALICE));
    let contact = world.address(BOB);
    world.call_ok(ALICE, Command::VerifyContact(contact, Some(digits.clone())));
    assert!(
        world
            .contact(ALICE, BOB)
            .is_some_and(|row| row.verification == Verification::Verified)
    );
    digits
}

/// Bob's machine starts with a clock three days behind its store. Queued messages are sent, and new ones arrive in
/// order.
pub fn the_clock_is_behind_the_store(world: &mut World) {
    world.deliver_text(ALICE, BOB, "before");
    world.partition(ALICE, BOB);
    let waits = world.send_text(BOB, ALICE, "what day is it?");
    world.advance(Millis::hours(2));
    world.switch_off(BOB);
    world.move_wall_clock(BOB, -72 * 3600 * 1000);
    world.switch_on(BOB);
    world.heal();
    let before = world.now();
    world.until_delivered(BOB, ALICE, waits);
    let waited = Millis(world.now().0 - before.0);
    assert!(
        waited < Millis::minutes(16) || !world.is_fault_free(),
        "waited for {waited}"
    );
    world.deliver_text(ALICE, BOB, "after");
    assert_eq!(world.received_texts(ALICE, BOB), ["before", "after"]);
}

/// What `at` has received since a backup will be lost with its disk, though `from` knows it as delivered.
fn expect_forgotten_since(world: &mut World, backup: &MemoryStore, from: NodeIndex, at: NodeIndex) {
    let lost: Vec<_> = world
        .sent()
        .iter()
        .filter(|sent| (sent.from, sent.to) == (from, at))
        .filter(|sent| backup.message(&world.key(at, from, at, sent.id)).is_none())
        .map(|sent| sent.id)
        .collect();
    for id in lost {
        world.expect(id, Fate::Forgotten);
    }
}
