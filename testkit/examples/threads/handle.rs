//! [`Handle`]: an application's access to a running node.

use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};

use sotto_core::row::RowStore;
use sotto_core::{Command, Notice};

use super::driver::supervise;
use super::event::{CommandReply, Event, Failure};
use super::setup::Setup;

/// Length of the queue of events, and of notices.
const QUEUE: usize = 64;

/// Access to a running node.
pub struct Handle {
    sender: SyncSender<Event>,
    thread: JoinHandle<Result<(), Failure>>,
    /// Notices. While they are not taken, later ones are lost.
    #[allow(dead_code, reason = "the example waits for replies instead")]
    pub notices: Receiver<Notice>,
}

/// Runs a node on a thread of its own.
pub fn start<S: RowStore>(setup: Setup<S>) -> Handle {
    let (sender, events) = sync_channel(QUEUE);
    let (notify, notices) = sync_channel(QUEUE);
    let events_of_threads = sender.clone();
    let thread = thread::spawn(move || supervise(setup, &events_of_threads, &events, &notify));
    Handle {
        sender,
        thread,
        notices,
    }
}

impl Handle {
    /// Gives a command. The reply comes when its rows are durable, or never if the node stops before.
    pub fn command(&self, command: Command) -> Receiver<CommandReply> {
        let (sender, reply) = channel();
        let _ = self.sender.send(Event::Command(command, sender));
        reply
    }

    /// Shuts the node down: earlier commands get their replies, all rows are durable, links and store are closed.
    pub fn shut_down(self) -> Result<(), Failure> {
        let _ = self.sender.send(Event::ShutDown);
        self.thread.join().expect("a driver does not panic")
    }

    #[allow(dead_code, reason = "for the tests that this driver passes")]
    pub fn halt(self) -> Result<(), Failure> {
        let _ = self.sender.send(Event::Halt);
        self.thread.join().expect("a driver does not panic")
    }
}
