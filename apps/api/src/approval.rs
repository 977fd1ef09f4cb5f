//! [`Approval`]: what a client wants to send and may not send by itself. It waits until the owner decides.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ContentType, Conversation, Time};

/// Parameters of `approvals.list`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListApprovals {
    /// Only this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Also those that are decided, without their texts: the last 256.
    #[serde(default)]
    pub decided: bool,
}

/// Parameters of `approvals.allow`, `approvals.deny` and `approvals.confirm`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decide {
    /// The approval's id, or the first 6 digits of it or more.
    pub id: String,
    /// The digest that was shown: an error if the approval has another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// Approvals, the oldest first. To an agent, only its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Approvals {
    /// The approvals.
    pub approvals: Vec<Approval>,
}

/// What a client wants to send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Approval {
    /// Its id: 32 hexadecimal digits.
    pub id: String,
    /// The agent that asks; none for a client without a token.
    pub agent: Option<String>,
    /// The surface that the client said it is.
    pub surface: Option<String>,
    /// Why it may not send this by itself.
    pub reason: ApprovalReason,
    /// Its state.
    pub state: ApprovalState,
    /// The conversation that it goes to, and what to call it.
    #[serde(flatten)]
    pub conversation: Conversation,
    /// The whole text; empty once it is decided.
    pub text: String,
    /// How the text is to be shown.
    pub content_type: ContentType,
    /// The thread.
    pub thread: Option<String>,
    /// Id of the message that it replies to.
    pub reply_to: Option<String>,
    /// Seconds that it lives; none leaves it to the conversation's timer.
    pub ttl: Option<u32>,
    /// SHA-256 over recipient, text, content type, thread, reply and ttl: what is shown is what is sent.
    pub digest: String,
    /// When the client asked.
    pub requested_at: Time,
    /// When it is dropped, unless it is decided before.
    pub expires_at: Time,
    /// The message that was sent.
    pub message: Option<String>,
}

impl Approval {
    /// What is sent with the text, a line each: the owner sees all that leaves. The agent has chosen it, so a control character
    /// is shown as its escape.
    pub fn terms(&self) -> Vec<String> {
        let thread = self.thread.as_ref().map(|thread| format!("in the thread {thread:?}"));
        let reply = self
            .reply_to
            .as_ref()
            .map(|id| format!("in reply to {}", id.escape_debug()));
        let ttl = self.ttl.map(|seconds| format!("gone after {seconds} s"));
        let markdown = (self.content_type == ContentType::Markdown).then(|| String::from("shown as Markdown"));
        [thread, reply, ttl, markdown].into_iter().flatten().collect()
    }
}

/// The state of an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    /// It waits for the owner.
    Pending,
    /// The owner has allowed it, and the message is being sent.
    Allowed,
    /// The message is in the outbox, or further.
    Sent,
    /// The owner has allowed it, but it cannot be sent: the recipient is no contact.
    Failed,
    /// The owner has denied it, or its agent has withdrawn it.
    Denied,
    /// Its time ended before it was decided.
    Expired,
}

/// Why a client may not send something by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalReason {
    /// The client has no token.
    NoToken,
    /// The token does not allow to send there.
    Scope,
    /// The agent has read text of others in another conversation.
    Taint,
    /// Agents have written much into this conversation in a short time: two of them may be answering each other.
    Loop,
}
