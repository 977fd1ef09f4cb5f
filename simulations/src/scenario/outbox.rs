//! Messages that wait.

use sotto_core::row::{DeliveryState, FailReason};
use sotto_core::{Command, Millis, Refusal};

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
    world.order(ALICE, Command::RetryMessage { contact, id });
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
    world.order(ALICE, Command::CancelMessage { contact, id: first });
    world.expect(first, Fate::Cancelled);
    world.switch_on(BOB);
    world.until_delivered(ALICE, BOB, second);
    assert_eq!(world.heard(ALICE, BOB), ["good evening"]);
    // It is too late for the second.
    assert!(
        world
            .ask(ALICE, Command::CancelMessage { contact, id: second })
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
