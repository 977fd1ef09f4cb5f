//! Texts between two friends.

use sotto_core::row::{ContentType, DeliveryState, Event, Key, RecordRow, Row};
use sotto_core::{ApplicationEvent, Argument, Command, EventSeq, Millis, Refusal, Reply};

use crate::node_index::{ALICE, BOB};
use crate::world::{Fate, World};

/// One text, delivered.
pub fn one_message(world: &mut World) {
    let id = world.deliver_text(ALICE, BOB, "are you there?");
    assert_eq!(world.received_texts(ALICE, BOB), ["are you there?"]);
    assert_eq!(world.state(ALICE, BOB, id), Some(DeliveryState::Delivered));
}

/// Both send more than a window without waiting for each other. Nothing is lost, and each order is kept.
pub fn both_ways(world: &mut World) {
    let texts: Vec<String> = (0..10).map(|n| format!("line {n}")).collect();
    for text in &texts {
        world.submit_text(ALICE, BOB, text);
        world.submit_text(BOB, ALICE, text);
        world.advance(Millis(50));
    }
    world.until_quiescent(&[(ALICE, BOB)]);
    assert_eq!(world.received_texts(ALICE, BOB), texts);
    assert_eq!(world.received_texts(BOB, ALICE), texts);
}

/// What was written while Bob was away arrives whole and in order when he is back.
pub fn burst_while_away(world: &mut World) {
    world.switch_off(BOB);
    let texts: Vec<String> = (0..12).map(|n| format!("while you were away, {n}")).collect();
    for text in &texts {
        world.submit_text(ALICE, BOB, text);
    }
    world.advance(Millis::hours(2));
    world.switch_on(BOB);
    world.until_quiescent(&[(ALICE, BOB)]);
    assert_eq!(world.received_texts(ALICE, BOB), texts);
}

/// The same text ten times is ten messages.
pub fn ten_times_ok(world: &mut World) {
    for _ in 0..10 {
        world.submit_text(ALICE, BOB, "ok");
    }
    world.until_quiescent(&[(ALICE, BOB)]);
    assert_eq!(world.received_texts(ALICE, BOB), ["ok"; 10]);
}

/// The longest text arrives whole. One byte more is refused.
pub fn a_long_text(world: &mut World) {
    let longest = "longest ".repeat(4 * 1024);
    world.deliver_text(ALICE, BOB, &longest);
    assert_eq!(world.received_texts(ALICE, BOB), [longest.as_str()]);
    let too_long = world.new_message(BOB, &format!("{longest}!"));
    assert!(world.call(ALICE, Command::Send(too_long)).is_err());
}

/// A client that has lost the reply sends its text again with the same idempotency key: it is one message.
pub fn the_same_command_twice(world: &mut World) {
    let mut new_message = world.new_message(BOB, "transfer 100");
    let first = world.send(ALICE, new_message.clone());
    let again = world.call(ALICE, Command::Send(new_message.clone()));
    assert!(
        matches!(again, Ok(Reply::Message { id, .. }) if id == first),
        "{again:?}"
    );
    world.until_delivered(ALICE, BOB, first);
    let again = world.call(ALICE, Command::Send(new_message.clone()));
    assert!(
        matches!(again, Ok(Reply::Message { id, .. }) if id == first),
        "{again:?}"
    );
    new_message.text = String::from("transfer 200");
    assert!(
        world.call(ALICE, Command::Send(new_message)).is_err(),
        "the key belongs to another text"
    );
    assert_eq!(world.received_texts(ALICE, BOB), ["transfer 100"]);
}

/// Alice learns that Bob has read some of her messages.
pub fn read(world: &mut World) {
    let first = world.deliver_text(ALICE, BOB, "one");
    let second = world.deliver_text(ALICE, BOB, "two");
    let third = world.deliver_text(ALICE, BOB, "three");
    world.mark_read(BOB, ALICE, &[first, second]);
    world.until("she knows", |world| {
        [first, second]
            .iter()
            .all(|id| world.state(ALICE, BOB, *id) == Some(DeliveryState::Read))
    });
    assert_eq!(world.state(ALICE, BOB, third), Some(DeliveryState::Delivered));
}

/// Bob reads a message without a receipt.
pub fn read_in_private(world: &mut World) {
    let id = world.deliver_text(ALICE, BOB, "no need to answer");
    let contact = world.address(ALICE);
    let (ids, receipt) = (vec![id], false);
    world.call_ok(
        BOB,
        Command::MarkRead {
            conversation: contact.into(),
            author: contact,
            ids,
            receipt,
        },
    );
    let key = world.key(BOB, ALICE, BOB, id);
    let state = world.disk(BOB).delivery(&key).map(|row| row.state);
    assert_eq!(state, Some(DeliveryState::Read));
    world.advance(Millis::hours(1));
    assert_eq!(world.state(ALICE, BOB, id), Some(DeliveryState::Delivered));
}

