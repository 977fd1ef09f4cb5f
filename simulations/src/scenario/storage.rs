//! Disk faults. Nothing that is not stored is reported, and nothing that was stored is lost.

use sotto_core::row::DeliveryState;
use sotto_core::{Command, Millis};

use crate::node_index::{ALICE, BOB};
use crate::world::{DiskFault, Fate, World};

/// Bob's disk is full. He can neither send nor receive, and nothing is reported as done. Once there is space,
/// everything happens, once.
pub fn a_full_disk(world: &mut World) {
    world.deliver_text(ALICE, BOB, "before");
    world.fail_disk(BOB, DiskFault::Full);
    let to_bob = world.send_text(ALICE, BOB, "meanwhile");
    world.submit_text(BOB, ALICE, "there is no room");
    world.advance(Millis::minutes(5));
    assert_eq!(world.received_texts(ALICE, BOB), ["before"]);
    assert!(world.received_texts(BOB, ALICE).is_empty());
    assert!(!is_delivered(world.state(ALICE, BOB, to_bob)));
    world.repair_disk(BOB);
    world.until_quiescent(&[(ALICE, BOB)]);
    assert_eq!(world.received_texts(ALICE, BOB), ["before", "meanwhile"]);
    assert_eq!(world.received_texts(BOB, ALICE), ["there is no room"]);
}

/// Alice sends more than Bob keeps of one contact, and faster than he takes it. What is too much stays with her, whatever links
/// and starts there are; Bob's own texts go on. He erases what he has, and the rest comes.
pub fn a_full_quota(world: &mut World) {
    let sent: Vec<_> = (0..9)
        .map(|number| world.send_text(ALICE, BOB, &format!("line {number}")))
        .collect();
    world.until("the quota is full", |world| world.received_texts(ALICE, BOB).len() == 6);
    world.deliver_text(BOB, ALICE, "too much");
    world.cut(ALICE, BOB);
    world.advance(Millis::hours(1));
    assert_eq!(world.received_texts(ALICE, BOB).len(), 6);
    let author = world.address(ALICE);
    world.call_ok(
        BOB,
        Command::EraseMessages {
            conversation: author.into(),
            messages: sent.iter().map(|id| (author, *id)).collect(),
        },
    );
    for id in &sent[..6] {
        world.expect(*id, Fate::Erased);
    }
    world.until("the rest has come", |world| world.received_texts(ALICE, BOB).len() == 3);
    assert_eq!(world.received_texts(ALICE, BOB), ["line 6", "line 7", "line 8"]);
}

/// Bob's machine restarts while another process holds the store, such as a backup program. The node waits, and so do
/// Alice's texts.
pub fn a_store_in_use(world: &mut World) {
    world.deliver_text(ALICE, BOB, "before");
    world.switch_off(BOB);
    world.fail_disk(BOB, DiskFault::Busy);
    world.switch_on(BOB);
    assert!(!world.is_on(BOB));
    let id = world.send_text(ALICE, BOB, "meanwhile");
    world.advance(Millis::minutes(5));
    assert!(!world.is_on(BOB) && !is_delivered(world.state(ALICE, BOB, id)));
    world.repair_disk(BOB);
    world.until_delivered(ALICE, BOB, id);
}

/// Bob starts his program twice. The second is refused, for the store has an owner. The first goes on, and nothing is
/// lost or sealed twice.
pub fn the_same_store_opened_twice(world: &mut World) {
    world.deliver_text(BOB, ALICE, "before");
    let first = world.open_second(BOB);
    world.deliver_text(BOB, ALICE, "into whichever is there");
    world.close_second(first);
    world.deliver_text(BOB, ALICE, "into the first");
    world.deliver_text(ALICE, BOB, "after");
    assert_eq!(
        world.received_texts(BOB, ALICE),
        ["before", "into whichever is there", "into the first"]
    );
}

/// Bob edits a message that cannot be read. His node ends, and cannot be opened. Once it can, the edit happens.
pub fn an_unreadable_disk(world: &mut World) {
    let id = world.deliver_text(BOB, ALICE, "see you at nine");
    world.fail_disk(BOB, DiskFault::Unreadable);
    let (contact, text) = (world.address(ALICE), "see you at ten".to_owned());
    world.submit(
        BOB,
        Command::EditMessage {
            conversation: contact.into(),
            id,
            text,
        },
    );
    world.advance(Millis::minutes(5));
    // His machine may be suspended meanwhile.
    world.until("his node has ended", |world| !world.is_on(BOB));
    assert_eq!(world.received_texts(BOB, ALICE), ["see you at nine"]);
    world.repair_disk(BOB);
    world.until("Alice has the new text", |world| {
        world.received_texts(BOB, ALICE) == ["see you at ten"]
    });
}

/// Alice's disk reports errors, and some failed writes are durable. The last reply to each command is true.
pub fn a_failing_disk(world: &mut World) {
    world.deliver_text(BOB, ALICE, "before");
    world.fail_disk(ALICE, DiskFault::Failing);
    for text in ["one", "two", "three"] {
        world.submit_text(ALICE, BOB, text);
        world.submit_text(BOB, ALICE, text);
        world.advance(Millis::minutes(1));
    }
    world.repair_disk(ALICE);
    world.until_quiescent(&[(ALICE, BOB)]);
    assert_eq!(world.received_texts(ALICE, BOB), ["one", "two", "three"]);
    assert_eq!(world.received_texts(BOB, ALICE), ["before", "one", "two", "three"]);
}

fn is_delivered(state: Option<DeliveryState>) -> bool {
    matches!(state, Some(DeliveryState::Delivered | DeliveryState::Read))
}
