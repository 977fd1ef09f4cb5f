//! What a person or program can ask of a node, what it answers, and why it may refuse.

use std::collections::BTreeMap;

use crate::row::{ContentType, DeliveryState, InviteRow, TimerRow};
use crate::{
    ConversationId, EventSeq, FaultKind, FriendCode, InviteToken, MessageId, MessageKey, OnionAddress, Pause, Wall,
};

/// What the user or a program asks of a node. Each is answered once, after what it promises is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Set the name that we claim towards others (at most 64 bytes). `Reply::Done`.
    SetName(String),
    /// Make a one-time invite. `Reply::Invite`.
    CreateInvite,
    /// The invites that were made, and neither used nor revoked. `Reply::Invites`.
    Invites,
    /// Make an unused invite worthless: who presents it asks as any stranger does. `Reply::Done`.
    RevokeInvite(InviteToken),
    /// Ask a peer to be a contact; if the peer has asked us, this is consent. `Reply::Contact`.
    AddContact {
        /// The peer's address, and perhaps its invite.
        code: FriendCode,
        /// Our name for them.
        petname: Option<String>,
        /// A note that they see with the request (at most 500 bytes).
        note: String,
    },
    /// Consent to a request; a contact is only renamed. `Reply::Contact`.
    AcceptContact {
        /// Who asked.
        contact: OnionAddress,
        /// Our name for them.
        petname: Option<String>,
    },
    /// Refuse a request; they are told. `Reply::Contact`.
    RejectContact(OnionAddress),
    /// Stop being contacts. What waits for them fails; the history stays. `Reply::Contact`.
    RemoveContact(OnionAddress),
    /// Keep nothing of a peer that was removed or declined, or whose request waits, but the history. `Reply::Contact`.
    ForgetContact(OnionAddress),
    /// Change our name for them; an empty one takes it away. `Reply::Contact`.
    RenameContact(OnionAddress, String),
    /// Block or unblock; they see no difference. `Reply::Contact`.
    BlockContact(OnionAddress, bool),
    /// Ask for the safety number. `Reply::SafetyNumber`.
    SafetyNumber(OnionAddress),
    /// Set or take away the verified mark; `Some` must be the very number that the person compared. `Reply::Contact`.
    VerifyContact(OnionAddress, Option<String>),
    /// Accept an identity key that has replaced a verified one, without having compared it. The number must be that of the key.
    /// What waits for the contact is sent again. `Reply::Contact`.
    AcceptIdentityKey(OnionAddress, String),
    /// Send a text. `Reply::Message`.
    Send(NewMessage),
    /// Replace the text of a message of ours. `Reply::Message`.
    EditMessage {
        /// The conversation.
        conversation: ConversationId,
        /// Which message of ours.
        id: MessageId,
        /// The new text.
        text: String,
    },
    /// Delete a message of ours, for both. `Reply::Message`.
    DeleteMessage {
        /// The conversation.
        conversation: ConversationId,
        /// Which message of ours.
        id: MessageId,
    },
    /// Erase messages on this node alone; no peer is told. One of ours that waits is not sent. Those that are not there are
    /// passed over. `Reply::Done`.
    EraseMessages {
        /// The conversation.
        conversation: ConversationId,
        /// Author and id of each message, at most 256.
        messages: Vec<(OnionAddress, MessageId)>,
    },
    /// React to a message; `None` takes the reaction back. `Reply::Message`.
    React {
        /// The message.
        message: MessageKey,
        /// With what.
        emoji: Option<String>,
    },
    /// These messages of one author were read: their clocks start, and the author is told if `receipt`. Ids that are not
    /// there are passed over. `Reply::Done`.
    MarkRead {
        /// The conversation.
        conversation: ConversationId,
        /// Who wrote the messages; another node than this one.
        author: OnionAddress,
        /// Which messages, at most 256.
        ids: Vec<MessageId>,
        /// Tell the author.
        receipt: bool,
    },
    /// Take back a message that is not sealed yet. `Reply::Message`.
    CancelMessage {
        /// The conversation.
        conversation: ConversationId,
        /// Which message of ours.
        id: MessageId,
    },
    /// Try at once; a failed or cancelled message is queued again under its id. `Reply::Message`.
    RetryMessage {
        /// The conversation.
        conversation: ConversationId,
        /// Which message of ours.
        id: MessageId,
    },
    /// Set our timer for the conversation, in seconds; 0 turns it off. `Reply::Timers`.
    SetTimer(ConversationId, u32),
    /// Ask for our timer in conversations that begin from now on, or set it, in seconds; 0 turns it off. Conversations whose
    /// timer of ours is the old one get the new one. `Reply::DefaultTimer`.
    DefaultTimer(Option<u32>),
    /// Say that we are writing, or not any more; forgotten if no link is up. `Reply::Done`.
    SetTyping(OnionAddress, bool),
    /// Show ourselves so to contacts. `Reply::Done`.
    SetAvailability(Availability),
    /// A consumer has dealt with every event up to here. Never moves back. `Reply::Acknowledged`.
    AcknowledgeEvents {
        /// Its name (1 to 64 bytes).
        consumer: String,
        /// Up to and including this event.
        seq: EventSeq,
    },
    /// Make records of the application durable, or delete (`None`) them, all or none, and log an event with them. A deleted value
    /// is overwritten in the store's files; a replaced one need not be. `Reply::Done`.
    PutRecords {
        /// Keys of 1 to 128 bytes, and values of at most 256 KiB; at most 64 records.
        records: Vec<(String, Option<Vec<u8>>)>,
        /// The event.
        event: Option<ApplicationEvent>,
    },
    /// The store can take up so many bytes more. Until this is said first, the node takes it for enough. `Reply::Done`.
    FreeSpace(u64),
    /// Another running node answers at this node's own address, so it has this node's identity. `Reply::Done`.
    IdentityElsewhere,
    /// The wall clock is right, as far as something besides this machine knows; it may be a few hours off. `Reply::Done`.
    ConfirmClock,
    /// The network may be another one now, or the machine has slept: every link is asked whether it lives, and
    /// contacts that were out of reach are tried at once. `Reply::Done`.
    NetworkChanged,
    /// Ask who we are. `Reply::Identity`.
    Identity,
    /// Ask how contacts are doing right now. `Reply::Peers`.
    Peers,
    /// Ask how the node is doing. `Reply::Status`.
    Status,
}

