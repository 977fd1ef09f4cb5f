//! Rows that core writes and rarely reads: messages, what hangs on them, and events.

use std::fmt;

use crate::{ApplicationEvent, ConversationId, EventSeq, Limits, MessageId, MessageKey, OnionAddress, Pause, Wall};

/// How a text wants to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContentType {
    /// Plain text.
    Plain,
    /// CommonMark.
    Markdown,
    /// A kind this version does not know; the text is empty.
    Unsupported,
}

/// A message as it stands now.
#[derive(Clone, PartialEq, Eq)]
pub struct MessageRow {
    /// Its name.
    pub key: MessageKey,
    /// Its place in the conversation: the event that announced it. No other message of this node has it.
    pub order: EventSeq,
    /// The text; empty once deleted.
    pub text: String,
    /// How to show it.
    pub content_type: ContentType,
    /// The thread it belongs to, if any: any text of up to 128 bytes.
    pub thread: Option<String>,
    /// The message it answers, by either author.
    pub reply_to: Option<MessageId>,
    /// Seconds it lives once the clock starts; 0 is for ever.
    pub ttl: u32,
    /// Programs that have written, each to answer the one before; 0 if a person wrote this. Untrusted if the author is another
    /// node.
    pub hops: u32,
    /// The author's clock when it was written. Untrusted if the author is another node.
    pub sent_at: Wall,
    /// Our clock when it was queued or received.
    pub at: Wall,
    /// When it was last edited.
    pub edited_at: Option<Wall>,
    /// When it was deleted for both; the row stays as a mark.
    pub deleted_at: Option<Wall>,
}

impl MessageRow {
    /// Bytes that it takes up in the store, roughly: of its text, and what every message has.
    pub fn stored_bytes(&self) -> u64 {
        Limits::MESSAGE_BYTES + self.text.len() as u64
    }
}

impl fmt::Debug for MessageRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageRow")
            .field("key", &self.key)
            .field("order", &self.order)
            .finish_non_exhaustive()
    }
}

/// How far a message has provably come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryState {
    /// Durable here.
    Queued,
    /// Handed to a link.
    Sent,
    /// The peer has committed it.
    Delivered,
    /// `Out`: the peer says it was read. `In`: it was read here.
    Read,
    /// Given up; it can be sent again.
    Failed(FailReason),
    /// Taken back before it was sealed.
    Cancelled,
}

/// Why a message failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailReason {
    /// Not sealed within the outbox's time.
    Expired,
    /// The contact was removed.
    Removed,
}

/// A message's state. Incoming messages have no such row until they are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRow {
    /// Of which message.
    pub key: MessageKey,
    /// Where it stands.
    pub state: DeliveryState,
    /// Since when.
    pub at: Wall,
    /// When it disappears; set when its clock starts.
    pub disappears_at: Option<Wall>,
}

/// A reaction to a message; one per author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReactionRow {
    /// The message.
    pub target: MessageKey,
    /// The node that reacts.
    pub author: OnionAddress,
    /// A short text, usually one emoji, at most 64 bytes. Untrusted if the author is another node.
    pub emoji: String,
    /// When.
    pub at: Wall,
}

/// One thing that happened. Holds no text that a message holds, so a message that disappears leaves none here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the subject of the sentence")]
pub enum Event {
    /// A message of ours is durable.
    MessageQueued { key: MessageKey },
    /// A message came.
    MessageReceived { key: MessageKey },
    /// A message's state changed.
    MessageState { key: MessageKey, state: DeliveryState },
    /// Its author edited a message.
    MessageEdited { key: MessageKey },
    /// Its author deleted a message for both.
    MessageDeleted { key: MessageKey },
    /// A reaction was set or removed by `author`.
    MessageReacted { key: MessageKey, author: OnionAddress },
    /// A message is gone from this node: its timer ended, or the user erased it here.
    MessageDisappeared { key: MessageKey },
    /// The timer that `author` set for the conversation changed.
    TimerChanged {
        conversation: ConversationId,
        author: OnionAddress,
        seconds: u32,
    },
    /// A peer asks to be a contact.
    RequestReceived { contact: OnionAddress },
    /// Our request is with them.
    RequestDelivered { contact: OnionAddress },
    /// They said no.
    RequestDeclined { contact: OnionAddress },
    /// Both consented.
    ContactAdded { contact: OnionAddress },
    /// We removed them.
    ContactRemoved { contact: OnionAddress },
    /// We blocked or unblocked them.
    ContactBlocked { contact: OnionAddress, blocked: bool },
    /// The verified mark was set or taken away.
    ContactVerified { contact: OnionAddress, verified: bool },
    /// An identity key has replaced a verified one, and what waits is held until the user accepts it; or the user has.
    ContactUntrusted { contact: OnionAddress, untrusted: bool },
    /// The contact's node says that it has removed this one; or, after all, that it has not.
    RemovedByPeer { contact: OnionAddress, removed: bool },
    /// A new session replaced the old one. `identity_changed` is a warning: their Signal identity key is another.
    ContactRekeyed {
        contact: OnionAddress,
        identity_changed: bool,
    },
    /// A new session replaced the old one because their store is older than what it has said, as after a backup was restored.
    /// What they had acknowledged may be missing there.
    ContactRolledBack { contact: OnionAddress },
    /// What the contact sends is not taken any more, for this reason (the pace is never one); or it is again.
    ContactPaused {
        contact: OnionAddress,
        pause: Option<Pause>,
    },
    /// Another running node has this node's identity. Shown by a contact, or by what answers at the node's own address.
    IdentityElsewhere { shown_by: OnionAddress },
    /// Something happened in the application around the node.
    Application(ApplicationEvent),
}

/// A record of the application around the node: what it must not forget and the node does not interpret.
#[derive(Clone, PartialEq, Eq)]
pub struct RecordRow {
    /// Its name.
    pub key: String,
    /// What the application says.
    pub value: Vec<u8>,
}

impl fmt::Debug for RecordRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordRow")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// An event in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Its place.
    pub seq: EventSeq,
    /// When.
    pub at: Wall,
    /// What.
    pub event: Event,
}
