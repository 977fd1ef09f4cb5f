//! [`SendMessage`] and [`MessageStatus`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sotto_api::{
    ContentType, Direction, Error, FailReason, Hold, Message, MessageOnly, MessageState, Send, Time, WaitFor, all,
};

use super::{Effect, Tool};
use crate::call::Call;
use crate::server::Server;

/// `send_message`
pub(crate) struct SendMessage;

/// `message_status`
pub(crate) struct MessageStatus;

/// Arguments of `send_message`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SendArguments {
    /// Who gets it: a petname from `list_friends`, an onion address, or the first 8 letters of one or more.
    recipient: String,
    /// The text, 1 to 32 768 bytes.
    message: String,
    /// The thread that it belongs to, 1 to 128 bytes.
    #[serde(default)]
    thread_id: Option<String>,
    /// Id of the message that it replies to.
    #[serde(default)]
    reply_to: Option<String>,
    /// Seconds to live once its timer starts; without it, the conversation's timer applies.
    #[serde(default)]
    ttl: Option<u32>,
    /// `plain` or `markdown`; `plain` if left out.
    #[serde(default)]
    content_type: Option<TextType>,
    /// 1 to 128 bytes. The same key with the same text is one message, however often it is sent: use one for each message, and
    /// repeat it if you are not sure that a call succeeded.
    #[serde(default)]
    idempotency_key: Option<String>,
}

/// How a text wants to be shown.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum TextType {
    /// As it is.
    Plain,
    /// CommonMark.
    Markdown,
}

/// A message of this node, and how far it is.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Sent {
    /// The message's id: for `message_status` and `reply_to`.
    id: String,
    /// The conversation: the contact's onion address, `group:ID` or `channel:ID`.
    conversation: String,
    /// The state.
    state: MessageState,
    /// What the state proves.
    meaning: &'static str,
    /// Why it failed.
    reason: Option<FailReason>,
}

impl From<Message> for Sent {
    fn from(message: Message) -> Self {
        Self {
            meaning: meaning(message.direction, message.state),
            id: message.id,
            conversation: message.conversation,
            state: message.state,
            reason: message.reason,
        }
    }
}

impl Tool for SendMessage {
    const NAME: &'static str = "send_message";
    const TITLE: &'static str = "Send a message";
    const DESCRIPTION: &'static str = "Send a text to one of the user's contacts. The result says what is proven: `queued` means stored on this machine \
         and not sent yet; it goes out when the contact can be reached, perhaps hours later. Do not send it again: `message_status` \
         tells when it was delivered. Beyond what the user has allowed, the result is an error of kind `approval_required`: nothing was \
         sent, and the user must approve it first.";
    const EFFECT: Effect = Effect {
        idempotent: false,
        ..Effect::CONTACTS
    };
    type Input = SendArguments;
    type Output = Sent;

    async fn call(server: &Server, input: SendArguments, _: &Call) -> Result<Sent, Error> {
        let seen = server.last_pushed();
        let params = Send {
            conversation: input.recipient,
            text: input.message,
            thread: input.thread_id,
            reply_to: input.reply_to,
            ttl: input.ttl,
            content_type: match input.content_type {
                None | Some(TextType::Plain) => ContentType::Plain,
                Some(TextType::Markdown) => ContentType::Markdown,
            },
            // With a key, a broken connection can be replaced and the message sent again.
            id: input.idempotency_key.or_else(|| Some(server.fresh_key())),
            wait: WaitFor::Queued,
            timeout: None,
        };
        let sent = server.daemon.call::<all::Send>(&params).await?;
        server.has_replied(&sent.conversation, seen).await;
        Ok(Sent {
            meaning: meaning(Direction::Out, sent.state),
            id: sent.id,
            conversation: sent.conversation,
            state: sent.state,
            reason: sent.reason,
        })
    }
}

/// Arguments of `message_status`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatusArguments {
    /// The message's id.
    id: String,
    /// Its conversation, should two hold that id.
    #[serde(default)]
    conversation: Option<String>,
}

/// How far a message is, without its text.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Delivery {
    /// The message's id.
    id: String,
    /// The conversation.
    conversation: String,
    /// `out` if this node wrote it.
    direction: Direction,
    /// The state.
    state: MessageState,
    /// What the state proves.
    meaning: &'static str,
    /// When it reached that state.
    state_at: Time,
    /// Why it failed.
    reason: Option<FailReason>,
    /// Why it is not sent, although the contact can be reached.
    hold: Option<Hold>,
    /// Failed dials in a row.
    attempts: Option<u32>,
    /// When the contact is dialled next.
    next_attempt_at: Option<Time>,
    /// When it fails as expired, if it cannot be sent until then.
    gives_up_at: Option<Time>,
}

impl From<Message> for Delivery {
    fn from(message: Message) -> Self {
        Self {
            meaning: meaning(message.direction, message.state),
            id: message.id,
            conversation: message.conversation,
            direction: message.direction,
            state: message.state,
            state_at: message.state_at,
            reason: message.reason,
            hold: message.hold,
            attempts: message.attempts,
            next_attempt_at: message.next_attempt_at,
            gives_up_at: message.gives_up_at,
        }
    }
}

impl Tool for MessageStatus {
    const NAME: &'static str = "message_status";
    const TITLE: &'static str = "State of a message";
    const DESCRIPTION: &'static str = "How far a message is, by its id: `queued` (on this machine only), `sent` (written to a link, unproven), \
         `delivered` (the contact's node has stored it), `read`, `failed` with a reason, `cancelled`.";
    const EFFECT: Effect = Effect::READS;
    type Input = StatusArguments;
    type Output = Delivery;

    async fn call(server: &Server, input: StatusArguments, _: &Call) -> Result<Delivery, Error> {
        let StatusArguments { id, conversation } = input;
        let message = server
            .daemon
            .call::<all::MessageStatus>(&MessageOnly { id, conversation })
            .await?;
        Ok(message.into())
    }
}

/// What a state proves, and what it does not.
const fn meaning(direction: Direction, state: MessageState) -> &'static str {
    match (direction, state) {
        (Direction::In, MessageState::Read) => "this node has stored it, and it was read here",
        (Direction::In, _) => "this node has stored it",
        (Direction::Out, MessageState::Queued) => {
            "stored on this machine and not sent yet; it is sent when the contact can be reached"
        }
        (Direction::Out, MessageState::Sent) => "written to a link; whether the contact has it is not proven",
        (Direction::Out, MessageState::Delivered) => "the contact's node has stored it",
        (Direction::Out, MessageState::Read) => "the contact says that it was read",
        (Direction::Out, MessageState::Failed) => "it did not reach the contact and will not be sent by itself",
        (Direction::Out, MessageState::Cancelled) => "it was cancelled and not sent",
    }
}
