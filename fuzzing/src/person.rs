//! Commands of two users in any order and with any values, while links are cut, nodes crash and time passes. Every command gets one
//! reply. In the end both nodes have the same conversation: each text that did not fail or expire once, in its last version.

use std::collections::BTreeMap;

use sotto_core::row::{DeliveryState, MessageKey, MessageRow};
use sotto_core::{
    ApplicationEvent, Availability, Command, EventSeq, Limits, MessageId, Millis, NewMessage, OnionAddress, Reply,
};
use sotto_testkit::pair::{A, B};

use crate::input::{Input, piece};
use crate::scene::{Scene, friends, new_message};

/// The most commands of one input.
const COMMANDS: usize = 60;

pub(crate) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut pair = friends();
    let mut sent: [Vec<MessageId>; 2] = [Vec::new(), Vec::new()];
    let mut opened = 0x80;
    for _ in 0..COMMANDS {
        if input.is_empty() {
            break;
        }
        let action = input.byte();
        let side = usize::from(action >> 7);
        match action & 0x7f {
            0 => pair.cut(),
            1 => pair.silence(),
            2 => pair.reachable = !pair.reachable,
            3 => {
                // No two openings have the same randomness, or they would make the same message id twice.
                opened += 1;
                pair.reopen(side, opened, &Limits::default());
            }
            4 => pair.pass(Millis::seconds(input.long() as u64)),
            _ => command(&mut pair, side, &mut sent, &mut input),
        }
    }
    pair.reachable = true;
    pair.cut();
    pair.pass(Millis::hours(2));
    let [a, b] = [A, B].map(|side| mail(&pair, side));
    for (from, to) in [(&a, &b), (&b, &a)] {
        compare(&pair, from, to);
    }
}

