//! A message, as every surface shows it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Time;

/// The current state of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// Its author's id for it: 32 hexadecimal digits.
    pub id: String,
    /// Its conversation: the contact's onion address, `group:ID` or `channel:ID`.
    pub conversation: String,
    /// Its author's onion address; this node's own if `direction` is `out`.
    pub from: String,
    /// The user's name for the author; for the contact, if this node wrote to one.
    pub petname: Option<String>,
    /// That peer's name for itself. Untrusted: any peer can claim any name.
    pub claimed_name: Option<String>,
    /// That peer's safety number was compared, and its key has not changed since.
    pub verified: bool,
    /// That peer's key has replaced a verified one, and the user has not accepted it: the author may be another.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untrusted: bool,
    /// The text, without invisible and control characters; empty once deleted. Untrusted if `direction` is `in`.
    pub text: String,
    /// How it wants to be shown.
    pub content_type: ContentType,
    /// The thread it belongs to.
    pub thread: Option<String>,
    /// Id of the message that it replies to.
    pub reply_to: Option<String>,
    /// When it was written, by its author's clock. Untrusted if `direction` is `in`.
    pub sent_at: Time,
    /// When it arrived; none for messages that this node wrote.
    pub received_at: Option<Time>,
    /// When it disappears; none if never, or if its timer has not started.
    pub expires_at: Option<Time>,
    /// Seconds it lives once its timer starts; 0 is for ever.
    pub ttl: u32,
    /// Whether another node (`in`) or this one (`out`) wrote it.
    pub direction: Direction,
    /// Its state.
    pub state: MessageState,
    /// When it reached that state.
    pub state_at: Time,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<FailReason>,
    /// While it waits: why it is not sent, although the contact can be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// While it waits: failed dials in a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// While it waits: when the contact is dialled next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Time>,
    /// While it waits and is not encrypted: when it fails as expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gives_up_at: Option<Time>,
    /// When it was last edited.
    pub edited_at: Option<Time>,
    /// When its author deleted it.
    pub deleted_at: Option<Time>,
    /// Reactions to it.
    pub reactions: Vec<Reaction>,
}

impl Message {
    /// The message's place in a list, for `before` and `after`: its author and its id, because a peer can choose an id that
    /// another message has.
    pub fn place(&self) -> String {
        format!("{}/{}", self.from, self.id)
    }
}

/// Where a message or a reaction comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Another node.
    In,
    /// This node.
    Out,
}

/// How a text wants to be shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContentType {
    /// As it is.
    #[default]
    Plain,
    /// CommonMark.
    Markdown,
    /// A kind that this version does not know; the text is empty.
    Unsupported,
}

/// The state of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// `out`: durable here.
    Queued,
    /// `out`: written to a link.
    Sent,
    /// `out`: the contact has committed it. `in`: this node has.
    Delivered,
    /// `out`: the contact says it was read. `in`: it was read here.
    Read,
    /// `out`: given up, for `reason`; `outbox.retry` sends it again.
    Failed,
    /// `out`: cancelled before it was encrypted.
    Cancelled,
}

/// Why a message that waits is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// The contact's key has replaced a verified one; `friends.verify` with `mark` or `accept_new_key` sends the message.
    UntrustedKey,
    /// The contact has removed this node; `friends.add` asks the contact again.
    RemovedByPeer,
}

/// Why a message failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailReason {
    /// The contact was not reached in time (`outbox_hours`).
    Expired,
    /// The contact was removed.
    Removed,
}

/// A reaction to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reaction {
    /// The onion address of the node that reacted.
    pub by: String,
    /// Whether another node (`in`) or this one (`out`) reacted.
    pub direction: Direction,
    /// The reaction. Untrusted if `direction` is `in`.
    pub emoji: String,
    /// When.
    pub at: Time,
}
