//! Everything that a store says, a line for each fact: the same lines that the `write.rs` of each fixture wrote.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sotto_core::row::{Event, MessageKey, OutboxContent, SealedBody, Verification};
use sotto_core::{Availability, ConversationId, EventSeq, OnionAddress, Wall};
use sotto_io_sqlcipher::{InboxQuery, MessageView, Reader, Store};

type Names = BTreeMap<OnionAddress, String>;

/// What `store` says, with those names for addresses.
pub fn contents(store: &mut Store, names: &Names) -> String {
    let mut out = String::new();
    let who = |address: &OnionAddress| names.get(address).map_or("?", String::as_str);
    let place = |conversation: &ConversationId| match conversation {
        ConversationId::Direct(peer) => who(peer),
        ConversationId::Group(_) | ConversationId::Channel(_) => "?",
    };
    let image = store.image().unwrap();
    let identity = image.identity.as_ref().unwrap();
    writeln!(
        out,
        "identity {} {} {} {:?} {}",
        bytes(&identity.onion_seed),
        bytes(&identity.signal_identity),
        identity.registration_id,
        identity.name,
        identity.created_at.0
    )
    .unwrap();
    if identity.availability != Availability::default() {
        writeln!(out, "availability {:?}", identity.availability).unwrap();
    }
    if identity.default_timer > 0 {
        writeln!(out, "default timer {}", identity.default_timer).unwrap();
    }
    for row in &image.contacts {
        writeln!(
            out,
            "contact {} {:?} {:?} {:?} {:?} invite={} key={} verified={} blocked={} {} seen={} attempts={} next={}",
            who(&row.address),
            row.relationship,
            row.petname,
            row.claimed_name,
            row.note,
            row.invite.map_or(String::from("-"), |token| bytes(&token.0)),
            row.identity_key.as_ref().map_or(String::from("-"), |key| bytes(key)),
            row.verification == Verification::Verified,
            row.blocked,
            row.created_at.0,
            wall(row.last_seen),
            row.retry.attempts,
            wall(row.retry.next_attempt)
        )
        .unwrap();
        if let Some(features) = &row.features {
            writeln!(out, "features {} {features:?}", who(&row.address)).unwrap();
        }
        for (state, holds) in [
            ("untrusted", row.verification == Verification::Untrusted),
            ("removed-by-peer", row.removed_by_peer),
        ] {
            if holds {
                writeln!(out, "{state} {}", who(&row.address)).unwrap();
            }
        }
        let of_contact = image.timers.iter();
        let of_contact = of_contact.filter(|timer| timer.conversation == ConversationId::Direct(row.address));
        let mut timers: Vec<_> = of_contact.collect();
        timers.sort_by_key(|timer| timer.author == row.address);
        for timer in timers {
            let (contact, author) = (who(&row.address), who(&timer.author));
            writeln!(out, "timer {contact} {author} {}", timer.seconds).unwrap();
        }
    }
    for row in &image.sessions {
        writeln!(out, "session {} {}", who(&row.contact), bytes(&row.record)).unwrap();
    }
    for row in &image.cursors {
        let (contact, session_epoch) = (who(&row.contact), row.session_epoch.0);
        writeln!(
            out,
            "cursors {contact} {session_epoch} {} {} {}",
            row.sent, row.acknowledged, row.received
        )
        .unwrap();
    }
    for row in &image.prekey_offers {
        let (bundle, secrets) = (bytes(&row.bundle), bytes(&row.secrets));
        writeln!(
            out,
            "offer {} {} {bundle} {secrets}",
            who(&row.contact),
            row.session_epoch.0
        )
        .unwrap();
    }
    for row in &image.requests {
        let (contact, bundle) = (who(&row.contact), bytes(&row.bundle));
        writeln!(
            out,
            "request {contact} {} {bundle} {:?} {}",
            row.session_epoch.0, row.note, row.received_at.0
        )
        .unwrap();
    }
    for row in &image.invites {
        writeln!(out, "invite {} {}", bytes(&row.token.0), row.created_at.0).unwrap();
    }
    for row in &image.outbox {
        let sealed = |sealed: &SealedBody| format!("{}:{}", sealed.sequence, bytes(&sealed.ciphertext));
        writeln!(
            out,
            "outbox {} {} message={} content={} sealed={} repeat={} {} {} ttl={} disappears={}",
            who(&row.contact),
            row.position.0,
            row.content.message().map_or(String::from("-"), |key| {
                assert_eq!((place(&key.conversation), who(&key.author)), (who(&row.contact), "ada"));
                key.id.to_string()
            }),
            match &row.content {
                OutboxContent::Text(_) => String::from("text"),
                OutboxContent::Edit(_) => String::from("edit"),
                OutboxContent::Serialised(content) => bytes(content),
                OutboxContent::Obsolete => String::new(),
            },
            row.sealed.as_ref().map_or(String::from("-"), sealed),
            row.repeat,
            row.queued_at.0,
            row.expires_at.0,
            row.ttl,
            wall(row.disappears_at)
        )
        .unwrap();
    }
    for row in &image.consumers {
        writeln!(out, "consumer {:?} {}", row.name, row.acknowledged.0).unwrap();
    }
    let (first, last) = (image.first_event.0, image.last_event.0);
    writeln!(out, "log {first} {last} disappears={}", wall(image.next_disappearance)).unwrap();

    let reader = store.reader().unwrap();
    for contact in reader.contacts().unwrap().contacts {
        writeln!(out, "unread {} {}", who(&contact.who.address), contact.unread).unwrap();
    }
    for contact in names.keys() {
        for message in reader
            .history(&ConversationId::Direct(*contact), u32::MAX, None)
            .unwrap()
        {
            write_message(&mut out, &message, who(contact), &who);
        }
    }
    for event in reader.events(EventSeq(0), u32::MAX).unwrap().events {
        let about = |key: &MessageKey| format!("{} {} {}", place(&key.conversation), who(&key.author), key.id);
        let said = match &event.row.event {
            Event::MessageQueued { key } => format!("queued {}", about(key)),
            Event::MessageReceived { key } => format!("received {}", about(key)),
            Event::MessageState { key, state } => format!("state {} {state:?}", about(key)),
            Event::MessageEdited { key } => format!("edited {}", about(key)),
            Event::MessageDeleted { key } => format!("deleted {}", about(key)),
            Event::MessageReacted { key, author: by } => {
                format!("reacted {} {}", about(key), who(by))
            }
            Event::MessageDisappeared { key } => format!("disappeared {}", about(key)),
            Event::TimerChanged {
                conversation,
                author,
                seconds,
            } => format!("timer {} {} {seconds}", place(conversation), who(author)),
            Event::RequestReceived { contact } => format!("asked {}", who(contact)),
            Event::RequestDelivered { contact } => format!("request-delivered {}", who(contact)),
            Event::RequestDeclined { contact } => format!("request-declined {}", who(contact)),
            Event::ContactAdded { contact } => format!("added {}", who(contact)),
            Event::ContactRemoved { contact } => format!("removed {}", who(contact)),
            Event::ContactBlocked { contact, blocked } => format!("blocked {} {blocked}", who(contact)),
            Event::ContactVerified { contact, verified } => format!("verified {} {verified}", who(contact)),
            Event::ContactRekeyed {
                contact,
                identity_changed,
            } => format!("rekeyed {} {identity_changed}", who(contact)),
            Event::ContactPaused { contact, pause } => format!("paused {} {pause:?}", who(contact)),
            Event::ContactRolledBack { contact } => format!("rolled-back {}", who(contact)),
            Event::IdentityElsewhere { shown_by } => format!("elsewhere {}", who(shown_by)),
            Event::ContactUntrusted { contact, untrusted } => format!("untrusted {} {untrusted}", who(contact)),
            Event::RemovedByPeer { contact, removed } => format!("removed-by-peer {} {removed}", who(contact)),
            Event::Application(event) => format!("application {} {}", bytes(&event.subject), event.code),
        };
        let message = event
            .message
            .map_or(String::from("-"), |message| message.order.0.to_string());
        let (seq, at) = (event.row.seq.0, event.row.at.0);
        writeln!(out, "event {seq} {at} {said} message={message}").unwrap();
    }
    lists(&mut out, &reader, &who);
    out
}

