//! Nobody makes a node grow, and nobody keeps the others waiting: neither a peer that does not read, nor one that does not
//! stop, nor a store that is slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use sotto_core::{Command, CommitId, Input, LinkId, Millis, Output};

use super::completions::{accepted, commit, counted, dialled, received};
use crate::driver::Driver;
use crate::driver::puppet::Alarm;
use crate::driver::shelf::TEMPTATION;
use crate::driver::stage::Stage;

/// More than the sockets between a peer and a node hold, with some chunks on the way.
const TOO_MUCH: u32 = 4 << 20;

pub fn a_busy_node_is_fed_no_bytes(driver: &dyn Driver) {
    let mut stage = Stage::with_puppet(driver);
    let (link, mut far) = accepted(&mut stage);
    stage.shelf.hold();
    stage.puppet.busy_until(CommitId(1));
    stage.want([commit(1)]);
    stage.until("the store is asked", |stage| stage.shelf.waiting().is_some());
    let words = counted(TOO_MUCH);
    far.say(&words);
    stage.pause(TEMPTATION);
    far.say(&[]);
    assert_eq!(received(&stage, link).len(), 0, "fed");
    assert!(
        far.unsaid() > words.len() / 2,
        "{} bytes were taken from the peer",
        words.len() - far.unsaid()
    );

    stage.shelf.release();
    stage.until("all of it arrives once there is room", |stage| {
        far.say(&[]);
        received(stage, link).len() == words.len()
    });
    assert!(received(&stage, link) == words);
    stage.shut_down();
}

pub fn a_peer_that_does_not_read_holds_up_only_itself(driver: &dyn Driver) {
    let mut stage = Stage::with_puppet(driver);
    let (deaf, keen) = (LinkId::Dialled(1), LinkId::Dialled(2));
    let mut silent = dialled(&mut stage, deaf);
    let mut lively = dialled(&mut stage, keen);
    let words = counted(TOO_MUCH);
    stage.want([Output::Transmit(deaf, words.clone())]);
    for round in 1..=10 {
        stage.want([Output::Transmit(keen, counted(400))]);
        lively.say(&counted(400));
        stage.until("the other link goes on", |stage| {
            stage.book.count(|input| *input == Input::Drained(keen)) == round
                && lively.listen().heard.len() == 400 * round
                && received(stage, keen).len() == 400 * round
        });
        let ask = stage.ask(Command::Status);
        stage.answered(ask);
    }
    assert_eq!(
        stage.book.count(|input| *input == Input::Drained(deaf)),
        0,
        "nobody has taken it"
    );
    // It is held up in one direction only.
    silent.say(b"still here");
    stage.until("it is still heard", |stage| received(stage, deaf) == b"still here");
    stage.until("it has read everything", |_| silent.listen().heard.len() == words.len());
    assert!(silent.heard == words);
    stage.until_told(&Input::Drained(deaf));
    stage.shut_down();
}

pub fn a_flood_of_strangers_does_not_starve_commands(driver: &dyn Driver) {
    const STRANGERS: usize = 16;
    /// Inputs that may come before a command that was given earlier.
    const FAIR: usize = 2_000;
    let mut stage = Stage::with_puppet(driver);
    let mut flood: Vec<_> = (0..STRANGERS).map(|_| stage.network.connect()).collect();
    let over = Arc::new(AtomicBool::new(false));
    let flooding = thread::spawn({
        let over = Arc::clone(&over);
        move || {
            let noise = [0x5a; 256];
            while !over.load(Ordering::Relaxed) {
                for stranger in &mut flood {
                    let more: &[u8] = if stranger.unsaid() == 0 { &noise } else { &[] };
                    stranger.say(more);
                }
            }
        }
    });
    stage.until("the flood is there", |stage| {
        stage.book.count(|input| matches!(input, Input::Received(..))) > 100
    });
    let mut waits: Vec<usize> = (0..21)
        .map(|_| {
            let before = stage.book.inputs();
            let ask = stage.ask(Command::Status);
            stage.answered(ask);
            let told = stage.book.told();
            let is_command = |(input, _): &(Input, _)| matches!(input, Input::Command(..));
            told.iter().skip(before).position(is_command).expect("it was answered")
        })
        .collect();
    waits.sort_unstable();
    // The machine may have given this thread's turn to the flood in between, but not every time.
    assert!(waits[10] < FAIR, "inputs that went before a command: {waits:?}");
    over.store(true, Ordering::Relaxed);
    flooding.join().expect("a flood");
    stage.shut_down();
}

pub fn a_flood_of_commands_does_not_starve_links(driver: &dyn Driver) {
    let mut stage = Stage::with_puppet(driver);
    let (link, mut far) = accepted(&mut stage);
    let mut asks: Vec<_> = (0..200).map(|_| stage.ask(Command::Status)).collect();
    // It is set behind all of these, and due while there are still as many.
    let alarm = stage.set_alarm(Alarm::After(Millis(5)));
    let mut sent = 0;
    stage.until("bytes and a tick come through", |stage| {
        // As many as are answered are asked again.
        let open = asks.iter().filter(|ask| stage.answer(**ask).is_none()).count();
        for _ in open..200 {
            asks.push(stage.ask(Command::Status));
        }
        if sent < 10 && received(stage, link).len() == sent {
            far.say(b"x");
            sent += 1;
        }
        received(stage, link).len() == 10 && stage.book.count(|input| *input == Input::Tick) == 1
    });
    stage.answered(alarm);
    drop(far);
    stage.until("every command is answered", |stage| {
        asks.iter().all(|ask| stage.answer(*ask).is_some())
    });
    stage.pause(Duration::ZERO);
    stage.shut_down();
}
