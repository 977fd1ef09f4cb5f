//! A crash at any moment: the durable rows are there again, every reply is kept, and nothing happens twice.

use std::collections::BTreeMap;

use sotto_core::{MessageId, Reply};

use super::conversation::{friends_not_started, new_message, until_linked, until_outboxes_empty};
use crate::driver::harness::Harness;
use crate::driver::{Driver, InFlight, StoreCall};
use crate::memory_store::MemoryStore;

const OURS: [&str; 3] = ["one", "two", "three"];
const THEIRS: [&str; 2] = ["four", "five"];

/// The message ids that the node replied with, by text.
type Replies = BTreeMap<&'static str, MessageId>;

/// Both nodes send their texts. Stops as soon as `crashed` holds.
fn converse(harness: &mut Harness<'_>, replies: &mut Replies, crashed: impl Fn(&Harness<'_>) -> bool) {
    let peer = harness.peer.as_ref().expect("a peer node").address();
    let ours = harness.store.disk().image().identity.expect("an identity").address();
    let network = harness.network.clone();
    for text in THEIRS {
        let sent = harness
            .peer
            .as_mut()
            .map(|peer| peer.command(&network, new_message(ours, text)));
        assert!(matches!(sent, Some(Ok(_))), "{sent:?}");
    }
    for text in OURS {
        let command = harness.command(new_message(peer, text));
        harness.until("the command gets its reply, or the driver has crashed", |harness| {
            crashed(harness) || harness.reply(command).is_some()
        });
        if let Some(Some(Ok(Reply::Message { id, .. }))) = harness.reply(command) {
            let known = replies.insert(text, *id);
            assert!(
                known.is_none_or(|known| known == *id),
                "a repeated command gets the same id"
            );
        }
        if crashed(harness) {
            return;
        }
    }
    harness.until("both have every message, or the driver has crashed", |harness| {
        let peer = harness.peer.as_ref().expect("a peer node");
        let all = |disk: &MemoryStore, with| disk.conversation(with).len() == OURS.len() + THEIRS.len();
        crashed(harness) || (all(peer.disk(), ours) && all(&harness.store.disk(), peer.address()))
    });
}

/// Starts the driver again and finishes the conversation. Then each message is on both sides once.
fn recover(harness: &mut Harness<'_>, replies: &mut Replies) {
    harness.restart();
    until_linked(harness);
    converse(harness, replies, |_| false);
    until_outboxes_empty(harness);
    harness.shut_down();
    let peer = harness.peer.as_ref().expect("a peer node");
    let disk = harness.store.disk();
    let ours = disk.image().identity.expect("an identity").address();
    for (name, disk, with) in [("ours", &disk, peer.address()), ("theirs", peer.disk(), ours)] {
        let mut texts: Vec<_> = disk.conversation(with).iter().map(|row| row.text.clone()).collect();
        texts.sort();
        assert_eq!(texts, ["five", "four", "one", "three", "two"], "{name}");
        for (text, id) in &*replies {
            assert!(
                disk.conversation(with)
                    .iter()
                    .any(|row| row.text == *text && row.key.id == *id),
                "{name}: {text} had a reply"
            );
        }
    }
}

pub fn a_crash_at_any_commit_recovers_the_durable_state(driver: &dyn Driver) {
    for crash_at in 0.. {
        let mut crashed = false;
        for in_flight in [InFlight::Lost, InFlight::Durable] {
            let mut harness = friends_not_started(driver);
            harness.start();
            until_linked(&mut harness);
            let before = harness.store.count(StoreCall::Commit);
            harness.store.hold_after(crash_at);
            let is_crashed = |harness: &Harness<'_>| harness.store.waiting().is_some();
            let mut replies = Replies::new();
            converse(&mut harness, &mut replies, is_crashed);
            crashed = is_crashed(&harness);
            harness.crash(in_flight);
            let commits = harness.store.count(StoreCall::Commit) - before;
            assert!(!crashed || commits == crash_at + 1, "one commit at a time");
            recover(&mut harness, &mut replies);
        }
        if !crashed {
            assert!(crash_at > 2, "a conversation has commits");
            break;
        }
    }
}

pub fn a_crash_at_any_input_completes_nothing_twice(driver: &dyn Driver) {
    crash_at_each(
        driver,
        (1..60).step_by(3),
        |harness, inputs| harness.log.halt_after(inputs),
        |harness| harness.log.is_halted(),
        |harness| harness.log.cancel_halt(),
    );
}

/// The same for a driver that is a future, which is dropped at any of its awaits.
pub fn a_crash_at_any_poll_completes_nothing_twice(driver: &dyn Driver) {
    crash_at_each(
        driver,
        1..24,
        |harness, polls| harness.lifetime.end_after(polls),
        |harness| harness.lifetime.is_over(),
        |harness| harness.lifetime.remove_limit(),
    );
}

/// A conversation with a crash at each moment. The last ones end before the crash.
fn crash_at_each(
    driver: &dyn Driver,
    moments: impl Iterator<Item = usize>,
    schedule_crash: impl Fn(&Harness<'_>, usize),
    crashed: impl Fn(&Harness<'_>) -> bool,
    cancel_crash: impl Fn(&Harness<'_>) -> bool,
) {
    let mut crashes = 0;
    for moment in moments {
        let mut harness = friends_not_started(driver);
        schedule_crash(&harness, moment);
        harness.start();
        let mut replies = Replies::new();
        converse(&mut harness, &mut replies, &crashed);
        if cancel_crash(&harness) {
            until_outboxes_empty(&mut harness);
            harness.shut_down();
        } else {
            crashes += 1;
            harness.crash(InFlight::Durable);
            recover(&mut harness, &mut replies);
        }
    }
    assert!(crashes > 2, "a conversation has many moments for a crash");
}

pub fn a_crash_ends_all_activity(driver: &dyn Driver) {
    let mut harness = super::conversation::friends(driver);
    let (_, mut peer_stream) = super::completions::accepted(&mut harness);
    harness.crash(InFlight::Lost);
    assert_eq!(harness.network.listening(), None, "the driver does not listen");
    harness.until("the streams end", |_| peer_stream.read().ended);
    let (last_call, inputs) = (harness.store.last_call(), harness.log.input_count());
    harness.let_pass(crate::driver::fake_store::MISBEHAVIOUR_WINDOW);
    assert_eq!(
        (harness.store.last_call(), harness.log.input_count()),
        (last_call, inputs),
        "no call and no input follows"
    );
}