/// A text to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// The conversation that it goes to.
    pub conversation: ConversationId,
    /// The text, 1 to 32 768 bytes.
    pub text: String,
    /// How to show it.
    pub content_type: ContentType,
    /// Thread, 1 to 128 bytes.
    pub thread: Option<String>,
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
    /// Seconds to live once its clock starts; `None` leaves it to the conversation's timer.
    pub ttl: Option<u32>,
    /// Programs that have written, each to answer the one before, this one included; 0 if a person wrote this.
    pub hops: u32,
    /// The sender's key (1 to 128 bytes): the same key and text twice are one message.
    pub idempotency_key: Option<String>,
    /// The message's id: 16 fresh random bytes, where the host has to know it before the message is sent. `None` leaves it to the
    /// node; of a message with a key, it follows from the key.
    pub id: Option<MessageId>,
}

impl NewMessage {
    /// A plain text and nothing more.
    pub fn plain(conversation: impl Into<ConversationId>, text: impl Into<String>) -> Self {
        Self {
            conversation: conversation.into(),
            text: text.into(),
            content_type: ContentType::Plain,
            thread: None,
            reply_to: None,
            ttl: None,
            hops: 0,
            idempotency_key: None,
            id: None,
        }
    }
}

/// Something that happened in the application around the node. Only the application knows what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApplicationEvent {
    /// The conversation that it is about.
    pub conversation: ConversationId,
    /// What it is about, by an id of the application's.
    pub subject: [u8; 16],
    /// What happened, by a number of the application's.
    pub code: u32,
}

/// How we show ourselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Availability {
    /// Here.
    #[default]
    Online,
    /// Running, but the user is not looking.
    Away,
    /// Looks like offline: nothing is said about presence.
    Invisible,
}

/// What is known of a contact's presence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Presence {
    /// A live link says so.
    Online,
    /// A live link says so.
    Away,
    /// They ended the link themselves, or say nothing about presence.
    Offline,
    /// Never reached, or lost without a word.
    Unknown,
}

