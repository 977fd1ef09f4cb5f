//! [`Handle`]: an application's access to a running node.

use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};

use sotto_core::{Command, Notice};

use super::driver::supervise;
use super::event::{Answer, Event, Failure};
use super::setup::Setup;

/// Events that may wait for the node's thread.
const WAITING: usize = 64;

/// Access to a running node.
pub struct Handle {
    inbox: SyncSender<Event>,
    thread: JoinHandle<Result<(), Failure>>,
    /// Notices. While they are not taken, later ones are lost.
    #[allow(dead_code, reason = "the example looks at its peers' answers instead")]
    pub notices: Receiver<Notice>,
}

/// Runs a node on a thread of its own.
pub fn start(setup: Setup) -> Handle {
    let (inbox, events) = sync_channel(WAITING);
    let (notify, notices) = sync_channel(WAITING);
    let sender = inbox.clone();
    let thread = thread::spawn(move || supervise(setup, &sender, &events, &notify));
    Handle { inbox, thread, notices }
}

impl Handle {
    /// Gives a command. The reply comes when its rows are durable, or never if the node stops before.
    pub fn command(&self, command: Command) -> Receiver<Answer> {
        let (asker, answer) = channel();
        let _ = self.inbox.send(Event::Command(command, asker));
        answer
    }

    /// Shuts the node down: earlier commands get their replies, all rows are durable, links and store are closed.
    pub fn shut_down(self) -> Result<(), Failure> {
        let _ = self.inbox.send(Event::ShutDown);
        self.thread.join().expect("a driver does not panic")
    }

    #[allow(dead_code, reason = "for the tests that this driver passes")]
    pub fn halt(self) -> Result<(), Failure> {
        let _ = self.inbox.send(Event::Halt);
        self.thread.join().expect("a driver does not panic")
    }
}
