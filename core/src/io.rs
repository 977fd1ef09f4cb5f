//! The two enums by which a driver and a node speak.

use std::fmt;

use crate::row::{Batch, Query, Rows};
use crate::{
    CircuitId, Command, CommandId, CommitId, FetchId, LinkId, Monotonic, Notice, OnionAddress, Refusal, Reply,
};

/// What a driver tells a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A person or program wants something. Answered by one `Output::Reply`.
    Command(CommandId, Command),
    /// A peer's stream has arrived, on this circuit.
    Accepted(LinkId, CircuitId),
    /// The stream of an `Output::Dial` is up.
    Connected(LinkId),
    /// Bytes of a link, in order.
    Received(LinkId, Vec<u8>),
    /// The link has taken the bytes of the last `Output::Transmit`.
    Drained(LinkId),
    /// The link is gone, or its dial failed. Also completes an open `Transmit` or `Hangup`. The last word on a link.
    Closed(LinkId, Cause),
    /// The batch is durable.
    Stored(CommitId),
    /// The query's answer.
    Fetched(FetchId, Rows),
    /// 32 fresh bytes of the operating system's generator, for the node's own to continue with. No output follows from it.
    Entropy([u8; 32]),
    /// Time has passed.
    Tick,
}

/// Why a link is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The dial did not reach the peer, though there is a network.
    Unreachable,
    /// The peer, or the network, ended it; or there is no network to dial in.
    Ended,
    /// We hung up.
    HungUp,
}

/// What a node wants done. Each `Commit`, `Fetch`, `Dial`, `Transmit` and `Hangup` is completed by exactly one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Make the batch durable, atomically; then `Input::Stored`. On error, drop the node and open it again.
    Commit(CommitId, Batch),
    /// Read cold rows, after all earlier commits; then `Input::Fetched`.
    Fetch(FetchId, Query),
    /// Open a stream to the address; then `Input::Connected` or `Input::Closed`.
    Dial(LinkId, OnionAddress),
    /// Write the bytes; then `Input::Drained` (or `Input::Closed`). At most one per link is open.
    Transmit(LinkId, Vec<u8>),
    /// Close the stream, once the bytes of an open `Transmit` are written or refused; then `Input::Closed`.
    Hangup(LinkId),
    /// The one answer to a command.
    Reply(CommandId, Result<Reply, Refusal>),
    /// Something to look at.
    Notify(Notice),
}

/// When a node next wants a `Tick`, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline {
    /// When.
    pub at: Monotonic,
    /// Why.
    pub reason: DeadlineReason,
}

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeadlineReason {
    /// A peer has not finished its handshake.
    Handshake,
    /// A link is to be kept alive, or found dead.
    Heartbeat,
    /// A contact is to be dialled again.
    Retry,
    /// Something in the outbox is too old.
    OutboxExpiry,
    /// A message is to disappear.
    Disappearance,
    /// A stranger's request is too old.
    RequestExpiry,
    /// A contact whose ciphertexts were not opened may send more.
    Pace,
    /// A message that a link has taken was not acknowledged at once.
    Sent,
}

impl fmt::Display for DeadlineReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Handshake => "handshake",
            Self::Heartbeat => "heartbeat",
            Self::Retry => "retry",
            Self::OutboxExpiry => "outbox expiry",
            Self::Disappearance => "disappearance",
            Self::RequestExpiry => "request expiry",
            Self::Pace => "pace",
            Self::Sent => "sent",
        })
    }
}

/// Whether bulk input (bytes of links, commands that send) is welcome. It is always accepted; a driver that waits
/// while a node is `Busy` keeps memory small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intake {
    /// Go on.
    Welcome,
    /// Wait for a commit to finish.
    Busy,
}

#[cfg(test)]
mod tests {
    use super::DeadlineReason;

    #[test]
    fn reasons_of_deadlines_have_names_of_their_own() {
        let reasons = [
            DeadlineReason::Handshake,
            DeadlineReason::Heartbeat,
            DeadlineReason::Retry,
            DeadlineReason::OutboxExpiry,
            DeadlineReason::Disappearance,
            DeadlineReason::RequestExpiry,
            DeadlineReason::Pace,
            DeadlineReason::Sent,
        ];
        let names: std::collections::BTreeSet<String> = reasons.iter().map(ToString::to_string).collect();
        assert_eq!(names.len(), reasons.len());
    }
}