/// What a command came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Nothing to say.
    Done,
    /// A friend code with a fresh invite.
    Invite(FriendCode),
    /// The unused invites.
    Invites(Vec<InviteRow>),
    /// The contact, as it stands now.
    Contact(OnionAddress),
    /// The safety number.
    SafetyNumber(SafetyNumber),
    /// The message and its state. For a repeated idempotency key, those of the first.
    Message {
        /// Its id.
        id: MessageId,
        /// Where it stands.
        state: DeliveryState,
    },
    /// The conversation's timers that are on, by author; the shortest holds.
    Timers(Vec<TimerRow>),
    /// Our timer in conversations that begin, in seconds; 0 is off.
    DefaultTimer(u32),
    /// How far the consumer now is.
    Acknowledged(EventSeq),
    /// Who we are.
    Identity {
        /// Our address.
        address: OnionAddress,
        /// The name that we claim.
        name: String,
        /// Our Signal identity key, serialised (33 bytes).
        identity_key: Vec<u8>,
    },
    /// Every contact's presence.
    Peers(Vec<ContactPresence>),
    /// The node's state.
    Status(Status),
}

/// libsignal's fingerprint of a pair of identities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SafetyNumber {
    /// 60 decimal digits.
    pub digits: String,
    /// What a QR code carries (libsignal's scannable fingerprint).
    pub scannable: Vec<u8>,
}

/// A contact's presence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContactPresence {
    /// Who.
    pub contact: OnionAddress,
    /// How.
    pub presence: Presence,
    /// When the presence was last proven; `None` if not in this run.
    pub as_of: Option<Wall>,
    /// They are writing right now.
    pub typing: bool,
}

/// A node's numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Links up with authenticated peers.
    pub links: usize,
    /// Dials under way.
    pub dials: usize,
    /// Links of peers that have not authenticated yet.
    pub handshakes: usize,
    /// Links of peers that are neither friends nor asked by us; they are among `links`.
    pub stranger_links: usize,
    /// Rows that wait in outboxes.
    pub queued: usize,
    /// How this node shows itself to contacts.
    pub availability: Availability,
    /// Faults of peers since the start.
    pub peer_faults: u64,
    /// The same by kind, those that have occurred.
    pub faults_by_kind: BTreeMap<FaultKind, u64>,
    /// How much room there is, and what contacts take up.
    pub storage: Storage,
    /// The wall clock is far ahead of what is known to have passed, and running timers wait until it is confirmed or has said the
    /// same for an hour.
    pub clock_doubted: bool,
    /// Another running node has this node's identity, as shown within the last day.
    pub elsewhere: Option<Elsewhere>,
}

/// What shows that another running node has this node's identity, as after its store was copied to a second machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// The contact whose Hello shows more than this node has said; or this node's own address, at which the other node has
    /// answered, or from which it has dialed.
    pub shown_by: OnionAddress,
    /// When it was last shown.
    pub at: Wall,
}

/// How much room the store has, and how it is shared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Storage {
    /// Bytes that are free, as last measured, less what was written since; `None` if never measured.
    pub free: Option<u64>,
    /// With less than that, nothing is taken from contacts.
    pub reserve: u64,
    /// Bytes that the messages of each contact may take up.
    pub quota: u64,
    /// The contacts that take up something, or are paused, in the order of their addresses.
    pub contacts: Vec<ContactStorage>,
}

/// What a contact takes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContactStorage {
    /// Who.
    pub contact: OnionAddress,
    /// Bytes of its messages.
    pub stored: u64,
    /// Why what it sends is not taken now.
    pub pause: Option<Pause>,
}

/// Why a command was not carried out. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No contact has that address.
    #[error("{0} is not a contact")]
    UnknownContact(OnionAddress),
    /// The relationship with the contact does not allow it.
    #[error("{contact} {obstacle}")]
    WrongRelationship {
        /// The contact.
        contact: OnionAddress,
        /// What is in the way.
        obstacle: ContactObstacle,
    },
    /// This node is in no such group, and follows no such channel.
    #[error("{0} is not known here")]
    UnknownConversation(ConversationId),
    /// The address is our own.
    #[error("that is your own address")]
    Ourselves,
    /// No message of that author has that id in the conversation.
    #[error("no such message: {0}")]
    UnknownMessage(MessageId),
    /// The message is not in a state for this.
    #[error("message {id} {obstacle}")]
    WrongState {
        /// Which.
        id: MessageId,
        /// What is in the way.
        obstacle: MessageObstacle,
    },
    /// A value is outside its range.
    #[error("{0}")]
    OutOfRange(Argument),
    /// The idempotency key was used for another text.
    #[error("the idempotency key was already used for another message ({0})")]
    KeyReused(MessageId),
    /// The number does not match: compare again.
    #[error("that is not the current safety number of {0}")]
    SafetyNumberMismatch(OnionAddress),
    /// The contact's identity key has replaced a verified one, and the user has not accepted it.
    #[error("{0} has another identity key than the one that you verified")]
    UntrustedKey(OnionAddress),
    /// There is no session yet to speak of.
    #[error("{0} has not accepted yet, so there is no safety number")]
    NoSession(OnionAddress),
    /// No unused invite has that token.
    #[error("that invite has been used or revoked already, or was never made")]
    UnknownInvite,
    /// A bounded table is full.
    #[error("too many {0}")]
    Full(Table),
}

