//! Views of the store as objects of the API. The store has sanitised the text of peers.

use sotto_api::{self as api, Body};
use sotto_core::row::{self, DeliveryState, Event as Row};
use sotto_core::{ConversationId, Direction, EventSeq, OnionAddress, Wall};
use sotto_io_sqlcipher::{ContactView, EventView, MessageView, RequestView, ThreadView, Who};

use crate::resolve::Candidate;

pub(crate) fn who(who: Who) -> api::ContactName {
    api::ContactName {
        contact: who.address.to_string(),
        petname: who.petname,
        claimed_name: who.claimed_name,
        verified: who.verified,
    }
}

pub(crate) fn candidate((who, relationship): (Who, row::Relationship)) -> Candidate {
    Candidate {
        address: who.address,
        petname: who.petname.unwrap_or_default(),
        claimed_name: who.claimed_name.unwrap_or_default(),
        relationship,
    }
}

pub(crate) fn contact(contact: ContactView) -> api::Contact {
    api::Contact {
        who: who(contact.who),
        relationship: relationship(contact.relationship),
        blocked: contact.blocked,
        timer: tighter(contact.timer_ours, contact.timer_theirs),
        timer_ours: contact.timer_ours,
        timer_theirs: contact.timer_theirs,
        unread: contact.unread,
        created_at: time(contact.created_at),
        last_seen: contact.last_seen.map(time),
        attempts: contact.retry.attempts,
        next_attempt_at: contact.retry.next_attempt.map(time),
    }
}

const fn relationship(relationship: row::Relationship) -> api::Relationship {
    match relationship {
        row::Relationship::Stranger => api::Relationship::Stranger,
        row::Relationship::Requested => api::Relationship::Requested,
        row::Relationship::RequestDelivered => api::Relationship::RequestDelivered,
        row::Relationship::RequestDeclined => api::Relationship::RequestDeclined,
        row::Relationship::Asking => api::Relationship::Asking,
        row::Relationship::Declined => api::Relationship::Declined,
        row::Relationship::Friend => api::Relationship::Friend,
    }
}

/// Of two timers, the one in force; 0 is off.
pub(crate) fn tighter(ours: u32, theirs: u32) -> u32 {
    match (ours, theirs) {
        (0, one) | (one, 0) => one,
        (ours, theirs) => ours.min(theirs),
    }
}

pub(crate) fn request(request: RequestView) -> api::FriendRequest {
    api::FriendRequest {
        who: who(request.who),
        note: request.note,
        received_at: time(request.received_at),
    }
}

pub(crate) fn thread(thread: ThreadView) -> api::Thread {
    api::Thread {
        conversation: conversation_name(thread.conversation, thread.peer),
        thread: thread.thread,
        messages: thread.messages,
        unread: thread.unread,
        last_at: time(thread.last_at),
    }
}

/// A conversation as text: what every parameter `conversation` takes.
pub(crate) fn conversation(conversation: ConversationId) -> String {
    match conversation {
        ConversationId::Direct(peer) => peer.to_string(),
        ConversationId::Group(id) => format!("group:{id}"),
        ConversationId::Channel(id) => format!("channel:{id}"),
    }
}

/// A conversation and what to call it: in a direct one, as its peer.
fn conversation_name(id: ConversationId, peer: Option<Who>) -> api::Conversation {
    let (petname, claimed_name, verified) = peer.map_or((None, None, false), |peer| {
        (peer.petname, peer.claimed_name, peer.verified)
    });
    api::Conversation {
        conversation: conversation(id),
        petname,
        claimed_name,
        verified,
    }
}

pub(crate) fn message(us: OnionAddress, view: MessageView) -> api::Message {
    let incoming = view.direction == Direction::In;
    let waiting = view.is_waiting();
    // A received message is committed here, and that is what delivered means.
    let (state, reason) = state(view.state.unwrap_or(DeliveryState::Delivered));
    api::Message {
        id: view.key.id.to_string(),
        conversation: conversation(view.key.conversation),
        from: view.key.author.to_string(),
        petname: view.petname,
        claimed_name: view.claimed_name,
        verified: view.verified,
        text: view.text,
        content_type: content_type(view.content_type),
        thread: view.thread,
        reply_to: view.reply_to.map(|id| id.to_string()),
        sent_at: time(view.sent_at),
        received_at: incoming.then(|| time(view.at)),
        expires_at: view.disappears_at.map(time),
        ttl: view.ttl,
        direction: direction(view.direction),
        state,
        state_at: time(view.state_at.unwrap_or(view.at)),
        reason,
        attempts: waiting.then_some(view.attempts),
        next_attempt_at: view.next_attempt.map(time),
        gives_up_at: view.gives_up_at.map(time),
        edited_at: view.edited_at.map(time),
        deleted_at: view.deleted_at.map(time),
        reactions: view.reactions.into_iter().map(|view| reaction(us, view)).collect(),
    }
}

fn reaction(us: OnionAddress, reaction: sotto_io_sqlcipher::ReactionView) -> api::Reaction {
    api::Reaction {
        by: reaction.author.to_string(),
        direction: side(us, reaction.author),
        emoji: reaction.emoji,
        at: time(reaction.at),
    }
}

const fn content_type(content_type: row::ContentType) -> api::ContentType {
    match content_type {
        row::ContentType::Plain => api::ContentType::Plain,
        row::ContentType::Markdown => api::ContentType::Markdown,
        row::ContentType::Unsupported => api::ContentType::Unsupported,
    }
}

