//! Two contacts, and the checks that they are unaffected by a third peer. Their ratchet is the transparent one: it keeps the rules of
//! the real one and is fast. The real one has targets of its own.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use sotto_core::row::{Key, Relationship, Row};
use sotto_core::{Command, Draft, Intake, Limits, Millis, OnionAddress, Reply, Status};
use sotto_testkit::disk::Disk;
use sotto_testkit::hostile;
use sotto_testkit::pair::{A, B, Pair};
use sotto_testkit::transparent::Transparent;

pub(crate) type Scene = Pair<Disk, Transparent>;
pub(crate) type Peer = hostile::HostilePeer<Transparent>;

const GOOD: &str = "a text between friends";

/// The friends' rows, made once, because a fuzzer runs a thousand inputs a second.
static FRIENDS: LazyLock<[Disk; 2]> = LazyLock::new(|| {
    let mut pair = Scene::over([Disk::default(), Disk::default()], 1, &Limits::default());
    pair.befriend();
    say(&mut pair, A, GOOD);
    say(&mut pair, B, GOOD);
    pair.sides.map(|side| side.store)
});

/// The friends, both just opened.
pub(crate) fn friends() -> Scene {
    Scene::over(FRIENDS.clone(), 101, &Limits::default())
}

pub(crate) fn say(pair: &mut Scene, from: usize, text: &str) {
    let to = pair.sides[1 - from].address;
    send(pair, from, to, text);
}

pub(crate) fn send(pair: &mut Scene, from: usize, to: OnionAddress, text: &str) -> Reply {
    pair.command(from, Command::Send(draft(to, text))).expect("queued")
}

pub(crate) fn draft(contact: OnionAddress, text: &str) -> Draft {
    Draft::plain(contact, text)
}

pub(crate) fn status(pair: &mut Scene) -> Status {
    match pair.command(A, Command::Status) {
        Ok(Reply::Status(status)) => status,
        other => panic!("no status: {other:?}"),
    }
}

/// The keys of a disk's rows.
pub(crate) fn keys(disk: &Disk) -> BTreeSet<Key> {
    disk.rows().map(Row::key).collect()
}

fn received(pair: &Scene, side: usize) -> Vec<&str> {
    let conversation = pair.sides[side].store.conversation(pair.sides[1 - side].address);
    let theirs = conversation.into_iter().filter(|row| row.key.is_from_peer());
    theirs.map(|row| row.text.as_str()).collect()
}

/// Checks that the friends are not affected by a third peer, and that nothing has grown. `waiting` rows wait in A's outbox for
/// that peer.
pub(crate) fn unharmed(pair: &mut Scene, waiting: usize) {
    say(pair, A, "still here");
    say(pair, B, "so am I");
    assert_eq!(received(pair, B), [GOOD, "still here"]);
    assert_eq!(received(pair, A), [GOOD, "so am I"]);
    for side in [A, B] {
        let friend = pair.sides[1 - side].address;
        let Some(Row::Contact(row)) = pair.sides[side].store.row(&Key::Contact(friend)) else {
            panic!("the friend is gone");
        };
        assert_eq!(row.relationship, Relationship::Friend);
        assert!(row.claimed_name.is_empty() && row.petname.is_empty() && !row.verified);
        for message in pair.sides[side].store.conversation(friend) {
            assert!(message.edited_at.is_none() && message.deleted_at.is_none());
        }
    }
    assert_eq!(pair.sides[A].node.intake(), Intake::Welcome);
    let Status { links, queued, .. } = status(pair);
    assert_eq!(queued, waiting);
    assert!(links <= 1 + Limits::default().stranger_links, "{links} links");
    // After enough time every link is closed.
    pair.pass(Millis::minutes(7));
    let Status { links, .. } = status(pair);
    assert_eq!(links, 0);
}