/// What is in the way of a command about a contact. Its text is the end of a sentence about the contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContactObstacle {
    /// The user has blocked the contact.
    #[error("is blocked; unblock them first")]
    Blocked,
    /// Both have consented already.
    #[error("is a contact already")]
    AlreadyAContact,
    /// The peer has asked, and the request waits for consent here.
    #[error("has asked to be a contact; accept the request first")]
    Asking,
    /// The peer said no to our request.
    #[error("has declined your request")]
    RequestDeclined,
    /// The peer has removed this node from its contacts.
    #[error("has removed you; ask them again by adding them")]
    RemovedByPeer,
    /// The peer is a friend, or has been asked to be one.
    #[error("is a contact; remove them first")]
    NotRemoved,
    /// Nothing is agreed with the peer.
    #[error("is not a contact; add them first")]
    NotAContact,
    /// There is no request of the peer.
    #[error("has not asked to be a contact")]
    HasNotAsked,
    /// The peer's request held a bundle that is not valid.
    #[error("sent a request that is not valid; it is dropped")]
    InvalidRequest,
}

/// What is in the way of a command about a message. Its text is the end of a sentence about the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageObstacle {
    /// Its author has deleted it.
    #[error("has been deleted")]
    Deleted,
    /// It is sealed, so the peer may have it.
    #[error("is on its way already")]
    OnItsWay,
    /// It is in no outbox.
    #[error("is not waiting in the outbox")]
    NotWaiting,
    /// It was not given up, so there is nothing to try again.
    #[error("is neither failed nor cancelled")]
    NotGivenUp,
}

/// A value of a command that is outside its range. Its text says the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each is the value of that name")]
pub enum Argument {
    #[error("name must be at most 64 bytes")]
    Name,
    #[error("petname must be at most 64 bytes")]
    Petname,
    #[error("note must be at most 500 bytes")]
    Note,
    #[error("text must be 1 to 32768 bytes")]
    Text,
    #[error("thread must be 1 to 128 bytes")]
    Thread,
    #[error("content type must be plain or markdown")]
    ContentType,
    #[error("idempotency key must be 1 to 128 bytes")]
    IdempotencyKey,
    #[error("ttl must be 1 second to 366 days")]
    Ttl,
    #[error("timer must be 0 (off) to 366 days, in seconds")]
    Timer,
    #[error("reaction must be 1 to 64 bytes")]
    Reaction,
    #[error("number of messages must be at most 256")]
    MessageCount,
    #[error("consumer must be 1 to 64 bytes")]
    Consumer,
    #[error("event must be one that has happened")]
    Event,
    #[error("a record's key must be 1 to 128 bytes, its value at most 256 KiB, and there must be at most 64 of them")]
    Record,
}

/// A table with a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Table {
    /// The peers that a row is kept of.
    #[error("contacts")]
    Contacts,
    /// Invites that were made and not used.
    #[error("unused invites")]
    Invites,
    /// Named consumers of the event log.
    #[error("consumers")]
    Consumers,
    /// What waits for one contact.
    #[error("messages waiting for this contact")]
    Outbox,
}

/// Something to look at. Losing one loses nothing: the log and `Command::Peers` have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The event log has grown up to here.
    Logged(EventSeq),
    /// A contact's presence may have changed.
    Presence(ContactPresence),
    /// A peer did what it must not do. For a log; `Status` has the numbers.
    Fault {
        /// The peer, once its link has said who it is.
        peer: Option<OnionAddress>,
        /// What it did.
        kind: FaultKind,
    },
}
