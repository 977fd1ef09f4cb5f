//! Stores that have lost something. The two must find out and open a new session, before a key is used twice and without
//! losing what waits.

use sotto_core::row::{Batch, Change, Event, Row};
use sotto_core::{Command, Millis, Refusal, Reply};
use sotto_testkit::disk::Disk;

use crate::{ALICE, BOB, Fate, Peer, World};

/// Alice's store has lost her sessions.
pub fn session_lost_by_one(world: &mut World) {
    session_lost_by(ALICE, world);
}

/// Bob's store has lost his.
pub fn session_lost_by_the_other(world: &mut World) {
    session_lost_by(BOB, world);
}

fn session_lost_by(loser: Peer, world: &mut World) {
    world.tell(ALICE, BOB, "before");
    world.tell(BOB, ALICE, "before, too");
    world.part(ALICE, BOB);
    world.write(ALICE, BOB, "waiting");
    world.write(BOB, ALICE, "waiting, too");
    world.until("both wait", World::is_answered);
    world.with_disk_out(loser, |disk| disk.lose(is_session));
    world.heal();
    world.until_at_rest(&[(ALICE, BOB)]);
    assert_eq!(world.heard(ALICE, BOB), ["before", "waiting"]);
    assert_eq!(world.heard(BOB, ALICE), ["before, too", "waiting, too"]);
}

/// Bob has stored what Alice sent, but his acknowledgement is lost, and then her session. She sends it again under a new
/// one; he finds that he has it.
pub fn session_lost_before_the_ack(world: &mut World) {
    let ids = ["one", "two"].map(|text| world.say(ALICE, BOB, text));
    world.until_received(ALICE, BOB, ids[1]);
    world.part(ALICE, BOB);
    world.with_disk_out(ALICE, |disk| disk.lose(is_session));
    world.heal();
    world.until_at_rest(&[(ALICE, BOB)]);
    assert_eq!(world.heard(ALICE, BOB), ["one", "two"]);
}

/// Alice puts a backup back, and nothing had happened since.
pub fn old_store_without_traffic(world: &mut World) {
    world.tell(ALICE, BOB, "before");
    world.until_at_rest(&[(ALICE, BOB)]);
    let backup = world.snapshot(ALICE);
    world.restore(ALICE, backup);
    world.tell(ALICE, BOB, "after");
    world.tell(BOB, ALICE, "after, too");
    assert_eq!(world.heard(ALICE, BOB), ["before", "after"]);
}

/// Alice puts a backup back, which knows nothing of what she has sent since. Bob keeps that.
pub fn old_store_after_sending(world: &mut World) {
    world.tell(ALICE, BOB, "before");
    let backup = world.snapshot(ALICE);
    let sent_since = world.tell(ALICE, BOB, "since");
    world.write(BOB, ALICE, "an answer");
    world.until_at_rest(&[(ALICE, BOB)]);
    world.expect(sent_since, Fate::Received);
    world.forget_what_was_heard_since(&backup, BOB, ALICE);
    world.restore(ALICE, backup);
    world.tell(ALICE, BOB, "after");
    world.tell(BOB, ALICE, "after, too");
    assert_eq!(world.heard(ALICE, BOB), ["before", "since", "after"]);
}

/// Bob puts a backup back, which knows nothing of what he has received since: that is lost, but nothing later is.
pub fn old_store_after_receiving(world: &mut World) {
    world.tell(ALICE, BOB, "before");
    let backup = world.snapshot(BOB);
    world.tell(ALICE, BOB, "since");
    world.tell(ALICE, BOB, "since, again");
    world.forget_what_was_heard_since(&backup, ALICE, BOB);
    world.restore(BOB, backup);
    world.tell(ALICE, BOB, "after");
    world.tell(BOB, ALICE, "after, too");
    assert_eq!(world.heard(ALICE, BOB), ["before", "after"]);
}

/// Both put old backups back, of different moments.
pub fn old_stores_of_both(world: &mut World) {
    let alice = world.snapshot(ALICE);
    let since_alice = world.tell(ALICE, BOB, "one");
    let bob = world.snapshot(BOB);
    let since_both = world.tell(ALICE, BOB, "two");
    world.expect(since_alice, Fate::Received);
    world.expect(since_both, Fate::Forgotten);
    world.restore(ALICE, alice);
    world.restore(BOB, bob);
    world.tell(ALICE, BOB, "after");
    world.tell(BOB, ALICE, "after, too");
    assert_eq!(world.heard(ALICE, BOB), ["one", "after"]);
}

