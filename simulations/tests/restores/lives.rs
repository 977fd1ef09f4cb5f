//! [`Life`]: the course of a conversation, with a copy of both disks after each commit.

use std::cell::RefCell;
use std::rc::Rc;

use sotto_core::row::{Relationship, Row};
use sotto_core::{Command, FriendCode, Limits, Millis, Reply};
use sotto_simulations::{
    ALICE, BOB, Choices, Cipher, Invariant, NodeIndex, Observation, World, add_contact, invariant,
};
use sotto_testkit::memory_store::MemoryStore;

use crate::keys::SealedBefore;

/// A life that was lived.
pub struct Life {
    pub name: &'static str,
    /// The world at its end.
    pub world: World,
    /// Each peer's disk after each commit that changed what it may say to the other.
    pub disks: [Vec<MemoryStore>; 2],
    /// What was sealed in it.
    pub sealed: SealedBefore,
}

/// What the first peer and the second one do.
pub type Course = fn(&mut World, NodeIndex, NodeIndex);

/// Every course of a conversation. Each begins with two strangers.
pub const COURSES: &[(&str, Course)] = &[
    ("asked", asked),
    ("crossing", crossing),
    ("invited", invited),
    ("declined", declined),
    ("both decline", both_decline),
    ("replaced", replaced),
    ("removed", removed),
    ("blocked", blocked),
];

/// The first peer asks, the second one accepts, and texts go both ways.
fn asked(world: &mut World, first: NodeIndex, second: NodeIndex) {
    world.request(first, second);
    world.send_text(first, second, "before you accept");
    world.until_requested(first, second);
    world.accept_contact(second, first);
    world.until_friends(first, second);
    set_timer(world, first, second, 20);
    talk(world, first, second);
    set_timer(world, second, first, 30);
    set_timer(world, first, second, 10);
    talk(world, first, second);
}

/// Both ask at once.
fn crossing(world: &mut World, first: NodeIndex, second: NodeIndex) {
    for (from, to) in [(first, second), (second, first)] {
        let address = world.address(to);
        world.submit(from, add_contact(FriendCode { address, invite: None }));
    }
    world.until_friends(first, second);
    talk(world, second, first);
}

/// The first peer has an invite of the second one.
fn invited(world: &mut World, first: NodeIndex, second: NodeIndex) {
    let Ok(Reply::Invite(code)) = world.call(second, Command::CreateInvite) else {
        panic!("no invite");
    };
    world.call_ok(first, add_contact(code));
    world.until_friends(first, second);
    world.deliver_text(first, second, "thank you");
}

/// The second peer says no, and no again, and then asks itself.
fn declined(world: &mut World, first: NodeIndex, second: NodeIndex) {
    let is_declined = |world: &World| world.relationship(first, second) == Some(Relationship::RequestDeclined);
    let address = world.address(first);
    world.request(first, second);
    world.until_requested(first, second);
    world.call_ok(second, Command::RejectContact(address));
    world.until("the first peer knows", is_declined);
    world.request(first, second);
    world.until("the first peer knows again", is_declined);
    world.request(second, first);
    world.until_requested(second, first);
    world.accept_contact(first, second);
    world.until_friends(first, second);
    talk(world, first, second);
}

/// The second peer says no, and later asks itself; then the first one says no.
fn both_decline(world: &mut World, first: NodeIndex, second: NodeIndex) {
    for (from, to) in [(first, second), (second, first)] {
        let address = world.address(from);
        world.request(from, to);
        world.until_requested(from, to);
        world.call_ok(to, Command::RejectContact(address));
        world.until("the asker knows", |world| {
            world.relationship(from, to) == Some(Relationship::RequestDeclined)
        });
    }
}

/// The session is replaced, once because of either side, while texts wait.
fn replaced(world: &mut World, first: NodeIndex, second: NodeIndex) {
    world.befriend(first, second);
    talk(world, first, second);
    for loser in [first, second] {
        world.partition(first, second);
        world.send_text(first, second, "waits");
        world.send_text(second, first, "waits, too");
        world.edit_disk(loser, MemoryStore::lose_sessions);
        world.heal();
        world.until_quiescent(&[(first, second)]);
    }
    world.deliver_text(first, second, "in a new session");
    set_timer(world, first, second, 30);
    world.until_quiescent(&[(first, second)]);
}

