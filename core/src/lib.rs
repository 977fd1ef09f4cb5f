//! Sotto's protocol as a pure state machine: messages between onion services, end to end encrypted with the Signal
//! protocol, without any I/O, clock, thread, runtime or global randomness in it. What to do with bytes, rows and time is
//! the driver's part; what they mean is decided here, and only here.
//!
//! ```text
//!              commands ─┐                       ┌─ replies, notices
//!   bytes of links ──────┤      ┌────────┐       ├─ dial, transmit, hang up
//!   stored, fetched ─────┼─────▶│  Node  │──────▶┼─ commit, fetch
//!   ticks ───────────────┘      └────────┘       └─ (deadline, intake: queries)
//!               handle(input, now)        poll() -> output
//! ```
//!
//! # The contract
//!
//! A driver owns a [`Node`], clocks, a store and a transport. It gives the node inputs, polls it until there is no output, and
//! sleeps until the deadline. It has six duties:
//!
//! 1. It makes each [`Output::Commit`] durable, atomically, and then gives [`Input::Stored`]. If a commit fails, it drops the
//!    node and opens it again from the durable rows. There is no input for a storage error: a full disk, `kill -9` and a power
//!    cut are one path.
//! 2. It completes each [`Commit`](Output::Commit), [`Fetch`](Output::Fetch), [`Dial`](Output::Dial),
//!    [`Transmit`](Output::Transmit) and [`Hangup`](Output::Hangup) with exactly one input. [`Input::Closed`] is the last input
//!    of a link and completes everything that is open on it.
//! 3. [`Now::monotonic`] never decreases, and counts suspended time. [`Now::wall`] may do anything.
//! 4. It drains [`Node::poll`] before it sleeps, until [`Node::deadline`] at the latest.
//! 5. While [`Node::intake`] is [`Intake::Busy`] it reads no bytes from links, so that memory stays small.
//! 6. When it has slept, it gives [`Input::Entropy`] before any other input. While it slept the machine may have been copied (a
//!    clone, a snapshot that is restored twice), and both copies would go on with the same random numbers: no handshake and
//!    no session may begin with them.
//!
//! In return no input of a peer makes the node fail, panic or grow without bound; no frame, acknowledgement, reply or event
//! leaves the node before its rows are durable; and the same image, entropy and inputs give the same outputs, to the byte.
//!
//! The suite `sotto_testkit::driver` checks this contract. Every driver passes it, and its ledger checks the simulator's hosts.
//!
//! # A driver, whole
//!
//! This one keeps no rows and has no transport, but it is complete:
//!
//! ```
//! use sotto_core::row::{Image, Rows};
//! use sotto_core::{Cause, Command, CommandId, Entropy, Input, Limits, Monotonic, Node, Now, Output, Reply, Wall};
//!
//! let now = Now { monotonic: Monotonic(0), wall: Wall(1_700_000_000_000) };
//! let entropy = Entropy::from_seed([7; 32]); // 32 bytes of the operating system's generator
//! let mut node: Node = Node::open(Image::default(), entropy, Limits::default(), now)?;
//! node.handle(Input::Command(CommandId(1), Command::Identity), now);
//!
//! let mut address = None;
//! while let Some(output) = node.poll() {
//!     match output {
//!         Output::Commit(id, _batch) => node.handle(Input::Stored(id), now), // once it is durable
//!         Output::Fetch(id, _query) => node.handle(Input::Fetched(id, Rows::default()), now),
//!         Output::Dial(id, _address) => node.handle(Input::Closed(id, Cause::Unreachable), now),
//!         Output::Transmit(id, _bytes) => node.handle(Input::Drained(id), now),
//!         Output::Hangup(id) => node.handle(Input::Closed(id, Cause::HungUp), now),
//!         Output::Reply(_, Ok(Reply::Identity { address: ours, .. })) => address = Some(ours),
//!         Output::Reply(..) | Output::Notify(_) => {}
//!     }
//! }
//! assert!(address.expect("the new identity is durable by now").to_string().ends_with(".onion"));
//! # Ok::<(), sotto_core::OpenError>(())
//! ```

#![cfg_attr(
    feature = "sabotage",
    expect(
        clippy::disallowed_macros,
        reason = "which rule is broken is said from outside, for a thread"
    )
)]

mod address;
mod command;
mod contact;
mod conversation;
mod delivery;
mod fault;
pub mod feature;
mod friend_code;
mod id;
mod io;
mod kernel;
pub mod link;
mod node;
mod onion_key;
#[cfg(test)]
mod property;
pub mod row;
#[cfg(feature = "sabotage")]
pub mod sabotage;
#[cfg(not(feature = "sabotage"))]
mod sabotage;
mod session;
mod time;
pub mod wire;

pub use address::{NotAnAddress, OnionAddress};
pub use command::{
    ApplicationEvent, Argument, Availability, Command, ContactObstacle, ContactPresence, ContactStorage, Elsewhere,
    MessageObstacle, NewMessage, Notice, Presence, Refusal, Reply, SafetyNumber, Status, Storage, Table,
};
pub use contact::Pause;
pub use conversation::id::{ChannelId, ConversationId, GroupId, MessageKey};
pub use fault::FaultKind;
pub use friend_code::{FriendCode, InviteToken, NotAFriendCode};
pub use id::{
    CircuitId, CommandId, CommitId, Direction, EventSeq, FetchId, LinkId, MessageId, NotAMessageId, Position,
    SessionEpoch,
};
pub use io::{Cause, Deadline, DeadlineReason, Input, Intake, Output};
pub use kernel::entropy::Entropy;
pub use kernel::limits::Limits;
pub use node::{Machine, Node, OpenError};
pub use onion_key::OnionSecret;
pub use session::{Damaged, Encrypted, Opened, PreKeys, Ratchet, SessionError, Signal, SignalSession};
pub use time::{Millis, Monotonic, Now, Wall};
