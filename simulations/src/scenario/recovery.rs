//! Stores that have lost something. The two must find out and open a new session, before a key is used twice and without
//! losing what waits.

use sotto_core::row::Row;
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
