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
use sotto_api::{AckMessages, Acknowledged, Body, Event, WaitEvents, all};

use crate::compact_json;
use crate::label::LabelledMessage;
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
    log: Mutex<PushedLog>,
}

#[derive(Debug, Default)]
struct PushedLog {
    pushed: VecDeque<Pushed>,
    /// The last event that was pushed.
    last: u64,
    /// The log is acknowledged up to here.
    acknowledged: u64,
}

#[derive(Debug)]
struct Pushed {
    seq: u64,
    conversation: String,
    replied: bool,
}

impl Channel {
    /// Takes note of a message that is to be pushed. False if it is acknowledged already, as the agent can read the log as well.
    fn add(&self, seq: u64, conversation: String) -> bool {
        let mut log = self.lock();
        if seq <= log.acknowledged {
            return false;
        }
        log.last = seq;
        log.pushed.push_back(Pushed {
            seq,
            conversation,
            replied: false,
        });
        true
    }

    /// The last event that was pushed. What is pushed later, the agent has not seen when it makes a call now.
    fn last(&self) -> u64 {
        self.lock().last
    }

    /// The agent has written into a conversation: what was pushed of it up to `seen` is dealt with. The position to acknowledge,
    /// if all before it is dealt with, too.
    fn replied(&self, conversation: &str, seen: u64) -> Option<u64> {
        let mut log = self.lock();
        let pushed = &mut log.pushed;
        for one in pushed.iter_mut().take_while(|one| one.seq <= seen) {
            one.replied |= one.conversation == conversation;
        }
        let mut position = None;
        while pushed.front().is_some_and(|one| one.replied) {
            position = pushed.pop_front().map(|one| one.seq);
        }
        position
    }

    /// The agent has acknowledged up to a position.
    fn acknowledged(&self, seq: u64) {
        let mut log = self.lock();
        log.acknowledged = log.acknowledged.max(seq);
        log.pushed.retain(|one| one.seq > seq);
    }

    /// The log has no events after this one yet: it was restored from a backup, and its next ones have numbers that were seen before.
    fn restored(&self, end: u64) {
        let mut log = self.lock();
        log.acknowledged = log.acknowledged.min(end);
        log.last = log.last.min(end);
        log.pushed.retain(|one| one.seq <= end);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, PushedLog> {
        // The lock is held for a change of the list only, which leaves it whole.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
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
        let Some(seq) = event.seq else { return };
        let message = match event.body {
            Body::MessageReceived {
                message: Some(message), ..
            } => message,
            Body::Gap { to, .. } if seq < to => return self.restored(seq),
            _ => return,
        };
        if message.deleted_at.is_some() {
            return;
        }
        if !self.add(seq, message.conversation.clone()) {
            return;
        }
        let params = pushed(seq, &LabelledMessage::in_list(*message));
        let notification = CustomNotification::new(PUSH, Some(params));
        // A client that is gone gets it in its next session.
        let _ = peer
            .send_notification(ServerNotification::CustomNotification(notification))
            .await;
    }
}

/// The client puts the content between two tags, so the content is JSON in which no tag can stand.
fn pushed(seq: u64, message: &LabelledMessage) -> Value {
    let meta = json!({
        "seq": seq.to_string(),
        "message_id": message.message.id,
        "conversation": message.message.conversation,
    });
    let content = compact_json::text(message).unwrap_or_default();
    let content = content.replace('<', "\\u003c").replace('>', "\\u003e");
    json!({ "content": content, "meta": meta })
}

impl Server {
    /// The last message that was pushed, for [`has_replied`](Self::has_replied).
    pub fn last_pushed(&self) -> u64 {
        self.channel.as_ref().map_or(0, |channel| channel.last())
    }

    /// A message was sent into a conversation by an agent that had seen what was pushed up to `seen`.
    pub async fn has_replied(&self, conversation: &str, seen: u64) {
        let replied = |channel: &Channel| channel.replied(conversation, seen);
        let Some(seq) = self.channel.as_deref().and_then(replied) else {
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

    /// The agent has acknowledged a part of the log.
    pub fn has_acknowledged(&self, acknowledged: &Acknowledged) {
        if let (Some(channel), true) = (&self.channel, acknowledged.consumer == self.consumer) {
            channel.acknowledged(acknowledged.seq);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(pushed: &[(u64, &str)]) -> Channel {
        let channel = Channel::default();
        for (seq, conversation) in pushed {
            assert!(channel.add(*seq, (*conversation).to_owned()));
        }
        channel
    }

    #[test]
    fn a_reply_acknowledges_only_what_has_nothing_open_before_it() {
        let channel = channel(&[(3, "ada"), (5, "bob"), (6, "ada"), (9, "bob")]);
        let seen = channel.last();
        assert_eq!(channel.replied("bob", seen), None, "the first of ada is open");
        assert_eq!(channel.replied("ada", seen), Some(9));
        channel.add(12, String::from("ada"));
        channel.acknowledged(12);
        assert_eq!(channel.replied("ada", 12), None, "nothing is left");
    }

    #[test]
    fn a_reply_does_not_deal_with_what_was_pushed_while_it_was_made() {
        let channel = channel(&[(3, "ada")]);
        let seen = channel.last();
        channel.add(5, String::from("ada"));
        assert_eq!(channel.replied("ada", seen), Some(3));
        assert_eq!(channel.replied("ada", seen), None, "the second is open");
        assert_eq!(channel.replied("ada", channel.last()), Some(5));
    }

    #[test]
    fn a_log_that_was_restored_pushes_numbers_that_were_seen_before() {
        let channel = channel(&[(3, "ada"), (9, "ada")]);
        channel.acknowledged(12);
        channel.restored(4);
        assert!(channel.add(5, String::from("ada")));
        assert_eq!(channel.replied("ada", channel.last()), Some(5));
    }

    #[test]
    fn what_was_acknowledged_before_it_is_pushed_keeps_nothing_back() {
        let channel = channel(&[]);
        channel.acknowledged(5);
        assert!(!channel.add(5, String::from("ada")), "it is dealt with");
        assert!(channel.add(7, String::from("bob")));
        assert_eq!(channel.replied("bob", channel.last()), Some(7));
    }
}
