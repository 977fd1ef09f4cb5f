//! A conversation between the node of the driver under test and a peer node that is its contact.

use std::sync::OnceLock;

use sotto_core::{Command, NewMessage, OnionAddress, Reply, Status};

use crate::driver::harness::{Harness, fast_retry};
use crate::driver::{Driver, PeerNode};
use crate::memory_store::MemoryStore;
use crate::pair::Pair;

/// A text that is its own idempotency key.
pub fn new_message(contact: OnionAddress, text: &str) -> Command {
    Command::Send(NewMessage {
        hops: 0,
        idempotency_key: Some(text.to_owned()),
        ..NewMessage::plain(contact, text)
    })
}

/// The rows of two nodes that are contacts.
pub fn friends_disks() -> &'static [MemoryStore; 2] {
    static DISKS: OnceLock<[MemoryStore; 2]> = OnceLock::new();
    DISKS.get_or_init(|| {
        let mut pair = Pair::new([MemoryStore::default(), MemoryStore::default()], 1, &fast_retry());
        pair.befriend();
        pair.run();
        pair.sides.map(|side| side.store)
    })
}

/// A running driver with a peer node, and a link between the two.
pub fn friends(driver: &dyn Driver) -> Harness<'_> {
    let mut harness = friends_not_started(driver);
    harness.start();
    until_linked(&mut harness);
    harness
}

/// The same, not started yet.
pub fn friends_not_started(driver: &dyn Driver) -> Harness<'_> {
    let [ours, theirs] = friends_disks();
    let mut harness = Harness::with_node(driver, ours.clone(), fast_retry());
    harness.peer = Some(PeerNode::open(theirs.clone(), &fast_retry(), 4));
    harness
}

/// Waits until the two are linked.
pub fn until_linked(harness: &mut Harness<'_>) {
    until_status(harness, "the two are linked", |status| status.links == 1);
}

/// Waits until no outbox holds anything.
pub fn until_outboxes_empty(harness: &mut Harness<'_>) {
    until_status(harness, "the outbox is empty", |status| status.queued == 0);
    harness.until("the peer's outbox is empty", |harness| {
        let network = harness.network.clone();
        let peer = harness.peer.as_mut().expect("a peer node");
        matches!(
            peer.command(&network, Command::Status),
            Ok(Reply::Status(Status { queued: 0, .. }))
        )
    });
    until_status(harness, "the outbox is still empty", |status| status.queued == 0);
}

fn until_status(harness: &mut Harness<'_>, what: &str, such: impl Fn(&Status) -> bool) {
    let mut command = harness.command(Command::Status);
    harness.until(what, |harness| match harness.reply(command) {
        Some(Some(Ok(Reply::Status(status)))) if such(status) => true,
        Some(_) => {
            command = harness.command(Command::Status);
            false
        }
        None => false,
    });
}
