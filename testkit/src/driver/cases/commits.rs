//! Commit, then show: every visible effect of a node is durable, and after a failed commit the node is opened again.

use sotto_core::{Command, CommitId, Input, Notice, Reply};

use super::completions::commit;
use super::conversation::{friends, new_message};
use crate::driver::fake_store::MISBEHAVIOUR_WINDOW;
use crate::driver::harness::{Harness, fast_retry, new_identity_store};
use crate::driver::{Driver, StoreCall};

pub fn nothing_is_stored_before_it_is_durable(driver: &dyn Driver) {
    let mut harness = Harness::with_scripted_node(driver);
    harness.store.hold();
    harness.emit([commit(1)]);
    harness.until("the store is asked", |harness| harness.store.waiting().is_some());
    harness.let_pass(MISBEHAVIOUR_WINDOW);
    assert_eq!(harness.log.count(|input| matches!(input, Input::Stored(_))), 0);
    harness.store.release();
    harness.until_input(&Input::Stored(CommitId(1)));
    harness.shut_down();
}

pub fn nothing_is_shown_before_it_is_durable(driver: &dyn Driver) {
    const TEXT: &str = "held back";
    let mut harness = friends(driver);
    let peer = harness.peer.as_ref().expect("a peer node").address();
    let has_it = |harness: &Harness<'_>| harness.peer.as_ref().is_some_and(|peer| peer.disk().holds_text(TEXT));
    let announced = |harness: &Harness<'_>| {
        let logged = harness.notices.iter().filter_map(|notice| match notice {
            Notice::Logged(seq) => Some(*seq),
            Notice::Presence(_) | Notice::Fault { .. } => None,
        });
        logged.max().unwrap_or_default()
    };
    harness.store.hold();
    let command = harness.command(new_message(peer, TEXT));
    harness.until("the store is asked", |harness| harness.store.waiting().is_some());
    harness.let_pass(MISBEHAVIOUR_WINDOW);
    assert_eq!(harness.reply(command), None, "a reply");
    assert!(!has_it(&harness), "sent to the peer");
    assert!(
        announced(&harness) <= harness.store.disk().image().last_event,
        "a notice"
    );

    harness.store.release();
    harness.expect_reply(command);
    harness.until("the peer has it", |harness| has_it(harness));
    let queued = harness.store.disk().image().last_event;
    harness.until("the notice is out", |harness| announced(harness) >= queued);
    harness.shut_down();
}

pub fn one_commit_is_in_flight_and_later_rows_share_the_next(driver: &dyn Driver) {
    const COMMANDS: usize = 50;
    let mut harness = Harness::with_node(driver, new_identity_store(1), fast_retry());
    harness.start();
    let before = harness.store.count(StoreCall::Commit);
    harness.store.hold();
    let first = harness.command(Command::SetName("first".to_owned()));
    harness.until("the store is asked", |harness| harness.store.waiting().is_some());
    let rest: Vec<_> = (1..COMMANDS)
        .map(|n| harness.command(Command::SetName(format!("name {n}"))))
        .collect();
    harness.let_pass(MISBEHAVIOUR_WINDOW);
    assert_eq!(harness.store.count(StoreCall::Commit) - before, 1, "one at a time");
    harness.store.release();
    harness.expect_reply(first);
    for command in rest {
        harness.expect_reply(command);
    }
    let commits = harness.store.count(StoreCall::Commit) - before;
    assert!(
        (2..=COMMANDS / 5).contains(&commits),
        "{commits} commits for {COMMANDS} commands"
    );
    let name = harness.store.disk().image().identity.expect("an identity").name.clone();
    assert_eq!(name, format!("name {}", COMMANDS - 1), "in the order of the commands");
    harness.shut_down();
}

pub fn after_a_failed_commit_the_node_is_opened_again_and_nothing_was_shown(driver: &dyn Driver) {
    let mut harness = friends(driver);
    let peer = harness.peer.as_ref().expect("a peer node").address();
    let (runs, images) = (harness.log.runs(), harness.store.count(StoreCall::Image));
    harness.store.fail_commit_of("lost");
    let lost = harness.command(new_message(peer, "lost"));
    harness.until("the command ends without a reply", |harness| {
        harness.reply(lost).is_some()
    });
    assert_eq!(harness.reply(lost), Some(&None), "no reply");

    let kept = harness.command_until_replied(&new_message(peer, "kept"));
    assert!(matches!(kept, Ok(Reply::Message { .. })), "{kept:?}");
    assert_eq!(harness.log.runs(), runs + 1);
    assert_eq!(harness.store.count(StoreCall::Reopen), 1);
    assert!(
        harness.store.count(StoreCall::Image) > images,
        "opened on the durable rows"
    );
    let address = harness.network.listening().expect("the driver listens");
    harness.until("the peer has the confirmed message", |harness| {
        let peer = harness.peer.as_ref().expect("a peer node");
        peer.disk()
            .conversation(address)
            .iter()
            .any(|message| message.text == "kept")
    });
    let peer = harness.peer.as_ref().expect("a peer node");
    assert!(!peer.disk().holds_text("lost"), "and not the other one");
    harness.shut_down();
}

pub fn a_first_start_is_durable_before_the_driver_listens(driver: &dyn Driver) {
    let mut harness = Harness::with_node(driver, crate::memory_store::MemoryStore::default(), fast_retry());
    harness.start();
    let identity = harness.store.disk().image().identity.expect("a durable identity");
    assert_eq!(harness.network.listening(), Some(identity.address()));
    let command = harness.command(Command::Identity);
    let Reply::Identity { address, .. } = harness.expect_reply(command) else {
        panic!("an identity")
    };
    assert_eq!(address, identity.address());
    harness.shut_down();
}
