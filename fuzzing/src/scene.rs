//! Two contacts, and the checks that they are unaffected by a third peer. Their ratchet is the transparent one: it keeps the rules of
//! the real one and is fast. The real one has targets of its own.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use sotto_core::row::{Key, Row};
use sotto_core::{Command, Limits, Millis, NewMessage, OnionAddress, Reply};
pub(crate) use sotto_testkit::bystanders::status;
use sotto_testkit::bystanders::{assert_unaffected, bystanders};
use sotto_testkit::hostile;
use sotto_testkit::memory_store::MemoryStore;
use sotto_testkit::pair::Pair;
use sotto_testkit::transparent::Transparent;

pub(crate) type Scene = Pair<MemoryStore, Transparent>;
pub(crate) type TransparentPeer = hostile::HostilePeer<Transparent>;

/// The rows of the two contacts, made once, because a fuzzer runs a thousand inputs a second.
static FRIENDS: LazyLock<[MemoryStore; 2]> = LazyLock::new(|| {
    let pair: Scene = bystanders();
    pair.sides.map(|side| side.store)
});

/// The friends, both just opened.
pub(crate) fn friends() -> Scene {
    Scene::over(FRIENDS.clone(), 101, &Limits::default())
}

pub(crate) fn send(pair: &mut Scene, from: usize, to: OnionAddress, text: &str) -> Reply {
    pair.command(from, Command::Send(new_message(to, text)))
        .expect("queued")
}

pub(crate) fn new_message(contact: OnionAddress, text: &str) -> NewMessage {
    NewMessage::plain(contact, text)
}

/// The keys of a disk's rows.
pub(crate) fn keys(disk: &MemoryStore) -> BTreeSet<Key> {
    disk.rows().map(Row::key).collect()
}

/// Checks that the two contacts are not affected by a third peer, and that nothing has grown. `waiting` rows wait in A's outbox
/// for that peer.
pub(crate) fn check_unaffected(pair: &mut Scene, waiting: usize) {
    assert_unaffected(pair, waiting);
    // After enough time every link is closed.
    pair.pass(Millis::minutes(7));
    assert_eq!(status(pair).links, 0);
}
