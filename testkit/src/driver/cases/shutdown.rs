//! A shutdown: queued commands get their replies, staged rows become durable, pending bytes are written, and then links and
//! store are closed.

use sotto_core::{Command, Input, LinkId, Output, Reply};

use super::completions::{accepted, counted, dialled};
use super::conversation::friends;
use crate::driver::fake_store::MISBEHAVIOUR_WINDOW;
use crate::driver::harness::{Harness, fast_retry, new_identity_store};
use crate::driver::{Driver, StoreCall};

pub fn commands_before_a_shutdown_get_their_replies(driver: &dyn Driver) {
    let mut harness = Harness::with_node(driver, new_identity_store(1), fast_retry());
    harness.start();
    harness.store.hold();
    let commands: Vec<_> = (1..=30)
        .map(|n| harness.command(Command::SetName(format!("name {n}"))))
        .collect();
    harness.until("the store is asked", |harness| harness.store.waiting().is_some());
    let shutdown = harness.begin_shutdown();
    harness.let_pass(MISBEHAVIOUR_WINDOW);
    harness.store.release();
    harness.join(shutdown);
    for command in commands {
        assert_eq!(harness.expect_reply(command), Reply::Done);
    }
    let name = harness.store.disk().image().identity.expect("an identity").name.clone();
    assert_eq!(name, "name 30", "what was confirmed is durable");
}

pub fn a_shutdown_closes_links_and_store(driver: &dyn Driver) {
    let mut harness = friends(driver);
    let (_, mut stranger) = accepted(&mut harness);
    harness.shut_down();
    assert_eq!(harness.network.listening(), None, "the driver does not listen");
    harness.until("the stranger's stream ends", |_| stranger.read().ended);
    assert_eq!(harness.store.count(StoreCall::Close), 1);
    assert_eq!(
        harness.store.last_call(),
        Some(StoreCall::Close),
        "the store is closed last"
    );
    // The peer sees the end of the link.
    let peer = harness.peer.as_mut().expect("a peer node");
    peer.run(&harness.network);
    assert_eq!(peer.links(), 0);
}

pub fn pending_writes_are_finished_before_a_shutdown_ends(driver: &dyn Driver) {
    let mut harness = Harness::with_scripted_node(driver);
    let link = LinkId::Dialled(1);
    let mut peer_stream = dialled(&mut harness, link);
    let bytes = counted(1 << 20);
    let command = harness.emit([Output::Transmit(link, bytes.clone())]);
    harness.expect_reply(command);
    let shutdown = harness.begin_shutdown();
    harness.let_pass(MISBEHAVIOUR_WINDOW);
    harness.until("the stream ends", |_| peer_stream.read().ended);
    assert!(
        peer_stream.received == bytes,
        "{} bytes of {}",
        peer_stream.received.len(),
        bytes.len()
    );
    harness.join(shutdown);
}

pub fn a_peer_that_does_not_read_does_not_block_a_shutdown(driver: &dyn Driver) {
    let mut harness = Harness::with_scripted_node(driver);
    let link = LinkId::Dialled(1);
    let peer_stream = dialled(&mut harness, link);
    harness.emit([Output::Transmit(link, counted(8 << 20))]);
    harness.until("the driver writes", |harness| {
        harness.log.open().contains("transmitting: true")
    });
    harness.shut_down();
    assert_eq!(harness.log.count(|input| *input == Input::Drained(link)), 0);
    drop(peer_stream);
}
