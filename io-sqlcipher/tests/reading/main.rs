//! The read side, question by question.

#[path = "../common/mod.rs"]
mod common;
mod conversations;
mod lists;

use common::{Place, delivery, key, message, peer, puts};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use sotto_core::row::{
    Change, ConsumerRow, ContactRow, DeliveryState, Event, EventRow, FailReason, Key, MessageKey, MessageRow,
    OutboxContent, OutboxRow, ReactionRow, RecordRow, Relationship, RequestRow, Retry, Row, SealedBody, TimerRow,
    Verification,
};
use sotto_core::{ChannelId, ConversationId, Direction, EventSeq, GroupId, MessageId, Position, SessionEpoch, Wall};
use sotto_io_sqlcipher::{HistoryQuery, MessageView, PagePlace, Reader, Store};

use Direction::{In, Out};

fn contact(n: u8, petname: &str) -> ContactRow {
    ContactRow {
        address: peer(n),
        relationship: Relationship::Friend,
        petname: petname.to_owned(),
        claimed_name: String::from("calls \x1b[1mitself\u{202e} so"),
        note: String::new(),
        invite: None,
        identity_key: None,
        verification: if n == 1 {
            Verification::Verified
        } else {
            Verification::Unverified
        },
        blocked: false,
        removed_by_peer: false,
        features: None,
        created_at: Wall(1),
        last_seen: None,
        retry: Retry {
            attempts: 3,
            next_attempt: Some(Wall(99)),
        },
    }
}

fn in_thread(row: MessageRow, thread: &str) -> Row {
    Row::Message(MessageRow {
        thread: Some(thread.to_owned()),
        ..row
    })
}

fn waiting(contact: u8, position: u64, id: u32, sealed: bool) -> Row {
    Row::Outbox(OutboxRow {
        contact: peer(contact),
        position: Position(position),
        content: OutboxContent::Text(key(contact, Out, id)),
        sealed: sealed.then(|| SealedBody {
            sequence: 1,
            ciphertext: vec![2],
        }),
        repeat: false,
        queued_at: Wall(1),
        expires_at: Wall(500),
        ttl: 0,
        disappears_at: None,
    })
}

fn event(seq: u64, event: Event) -> Row {
    Row::Event(EventRow {
        seq: EventSeq(seq),
        at: Wall(seq),
        event,
    })
}

/// Two contacts and a stranger who was one, five messages with each.
fn populated(place: &Place) -> (Store, Reader) {
    let mut store = place.create();
    let reader = store.reader().unwrap();
    let mut rows = vec![Row::Contact(contact(1, "Ada")), Row::Contact(contact(2, ""))];
    rows.extend([1, 2].map(|n| {
        Row::Timer(TimerRow {
            conversation: peer(n).into(),
            author: peer(n),
            seconds: 60,
        })
    }));
    for n in 1..=3_u8 {
        for id in 1..=5_u32 {
            let direction = if id % 2 == 0 { Out } else { In };
            let order = u64::from(id) * 10 + u64::from(n);
            rows.push(Row::Message(message(
                key(n, direction, id),
                order,
                &format!("hello {n}-{id}"),
            )));
        }
    }
    store.commit(&puts(rows)).unwrap();
    (store, reader)
}

fn texts(messages: &[MessageView]) -> Vec<&str> {
    messages.iter().map(|message| message.text.as_str()).collect()
}