/// Bob's message is Markdown, belongs to a thread, and replies to another.
pub fn an_answer_in_a_thread(world: &mut World) {
    let question = world.deliver_text(ALICE, BOB, "dinner?");
    let mut new_message = world.new_message(ALICE, "**yes**");
    new_message.content_type = ContentType::Markdown;
    new_message.thread = Some("plans".to_owned());
    new_message.reply_to = Some(question);
    let answer = world.send(BOB, new_message);
    world.until_delivered(BOB, ALICE, answer);
    let row = world.received(BOB, ALICE, answer).expect("delivered");
    assert_eq!(row.content_type, ContentType::Markdown);
    assert_eq!(row.thread.as_deref(), Some("plans"));
    assert_eq!(row.reply_to, Some(question));
}

/// Alice writes over a dead link. What is inside the window can no longer be cancelled; what is beyond it can.
pub fn beyond_the_window(world: &mut World) {
    world.deliver_text(BOB, ALICE, "go on");
    world.silence(ALICE, BOB);
    let window = usize::try_from(world.limits().window).expect("a small number");
    let texts: Vec<String> = (0..window + 2).map(|n| format!("line {n}")).collect();
    let ids: Vec<_> = texts.iter().map(|text| world.send_text(ALICE, BOB, text)).collect();
    let contact = world.address(BOB);
    let mut heard = texts;
    for (place, within) in [(window + 1, false), (0, true)] {
        let id = ids[place];
        let refused = world
            .call(
                ALICE,
                Command::CancelMessage {
                    conversation: contact.into(),
                    id,
                },
            )
            .is_err();
        assert!(refused == within || !world.is_fault_free());
        if world.state(ALICE, BOB, id) == Some(DeliveryState::Cancelled) {
            world.expect(id, Fate::Cancelled);
            heard.remove(place);
        }
    }
    world.until_quiescent(&[(ALICE, BOB)]);
    assert_eq!(world.received_texts(ALICE, BOB), heard);
}

/// A client reads Bob's event log and acknowledges events. It does not see them again after any crash.
pub fn a_reader_of_events(world: &mut World) {
    world.deliver_text(ALICE, BOB, "one");
    let last = world.disk(BOB).image().last_event;
    let upto = |seq| Command::AcknowledgeEvents {
        consumer: "indexer".to_owned(),
        seq,
    };
    assert_eq!(world.call(BOB, upto(last)), Ok(Reply::Acknowledged(last)));
    world.restart(BOB);
    world.deliver_text(ALICE, BOB, "two");
    assert_eq!(
        world.call(BOB, upto(EventSeq(1))),
        Ok(Reply::Acknowledged(last)),
        "never back"
    );
    let records = vec![("agent".to_owned(), Some(b"tainted".to_vec()))];
    let event = ApplicationEvent {
        conversation: world.address(ALICE).into(),
        subject: [7; 16],
        code: 1,
    };
    let put = Command::PutRecords {
        records,
        event: Some(event),
    };
    world.call_ok(BOB, put);
    world.restart(BOB);
    let row = RecordRow {
        key: "agent".to_owned(),
        value: b"tainted".to_vec(),
    };
    assert_eq!(
        world.disk(BOB).row(&Key::Record("agent".to_owned())),
        Some(&Row::Record(row)),
        "durable with its event"
    );
    let logged = |world: &World| {
        world
            .disk(BOB)
            .events()
            .filter(|one| **one == Event::Application(event))
            .count()
    };
    assert!(logged(world) > 0);
    world.call_ok(
        BOB,
        Command::PutRecords {
            records: vec![("agent".to_owned(), None)],
            event: None,
        },
    );
    assert!(!world.disk(BOB).holds_text("tainted"));
    let too_long = vec![("k".repeat(129), None)];
    let refused = world.call(
        BOB,
        Command::PutRecords {
            records: too_long,
            event: None,
        },
    );
    assert_eq!(refused, Err(Refusal::OutOfRange(Argument::Record)));
    let beyond = EventSeq(world.disk(BOB).image().last_event.0 + 1000);
    let range = Refusal::OutOfRange(Argument::Event);
    assert_eq!(world.call(BOB, upto(beyond)), Err(range));
}
