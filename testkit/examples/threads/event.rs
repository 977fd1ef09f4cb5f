//! What reaches the node's thread.

use std::error::Error;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::Sender;

use sotto_core::{Command, Input, LinkId, Refusal, Reply};

pub type Answer = Result<Reply, Refusal>;
pub type Failure = Box<dyn Error + Send + Sync>;

pub enum Event {
    Command(Command, Sender<Answer>),
    /// A peer has come, in the node's so-manieth run.
    Came(u32, UnixStream),
    /// A link of the node's so-manieth run has something to say.
    Said(u32, LinkId, Input),
    ShutDown,
    /// As if the process were killed.
    Halt,
}
