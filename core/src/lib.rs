//! Sotto's protocol as a pure state machine.

mod address;
mod command;
mod entropy;
mod friend_code;
mod id;
mod io;
mod limits;
mod link;
mod node;
mod onion_key;
pub mod row;
mod session;
mod time;
pub mod wire;

pub use address::{NotAnAddress, OnionAddress};
pub use command::{Availability, Command, Draft, Notice, Peer, Presence, Refusal, Reply, SafetyNumber, Status};
pub use entropy::Entropy;
pub use friend_code::{FriendCode, InviteToken, NotAFriendCode};
pub use id::{
    CommandId, CommitId, Direction, EventSeq, FetchId, Generation, LinkId, MessageId, NotAMessageId, Position,
};
pub use io::{Cause, Deadline, DeadlineReason, Input, Intake, Output};
pub use limits::Limits;
pub use node::{Node, OpenError};
pub use onion_key::OnionSecret;
pub use session::{Damaged, Offer, Opened, Ratchet, Sealed, SessionFault, Signal, SignalSession};
pub use time::{Millis, Monotonic, Now, Wall};
