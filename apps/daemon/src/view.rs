//! Views of the store as objects of the API. The store has sanitised the text of peers.

use data_encoding::HEXLOWER;
use sotto_api::{self as api, Body};
use sotto_core::row::{self, DeliveryState, Event as Row};
use sotto_core::{
    ApplicationEvent, ContactPresence, ContactStorage, ConversationId, Direction, Elsewhere, EventSeq, MessageKey,
    OnionAddress, Pause, Storage, Wall,
};
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
    let [petname, claimed_name] = [who.petname, who.claimed_name].map(Option::unwrap_or_default);
    Candidate::new(who.address, petname, claimed_name, relationship)
}

/// `shares` says what contacts take up.
pub(crate) fn contact(
    contact: ContactView,
    seen: Option<ContactPresence>,
    shares: &[ContactStorage],
    muted: bool,
) -> api::Contact {
    let share = shares.iter().find(|share| share.contact == contact.who.address);
    api::Contact {
        who: who(contact.who),
        relationship: match contact.relationship {
            row::Relationship::Friend if contact.removed_by_peer => api::Relationship::RemovedByPeer,
            known => relationship(known),
        },
        blocked: contact.blocked,
        untrusted: contact.untrusted,
        timer: tighter(contact.timer_ours, contact.timer_theirs),
        timer_ours: contact.timer_ours,
        timer_theirs: contact.timer_theirs,
        unread: contact.unread,
        muted,
        presence: seen.map_or(api::Presence::Unknown, |seen| presence(seen.presence)),
        presence_as_of: seen.and_then(|seen| seen.as_of).map(time),
        stored_bytes: share.map_or(0, |share| share.stored),
        pause: share.and_then(|share| share.pause).map(pause),
        created_at: time(contact.created_at),
        last_seen: contact.last_seen.map(time),
        attempts: contact.retry.attempts,
        next_attempt_at: contact.retry.next_attempt.map(time),
    }
}

const fn pause(pause: Pause) -> api::Pause {
    match pause {
        Pause::Pace => api::Pause::Pace,
        Pause::Quota => api::Pause::Quota,
        Pause::Reserve => api::Pause::Reserve,
    }
}

pub(crate) fn elsewhere(shown: &Elsewhere, us: OnionAddress) -> api::Elsewhere {
    api::Elsewhere {
        contact: (shown.shown_by != us).then(|| shown.shown_by.to_string()),
        at: time(shown.at),
    }
}

