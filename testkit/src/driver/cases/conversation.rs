//! Two who talk: the node of the driver under test, and its friend.

use std::sync::OnceLock;

use sotto_core::{Command, Draft, OnionAddress, Reply, Status};

use crate::disk::Disk;
use crate::driver::stage::{Stage, hasty};
use crate::driver::{Driver, Friend};
use crate::pair::Pair;

/// A text whose idempotency key it is itself.
pub fn draft(contact: OnionAddress, text: &str) -> Command {
    Command::Send(Draft {
        idempotency_key: Some(text.to_owned()),
        ..Draft::plain(contact, text)
    })
}

/// The rows of two who are friends.
pub fn acquainted() -> &'static [Disk; 2] {
    static DISKS: OnceLock<[Disk; 2]> = OnceLock::new();
    DISKS.get_or_init(|| {
        let mut pair = Pair::new([Disk::default(), Disk::default()], 1, &hasty());
        pair.befriend();
        pair.run();
        pair.sides.map(|side| side.disk)
    })
}

/// A running node with a friend, and a link between them.
pub fn befriended(driver: &dyn Driver) -> Stage<'_> {
    let mut stage = befriended_at_rest(driver);
    stage.start();
    until_linked(&mut stage);
    stage
}

/// The same, not started yet.
pub fn befriended_at_rest(driver: &dyn Driver) -> Stage<'_> {
    let [ours, theirs] = acquainted();
    let mut stage = Stage::with_node(driver, ours.clone(), hasty());
    stage.friend = Some(Friend::open(theirs.clone(), &hasty(), 4));
    stage
}

/// Waits until the two are linked.
pub fn until_linked(stage: &mut Stage<'_>) {
    until_status(stage, "they are linked", |status| status.links == 1);
}

/// Waits until no outbox holds anything.
pub fn until_quiet(stage: &mut Stage<'_>) {
    until_status(stage, "the outbox is empty", |status| status.queued == 0);
    stage.until("the friend's outbox is empty", |stage| {
        let network = stage.network.clone();
        let friend = stage.friend.as_mut().expect("a friend");
        matches!(
            friend.command(&network, Command::Status),
            Ok(Reply::Status(Status { queued: 0, .. }))
        )
    });
    until_status(stage, "the outbox is still empty", |status| status.queued == 0);
}

fn until_status(stage: &mut Stage<'_>, what: &str, such: impl Fn(Status) -> bool) {
    let mut ask = stage.ask(Command::Status);
    stage.until(what, |stage| match stage.answer(ask) {
        Some(Some(Ok(Reply::Status(status)))) if such(*status) => true,
        Some(_) => {
            ask = stage.ask(Command::Status);
            false
        }
        None => false,
    });
}