fn write_message<'n>(
    out: &mut String,
    message: &MessageView,
    conversation: &str,
    who: &dyn Fn(&OnionAddress) -> &'n str,
) {
    write!(
        out,
        "message {} {} {} {} {:?} {:?} thread={:?} reply={} ttl={} {} {} edited={} deleted={} state={:?} {} \
         disappears={} attempts={} next={} until={}",
        conversation,
        who(&message.key.author),
        message.key.id,
        message.order.0,
        message.text,
        message.content_type,
        message.thread,
        message.reply_to.map_or(String::from("-"), |id| id.to_string()),
        message.ttl,
        message.sent_at.0,
        message.at.0,
        wall(message.edited_at),
        wall(message.deleted_at),
        message.state,
        wall(message.state_at),
        wall(message.disappears_at),
        message.attempts,
        wall(message.next_attempt),
        wall(message.gives_up_at),
    )
    .unwrap();
    let mut reactions: Vec<String> = message
        .reactions
        .iter()
        .map(|reaction| format!("{} {:?} {}", who(&reaction.author), reaction.emoji, reaction.at.0))
        .collect();
    reactions.sort();
    writeln!(out, " reactions={reactions:?}").unwrap();
}

/// Lists of messages, by their places.
fn lists<'n>(out: &mut String, reader: &Reader, who: &dyn Fn(&OnionAddress) -> &'n str) {
    let places = |messages: Vec<MessageView>| -> Vec<u64> { messages.iter().map(|message| message.order.0).collect() };
    for (thread, unread) in [
        (None, false),
        (None, true),
        (Some("plans"), false),
        (Some("plans"), true),
    ] {
        let query = InboxQuery {
            thread,
            unread_only: unread,
            ..InboxQuery::default()
        };
        let found = places(reader.inbox(40, &query).unwrap());
        writeln!(out, "inbox {thread:?} {unread} {found:?}").unwrap();
    }
    writeln!(out, "waiting {:?}", places(reader.outbox().unwrap())).unwrap();
    for thread in reader.threads(100).unwrap() {
        let peer = thread.peer.expect("a direct conversation");
        let (who, name) = (who(&peer.address), &thread.thread);
        writeln!(
            out,
            "thread {who} {name:?} {} {} {}",
            thread.messages, thread.unread, thread.last_at.0
        )
        .unwrap();
    }
    for query in [
        "bob",
        "ada 17",
        "café",
        "CAFE",
        "\"second version\"",
        "wait*",
        "deletedword",
        "vanishedword",
        "versionbob",
        "long words",
    ] {
        let found = places(reader.search(query, 100, None).unwrap());
        writeln!(out, "search {query:?} {found:?}").unwrap();
    }
}

/// Short ones as they are, others by length and a checksum (FNV-1a, 64 bits).
fn bytes(bytes: &[u8]) -> String {
    if bytes.len() <= 20 {
        return bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    }
    let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{}:{sum:016x}", bytes.len())
}

fn wall(at: Option<Wall>) -> String {
    at.map_or(String::from("-"), |at| at.0.to_string())
}
