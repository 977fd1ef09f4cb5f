//! Queued messages.

use sotto_core::row::{ContentType, DeliveryState, FailReason};
use sotto_core::{Command, MessageId, Millis, NewMessage, Refusal, Table};

use crate::node_index::{ALICE, BOB};
use crate::world::{Fate, World};

/// Bob is away for two days. The message fails after one, visibly, and is delivered once Alice retries it.
pub fn expires_and_is_sent_again(world: &mut World) {
    world.switch_off(BOB);
    let id = world.send_text(ALICE, BOB, "anybody there?");
    let lost = world.send_text(ALICE, BOB, "never mind");
    world.advance(Millis::hours(23));
    assert_eq!(world.state(ALICE, BOB, id), Some(DeliveryState::Queued));
    world.advance(Millis::hours(25));
    for id in [id, lost] {
        assert_eq!(
            world.state(ALICE, BOB, id),
            Some(DeliveryState::Failed(FailReason::Expired))
        );
    }
    world.switch_on(BOB);
    let contact = world.address(BOB);
    world.call_ok(
        ALICE,
        Command::RetryMessage {
            conversation: contact.into(),
            id,
        },
    );
    world.until_delivered(ALICE, BOB, id);
    world.expect(lost, Fate::Failed(FailReason::Expired));
    assert_eq!(world.received_texts(ALICE, BOB), ["anybody there?"]);
}

/// Alice cancels the first of two queued messages. Only the second arrives.
pub fn cancel(world: &mut World) {
    world.switch_off(BOB);
    let first = world.send_text(ALICE, BOB, "that is silly");
    let second = world.send_text(ALICE, BOB, "good evening");
    let contact = world.address(BOB);
    world.call_ok(
        ALICE,
        Command::CancelMessage {
            conversation: contact.into(),
            id: first,
        },
    );
    world.expect(first, Fate::Cancelled);
    world.switch_on(BOB);
    world.until_delivered(ALICE, BOB, second);
    assert_eq!(world.received_texts(ALICE, BOB), ["good evening"]);
    // It is too late for the second.
    assert!(
        world
            .call(
                ALICE,
                Command::CancelMessage {
                    conversation: contact.into(),
                    id: second
                }
            )
            .is_err()
    );
}

/// Bob is away, and Alice writes more than the outbox takes. She is told, and every accepted text arrives.
pub fn full(world: &mut World) {
    world.switch_off(BOB);
    let room = world.limits().outbox_rows;
    let mut taken = Vec::new();
    for number in 0..room + 3 {
        let text = format!("line {number}");
        let new_message = world.new_message(BOB, &text);
        match world.call(ALICE, Command::Send(new_message)) {
            Ok(_) => taken.push(text),
            Err(refusal) => assert_eq!(refusal, Refusal::Full(Table::Outbox)),
        }
    }
    assert_eq!(taken.len(), room);
    world.switch_on(BOB);
    world.until_quiescent(&[(ALICE, BOB)]);
    assert_eq!(world.received_texts(ALICE, BOB), taken);
}

/// Alice cancels a queued message and retries it. It is one message.
pub fn cancelled_and_sent_again(world: &mut World) {
    world.switch_off(BOB);
    let id = world.send_text(ALICE, BOB, "shall I?");
    let contact = world.address(BOB);
    world.call_ok(
        ALICE,
        Command::CancelMessage {
            conversation: contact.into(),
            id,
        },
    );
    world.call_ok(
        ALICE,
        Command::RetryMessage {
            conversation: contact.into(),
            id,
        },
    );
    world.switch_on(BOB);
    world.until_delivered(ALICE, BOB, id);
    assert_eq!(world.received_texts(ALICE, BOB), ["shall I?"]);
}

/// Alice's node has tried for hours and dials rarely. She knows that Bob is back, and retries.
pub fn tried_at_once(world: &mut World) {
    out_of_reach(world, |world, id| {
        let contact = world.address(BOB);
        world.call_ok(
            ALICE,
            Command::RetryMessage {
                conversation: contact.into(),
                id,
            },
        );
    });
}

/// Alice's machine has another network: unreachable peers are dialed at once.
pub fn another_network(world: &mut World) {
    out_of_reach(world, |world, _| world.call_ok(ALICE, Command::NetworkChanged));
}

fn out_of_reach(world: &mut World, remedy: impl Fn(&mut World, MessageId)) {
    // Bob does not dial, so only Alice's dials count.
    world.partition(ALICE, BOB);
    let id = world.send_text(ALICE, BOB, "anybody there?");
    world.advance(Millis::hours(8));
    world.heal();
    world.refuse_dials(BOB, 1000);
    let before = world.now();
    remedy(world, id);
    world.until_delivered(ALICE, BOB, id);
    let waited = Millis(world.now().0 - before.0);
    assert!(
        waited < Millis::seconds(5) || !world.is_fault_free(),
        "waited for {waited}"
    );
}

/// A node refuses what it cannot do, and nothing changes.
pub fn refused_commands(world: &mut World) {
    world.until_quiescent(&[(ALICE, BOB)]);
    let contact = world.address(BOB);
    let new_message = |change: fn(&mut NewMessage)| {
        let mut new_message = world.new_message(BOB, "well-formed");
        change(&mut new_message);
        Command::Send(new_message)
    };
    let nothing = MessageId([7; 16]);
    let commands = [
        new_message(|new_message| new_message.text.clear()),
        new_message(|new_message| new_message.thread = Some(String::new())),
        new_message(|new_message| new_message.ttl = Some(0)),
        new_message(|new_message| new_message.content_type = ContentType::Unsupported),
        new_message(|new_message| new_message.idempotency_key = Some("k".repeat(129))),
        Command::SetName("n".repeat(65)),
        Command::SetTimer(contact.into(), u32::MAX),
        Command::RejectContact(contact),
        Command::VerifyContact(contact, Some("12345".repeat(12))),
        Command::DeleteMessage {
            conversation: contact.into(),
            id: nothing,
        },
        Command::CancelMessage {
            conversation: contact.into(),
            id: nothing,
        },
        Command::RetryMessage {
            conversation: contact.into(),
            id: nothing,
        },
    ];
    let messages = |world: &World| world.disk(ALICE).conversation(contact).len() + world.waiting(ALICE, BOB);
    let before = messages(world);
    for command in commands {
        let told = format!("{command:?}");
        assert!(world.call(ALICE, command).is_err(), "{told}");
    }
    assert_eq!(messages(world), before);
}