fn command(pair: &mut Scene, side: usize, sent: &mut [Vec<MessageId>; 2], input: &mut Input<'_>) {
    let [own, contact] = [side, 1 - side].map(|side| pair.sides[side].address);
    let some = |of: &[MessageId], number: usize| of.get(number % of.len().max(1)).copied();
    let unknown = MessageId([0xee; 16]);
    let ours = some(&sent[side], input.number()).unwrap_or(unknown);
    let theirs = some(&sent[1 - side], input.number()).unwrap_or(unknown);
    let command = chosen([own, contact], [ours, theirs], input);
    // `command` checks that there is one reply.
    match pair.command(side, command) {
        Ok(Reply::Message { id, .. }) if !sent[side].contains(&id) => sent[side].push(id),
        Ok(_) => {}
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
}

/// A command of this node (`own`) about its contact, or about a message that either wrote.
fn chosen([own, contact]: [OnionAddress; 2], [ours, theirs]: [MessageId; 2], input: &mut Input<'_>) -> Command {
    match input.byte() % 16 {
        0..5 => Command::Send(NewMessage {
            text: text(input),
            reply_to: input.even().then_some(theirs),
            thread: (!input.even()).then(|| text(input)),
            hops: 0,
            idempotency_key: (!input.even()).then(|| text(input)),
            ..new_message(contact, "")
        }),
        5 | 6 => Command::EditMessage {
            conversation: contact.into(),
            id: ours,
            text: text(input),
        },
        7 => Command::DeleteMessage {
            conversation: contact.into(),
            id: ours,
        },
        8 => Command::React {
            message: {
                let author = if input.even() { contact } else { own };
                MessageKey::direct(contact, author, if input.even() { theirs } else { ours })
            },
            emoji: input.even().then(|| text(input)),
        },
        9 => Command::MarkRead {
            conversation: contact.into(),
            author: contact,
            ids: vec![theirs; input.number() * 2],
            receipt: input.even(),
        },
        10 => Command::CancelMessage {
            conversation: contact.into(),
            id: ours,
        },
        11 => Command::RetryMessage {
            conversation: contact.into(),
            id: ours,
        },
        12 => Command::SetTyping(contact, input.even()),
        13 => Command::SetAvailability(if input.even() {
            Availability::Online
        } else {
            Availability::Invisible
        }),
        14 => Command::AcknowledgeEvents {
            consumer: text(input),
            seq: EventSeq(input.long() as u64),
        },
        _ if input.even() => Command::PutRecords {
            records: vec![(text(input), input.even().then(|| text(input).into_bytes()))],
            event: input.even().then(|| ApplicationEvent {
                conversation: contact.into(),
                subject: [1; 16],
                code: 7,
            }),
        },
        _ => Command::NetworkChanged,
    }
}

fn text(input: &mut Input<'_>) -> String {
    match input.byte() {
        0 => String::new(),
        1 => "x".repeat(input.long()),
        length => String::from_utf8_lossy(input.take(length.into())).into_owned(),
    }
}

/// One side's rows of the conversation.
struct Mail {
    side: usize,
    rows: BTreeMap<(OnionAddress, MessageId), MessageRow>,
}

fn mail(pair: &Scene, side: usize) -> Mail {
    let conversation = pair.sides[side].store.conversation(pair.sides[1 - side].address);
    let count = conversation.len();
    let rows = conversation
        .into_iter()
        .map(|row| ((row.key.author, row.key.id), row.clone()));
    let rows: BTreeMap<_, _> = rows.collect();
    assert_eq!(rows.len(), count, "a message is stored twice");
    Mail { side, rows }
}

/// Checks that the texts of one side are at the other.
fn compare(pair: &Scene, from: &Mail, to: &Mail) {
    let written = from.rows.values().filter(|row| !row.key.is_from_peer());
    for row in written {
        let key = MessageKey { ..row.key };
        let state = pair.sides[from.side]
            .store
            .delivery(&key)
            .map(|delivery| delivery.state);
        let there = to.rows.get(&(row.key.author, row.key.id));
        match state {
            Some(DeliveryState::Delivered | DeliveryState::Read) => {
                let there = there.expect("delivered, and not there");
                let seen = |row: &MessageRow| {
                    (
                        row.text.clone(),
                        row.thread.clone(),
                        row.reply_to,
                        row.content_type,
                        row.sent_at,
                        row.deleted_at.is_some(),
                    )
                };
                assert_eq!(seen(there), seen(row), "{:?}", row.key.id);
                // What was edited before it was sealed came as it is.
                assert!(there.edited_at.is_none() || row.edited_at.is_some(), "{:?}", row.key.id);
            }
            Some(DeliveryState::Cancelled | DeliveryState::Failed(_)) => {}
            state => panic!("two calm hours, and {state:?}"),
        }
    }
    let received = to.rows.values().filter(|row| row.key.is_from_peer());
    for row in received {
        let known = from.rows.contains_key(&(row.key.author, row.key.id));
        assert!(known, "{:?} has no author", row.key.id);
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    const COMMAND: u8 = 5;
    const THEIRS: u8 = 0x80;
    let send = |side: u8, text: &[u8]| {
        let length = [u8::try_from(text.len()).expect("short")];
        [&[side + COMMAND, 0, 0, 0], &length[..], text, &[1, 0, 0]].concat()
    };
    let hello = send(0, b"hello");
    let then = |more: &[u8]| [&hello[..], more].concat();
    vec![
        [&hello[..], &send(THEIRS, b"and to you"), &send(0, b"how are you")].concat(),
        [&[2, 0][..], &hello, &[3, 2], &send(THEIRS, b"back")].concat(),
        then(&[COMMAND, 0, 0, 5, 3, b'n', b'e', b'w']),
        then(&[COMMAND, 0, 0, 7]),
        then(&[THEIRS + COMMAND, 0, 0, 8, 0, 0, 0, 4, 0xf0, 0x9f, 0x91, 0x8d]),
        then(&[THEIRS + COMMAND, 0, 0, 9, 1, 0]),
        [&[2, 0][..], &hello, &[COMMAND, 0, 0, 10, COMMAND, 0, 0, 11]].concat(),
        [&[2, 0][..], &hello, &[4, 0xff, 0xff, 4, 0xff, 0xff, COMMAND, 0, 0, 11]].concat(),
        [
            &[2, 0][..],
            &hello,
            &[COMMAND, 0, 0, 5, 3, b'n', b'e', b'w', COMMAND, 0, 0, 7],
        ]
        .concat(),
        then(&[1, COMMAND, 0, 0, 15, 4, 1, 0]),
        then(&[
            COMMAND, 0, 0, 12, 0, COMMAND, 0, 0, 13, 1, COMMAND, 0, 0, 14, 2, b'a', b'b', 0, 1,
        ]),
        [&[COMMAND, 0, 0, 0][..], &[1, 0x80, 1, 1, 0, 0]].concat(),
        [
            &[
                COMMAND, 0, 0, 0, 2, b'h', b'i', 0, 1, 2, b't', b'h', 1, 3, b'k', b'e', b'y',
            ][..],
            &piece(b""),
        ]
        .concat(),
    ]
}
