//! Two friends, and what they must be able to go on with whatever a third one does. Their ratchet is the transparent one: it
//! keeps the rules of the real one, and is quick. The real one has targets of its own.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use sotto_core::row::{Key, Relationship, Row};
use sotto_core::{Command, Draft, Intake, Limits, Millis, OnionAddress, Reply, Status};
use sotto_testkit::disk::Disk;
use sotto_testkit::hostile;
use sotto_testkit::pair::{A, B, Pair};
use sotto_testkit::transparent::Transparent;

pub(crate) type Scene = Pair<Disk, Transparent>;
pub(crate) type Peer = hostile::Peer<Transparent>;

const GOOD: &str = "said among friends";

/// What the friends' disks hold: made once, because a fuzzer comes by a thousand times a second.
static FRIENDS: LazyLock<[Disk; 2]> = LazyLock::new(|| {
    let mut pair = Scene::over([Disk::default(), Disk::default()], 1, &Limits::default());
    pair.befriend();
    say(&mut pair, A, GOOD);
    say(&mut pair, B, GOOD);
    pair.sides.map(|side| side.disk)
});

/// The friends, both just started.
pub(crate) fn friends() -> Scene {
    Scene::over(FRIENDS.clone(), 101, &Limits::default())
}

pub(crate) fn say(pair: &mut Scene, from: usize, text: &str) {
    let to = pair.sides[1 - from].address;
    tell(pair, from, to, text);
}

pub(crate) fn tell(pair: &mut Scene, from: usize, to: OnionAddress, text: &str) -> Reply {
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

/// The names of a disk's rows.
pub(crate) fn keys(disk: &Disk) -> BTreeSet<Key> {
    disk.rows().map(Row::key).collect()
}

fn heard(pair: &Scene, side: usize) -> Vec<&str> {
    let conversation = pair.sides[side].disk.conversation(pair.sides[1 - side].address);
    let theirs = conversation.into_iter().filter(|row| row.key.is_from_peer());
    theirs.map(|row| row.text.as_str()).collect()
}

/// What the friends could notice of a third one, and what must not grow. `waiting` rows wait in A's outbox for that one.
pub(crate) fn unharmed(pair: &mut Scene, waiting: usize) {
    say(pair, A, "still here");
    say(pair, B, "so am I");
    assert_eq!(heard(pair, B), [GOOD, "still here"]);
    assert_eq!(heard(pair, A), [GOOD, "so am I"]);
    for side in [A, B] {
        let friend = pair.sides[1 - side].address;
        let Some(Row::Contact(row)) = pair.sides[side].disk.row(&Key::Contact(friend)) else {
            panic!("the friend is gone");
        };
        assert_eq!(row.relationship, Relationship::Friend);
        assert!(row.claimed_name.is_empty() && row.petname.is_empty() && !row.verified);
        for message in pair.sides[side].disk.conversation(friend) {
            assert!(message.edited_at.is_none() && message.deleted_at.is_none());
        }
    }
    assert_eq!(pair.sides[A].node.intake(), Intake::Welcome);
    let Status { links, queued, .. } = status(pair);
    assert_eq!(queued, waiting);
    assert!(links <= 1 + Limits::default().stranger_links, "{links} links");
    // Whatever happened, time settles it: nobody is talking any more.
    pair.pass(Millis::minutes(7));
    let Status { links, .. } = status(pair);
    assert_eq!(links, 0);
}
