//! Parameters and results of `messages.*`, `outbox.*` and `conversations.*`, and [`Conversation`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ContentType, FailReason, Message, MessageState, Time};

/// The state to wait for before answering.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitFor {
    /// Durable here.
    #[default]
    Queued,
    /// Written to a link.
    Sent,
    /// The contact has committed it.
    Delivered,
    /// The contact says it was read.
    Read,
}

/// Parameters of `messages.send`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Send {
    /// A contact's petname, onion address, first 8 letters of one or more, or friend code; or `group:ID`, `channel:ID`.
    pub conversation: String,
    /// The text, 1 to 32 768 bytes.
    pub text: String,
    /// Thread, 1 to 128 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// Id of the message that it replies to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// Seconds to live once its timer starts; without it, the conversation's timer applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
    /// How to show it: `plain` or `markdown`.
    #[serde(default)]
    pub content_type: ContentType,
    /// Idempotency key, 1 to 128 bytes: the same key and text twice are one message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Answer only once the message has reached this state.
    #[serde(default)]
    pub wait: WaitFor,
    /// Give up waiting after so many seconds (the message itself goes on); 30 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u32>,
}

/// A message that this node wrote, and its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sent {
    /// Its id.
    pub id: String,
    /// The conversation: the contact's onion address, `group:ID` or `channel:ID`.
    pub conversation: String,
    /// Its state.
    pub state: MessageState,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<FailReason>,
}

/// Names a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConversationOnly {
    /// A contact's petname, onion address, first 8 letters of one or more, or friend code.
    pub conversation: String,
}

/// What was deleted on this node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeletedMessages {
    /// The conversation.
    pub conversation: String,
    /// How many messages.
    pub messages: u64,
}

/// Names a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageOnly {
    /// Its id.
    pub id: String,
    /// Its conversation, should two hold that id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
}

/// Parameters of `messages.edit`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// Id of a message that this node wrote.
    pub id: String,
    /// Its conversation, should two hold that id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// The new text, 1 to 32 768 bytes.
    pub text: String,
}

/// Parameters of `messages.react`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct React {
    /// Id of the message.
    pub id: String,
    /// Its conversation, should two hold that id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// The reaction, at most 64 bytes; without it, the reaction is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emoji: Option<String>,
}

/// Parameters of `messages.read`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkRead {
    /// A contact's petname, onion address, first 8 letters of one or more, or friend code; or `group:ID`, `channel:ID`.
    pub conversation: String,
    /// Ids of messages of other authors, at most 256. Those that are not there any more are passed over, unless none is there.
    pub ids: Vec<String>,
    /// Tell the author, which takes the right to send there; without it, as `read_receipts` in the configuration says, if the
    /// client has that right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<bool>,
}

/// Parameters of `messages.typing`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Typing {
    /// A contact's petname, onion address, first 8 letters of one or more, or friend code; or `group:ID`, `channel:ID`.
    pub conversation: String,
    /// The user is typing, or no longer.
    pub typing: bool,
}

/// Parameters of `messages.history`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// A contact's petname, onion address, first 8 letters of one or more, or friend code; or `group:ID`, `channel:ID`.
    pub conversation: String,
    /// At most so many, 1 to 1000; 50 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only messages before this one, the newest of them: `FROM/ID`, its author's onion address and its id; or its id alone,
    /// if no other message has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Only messages after this one, the oldest of them: as `before`, and not together with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Only this thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
}

/// Messages of a conversation, or of one of its threads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryPage {
    /// The messages, the oldest first.
    pub messages: Vec<Message>,
    /// Without `before` and `after`: the oldest message that was not read here, as `FROM/ID`, which `before` and `after` take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_unread: Option<String>,
    /// Without `before` and `after`: how many messages were not read here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<u64>,
    /// The newest event when it was read; 0 if there is none. Of events that a client receives meanwhile, it knows those up to this one.
    #[serde(default)]
    pub last_seq: u64,
}

/// Parameters of `messages.inbox`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Inbox {
    /// At most so many, 1 to 1000; 50 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only this thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// Only messages that were not read here.
    #[serde(default)]
    pub unread: bool,
    /// Also messages that this node wrote.
    #[serde(default)]
    pub own: bool,
    /// Only messages before this one: `FROM/ID`, its author's onion address and its id; or its id alone, if no other message
    /// has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}

