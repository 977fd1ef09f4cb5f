//! Conversations and authors as schema 1 has them: a conversation is its contact, an author is a direction. Which author
//! that is follows from the contact and from the identity of this store.

use rusqlite::Connection;
use sotto_core::row::MessageKey;
use sotto_core::{ConversationId, Direction, MessageId, OnionAddress};

use crate::code::undecodable;
use crate::peer::Peers;

/// The contact of a direct conversation. Schema 1 has no others.
pub(crate) fn contact(conversation: &ConversationId) -> rusqlite::Result<OnionAddress> {
    match conversation {
        ConversationId::Direct(contact) => Ok(*contact),
        ConversationId::Group(_) | ConversationId::Channel(_) => Err(undecodable(0, "conversation of schema 1")),
    }
}

/// The direction of what that author writes in the conversation with a contact.
pub(crate) fn direction(contact: &OnionAddress, author: &OnionAddress) -> Direction {
    if contact == author {
        Direction::In
    } else {
        Direction::Out
    }
}

/// The author behind a direction.
pub(crate) fn author(
    db: &Connection,
    peers: &mut Peers,
    contact: OnionAddress,
    direction: Direction,
) -> rusqlite::Result<OnionAddress> {
    match direction {
        Direction::In => Ok(contact),
        Direction::Out => peers.own(db)?.ok_or_else(|| undecodable(0, "store with an identity")),
    }
}

/// The name of a message.
pub(crate) fn key(
    db: &Connection,
    peers: &mut Peers,
    contact: OnionAddress,
    direction: Direction,
    id: MessageId,
) -> rusqlite::Result<MessageKey> {
    Ok(MessageKey::direct(contact, author(db, peers, contact, direction)?, id))
}
