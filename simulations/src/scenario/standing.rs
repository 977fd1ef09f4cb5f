//! Friends who would rather not be.

use sotto_core::row::{DeliveryState, FailReason, Standing};
use sotto_core::{Command, Millis};

use crate::{ALICE, BOB, Fate, World};

/// Bob blocks Alice. She sees no difference, he sees nothing; when he unblocks her, new messages arrive again.
pub fn blocked_in_silence(world: &mut World) {
    let alice = world.address(ALICE);
    world.tell(ALICE, BOB, "hello");
    world.order(BOB, Command::BlockContact(alice, true));
    let unseen = world.tell(ALICE, BOB, "why do you not answer?");
    world.expect(unseen, Fate::Swallowed);
    world.order(BOB, Command::BlockContact(alice, false));
    world.tell(ALICE, BOB, "hello again");
    assert_eq!(world.heard(ALICE, BOB), ["hello", "hello again"]);
}

/// Bob removes Alice. What he had written and she had not got yet is not sent; the history stays.
pub fn removed(world: &mut World) {
    let alice = world.address(ALICE);
    world.tell(BOB, ALICE, "so long");
    world.switch_off(ALICE);
    let unsent = world.say(BOB, ALICE, "and thanks for all the fish");
    world.order(BOB, Command::RemoveContact(alice));
    world.expect(unsent, Fate::Failed(FailReason::Removed));
    assert_eq!(
        world.state(BOB, ALICE, unsent),
        Some(DeliveryState::Failed(FailReason::Removed))
    );
    world.switch_on(ALICE);
    assert_ne!(world.standing(BOB, ALICE), Some(Standing::Friend));
    assert_eq!(world.heard(BOB, ALICE), ["so long"]);
}

/// Bob has removed Alice, who does not know. What she writes is not delivered, and she sees that it is not.
pub fn removed_and_unaware(world: &mut World) {
    let (alice, bob) = (world.address(ALICE), world.address(BOB));
    world.order(BOB, Command::RemoveContact(alice));
    let unheard = world.say(ALICE, BOB, "are you angry?");
    world.pass(Millis::hours(2));
    assert_eq!(world.state(ALICE, BOB, unheard), Some(DeliveryState::Queued));
    let cancel = Command::CancelMessage {
        conversation: bob.into(),
        id: unheard,
    };
    world.order(ALICE, cancel);
    world.expect(unheard, Fate::Cancelled);
}

/// Bob removes Alice, and they find each other again. The old conversation is still there, and goes on.
pub fn removed_and_added_again(world: &mut World) {
    let alice = world.address(ALICE);
    world.tell(BOB, ALICE, "so long");
    world.order(BOB, Command::RemoveContact(alice));
    world.request(BOB, ALICE);
    world.until("they are friends again, or she is asked", |world| {
        world.are_friends(ALICE, BOB) || world.standing(ALICE, BOB) == Some(Standing::Asking)
    });
    if !world.are_friends(ALICE, BOB) {
        world.consent(ALICE, BOB);
    }
    world.until_friends(ALICE, BOB);
    world.tell(BOB, ALICE, "I am back");
    world.tell(ALICE, BOB, "so I see");
    assert_eq!(world.heard(BOB, ALICE), ["so long", "I am back"]);
}

/// Bob has blocked Alice. She may change what she wrote, and with her it is changed; he sees nothing of it, and cannot
/// write to her by mistake.
pub fn blocked_changes_nothing(world: &mut World) {
    let alice = world.address(ALICE);
    let (bob, text) = (world.address(BOB), "I never liked you".to_owned());
    let id = world.tell(ALICE, BOB, "hello");
    world.order(BOB, Command::BlockContact(alice, true));
    let edit = Command::EditMessage {
        conversation: bob.into(),
        id,
        text,
    };
    world.order(ALICE, edit);
    world.until_at_rest(&[(ALICE, BOB)]);
    assert_eq!(world.heard(ALICE, BOB), ["hello"]);
    let draft = world.draft(ALICE, "hello?");
    assert!(world.ask(BOB, Command::Send(draft)).is_err());
    world.order(BOB, Command::BlockContact(alice, false));
}

/// Bob has removed Alice. She finds out that nothing arrives, removes him in turn, and asks anew; what had failed she can
/// send again.
pub fn removed_and_asks_anew(world: &mut World) {
    let (alice, bob) = (world.address(ALICE), world.address(BOB));
    world.order(BOB, Command::RemoveContact(alice));
    let id = world.say(ALICE, BOB, "are you angry?");
    world.pass(Millis::hours(2));
    world.order(ALICE, Command::RemoveContact(bob));
    assert_eq!(
        world.state(ALICE, BOB, id),
        Some(DeliveryState::Failed(FailReason::Removed))
    );
    world.befriend(ALICE, BOB);
    world.order(
        ALICE,
        Command::RetryMessage {
            conversation: bob.into(),
            id,
        },
    );
    world.until_delivered(ALICE, BOB, id);
    assert_eq!(world.heard(ALICE, BOB), ["are you angry?"]);
}
