//! Two nodes in one memory talk: the plain course of everything that one-to-one messaging has.

use sotto_core::row::{ContentType, DeliveryState, Key, MessageKey, Row};
use sotto_core::{Command, Direction, Draft, Limits, MessageId, Millis, OnionAddress, Reply};
use sotto_testkit::disk::Disk;
use sotto_testkit::pair::{A, B, Pair};

fn friends() -> Pair<Disk> {
    let mut pair = Pair::new([Disk::default(), Disk::default()], 1, &Limits::default());
    pair.befriend();
    pair
}

fn draft(contact: OnionAddress, text: &str) -> Draft {
    Draft {
        contact,
        text: text.to_owned(),
        content_type: ContentType::Plain,
        thread: None,
        reply_to: None,
        ttl: None,
        idempotency_key: None,
    }
}

fn send(pair: &mut Pair<Disk>, from: usize, draft: Draft) -> MessageId {
    match pair.command(from, Command::Send(draft)) {
        Ok(Reply::Message { id, .. }) => id,
        other => panic!("not sent: {other:?}"),
    }
}

fn texts(pair: &Pair<Disk>, side: usize) -> Vec<String> {
    let mut rows: Vec<_> = pair.sides[side]
        .disk
        .rows()
        .filter_map(|row| match row {
            Row::Message(row) if row.key.direction == Direction::In => Some((row.order, row.text.clone())),
            _ => None,
        })
        .collect();
    rows.sort();
    rows.into_iter().map(|(_, text)| text).collect()
}

fn state(pair: &Pair<Disk>, side: usize, id: MessageId) -> Option<DeliveryState> {
    let key = MessageKey {
        contact: pair.sides[1 - side].address,
        direction: Direction::Out,
        id,
    };
    match pair.sides[side].disk.row(&Key::Delivery(key)) {
        Some(Row::Delivery(row)) => Some(row.state),
        _ => None,
    }
}

#[test]
fn a_message_is_delivered_and_read() {
    let mut pair = friends();
    let [a, b] = [pair.sides[A].address, pair.sides[B].address];
    let id = send(&mut pair, A, draft(b, "hello"));
    assert_eq!(texts(&pair, B), ["hello"]);
    assert_eq!(state(&pair, A, id), Some(DeliveryState::Delivered));
    pair.command(
        B,
        Command::MarkRead {
            contact: a,
            ids: vec![id],
            receipt: true,
        },
    )
    .unwrap();
    assert_eq!(state(&pair, A, id), Some(DeliveryState::Read));
    send(&mut pair, B, draft(a, "hello yourself"));
    assert_eq!(texts(&pair, A), ["hello yourself"]);
}

#[test]
fn five_hundred_messages_arrive_in_order_after_an_absence() {
    let mut pair = friends();
    let b = pair.sides[B].address;
    pair.reachable = false;
    pair.cut();
    let expected: Vec<String> = (0..500).map(|n| format!("message {n}")).collect();
    for text in &expected {
        send(&mut pair, A, draft(b, text));
    }
    assert!(texts(&pair, B).is_empty());
    pair.reachable = true;
    pair.pass(Millis::minutes(15));
    assert_eq!(texts(&pair, B), expected);
}

#[test]
fn a_session_that_is_lost_is_replaced() {
    for side in [A, B] {
        let mut pair = friends();
        let [a, b] = [pair.sides[A].address, pair.sides[B].address];
        send(&mut pair, A, draft(b, "before"));
        let other = [b, a][side];
        pair.sides[side].disk.lose(|row| row.key() == Key::Session(other));
        pair.reopen(side, 77, &Limits::default());
        send(&mut pair, A, draft(b, "one"));
        send(&mut pair, B, draft(a, "two"));
        pair.pass(Millis::minutes(1));
        assert_eq!(texts(&pair, B), ["before", "one"]);
        assert_eq!(texts(&pair, A), ["two"]);
    }
}

#[test]
fn an_old_store_neither_loses_nor_doubles() {
    for side in [A, B] {
        let mut pair = friends();
        let [a, b] = [pair.sides[A].address, pair.sides[B].address];
        send(&mut pair, A, draft(b, "first"));
        pair.cut();
        pair.reachable = false;
        send(&mut pair, A, draft(b, "waits in the snapshot"));
        let old = pair.sides[side].disk.clone();
        pair.reachable = true;
        pair.pass(Millis::minutes(15));
        send(&mut pair, B, draft(a, "answer"));
        assert_eq!(texts(&pair, B), ["first", "waits in the snapshot"]);
        pair.sides[side].disk = old;
        pair.reopen(side, 88, &Limits::default());
        send(&mut pair, A, draft(b, "after"));
        send(&mut pair, B, draft(a, "after, too"));
        pair.pass(Millis::minutes(15));
        match side {
            A => assert_eq!(texts(&pair, B), ["first", "waits in the snapshot", "after"]),
            _ => assert_eq!(texts(&pair, B), ["first", "after"], "what its own store forgot is gone"),
        }
        assert_eq!(texts(&pair, A).last().map(String::as_str), Some("after, too"));
    }
}
