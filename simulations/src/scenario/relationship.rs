//! Blocked and removed contacts.

use sotto_core::row::{DeliveryState, Event, FailReason, Relationship};
use sotto_core::{Command, ContactObstacle, MessageId, Millis, Refusal};

use crate::node_index::{ALICE, BOB};
use crate::world::{Fate, World};

/// Bob blocks Alice. She sees no difference, and he receives nothing. Once he unblocks her, new messages arrive.
pub fn blocked_in_silence(world: &mut World) {
    let alice = world.address(ALICE);
    world.deliver_text(ALICE, BOB, "hello");
    world.call_ok(BOB, Command::BlockContact(alice, true));
    let unseen = world.deliver_text(ALICE, BOB, "why do you not answer?");
    world.expect(unseen, Fate::Swallowed);
    world.call_ok(BOB, Command::BlockContact(alice, false));
    world.deliver_text(ALICE, BOB, "hello again");
    assert_eq!(world.received_texts(ALICE, BOB), ["hello", "hello again"]);
}

/// Bob removes Alice. What was queued for her is not sent; the history stays.
pub fn removed(world: &mut World) {
    let alice = world.address(ALICE);
    world.deliver_text(BOB, ALICE, "so long");
    world.switch_off(ALICE);
    let unsent = world.send_text(BOB, ALICE, "and thanks for all the fish");
    world.call_ok(BOB, Command::RemoveContact(alice));
    world.expect(unsent, Fate::Failed(FailReason::Removed));
    assert_eq!(
        world.state(BOB, ALICE, unsent),
        Some(DeliveryState::Failed(FailReason::Removed))
    );
    world.switch_on(ALICE);
    assert_ne!(world.relationship(BOB, ALICE), Some(Relationship::Friend));
    assert_eq!(world.received_texts(BOB, ALICE), ["so long"]);
}

/// Bob has removed Alice, who learns it when she reaches him. What she has sent before waits; what she sends now is refused.
pub fn removed_and_unaware(world: &mut World) {
    let bob = world.address(BOB);
    let unheard = removed_while_cut_off(world, "are you angry?");
    let refused = Refusal::WrongRelationship {
        contact: bob,
        obstacle: ContactObstacle::RemovedByPeer,
    };
    let message = world.new_message(BOB, "still there?");
    assert_eq!(world.call(ALICE, Command::Send(message)), Err(refused));
    let told = Event::RemovedByPeer {
        contact: bob,
        removed: true,
    };
    assert_eq!(world.count_events(ALICE, |event| *event == told), 1);
    assert_eq!(world.state(ALICE, BOB, unheard), Some(DeliveryState::Queued));
    let cancel = Command::CancelMessage {
        conversation: bob.into(),
        id: unheard,
    };
    world.call_ok(ALICE, cancel);
    world.expect(unheard, Fate::Cancelled);
}

/// Bob removes Alice, and they become friends again. The old conversation goes on.
pub fn removed_and_added_again(world: &mut World) {
    let alice = world.address(ALICE);
    world.deliver_text(BOB, ALICE, "so long");
    world.call_ok(BOB, Command::RemoveContact(alice));
    world.request(BOB, ALICE);
    world.until("they are friends again, or she is asked", |world| {
        world.are_friends(ALICE, BOB) || world.relationship(ALICE, BOB) == Some(Relationship::Asking)
    });
    if !world.are_friends(ALICE, BOB) {
        world.accept_contact(ALICE, BOB);
    }
    world.until_friends(ALICE, BOB);
    world.deliver_text(BOB, ALICE, "I am back");
    world.deliver_text(ALICE, BOB, "so I see");
    assert_eq!(world.received_texts(BOB, ALICE), ["so long", "I am back"]);
}

/// Bob has blocked Alice. She may edit her message, on her own disk alone. He sees nothing of it, and cannot write to
/// her by mistake.
pub fn blocked_changes_nothing(world: &mut World) {
    let alice = world.address(ALICE);
    let (bob, text) = (world.address(BOB), "I never liked you".to_owned());
    let id = world.deliver_text(ALICE, BOB, "hello");
    world.call_ok(BOB, Command::BlockContact(alice, true));
    let edit = Command::EditMessage {
        conversation: bob.into(),
        id,
        text,
    };
    world.call_ok(ALICE, edit);
    world.until_quiescent(&[(ALICE, BOB)]);
    assert_eq!(world.received_texts(ALICE, BOB), ["hello"]);
    let new_message = world.new_message(ALICE, "hello?");
    assert!(world.call(BOB, Command::Send(new_message)).is_err());
    world.call_ok(BOB, Command::BlockContact(alice, false));
}

/// Alice sends while Bob is out of reach; he removes her, and is reached again.
fn removed_while_cut_off(world: &mut World, text: &str) -> MessageId {
    let alice = world.address(ALICE);
    world.partition(ALICE, BOB);
    let id = world.send_text(ALICE, BOB, text);
    world.call_ok(BOB, Command::RemoveContact(alice));
    world.heal();
    world.until("she is told", |world| {
        world.contact(ALICE, BOB).is_some_and(|row| row.removed_by_peer)
    });
    world.advance(Millis::hours(2));
    id
}

/// Bob has removed Alice. She asks again, and what has waited is sent once he accepts.
pub fn removed_and_asks_again(world: &mut World) {
    let id = removed_while_cut_off(world, "are you angry?");
    world.befriend(ALICE, BOB);
    world.until_delivered(ALICE, BOB, id);
    assert_eq!(world.received_texts(ALICE, BOB), ["are you angry?"]);
}

/// Bob has removed Alice. She removes him too, and asks again. Then she can retry what has failed.
pub fn removed_and_asks_anew(world: &mut World) {
    let bob = world.address(BOB);
    let id = removed_while_cut_off(world, "are you angry?");
    world.call_ok(ALICE, Command::RemoveContact(bob));
    assert_eq!(
        world.state(ALICE, BOB, id),
        Some(DeliveryState::Failed(FailReason::Removed))
    );
    world.befriend(ALICE, BOB);
    world.call_ok(
        ALICE,
        Command::RetryMessage {
            conversation: bob.into(),
            id,
        },
    );
    world.until_delivered(ALICE, BOB, id);
    assert_eq!(world.received_texts(ALICE, BOB), ["are you angry?"]);
}
