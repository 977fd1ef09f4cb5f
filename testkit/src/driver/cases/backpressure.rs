//! Backpressure: a peer that does not read, a peer that does not stop and a slow store neither make a node grow nor delay others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use sotto_core::{Command, CommitId, Input, LinkId, Millis, Output};

use super::completions::{accepted, commit, counted, dialled, received};
use crate::driver::Driver;
use crate::driver::fake_store::MISBEHAVIOUR_WINDOW;
use crate::driver::harness::Harness;
use crate::driver::scripted_node::DeadlineChange;

/// More than the sockets between a peer and a node hold, with some chunks on the way.
const TOO_MUCH: u32 = 4 << 20;

pub fn a_busy_node_receives_no_bytes(driver: &dyn Driver) {
    let mut harness = Harness::with_scripted_node(driver);
    let (link, mut peer_stream) = accepted(&mut harness);
    harness.store.hold();
    harness.script.busy_until(CommitId(1));
    harness.emit([commit(1)]);
    harness.until("the store is asked", |harness| harness.store.waiting().is_some());
    let bytes = counted(TOO_MUCH);
    peer_stream.write(&bytes);
    harness.let_pass(MISBEHAVIOUR_WINDOW);
    peer_stream.write(&[]);
    assert_eq!(received(&harness, link).len(), 0, "bytes came in");
    assert!(
        peer_stream.unsent() > bytes.len() / 2,
        "{} bytes were taken from the peer",
        bytes.len() - peer_stream.unsent()
    );

    harness.store.release();
    harness.until("all of it arrives once there is room", |harness| {
        peer_stream.write(&[]);
        received(harness, link).len() == bytes.len()
    });
    assert!(received(&harness, link) == bytes);
    harness.shut_down();
}

pub fn a_peer_that_does_not_read_blocks_only_its_own_link(driver: &dyn Driver) {
    let mut harness = Harness::with_scripted_node(driver);
    let (blocked, other) = (LinkId::Dialled(1), LinkId::Dialled(2));
    let mut blocked_peer = dialled(&mut harness, blocked);
    let mut other_peer = dialled(&mut harness, other);
    let bytes = counted(TOO_MUCH);
    harness.emit([Output::Transmit(blocked, bytes.clone())]);
    for round in 1..=10 {
        harness.emit([Output::Transmit(other, counted(400))]);
        other_peer.write(&counted(400));
        harness.until("the other link works", |harness| {
            harness.log.count(|input| *input == Input::Drained(other)) == round
                && other_peer.read().received.len() == 400 * round
                && received(harness, other).len() == 400 * round
        });
        let command = harness.command(Command::Status);
        harness.expect_reply(command);
    }
    assert_eq!(
        harness.log.count(|input| *input == Input::Drained(blocked)),
        0,
        "the peer has not read it"
    );
    // The link is blocked in one direction only.
    blocked_peer.write(b"still here");
    harness.until("its bytes still arrive", |harness| {
        received(harness, blocked) == b"still here"
    });
    harness.until("the peer has read everything", |_| {
        blocked_peer.read().received.len() == bytes.len()
    });
    assert!(blocked_peer.received == bytes);
    harness.until_input(&Input::Drained(blocked));
    harness.shut_down();
}

pub fn a_flood_of_strangers_does_not_starve_commands(driver: &dyn Driver) {
    const STRANGERS: usize = 16;
    /// Inputs that may come before a command that was given earlier.
    const FAIR: usize = 2_000;
    let mut harness = Harness::with_scripted_node(driver);
    let mut flood: Vec<_> = (0..STRANGERS).map(|_| harness.network.connect()).collect();
    let over = Arc::new(AtomicBool::new(false));
    let flooding = thread::spawn({
        let over = Arc::clone(&over);
        move || {
            let noise = [0x5a; 256];
            while !over.load(Ordering::Relaxed) {
                for stranger in &mut flood {
                    let more: &[u8] = if stranger.unsent() == 0 { &noise } else { &[] };
                    stranger.write(more);
                }
            }
        }
    });
    harness.until("the flood is there", |harness| {
        harness.log.count(|input| matches!(input, Input::Received(..))) > 100
    });
    let mut waits: Vec<usize> = (0..21)
        .map(|_| {
            let before = harness.log.input_count();
            let command = harness.command(Command::Status);
            harness.expect_reply(command);
            let inputs = harness.log.inputs();
            let is_command = |(input, _): &(Input, _)| matches!(input, Input::Command(..));
            inputs
                .iter()
                .skip(before)
                .position(is_command)
                .expect("it was answered")
        })
        .collect();
    waits.sort_unstable();
    // The scheduler may run the flood first, but not every time.
    assert!(waits[10] < FAIR, "inputs before a command: {waits:?}");
    over.store(true, Ordering::Relaxed);
    flooding.join().expect("a flood");
    harness.shut_down();
}

pub fn a_flood_of_commands_does_not_starve_links(driver: &dyn Driver) {
    let mut harness = Harness::with_scripted_node(driver);
    let (link, mut peer_stream) = accepted(&mut harness);
    let mut commands: Vec<_> = (0..200).map(|_| harness.command(Command::Status)).collect();
    // It is set behind all of these commands, and due while as many are queued.
    let change = harness.set_deadline(DeadlineChange::After(Millis(5)));
    let mut sent = 0;
    harness.until("bytes and a tick come through", |harness| {
        // Each reply makes room for another command.
        let open = commands
            .iter()
            .filter(|command| harness.reply(**command).is_none())
            .count();
        for _ in open..200 {
            commands.push(harness.command(Command::Status));
        }
        if sent < 10 && received(harness, link).len() == sent {
            peer_stream.write(b"x");
            sent += 1;
        }
        received(harness, link).len() == 10 && harness.log.count(|input| *input == Input::Tick) == 1
    });
    harness.expect_reply(change);
    drop(peer_stream);
    harness.until("every command gets its reply", |harness| {
        commands.iter().all(|command| harness.reply(*command).is_some())
    });
    harness.let_pass(Duration::ZERO);
    harness.shut_down();
}