pub(crate) fn storage(storage: &Storage) -> api::Storage {
    let paused = storage.contacts.iter().filter(|share| share.pause.is_some()).count();
    api::Storage {
        free_bytes: storage.free,
        reserve_bytes: storage.reserve,
        contact_quota_bytes: storage.quota,
        stored_bytes: storage.contacts.iter().map(|share| share.stored).sum(),
        paused_contacts: paused as u64,
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

pub(crate) fn thread(us: OnionAddress, thread: ThreadView, muted: bool) -> api::Thread {
    let participants = match thread.conversation {
        ConversationId::Direct(contact) => vec![us.to_string(), contact.to_string()],
        ConversationId::Group(_) | ConversationId::Channel(_) => vec![us.to_string()],
    };
    let conversation = conversation_name(thread.conversation, thread.peer);
    api::Thread {
        title: thread.thread.clone().or_else(|| conversation.petname.clone()),
        participants,
        conversation,
        thread: thread.thread,
        messages: thread.messages,
        unread: thread.unread,
        muted,
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
pub(crate) fn conversation_name(id: ConversationId, peer: Option<Who>) -> api::Conversation {
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
    let hold = hold(&view);
    // A received message is committed here, and that is what delivered means.
    let (state, reason) = state(view.state.unwrap_or(DeliveryState::Delivered));
    api::Message {
        id: view.key.id.to_string(),
        conversation: conversation(view.key.conversation),
        from: view.key.author.to_string(),
        petname: view.petname,
        claimed_name: view.claimed_name,
        verified: view.verified,
        untrusted: incoming && view.untrusted,
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
        hold,
        attempts: waiting.then_some(view.attempts),
        next_attempt_at: view.next_attempt.map(time),
        gives_up_at: view.gives_up_at.map(time),
        edited_at: view.edited_at.map(time),
        deleted_at: view.deleted_at.map(time),
        reactions: view.reactions.into_iter().map(|view| reaction(us, view)).collect(),
    }
}

/// Why a message that waits is not sent.
pub(crate) const fn hold(view: &MessageView) -> Option<api::Hold> {
    match view {
        _ if !view.is_waiting() => None,
        MessageView {
            removed_by_peer: true, ..
        } => Some(api::Hold::RemovedByPeer),
        MessageView { untrusted: true, .. } => Some(api::Hold::UntrustedKey),
        _ => None,
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

/// An event of the log, by its kind; none if it is one of the application's that this version does not know.
pub(crate) fn event(us: OnionAddress, view: EventView) -> Option<api::Event> {
    let EventView {
        row,
        peer,
        message: about,
    } = view;
    let about = about.map(|view| Box::new(message(us, view)));
    let named = |contact| contact_name(contact, peer.clone());
    let body = match row.event {
        Row::MessageQueued { key } => message_queued(key, about),
        Row::MessageReceived { key } => message_received(key, about),
        Row::MessageState { key, state } => message_state(us, key, state),
        Row::MessageEdited { key } => message_edited(key, about),
        Row::MessageDeleted { key } => message_deleted(us, key),
        Row::MessageReacted { key, author } => message_reacted(us, key, author, about),
        Row::MessageDisappeared { key } => message_disappeared(us, key),
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
        Row::ContactRolledBack { contact } => Body::ContactRolledBack { who: named(contact) },
        Row::ContactPaused { contact, pause: why } => Body::ContactPaused {
            who: named(contact),
            pause: why.map(pause),
        },
        Row::ContactUntrusted { contact, untrusted } => Body::ContactUntrusted {
            who: named(contact),
            untrusted,
        },
        Row::RemovedByPeer { contact, removed } => Body::RemovedByPeer {
            who: named(contact),
            removed,
        },
        Row::IdentityElsewhere { shown_by } => Body::IdentityElsewhere {
            contact: (shown_by != us).then(|| shown_by.to_string()),
        },
        Row::Application(event) => approval_event(event, peer)?,
    };
    let (seq, at) = (Some(row.seq.0), time(row.at));
    Some(api::Event { seq, at, body })
}

/// What happened to an approval, by the code of its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ApprovalChange {
    Requested = 1,
    Allowed = 2,
    Denied = 3,
    Expired = 4,
}

fn approval_event(event: ApplicationEvent, peer: Option<Who>) -> Option<Body> {
    let conversation = conversation_name(event.conversation, peer);
    let approval = HEXLOWER.encode(&event.subject);
    Some(match event.code {
        code if code == ApprovalChange::Requested as u32 => Body::ApprovalRequested { conversation, approval },
        code if code == ApprovalChange::Allowed as u32 => Body::ApprovalAllowed { conversation, approval },
        code if code == ApprovalChange::Denied as u32 => Body::ApprovalDenied { conversation, approval },
        code if code == ApprovalChange::Expired as u32 => Body::ApprovalExpired { conversation, approval },
        _ => return None,
    })
}

/// The contact of an event by its names; by its address alone once its row is gone.
fn contact_name(contact: OnionAddress, peer: Option<Who>) -> api::ContactName {
    who(peer.unwrap_or(Who {
        address: contact,
        petname: None,
        claimed_name: None,
        verified: false,
    }))
}

fn message_queued(key: MessageKey, message: Option<Box<api::Message>>) -> Body {
    Body::MessageQueued {
        id: key.id.to_string(),
        conversation: conversation(key.conversation),
        author: key.author.to_string(),
        message,
    }
}

fn message_received(key: MessageKey, message: Option<Box<api::Message>>) -> Body {
    Body::MessageReceived {
        id: key.id.to_string(),
        conversation: conversation(key.conversation),
        author: key.author.to_string(),
        message,
    }
}

fn message_state(us: OnionAddress, key: MessageKey, reached: DeliveryState) -> Body {
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

fn message_edited(key: MessageKey, message: Option<Box<api::Message>>) -> Body {
    Body::MessageEdited {
        id: key.id.to_string(),
        conversation: conversation(key.conversation),
        author: key.author.to_string(),
        message,
    }
}

fn message_deleted(us: OnionAddress, key: MessageKey) -> Body {
    Body::MessageDeleted {
        id: key.id.to_string(),
        conversation: conversation(key.conversation),
        author: key.author.to_string(),
        direction: side(us, key.author),
    }
}

fn message_reacted(us: OnionAddress, key: MessageKey, by: OnionAddress, message: Option<Box<api::Message>>) -> Body {
    Body::MessageReacted {
        id: key.id.to_string(),
        conversation: conversation(key.conversation),
        author: key.author.to_string(),
        by: by.to_string(),
        direction: side(us, by),
        message,
    }
}

fn message_disappeared(us: OnionAddress, key: MessageKey) -> Body {
    Body::MessageDisappeared {
        id: key.id.to_string(),
        conversation: conversation(key.conversation),
        author: key.author.to_string(),
        direction: side(us, key.author),
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

/// The gap between the end of the log and a position beyond it.
pub(crate) fn restored_gap(after: EventSeq, last: EventSeq) -> api::Event {
    api::Event {
        seq: Some(last.0),
        at: api::Time::now(),
        body: Body::Gap {
            from: last.0.saturating_add(1),
            to: after.0,
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

pub(crate) const fn shown(availability: sotto_core::Availability) -> api::Availability {
    match availability {
        sotto_core::Availability::Online => api::Availability::Online,
        sotto_core::Availability::Away => api::Availability::Away,
        sotto_core::Availability::Invisible => api::Availability::Invisible,
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
