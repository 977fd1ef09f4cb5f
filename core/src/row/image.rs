//! What a store hands to core: the image at open, and the answers to queries.

use super::{
    ConsumerRow, ContactRow, CursorsRow, DeliveryRow, IdentityRow, InviteRow, MessageRow, OutboxRow, PreKeyOfferRow,
    RequestRow, SessionRow, TimerRow,
};
use crate::{ConversationId, EventSeq, MessageKey, OnionAddress, Wall};

/// All hot rows. An empty image is a new node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is all rows of its type")]
pub struct Image {
    pub identity: Option<IdentityRow>,
    pub contacts: Vec<ContactRow>,
    pub timers: Vec<TimerRow>,
    pub sessions: Vec<SessionRow>,
    pub cursors: Vec<CursorsRow>,
    pub prekey_offers: Vec<PreKeyOfferRow>,
    pub requests: Vec<RequestRow>,
    pub invites: Vec<InviteRow>,
    /// In order of contact and position.
    pub outbox: Vec<OutboxRow>,
    pub consumers: Vec<ConsumerRow>,
    /// Oldest event still in the log; 0 if there is none.
    pub first_event: EventSeq,
    /// Newest event; 0 if there is none. The newest is never dropped, so numbers do not repeat.
    pub last_event: EventSeq,
    /// The earliest `disappears_at` of any message.
    pub next_disappearance: Option<Wall>,
}

/// A cold row that the protocol itself needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// These messages with their states; those that are not there are left out.
    Messages(Vec<MessageKey>),
    /// Messages whose `disappears_at` is at or before this, the earliest first, at most `limit`.
    Disappearing {
        /// The bound.
        until: Wall,
        /// At most so many.
        limit: u32,
    },
    /// How many bytes the messages of an author take up in a conversation. May read all of them.
    StoredBytes {
        /// The conversation.
        conversation: ConversationId,
        /// The author.
        author: OnionAddress,
    },
}

/// A message with its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageWithDelivery {
    /// The message.
    pub message: MessageRow,
    /// Its state; `None` for an incoming message not read yet.
    pub delivery: Option<DeliveryRow>,
}

/// A query's answer, read after every earlier commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// What was found.
    pub messages: Vec<MessageWithDelivery>,
    /// The earliest `disappears_at` of any message left out of `messages`.
    pub next_disappearance: Option<Wall>,
    /// Of `StoredBytes`: the sum of [`MessageRow::stored_bytes`]. 0 for other queries.
    pub stored_bytes: u64,
}