/// Whether an author is another node or this one.
fn side(us: OnionAddress, author: OnionAddress) -> api::Direction {
    if author == us {
        api::Direction::Out
    } else {
        api::Direction::In
    }
}

const fn direction(direction: Direction) -> api::Direction {
    match direction {
        Direction::In => api::Direction::In,
        Direction::Out => api::Direction::Out,
    }
}

pub(crate) const fn state(state: DeliveryState) -> (api::MessageState, Option<api::FailReason>) {
    match state {
        DeliveryState::Queued => (api::MessageState::Queued, None),
        DeliveryState::Sent => (api::MessageState::Sent, None),
        DeliveryState::Delivered => (api::MessageState::Delivered, None),
        DeliveryState::Read => (api::MessageState::Read, None),
        DeliveryState::Cancelled => (api::MessageState::Cancelled, None),
        DeliveryState::Failed(reason) => {
            let reason = match reason {
                row::FailReason::Expired => api::FailReason::Expired,
                row::FailReason::Removed => api::FailReason::Removed,
            };
            (api::MessageState::Failed, Some(reason))
        }
    }
}

pub(crate) fn event(us: OnionAddress, view: EventView) -> api::Event {
    let EventView {
        row,
        peer,
        message: about,
    } = view;
    let named = |contact| {
        who(peer.clone().unwrap_or(Who {
            address: contact,
            petname: None,
            claimed_name: None,
            verified: false,
        }))
    };
    let about = about.map(|view| Box::new(message(us, view)));
    let body = match row.event {
        Row::MessageQueued { key } => Body::MessageQueued {
            id: key.id.to_string(),
            conversation: conversation(key.conversation),
            author: key.author.to_string(),
            message: about,
        },
        Row::MessageReceived { key } => Body::MessageReceived {
            id: key.id.to_string(),
            conversation: conversation(key.conversation),
            author: key.author.to_string(),
            message: about,
        },
        Row::MessageState { key, state: reached } => {
            let (state, reason) = state(reached);
            Body::MessageState {
                id: key.id.to_string(),
                conversation: conversation(key.conversation),
                author: key.author.to_string(),
                direction: side(us, key.author),
                state,
                reason,
            }
        }
        Row::MessageEdited { key } => Body::MessageEdited {
            id: key.id.to_string(),
            conversation: conversation(key.conversation),
            author: key.author.to_string(),
            message: about,
        },
        Row::MessageDeleted { key } => Body::MessageDeleted {
            id: key.id.to_string(),
            conversation: conversation(key.conversation),
            author: key.author.to_string(),
            direction: side(us, key.author),
        },
        Row::MessageReacted { key, author } => Body::MessageReacted {
            id: key.id.to_string(),
            conversation: conversation(key.conversation),
            author: key.author.to_string(),
            by: author.to_string(),
            direction: side(us, author),
            message: about,
        },
        Row::MessageDisappeared { key } => Body::MessageDisappeared {
            id: key.id.to_string(),
            conversation: conversation(key.conversation),
            author: key.author.to_string(),
            direction: side(us, key.author),
        },
        Row::TimerChanged {
            conversation,
            author,
            seconds,
        } => Body::TimerChanged {
            conversation: conversation_name(conversation, peer),
            author: author.to_string(),
            direction: side(us, author),
            seconds,
        },
        Row::RequestReceived { contact } => Body::RequestReceived { who: named(contact) },
        Row::RequestDelivered { contact } => Body::RequestDelivered { who: named(contact) },
        Row::RequestDeclined { contact } => Body::RequestDeclined { who: named(contact) },
        Row::ContactAdded { contact } => Body::ContactAdded { who: named(contact) },
        Row::ContactRemoved { contact } => Body::ContactRemoved { who: named(contact) },
        Row::ContactBlocked { contact, blocked } => Body::ContactBlocked {
            who: named(contact),
            blocked,
        },
        Row::ContactVerified { contact, verified } => Body::ContactVerified {
            who: named(contact),
            marked: verified,
        },
        Row::ContactRekeyed {
            contact,
            identity_changed,
        } => Body::ContactRekeyed {
            who: named(contact),
            identity_changed,
        },
    };
    api::Event {
        seq: Some(row.seq.0),
        at: time(row.at),
        body,
    }
}

/// The event in place of those that retention dropped before they were read.
pub(crate) fn gap(after: EventSeq, first: EventSeq, at: api::Time) -> api::Event {
    let to = first.0.saturating_sub(1);
    api::Event {
        seq: Some(to),
        at,
        body: Body::Gap {
            from: after.0.saturating_add(1),
            to,
        },
    }
}

pub(crate) const fn time(at: Wall) -> api::Time {
    api::Time::from_millis(at.0)
}

pub(crate) const fn availability(availability: api::Availability) -> sotto_core::Availability {
    match availability {
        api::Availability::Online => sotto_core::Availability::Online,
        api::Availability::Away => sotto_core::Availability::Away,
        api::Availability::Invisible => sotto_core::Availability::Invisible,
    }
}

pub(crate) const fn presence(presence: sotto_core::Presence) -> api::Presence {
    match presence {
        sotto_core::Presence::Online => api::Presence::Online,
        sotto_core::Presence::Away => api::Presence::Away,
        sotto_core::Presence::Offline => api::Presence::Offline,
        sotto_core::Presence::Unknown => api::Presence::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::tighter;

    #[test]
    fn the_tighter_timer_holds_and_zero_is_off() {
        assert_eq!(
            [tighter(0, 0), tighter(0, 5), tighter(7, 0), tighter(7, 5)],
            [0, 5, 7, 5]
        );
    }
}
