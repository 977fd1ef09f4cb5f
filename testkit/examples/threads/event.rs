//! [`Event`]: what is sent to the node's thread.

use std::error::Error;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::Sender;

use sotto_core::{Command, Input, LinkId, Refusal, Reply};

pub type CommandReply = Result<Reply, Refusal>;
pub type Failure = Box<dyn Error + Send + Sync>;

pub enum Event {
    Command(Command, Sender<CommandReply>),
    /// A peer has connected in this run of the node.
    Stream(u32, UnixStream),
    /// An input of a link of this run of the node.
    Link(u32, LinkId, Input),
    ShutDown,
    /// Stops as if the process were killed.
    Halt,
}
