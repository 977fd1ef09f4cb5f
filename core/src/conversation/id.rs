//! [`ConversationId`] and [`MessageKey`]: the names of a conversation and of a message in it.

use std::fmt;

use crate::{Direction, MessageId, OnionAddress};

/// A conversation. Only direct ones can be made today; a command for another one is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConversationId {
    /// With one contact.
    Direct(OnionAddress),
    /// Of a group.
    Group(GroupId),
    /// Of a channel.
    Channel(ChannelId),
}

impl ConversationId {
    /// The contact of a direct conversation.
    pub const fn peer(&self) -> Option<OnionAddress> {
        match self {
            Self::Direct(peer) => Some(*peer),
            Self::Group(_) | Self::Channel(_) => None,
        }
    }
}

impl From<OnionAddress> for ConversationId {
    /// The direct conversation with that contact.
    fn from(peer: OnionAddress) -> Self {
        Self::Direct(peer)
    }
}

/// The direct conversation with a contact is written as its address, the others as their kind and their id.
impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct(peer) => peer.fmt(f),
            Self::Group(group) => write!(f, "group {group}"),
            Self::Channel(channel) => write!(f, "channel {channel}"),
        }
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 32]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

id!(/** A group. Written as 64 lower-case hexadecimal digits. */ GroupId);
id!(/** A channel. Written as 64 lower-case hexadecimal digits. */ ChannelId);

/// Names a message. The author is part of it, so a peer can never change another author's message by reusing its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageKey {
    /// The conversation that the message is in.
    pub conversation: ConversationId,
    /// The node that wrote it.
    pub author: OnionAddress,
    /// The author's id for it.
    pub id: MessageId,
}

impl MessageKey {
    /// A message in the direct conversation with `peer`.
    pub const fn direct(peer: OnionAddress, author: OnionAddress, id: MessageId) -> Self {
        Self {
            conversation: ConversationId::Direct(peer),
            author,
            id,
        }
    }

    /// Whether the contact of a direct conversation wrote it.
    pub fn is_from_peer(&self) -> bool {
        self.conversation.peer() == Some(self.author)
    }

    /// Whether the message was written by the node with the address `own`, or came from another one.
    pub fn direction(&self, own: &OnionAddress) -> Direction {
        if self.author == *own {
            Direction::Out
        } else {
            Direction::In
        }
    }
}
