//! Disks that do not do as they are told. Nobody is told of what is not stored, and nothing is lost that was.

use sotto_core::row::DeliveryState;
use sotto_core::{Command, Millis};

use crate::{ALICE, BOB, Trouble, World};

/// There is no room on Bob's disk. He can neither write nor receive, and nobody believes that he has; when there is room
/// again, all of it happens, once.
pub fn a_full_disk(world: &mut World) {
    world.tell(ALICE, BOB, "before");
    world.break_disk(BOB, Trouble::Full);
    let to_bob = world.say(ALICE, BOB, "meanwhile");
    world.write(BOB, ALICE, "there is no room");
    world.pass(Millis::minutes(5));
    assert_eq!(world.heard(ALICE, BOB), ["before"]);
    assert!(world.heard(BOB, ALICE).is_empty());
    assert!(!is_delivered(world.state(ALICE, BOB, to_bob)));
    world.mend_disk(BOB);
    world.until_at_rest(&[(ALICE, BOB)]);
    assert_eq!(world.heard(ALICE, BOB), ["before", "meanwhile"]);
    assert_eq!(world.heard(BOB, ALICE), ["there is no room"]);
}

/// Bob's machine restarts, and somebody else has the store: a backup program, or another node of his. There is only ever
/// one, so he waits; Alice's texts do, too.
pub fn a_store_in_use(world: &mut World) {
    world.tell(ALICE, BOB, "before");
    world.switch_off(BOB);
    world.break_disk(BOB, Trouble::Busy);
    world.switch_on(BOB);
    assert!(!world.is_on(BOB));
    let id = world.say(ALICE, BOB, "meanwhile");
    world.pass(Millis::minutes(5));
    assert!(!world.is_on(BOB) && !is_delivered(world.state(ALICE, BOB, id)));
    world.mend_disk(BOB);
    world.until_delivered(ALICE, BOB, id);
}

/// Bob starts his program twice. The second is refused, for the store has an owner. He goes on with the one that is there,
/// and nothing is lost, or sealed twice.
pub fn the_same_store_opened_twice(world: &mut World) {
    world.tell(BOB, ALICE, "before");
    let first = world.start_again(BOB);
    world.tell(BOB, ALICE, "into whichever is there");
    world.end_the_second(first);
    world.tell(BOB, ALICE, "into the first");
    world.tell(ALICE, BOB, "after");
    assert_eq!(
        world.heard(BOB, ALICE),
        ["before", "into whichever is there", "into the first"]
    );
}

/// What Bob wants to change cannot be read. His node ends, and cannot be opened; when it can, he gets what he wanted.
pub fn an_unreadable_disk(world: &mut World) {
    let id = world.tell(BOB, ALICE, "see you at nine");
    world.break_disk(BOB, Trouble::Unreadable);
    let (contact, text) = (world.address(ALICE), "see you at ten".to_owned());
    world.post(
        BOB,
        Command::EditMessage {
            conversation: contact.into(),
            id,
            text,
        },
    );
    world.pass(Millis::minutes(5));
    // His machine may have slept meanwhile.
    world.until("his node has ended", |world| !world.is_on(BOB));
    assert_eq!(world.heard(BOB, ALICE), ["see you at nine"]);
    world.mend_disk(BOB);
    world.until("Alice has the new text", |world| {
        world.heard(BOB, ALICE) == ["see you at ten"]
    });
}

/// Alice's disk reports errors, and has sometimes written what it says it has not. What she is told in the end is true.
pub fn a_failing_disk(world: &mut World) {
    world.tell(BOB, ALICE, "before");
    world.break_disk(ALICE, Trouble::Failing);
    for text in ["one", "two", "three"] {
        world.write(ALICE, BOB, text);
        world.write(BOB, ALICE, text);
        world.pass(Millis::minutes(1));
    }
    world.mend_disk(ALICE);
    world.until_at_rest(&[(ALICE, BOB)]);
    assert_eq!(world.heard(ALICE, BOB), ["one", "two", "three"]);
    assert_eq!(world.heard(BOB, ALICE), ["before", "one", "two", "three"]);
}

fn is_delivered(state: Option<DeliveryState>) -> bool {
    matches!(state, Some(DeliveryState::Delivered | DeliveryState::Read))
}