/// The first peer removes the second one and asks again. Then the second one removes the first, who removes, too, and asks.
fn removed(world: &mut World, first: NodeIndex, second: NodeIndex) {
    world.befriend(first, second);
    talk(world, first, second);
    let (one, other) = (world.address(first), world.address(second));
    world.call_ok(first, Command::RemoveContact(other));
    world.advance(Millis::minutes(30));
    world.request(first, second);
    world.until_friends(first, second);
    talk(world, second, first);
    world.call_ok(second, Command::RemoveContact(one));
    world.send_text(first, second, "are you angry?");
    world.advance(Millis::hours(1));
    world.call_ok(first, Command::RemoveContact(other));
    world.advance(Millis::minutes(1));
    world.befriend(first, second);
    talk(world, first, second);
}

/// The second peer blocks the first one for a while.
fn blocked(world: &mut World, first: NodeIndex, second: NodeIndex) {
    world.befriend(first, second);
    talk(world, first, second);
    let address = world.address(first);
    world.call_ok(second, Command::BlockContact(address, true));
    world.deliver_text(first, second, "why do you not answer?");
    world.call_ok(second, Command::BlockContact(address, false));
    talk(world, first, second);
}

/// So long that no text disappears.
fn set_timer(world: &mut World, peer: NodeIndex, other: NodeIndex, days: u32) {
    let contact = world.address(other);
    world.call_ok(peer, Command::SetTimer(contact.into(), days * 24 * 3600));
}

/// Texts go both ways: one after the other, together, and over a second link.
fn talk(world: &mut World, first: NodeIndex, second: NodeIndex) {
    world.deliver_text(first, second, "hello");
    world.deliver_text(second, first, "hello, too");
    world.advance(Millis::minutes(10));
    for n in 0..3 {
        world.submit_text(first, second, &format!("{n} of three"));
        world.submit_text(second, first, &format!("{n} of three, too"));
    }
    world.until_quiescent(&[(first, second)]);
}

/// Lives a course. The key of the first peer is the smaller one, or the larger.
pub fn live(name: &'static str, course: Course, cipher: Cipher, first_is_smaller: bool) -> Life {
    let moments = Moments::default();
    let mut invariants = invariant::all();
    invariants.push(Box::new(moments.clone()));
    let limits = Limits {
        window: 4,
        ..Limits::default()
    };
    let disks = vec![MemoryStore::default(); 2];
    let mut world = World::new(cipher, disks, 0, limits, 1, Choices::harmless(), invariants);
    world.start();
    moments.0.take();
    for peer in [ALICE, BOB] {
        moments.keep(peer, &world);
    }
    let alice_is_smaller = world.address(ALICE) < world.address(BOB);
    let (first, second) = if alice_is_smaller == first_is_smaller {
        (ALICE, BOB)
    } else {
        (BOB, ALICE)
    };
    course(&mut world, first, second);
    let both = [(first, second)];
    let friends = if world.are_friends(first, second) {
        &both[..]
    } else {
        &[]
    };
    world.until_quiescent(friends);
    let disks = moments.0.take();
    let sealed = SealedBefore::on(disks.iter().flatten());
    Life {
        name,
        world,
        disks,
        sealed,
    }
}

/// Keeps a copy of a disk after each commit, unless nothing in it is new that the other peer could notice.
#[derive(Clone, Default)]
struct Moments(Rc<RefCell<[Vec<MemoryStore>; 2]>>);

impl Moments {
    fn keep(&self, peer: NodeIndex, world: &World) {
        let disks = &mut self.0.borrow_mut()[peer.0];
        let disk = world.disk(peer);
        if disks
            .last()
            .is_none_or(|before| what_matters(before) != what_matters(disk))
        {
            disks.push(disk.clone());
        }
    }
}

impl Invariant for Moments {
    fn name(&self) -> &'static str {
        "copies of the disks"
    }

    fn observe(&mut self, observation: &Observation<'_>, world: &World) -> Result<(), String> {
        if let Observation::Durable(peer, _) | Observation::Tampered(peer) = observation {
            self.keep(*peer, world);
        }
        Ok(())
    }
}

/// Everything but events, states of messages, and when the contact was seen and is dialled next.
fn what_matters(disk: &MemoryStore) -> Vec<Row> {
    let rows = disk
        .rows()
        .filter(|row| !matches!(row, Row::Event(_) | Row::Delivery(_)));
    rows.cloned()
        .map(|row| match row {
            Row::Contact(mut row) => {
                (row.last_seen, row.retry) = Default::default();
                Row::Contact(row)
            }
            row => row,
        })
        .collect()
}
