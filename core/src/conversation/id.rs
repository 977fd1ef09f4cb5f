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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OnionSecret;

    fn address(seed: u8) -> OnionAddress {
        OnionSecret::from_seed(&[seed; 32]).address()
    }

    #[test]
    fn a_conversation_is_written_by_its_contact_or_by_its_kind_and_id() {
        let peer = address(1);
        assert_eq!(ConversationId::from(peer).to_string(), peer.to_string());
        let digits = "0a".repeat(32);
        let group = ConversationId::Group(GroupId([10; 32]));
        assert_eq!(group.to_string(), format!("group {digits}"));
        assert_eq!(format!("{group:?}"), format!("Group({digits})"));
        let channel = ConversationId::Channel(ChannelId([10; 32]));
        assert_eq!(channel.to_string(), format!("channel {digits}"));
        assert_eq!(format!("{channel:?}"), format!("Channel({digits})"));
    }

    #[test]
    fn only_a_direct_conversation_has_a_peer() {
        let (own, peer) = (address(1), address(2));
        let group = ConversationId::Group(GroupId([3; 32]));
        assert_eq!(ConversationId::Direct(peer).peer(), Some(peer));
        assert_eq!(group.peer(), None);
        assert_eq!(ConversationId::Channel(ChannelId([3; 32])).peer(), None);

        let id = MessageId([4; 16]);
        let received = MessageKey::direct(peer, peer, id);
        let sent = MessageKey::direct(peer, own, id);
        assert!(received.is_from_peer() && !sent.is_from_peer());
        assert_eq!(received.direction(&own), Direction::In);
        assert_eq!(sent.direction(&own), Direction::Out);
        let in_group = MessageKey {
            conversation: group,
            author: peer,
            id,
        };
        assert!(!in_group.is_from_peer());
        assert_eq!(in_group.direction(&own), Direction::In);
    }
}
