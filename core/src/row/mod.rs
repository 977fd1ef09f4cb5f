//! What is durable: typed rows, the changes that a commit makes to them, and the image a node starts from.
//!
//! Core decides what the rows are; a store only keeps them. Hot rows (identity, contacts, timers, sessions, cursors,
//! offers, requests, invites, outbox, consumers) are all in the [`Image`]. Cold rows (messages and what hangs on them, events, records)
//! are written here and come back only through [`Query`].
//!
//! Two rules bind every store ([`RowStore`]), the simulator's included:
//! - [`Row::Delivery`] and [`Row::Reaction`] hang on a message: they vanish with it, and putting one whose message is not
//!   there does nothing.
//! - A batch's changes take effect in their order, all or none.

mod cold;
mod hot;
mod image;
mod store;

pub use cold::{
    ContentType, DeliveryRow, DeliveryState, Event, EventRow, FailReason, MessageRow, ReactionRow, RecordRow,
};
pub(crate) use hot::wipe;
pub use hot::{
    ConsumerRow, ContactRow, CursorsRow, IdentityRow, InviteRow, OutboxContent, OutboxRow, PreKeyOfferRow,
    Relationship, RequestRow, Retry, SealedBody, SessionRow, TimerRow, Verification,
};
pub use image::{Image, MessageWithDelivery, Query, Rows};
pub use store::RowStore;

pub use crate::MessageKey;
use crate::{ConversationId, EventSeq, InviteToken, OnionAddress, Position};

/// What names a row. Its order is the order of changes within a batch, so a message precedes what hangs on it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// This node; one row.
    Identity,
    /// A contact, by address.
    Contact(OnionAddress),
    /// The timer that an author set for a conversation.
    Timer(ConversationId, OnionAddress),
    /// A contact's ratchet state.
    Session(OnionAddress),
    /// A contact's sequence numbers.
    Cursors(OnionAddress),
    /// The prekey bundle that we have offered to a contact, with its secrets.
    PreKeyOffer(OnionAddress),
    /// A request that waits for consent here.
    Request(OnionAddress),
    /// An invite that has not been used.
    Invite(InviteToken),
    /// What waits for a contact.
    Outbox(OnionAddress, Position),
    /// How far a named consumer has acknowledged the event log.
    Consumer(String),
    /// A record of the application.
    Record(String),
    /// A message.
    Message(MessageKey),
    /// A message's state.
    Delivery(MessageKey),
    /// An author's reaction to a message.
    Reaction(MessageKey, OnionAddress),
    /// One thing that happened.
    Event(EventSeq),
}

/// A row, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the row type it holds")]
pub enum Row {
    Identity(IdentityRow),
    Contact(ContactRow),
    Timer(TimerRow),
    Session(SessionRow),
    Cursors(CursorsRow),
    PreKeyOffer(PreKeyOfferRow),
    Request(RequestRow),
    Invite(InviteRow),
    Outbox(OutboxRow),
    Consumer(ConsumerRow),
    Record(RecordRow),
    Message(MessageRow),
    Delivery(DeliveryRow),
    Reaction(ReactionRow),
    Event(EventRow),
}

impl Row {
    /// The name under which this row is kept.
    pub fn key(&self) -> Key {
        match self {
            Self::Identity(_) => Key::Identity,
            Self::Contact(row) => Key::Contact(row.address),
            Self::Timer(row) => Key::Timer(row.conversation, row.author),
            Self::Session(row) => Key::Session(row.contact),
            Self::Cursors(row) => Key::Cursors(row.contact),
            Self::PreKeyOffer(row) => Key::PreKeyOffer(row.contact),
            Self::Request(row) => Key::Request(row.contact),
            Self::Invite(row) => Key::Invite(row.token),
            Self::Outbox(row) => Key::Outbox(row.contact, row.position),
            Self::Consumer(row) => Key::Consumer(row.name.clone()),
            Self::Record(row) => Key::Record(row.key.clone()),
            Self::Message(row) => Key::Message(row.key),
            Self::Delivery(row) => Key::Delivery(row.key),
            Self::Reaction(row) => Key::Reaction(row.target, row.author),
            Self::Event(row) => Key::Event(row.seq),
        }
    }
}

/// One change to the durable rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Write the row, in place of an older one of the same key. For a message row, its delivery and reactions stay.
    Put(Row),
    /// Write the row unless its key is taken; then nothing changes. Guards a message against a later one with its id.
    Insert(Row),
    /// Remove the row if it is there; a message takes its delivery and reactions with it.
    Delete(Key),
}

impl Change {
    /// The key that it touches.
    pub fn key(&self) -> Key {
        match self {
            Self::Put(row) | Self::Insert(row) => row.key(),
            Self::Delete(key) => key.clone(),
        }
    }
}

/// What one commit makes durable, in order, all or none. No key occurs twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The changes, in key order.
    pub changes: Vec<Change>,
}
