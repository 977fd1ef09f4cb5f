//! Two who talk: the node of the driver under test, and its friend.

use std::sync::OnceLock;

use sotto_core::row::ContentType;
use sotto_core::{Command, Draft, OnionAddress, Reply, Status};

use crate::disk::Disk;
use crate::driver::stage::{Stage, hasty, newborn};
use crate::driver::{Driver, Friend};

/// A text whose idempotency key it is itself.
pub fn draft(contact: OnionAddress, text: &str) -> Command {
    Command::Send(Draft {
        contact,
        text: text.to_owned(),
        content_type: ContentType::Plain,
        thread: None,
        reply_to: None,
        ttl: None,
        idempotency_key: Some(text.to_owned()),
    })
}

/// The rows of two who are friends. Made once, by the first driver that asks.
pub fn acquainted(driver: &dyn Driver) -> &'static [Disk; 2] {
    static DISKS: OnceLock<[Disk; 2]> = OnceLock::new();
    DISKS.get_or_init(|| {
        let mut stage = Stage::with_node(driver, newborn(1), hasty());
        stage.friend = Some(Friend::open(newborn(2), &hasty(), 3));
        stage.start();
        let code = stage.friend.as_ref().expect("a friend").code();
        let ours = stage.network.listening().expect("it listens");
        let ask = stage.ask(Command::AddContact {
            code,
            petname: None,
            note: String::new(),
        });
        stage.answered(ask);
        stage.until("the friend accepts", |stage| {
            let network = stage.network.clone();
            let accept = Command::AcceptContact {
                contact: ours,
                petname: None,
            };
            stage
                .friend
                .as_mut()
                .is_some_and(|friend| friend.command(&network, accept).is_ok())
        });
        until_quiet(&mut stage);
        stage.shut_down();
        let friend = stage.friend.take().expect("a friend");
        [stage.shelf.disk(), friend.disk]
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
    let [ours, theirs] = acquainted(driver);
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
