//! [`Channel`]: Claude Code's experimental capability `claude/channel`. Messages are pushed into the session as they arrive.
//! The client confirms nothing, so the consumer's position moves only when the agent replies in the conversation or
//! acknowledges; what it has not dealt with is pushed again in the next session.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{CustomNotification, ServerNotification};
use rmcp::service::Peer;
use serde_json::{Value, json};
use sotto_api::{AckMessages, Body, Event, WaitEvents, all};

use crate::label::LabelledMessage;
use crate::schema::without_null;
use crate::server::Server;

/// The capability.
pub(crate) const CAPABILITY: &str = "claude/channel";

/// What pushes a message.
const PUSH: &str = "notifications/claude/channel";

/// Events that are read at once.
const EVENTS: u32 = 32;

/// The pause after an error: the daemon may be started later.
const PAUSE: Duration = Duration::from_secs(5);

/// What was pushed and is not acknowledged, in the order of the log.
#[derive(Debug, Default)]
pub(crate) struct Channel {
    pushed: Mutex<VecDeque<Pushed>>,
}

#[derive(Debug)]
struct Pushed {
    seq: u64,
    conversation: String,
    replied: bool,
}

impl Channel {
    fn add(&self, seq: u64, conversation: String) {
        self.lock().push_back(Pushed {
            seq,
            conversation,
            replied: false,
        });
    }

    /// The agent has written into a conversation: what was pushed of it is dealt with. The position to acknowledge, if all
    /// before it is dealt with, too.
    pub fn replied(&self, conversation: &str) -> Option<u64> {
        let mut pushed = self.lock();
        for one in pushed.iter_mut().filter(|one| one.conversation == conversation) {
            one.replied = true;
        }
        let mut position = None;
        while pushed.front().is_some_and(|one| one.replied) {
            position = pushed.pop_front().map(|one| one.seq);
        }
        position
    }

    /// The agent has acknowledged up to a position.
    pub fn acknowledged(&self, seq: u64) {
        self.lock().retain(|one| one.seq > seq);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Pushed>> {
        // The lock is held for a change of the list only, which leaves it whole.
        self.pushed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Pushes messages until the client closes its end.
    pub async fn run(server: &Server, peer: &Peer<RoleServer>) {
        let Some(channel) = &server.channel else { return };
        let mut since = None;
        loop {
            let wait = WaitEvents {
                consumer: Some(server.consumer.clone()),
                since,
                limit: Some(EVENTS),
                types: vec![String::from("message.received")],
                timeout: Some(60),
            };
            match server.daemon.call::<all::EventsWait>(&wait).await {
                Ok(found) => {
                    since = Some(found.next);
                    for event in found.events {
                        channel.push(event, peer).await;
                    }
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    async fn push(&self, event: Event, peer: &Peer<RoleServer>) {
        let (
            Some(seq),
            Body::MessageReceived {
                message: Some(message), ..
            },
        ) = (event.seq, event.body)
        else {
            return;
        };
        if message.deleted_at.is_some() {
            return;
        }
        self.add(seq, message.conversation.clone());
        let params = pushed(seq, LabelledMessage::in_list(*message));
        let notification = CustomNotification::new(PUSH, Some(params));
        // A client that is gone gets it in its next session.
        let _ = peer
            .send_notification(ServerNotification::CustomNotification(notification))
            .await;
    }
}

/// The client puts the content between two tags, so the content is JSON in which no tag can stand.
fn pushed(seq: u64, message: LabelledMessage) -> Value {
    let meta = json!({
        "seq": seq.to_string(),
        "message_id": message.message.id,
        "conversation": message.message.conversation,
    });
    let mut content = serde_json::to_value(message).unwrap_or_default();
    without_null(&mut content);
    let content = content.to_string().replace('<', "\\u003c").replace('>', "\\u003e");
    json!({ "content": content, "meta": meta })
}

impl Server {
    /// A message was sent into a conversation.
    pub async fn has_replied(&self, conversation: &str) {
        let Some(seq) = self.channel.as_ref().and_then(|channel| channel.replied(conversation)) else {
            return;
        };
        let params = AckMessages {
            consumer: Some(self.consumer.clone()),
            seq,
            ..AckMessages::default()
        };
        // If this fails, the messages are pushed again in the next session, which loses nothing.
        let _ = self.daemon.call::<all::Ack>(&params).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_acknowledges_only_what_has_nothing_open_before_it() {
        let channel = Channel::default();
        for (seq, conversation) in [(3, "ada"), (5, "bob"), (6, "ada"), (9, "bob")] {
            channel.add(seq, conversation.to_owned());
        }
        assert_eq!(channel.replied("bob"), None, "the first of ada is open");
        assert_eq!(channel.replied("ada"), Some(9));
        channel.add(12, String::from("ada"));
        channel.acknowledged(12);
        assert_eq!(channel.replied("ada"), None, "nothing is left");
    }
}
