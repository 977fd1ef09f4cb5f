//! Messages that wait.

use sotto_core::row::{ContentType, DeliveryState, FailReason};
use sotto_core::{Command, Draft, MessageId, Millis, Refusal};

use crate::{ALICE, BOB, Fate, World};

/// Bob is away for two days: the message fails after one, visibly, and goes again when Alice says so.
pub fn expires_and_is_sent_again(world: &mut World) {
    world.switch_off(BOB);
    let id = world.say(ALICE, BOB, "anybody there?");
    let lost = world.say(ALICE, BOB, "never mind");
    world.pass(Millis::hours(23));
    assert_eq!(world.state(ALICE, BOB, id), Some(DeliveryState::Queued));
    world.pass(Millis::hours(25));
    for id in [id, lost] {
        assert_eq!(
            world.state(ALICE, BOB, id),
            Some(DeliveryState::Failed(FailReason::Expired))
        );
    }
    world.switch_on(BOB);
    let contact = world.address(BOB);
    world.order(
        ALICE,
        Command::RetryMessage {
            conversation: contact.into(),
            id,
        },
    );
    world.until_delivered(ALICE, BOB, id);
    world.expect(lost, Fate::Failed(FailReason::Expired));
    assert_eq!(world.heard(ALICE, BOB), ["anybody there?"]);
}

/// Of two messages that wait, Alice takes the first back. Only the second arrives.
pub fn cancel(world: &mut World) {
    world.switch_off(BOB);
    let first = world.say(ALICE, BOB, "that is silly");
    let second = world.say(ALICE, BOB, "good evening");
    let contact = world.address(BOB);
    world.order(
        ALICE,
        Command::CancelMessage {
            conversation: contact.into(),
            id: first,
        },
    );
    world.expect(first, Fate::Cancelled);
    world.switch_on(BOB);
    world.until_delivered(ALICE, BOB, second);
    assert_eq!(world.heard(ALICE, BOB), ["good evening"]);
    // It is too late for the second.
    assert!(
        world
            .ask(
                ALICE,
                Command::CancelMessage {
                    conversation: contact.into(),
                    id: second
                }
            )
            .is_err()
    );
}

/// Bob is away, and Alice writes more than there is room for. She is told, and what was taken arrives.
pub fn full(world: &mut World) {
    world.switch_off(BOB);
    let room = world.limits().outbox_rows;
    let mut taken = Vec::new();
    for number in 0..room + 3 {
        let text = format!("line {number}");
        let draft = world.draft(BOB, &text);
        match world.ask(ALICE, Command::Send(draft)) {
            Ok(_) => taken.push(text),
            Err(refusal) => assert_eq!(refusal, Refusal::Full("messages waiting for this contact")),
        }
    }
    assert_eq!(taken.len(), room);
    world.switch_on(BOB);
    world.until_at_rest(&[(ALICE, BOB)]);
    assert_eq!(world.heard(ALICE, BOB), taken);
}

/// Alice takes back what waits, thinks again, and sends it after all: it is one message.
pub fn cancelled_and_sent_again(world: &mut World) {
    world.switch_off(BOB);
    let id = world.say(ALICE, BOB, "shall I?");
    let contact = world.address(BOB);
    world.order(
        ALICE,
        Command::CancelMessage {
            conversation: contact.into(),
            id,
        },
    );
    world.order(
        ALICE,
        Command::RetryMessage {
            conversation: contact.into(),
            id,
        },
    );
    world.switch_on(BOB);
    world.until_delivered(ALICE, BOB, id);
    assert_eq!(world.heard(ALICE, BOB), ["shall I?"]);
}

/// Alice has tried for so long that her node tries rarely. She knows that Bob is back, and says so.
pub fn tried_at_once(world: &mut World) {
    out_of_reach(world, |world, id| {
        let contact = world.address(BOB);
        world.order(
            ALICE,
            Command::RetryMessage {
                conversation: contact.into(),
                id,
            },
        );
    });
}

/// Alice's machine has found another network: whoever was out of reach is tried at once.
pub fn another_network(world: &mut World) {
    out_of_reach(world, |world, _| world.order(ALICE, Command::NetworkChanged));
}

fn out_of_reach(world: &mut World, remedy: impl Fn(&mut World, MessageId)) {
    // Bob does not dial, so all depends on Alice.
    world.part(ALICE, BOB);
    let id = world.say(ALICE, BOB, "anybody there?");
    world.pass(Millis::hours(8));
    world.heal();
    world.refuse_dials(BOB, 1000);
    let before = world.now();
    remedy(world, id);
    world.until_delivered(ALICE, BOB, id);
    let waited = Millis(world.now().0 - before.0);
    assert!(waited < Millis::seconds(5) || !world.is_gentle(), "waited for {waited}");
}

/// What a node cannot do it refuses, and nothing has changed.
pub fn refused_wishes(world: &mut World) {
    world.until_at_rest(&[(ALICE, BOB)]);
    let contact = world.address(BOB);
    let draft = |change: fn(&mut Draft)| {
        let mut draft = world.draft(BOB, "well-formed");
        change(&mut draft);
        Command::Send(draft)
    };
    let nothing = MessageId([7; 16]);
    let wishes = [
        draft(|draft| draft.text.clear()),
        draft(|draft| draft.thread = Some(String::new())),
        draft(|draft| draft.ttl = Some(0)),
        draft(|draft| draft.content_type = ContentType::Unsupported),
        draft(|draft| draft.idempotency_key = Some("k".repeat(129))),
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
    for wish in wishes {
        let told = format!("{wish:?}");
        assert!(world.ask(ALICE, wish).is_err(), "{told}");
    }
    assert_eq!(messages(world), before);
}
