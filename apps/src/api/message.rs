//! Messages, and what is asked of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Time;

/// A message as it stands now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// Its author's name for it: 32 hexadecimal digits.
    pub id: String,
    /// The contact's onion address.
    pub conversation: String,
    /// Its author's onion address; our own if `direction` is `out`.
    pub from: String,
    /// Our name for the contact.
    pub petname: Option<String>,
    /// The contact's name for themselves. Untrusted.
    pub claimed_name: Option<String>,
    /// The contact's safety number was compared, and their key has not changed since.
    pub verified: bool,
    /// The text, without control and bidirectional characters; empty once deleted. Untrusted if `direction` is `in`.
    pub text: String,
    /// How it wants to be shown.
    pub content_type: ContentType,
    /// The thread it belongs to.
    pub thread: Option<String>,
    /// Id of the message that it answers.
    pub reply_to: Option<String>,
    /// When it was written, by its author's clock. Untrusted if `direction` is `in`.
    pub sent_at: Time,
    /// When it came; none for our own.
    pub received_at: Option<Time>,
    /// When it disappears; none if never, or if its clock has not started.
    pub expires_at: Option<Time>,
    /// Seconds it lives once its clock starts; 0 is for ever.
    pub ttl: u32,
    /// Whether they (`in`) or we (`out`) wrote it.
    pub direction: Direction,
    /// Where it stands.
    pub state: MessageState,
    /// Since when.
    pub state_at: Time,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<FailReason>,
    /// While it waits: tries in a row that did not reach the contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// While it waits: when the contact is tried next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Time>,
    /// While it waits and is not sealed: when it fails as expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gives_up_at: Option<Time>,
    /// When it was last edited.
    pub edited_at: Option<Time>,
    /// When it was deleted for both.
    pub deleted_at: Option<Time>,
    /// Reactions to it.
    pub reactions: Vec<Reaction>,
}

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The contact.
    In,
    /// We.
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

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// `out`: durable here.
    Queued,
    /// `out`: handed to a link.
    Sent,
    /// `out`: the contact has committed it. `in`: we have.
    Delivered,
    /// `out`: the contact says it was read. `in`: it was read here.
    Read,
    /// `out`: given up, for `reason`; `outbox.retry` sends it again.
    Failed,
    /// `out`: taken back before it was sealed.
    Cancelled,
}

/// Why a message failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailReason {
    /// The contact was not reached within the outbox's time.
    Expired,
    /// The contact was removed.
    Removed,
}

/// A reaction to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reaction {
    /// Whose: the contact's (`in`) or ours (`out`).
    pub by: Direction,
    /// With what. Untrusted if `by` is `in`.
    pub emoji: String,
    /// When.
    pub at: Time,
}

/// How far to follow a message before answering.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitFor {
    /// Durable here.
    #[default]
    Queued,
    /// Handed to a link.
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
    /// Friend code, onion address, unique start of one, or name.
    pub contact: String,
    /// The text, 1 to 32 768 bytes.
    pub text: String,
    /// Thread, 1 to 128 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// Id of the message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// Seconds to live once its clock starts; without it, the conversation's timer holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
    /// How to show it: `plain` or `markdown`.
    #[serde(default)]
    pub content_type: ContentType,
    /// Idempotency key, 1 to 128 bytes: the same key and text twice are one message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Answer only once it has come so far.
    #[serde(default)]
    pub wait: WaitFor,
    /// Give up waiting after so many seconds (the message itself goes on); 30 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u32>,
}

/// A message of ours and its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sent {
    /// Its id.
    pub id: String,
    /// The contact's onion address.
    pub conversation: String,
    /// Where it stands.
    pub state: MessageState,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<FailReason>,
}

/// Names a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageOnly {
    /// Its id.
    pub id: String,
    /// Whose conversation, should two hold that id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
}

/// Parameters of `messages.edit`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// Id of a message of ours.
    pub id: String,
    /// Whose conversation, should two hold that id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// The new text, 1 to 32 768 bytes.
    pub text: String,
}

/// Parameters of `messages.react`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct React {
    /// Id of the message.
    pub id: String,
    /// Whose conversation, should two hold that id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// With what, at most 64 bytes; without it, the reaction is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emoji: Option<String>,
}

/// Parameters of `messages.read`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkRead {
    /// Friend code, onion address, unique start of one, or name.
    pub contact: String,
    /// Ids of messages of theirs, at most 256.
    pub ids: Vec<String>,
    /// Tell the author; without it, as `read_receipts` in the configuration says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<bool>,
}

/// Parameters of `messages.typing`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Typing {
    /// Friend code, onion address, unique start of one, or name.
    pub contact: String,
    /// We are writing, or not any more.
    pub typing: bool,
}

/// Parameters of `messages.history`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// Friend code, onion address, unique start of one, or name.
    pub contact: String,
    /// At most so many, 1 to 1000; 50 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only messages before the one with this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
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
    /// Only what was not read here.
    #[serde(default)]
    pub unread: bool,
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
    /// Words that the text must hold, all of them. `"in quotes"` is a phrase, `begin*` the beginning of a word.
    pub query: String,
    /// At most so many, 1 to 1000; 50 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only with this contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<String>,
}

/// Messages. Of a history or an inbox, the newest ones that were asked for, the oldest of them first; of a search, the
/// newest first.
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

/// One thread of one conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Thread {
    /// The contact's onion address.
    pub conversation: String,
    /// Our name for the contact.
    pub petname: Option<String>,
    /// The contact's name for themselves. Untrusted.
    pub claimed_name: Option<String>,
    /// The contact's safety number was compared, and their key has not changed since.
    pub verified: bool,
    /// Its name; none for what is in no thread.
    pub thread: Option<String>,
    /// How many messages it holds.
    pub messages: u64,
    /// How many of them were not read here.
    pub unread: u64,
    /// When it was last used.
    pub last_at: Time,
}

/// Parameters of `messages.receive`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Receive {
    /// Who asks: what one consumer has received, another has not. `receive` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer: Option<String>,
    /// At most so many, 1 to 1000; 1000 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only look: acknowledge nothing, mark nothing as read.
    #[serde(default)]
    pub peek: bool,
}

/// Parameters of `messages.ack`: the second step for one who received with `peek`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AckMessages {
    /// Who received. `receive` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer: Option<String>,
    /// Everything up to and including this is dealt with: `seq` of what was received.
    pub seq: u64,
}

/// What came since the consumer last asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Received {
    /// The messages, the oldest first.
    pub messages: Vec<Message>,
    /// The consumer has now dealt with the log up to here; with `peek`, this is for `messages.ack`.
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
    /// Only for this contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// At most so many, 1 to 1000; 1000 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Parameters of `conversations.timer`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetTimer {
    /// Friend code, onion address, unique start of one, or name.
    pub contact: String,
    /// Seconds that messages live; 0 turns our timer off; without it, the timers are only shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u32>,
}

/// A conversation's timers, in seconds; 0 is off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Timer {
    /// The contact's onion address.
    pub conversation: String,
    /// What holds: the tighter of both.
    pub seconds: u32,
    /// Our wish.
    pub ours: u32,
    /// Their wish.
    pub theirs: u32,
}
