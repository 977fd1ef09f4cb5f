//! [`follow`]: waits until a sent message has reached a state, or cannot reach it.

use std::sync::Arc;
use std::time::Duration;

use sotto_api::{Error, FailReason, Hold, Kind, MessageState, Sent, WaitFor};
use sotto_core::row::{MessageKey, Relationship};
use sotto_core::{ConversationId, MessageId};
use tokio::time::timeout_at;

use crate::api_error::{ACCEPT_KEY, ASK_AGAIN};
use crate::call::Call;
use crate::view;

/// Returns once the message has reached the state; an error if it cannot, or the timeout is over.
pub(super) async fn follow(
    call: Arc<Call>,
    conversation: ConversationId,
    mut sent: Sent,
    wait: WaitFor,
    patience: Duration,
) -> Result<Sent, Error> {
    let until = tokio::time::Instant::now() + patience;
    let id: MessageId = sent
        .id
        .parse()
        .map_err(|_| Error::internal("the node gave a message id that is none"))?;
    let key = MessageKey {
        conversation,
        author: call.us,
        id,
    };
    let mut newest = call.events.newest();
    loop {
        // Marked before the state is read, so that a change between the two is seen in the next round.
        newest.mark_unchanged();
        let (message, relationship) = call
            .reads
            .read(move |reader| {
                let relationship = match conversation {
                    ConversationId::Direct(peer) => reader.relationship(&peer)?,
                    ConversationId::Group(_) | ConversationId::Channel(_) => None,
                };
                Ok((reader.message_by_key(&key)?, relationship))
            })
            .await?;
        let hold = message.as_ref().and_then(view::hold);
        let Some(state) = message.and_then(|message| message.state) else {
            return Err(ended(Kind::WaitEnded, "has disappeared", sent).hint("its timer was over, or it was deleted"));
        };
        (sent.state, sent.reason) = view::state(state);
        if has_come(sent.state, wait) {
            return Ok(sent);
        }
        if let Some(why) = obstacle(&sent, relationship, hold) {
            return Err(why);
        }
        match timeout_at(until, newest.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => {
                let stopped = ended(Kind::Io, "is safe, but the node has stopped", sent);
                return Err(stopped.hint("sotto daemon logs shows why"));
            }
            Err(_) => {
                let why = format!("is still {} after {} s", name(sent.state), patience.as_secs());
                return Err(ended(Kind::WaitEnded, &why, sent));
            }
        }
    }
}

/// Why the message reaches no further state by itself.
fn obstacle(sent: &Sent, relationship: Option<Relationship>, hold: Option<Hold>) -> Option<Error> {
    let (kind, why) = match (sent.state, sent.reason) {
        (MessageState::Failed, Some(FailReason::Removed)) => (Kind::Refused, "failed, because the contact was removed"),
        (MessageState::Failed, _) => (Kind::WaitEnded, "failed, because they could not be reached in time"),
        (MessageState::Cancelled, _) => (Kind::WaitEnded, "was cancelled"),
        _ if relationship == Some(Relationship::RequestDeclined) => {
            let declined = ended(
                Kind::Refused,
                "waits, because they declined to be a contact",
                sent.clone(),
            );
            return Some(declined.hint("ask them outside of Sotto to add you; what waits is sent then"));
        }
        _ => return hold.map(|hold| held(hold, sent.clone())),
    };
    Some(ended(kind, why, sent.clone()))
}

const fn has_come(state: MessageState, wait: WaitFor) -> bool {
    match (state, wait) {
        (MessageState::Failed | MessageState::Cancelled, _) => false,
        (_, WaitFor::Queued) | (MessageState::Read, _) => true,
        (MessageState::Delivered, wait) => !matches!(wait, WaitFor::Read),
        (MessageState::Sent, wait) => matches!(wait, WaitFor::Sent),
        (MessageState::Queued, _) => false,
    }
}

const fn name(state: MessageState) -> &'static str {
    match state {
        MessageState::Queued => "queued",
        MessageState::Sent => "sent",
        MessageState::Delivered => "delivered",
        MessageState::Read => "read",
        MessageState::Failed => "failed",
        MessageState::Cancelled => "cancelled",
    }
}

/// Only the user can change what holds the message.
fn held(hold: Hold, sent: Sent) -> Error {
    match hold {
        Hold::RemovedByPeer => ended(Kind::Refused, "is held, because they have removed you", sent).hint(ASK_AGAIN),
        Hold::UntrustedKey => ended(
            Kind::UntrustedKey,
            "is held, because their key is not the one that you verified",
            sent,
        )
        .hint(ACCEPT_KEY),
    }
}

fn ended(kind: Kind, why: &str, sent: Sent) -> Error {
    let error = Error::new(kind, format!("message {} {why}", sent.id));
    match remedy(&sent) {
        Some(hint) => error.hint(hint).sent(sent),
        None => error.sent(sent),
    }
}

/// What the user can do about a message in that state.
fn remedy(sent: &Sent) -> Option<String> {
    match sent.state {
        MessageState::Failed if sent.reason == Some(FailReason::Removed) => {
            Some(String::from("sotto friends add CODE asks them to be a contact again"))
        }
        MessageState::Failed | MessageState::Cancelled => {
            Some(format!("sotto outbox retry {} sends it again", sent.id))
        }
        MessageState::Queued | MessageState::Sent => Some(String::from("sotto outbox shows what waits, and why")),
        MessageState::Delivered => Some(String::from(
            "they have it; sotto history CONVERSATION shows when they have read it",
        )),
        MessageState::Read => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_includes_those_before_it() {
        use MessageState::{Cancelled, Delivered, Failed, Queued, Read, Sent};
        for (state, reached) in [
            (Queued, [true, false, false, false]),
            (Sent, [true, true, false, false]),
            (Delivered, [true, true, true, false]),
            (Read, [true, true, true, true]),
            (Failed, [false; 4]),
            (Cancelled, [false; 4]),
        ] {
            let waits = [WaitFor::Queued, WaitFor::Sent, WaitFor::Delivered, WaitFor::Read];
            assert_eq!(waits.map(|wait| has_come(state, wait)), reached, "{state:?}");
        }
    }
}