/// Bob has nothing left but who he is. He asks Alice anew, and since she knows him, that is enough.
pub fn only_the_identity_is_left(world: &mut World) {
    let hers = world.tell(ALICE, BOB, "before");
    let his = world.tell(BOB, ALICE, "before, too");
    world.expect(hers, Fate::Forgotten);
    world.expect(his, Fate::Received);
    world.with_disk_out(BOB, |disk| disk.lose(|row| !matches!(row, Row::Identity(_))));
    let waits = world.say(ALICE, BOB, "where are you?");
    world.pass(Millis::minutes(40));
    assert!(world.heard(ALICE, BOB).is_empty(), "he knows nobody");
    world.request(BOB, ALICE);
    world.until_delivered(ALICE, BOB, waits);
    world.until_friends(ALICE, BOB);
}

/// Alice has compared safety numbers with Bob. Another session with the same identity changes nothing about that.
pub fn verified_across_a_new_session(world: &mut World) {
    compare_numbers(world);
    world.with_disk_out(BOB, |disk| disk.lose(is_session));
    world.tell(BOB, ALICE, "back again");
    assert!(world.contact(ALICE, BOB).is_some_and(|row| row.verified));
}

/// Bob comes back under his address, but with another Signal identity. Alice is warned, the mark of having compared is gone,
/// and the number that she compared is not his any more.
pub fn a_new_identity_is_a_warning(world: &mut World) {
    let number = compare_numbers(world);
    let (signal_identity, registration_id) = world.another_identity();
    world.with_disk_out(BOB, |disk| {
        disk.lose(is_session);
        let known = disk.image().identity.expect("it was opened");
        let mut identity = known.clone();
        identity.signal_identity = signal_identity;
        identity.registration_id = registration_id;
        disk.apply(Batch {
            changes: vec![Change::Put(Row::Identity(identity))],
        });
    });
    world.tell(BOB, ALICE, "back again, with all new keys");
    assert!(world.contact(ALICE, BOB).is_some_and(|row| !row.verified));
    let contact = world.address(BOB);
    let warned = Event::ContactRekeyed {
        contact,
        identity_changed: true,
    };
    assert_eq!(world.count_events(ALICE, |event| *event == warned), 1);
    let verify = Command::VerifyContact(contact, Some(number));
    assert_eq!(world.ask(ALICE, verify), Err(Refusal::SafetyNumberMismatch(contact)));
}

/// Alice and Bob read their numbers to each other. Gives the digits.
fn compare_numbers(world: &mut World) -> String {
    let mut number = |peer: Peer, other: Peer| {
        let contact = world.address(other);
        match world.ask(peer, Command::SafetyNumber(contact)) {
            Ok(Reply::SafetyNumber(number)) => number.digits,
            other => panic!("{other:?}"),
        }
    };
    let digits = number(ALICE, BOB);
    assert_eq!(digits, number(BOB, ALICE));
    let contact = world.address(BOB);
    world.order(ALICE, Command::VerifyContact(contact, Some(digits.clone())));
    assert!(world.contact(ALICE, BOB).is_some_and(|row| row.verified));
    digits
}

/// Bob's machine starts with a clock that is three days behind what its store was written by. What waits goes, and what
/// comes is in its order.
pub fn the_clock_is_behind_the_store(world: &mut World) {
    world.tell(ALICE, BOB, "before");
    world.part(ALICE, BOB);
    let waits = world.say(BOB, ALICE, "what day is it?");
    world.pass(Millis::hours(2));
    world.switch_off(BOB);
    world.move_wall_clock(BOB, -72 * 3600 * 1000);
    world.switch_on(BOB);
    world.heal();
    let before = world.now();
    world.until_delivered(BOB, ALICE, waits);
    let waited = Millis(world.now().0 - before.0);
    assert!(
        waited < Millis::minutes(16) || !world.is_gentle(),
        "waited for {waited}"
    );
    world.tell(ALICE, BOB, "after");
    assert_eq!(world.heard(ALICE, BOB), ["before", "after"]);
}

fn is_session(row: &Row) -> bool {
    matches!(row, Row::Session(_) | Row::Cursors(_))
}

impl World {
    /// What `at` has heard since a backup will be lost with its disk, though `from` knows it as delivered.
    fn forget_what_was_heard_since(&mut self, backup: &Disk, from: Peer, at: Peer) {
        let lost: Vec<_> = self
            .sent()
            .iter()
            .filter(|sent| (sent.from, sent.to) == (from, at))
            .filter(|sent| backup.message(&self.key(at, from, at, sent.id)).is_none())
            .map(|sent| sent.id)
            .collect();
        for id in lost {
            self.expect(id, Fate::Forgotten);
        }
    }
}