/// Parameters of `messages.threads`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThreadsQuery {
    /// At most so many, 1 to 1000; 50 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Parameters of `messages.search`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Words that the text must contain, all of them. `"in quotes"` is a phrase, `begin*` the beginning of a word.
    pub query: String,
    /// At most so many, 1 to 1000; 50 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only in this conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<String>,
    /// Only messages before this one: `FROM/ID`, its author's onion address and its id; or its id alone, if no other message
    /// has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}

/// Messages. An inbox has the newest ones up to the limit, the oldest of them first; a search has the newest
/// first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Messages {
    /// The messages.
    pub messages: Vec<Message>,
}

/// Conversations and their threads, the most recently used first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Threads {
    /// The threads.
    pub threads: Vec<Thread>,
}

/// A conversation, and what to call it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Conversation {
    /// The contact's onion address, `group:ID` or `channel:ID`.
    pub conversation: String,
    /// The user's name for it: for the contact, if it is a direct one.
    pub petname: Option<String>,
    /// Its name by others: the contact's own name for itself, if it is a direct one. Untrusted.
    pub claimed_name: Option<String>,
    /// It is a direct one, and the contact's safety number was compared and still holds.
    pub verified: bool,
}

/// One thread of one conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Thread {
    /// The conversation, and what to call it.
    #[serde(flatten)]
    pub conversation: Conversation,
    /// Its name; none for what is in no thread.
    pub thread: Option<String>,
    /// What to call it: its name, or else the user's name for the conversation.
    pub title: Option<String>,
    /// The onion addresses of its members: this node's, and the contact's.
    pub participants: Vec<String>,
    /// How many messages it holds.
    pub messages: u64,
    /// How many of them were not read here.
    pub unread: u64,
    /// Nothing of the conversation is shown as a notification.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub muted: bool,
    /// When it was last used.
    pub last_at: Time,
}

/// Parameters of `messages.receive`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Receive {
    /// The consumer: what one has received, another has not. `receive` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer: Option<String>,
    /// Only of this conversation. What arrived in others is received later, without it. A consumer's name has 1 to 41 bytes then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// At most so many, 1 to 1000; 1000 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only look: acknowledge nothing, mark nothing as read.
    #[serde(default)]
    pub peek: bool,
}

/// Parameters of `messages.lock`: the first of three steps; `messages.receive` with `peek`, and `messages.ack` follow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LockConsumer {
    /// The consumer. `receive` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer: Option<String>,
}

/// Parameters of `messages.ack`: the second step after `messages.receive` with `peek`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AckMessages {
    /// The consumer. `receive` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer: Option<String>,
    /// Only what was received of this conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// Acknowledge up to and including this event: `seq` of what was received.
    pub seq: u64,
}

/// What arrived since the consumer last asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Received {
    /// The messages, the oldest first.
    pub messages: Vec<Message>,
    /// The log is acknowledged up to here; with `peek`, this is for `messages.ack`.
    pub seq: u64,
    /// The log goes on after `seq`; ask again.
    pub more: bool,
    /// Events that were dropped from the log before this consumer asked; the messages are in the history.
    pub missed: u64,
}

/// Parameters of `outbox.list`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListOutbox {
    /// Only of this conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// At most so many, 1 to 1000; 1000 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Parameters of `conversations.timer`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetTimer {
    /// A contact's petname, onion address, first 8 letters of one or more, or friend code; or `group:ID`, `channel:ID`.
    pub conversation: String,
    /// Seconds that messages live; 0 turns this node's timer off; without it, the timers are only shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u32>,
}

/// Parameters of `conversations.default_timer`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetDefaultTimer {
    /// Seconds that messages live in conversations that begin, and in those that have the old default timer; 0 turns it off;
    /// without it, the timer is only shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u32>,
}

/// This node's timer in conversations that begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DefaultTimer {
    /// Seconds that messages live; 0 is for ever.
    pub seconds: u32,
}

/// A conversation's timers, in seconds; 0 is off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConversationTimers {
    /// The conversation: the contact's onion address, `group:ID` or `channel:ID`.
    pub conversation: String,
    /// The timer in force: the shortest of all that are on.
    pub seconds: u32,
    /// This node's timer.
    pub ours: u32,
    /// The shortest timer of the other members: of the contact, if the conversation is a direct one.
    pub theirs: u32,
}
