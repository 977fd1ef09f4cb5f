//! The small names by which core, driver and store speak of things.

use std::fmt;
use std::str::FromStr;

/// One byte stream to a peer. Core numbers the links it dials, the driver those it accepts, so neither has to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkId {
    /// Asked for by core in `Output::Dial`.
    Dialled(u64),
    /// Announced by the driver in `Input::Accepted`; numbers must not repeat within a run.
    Accepted(u64),
}

/// What carries an accepted stream, by a number that the transport gives: a Tor circuit, say. Streams that one peer has opened
/// cheaply, over one circuit, have one number; where a transport cannot tell, each stream has its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CircuitId(pub u64);

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);
    };
}

number!(/** Names a command and its one reply; chosen by the driver. */ CommandId);
number!(/** Names a batch and its one `Stored`. */ CommitId);
number!(/** Names a query and its one `Fetched`. */ FetchId);
number!(/** Place in the event log: 1, 2, 3 … without holes. Also orders messages within a conversation. */ EventSeq);
number!(/** Place in a contact's outbox; smaller goes first. */ Position);
number!(/** Which incarnation of a Signal session, counted from 1. 0 means none. */ SessionEpoch);

/// Sixteen random bytes, chosen by a message's author. Written as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub [u8; 16]);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not a message id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message id is 32 hexadecimal digits")]
pub struct NotAMessageId;

impl FromStr for MessageId {
    type Err = NotAMessageId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = data_encoding::HEXLOWER_PERMISSIVE
            .decode(text.as_bytes())
            .map_err(|_| NotAMessageId)?;
        Ok(Self(bytes.try_into().map_err(|_| NotAMessageId)?))
    }
}

/// Whether another node wrote a message (`In`) or this one (`Out`). It follows from the author: see
/// [`MessageKey::direction`](crate::MessageKey::direction).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Written by another node.
    In,
    /// Written by this node.
    Out,
}
