//! Bad networks.

use sotto_core::row::{DeliveryState, FailReason};
use sotto_core::{Command, Millis};

use crate::node_index::{ALICE, BOB};
use crate::world::World;

/// Both write at the same moment and dial each other. One link remains.
pub fn both_dial_at_once(world: &mut World) {
    world.submit_text(ALICE, BOB, "you first");
    world.submit_text(BOB, ALICE, "no, you first");
    let before = world.now();
    world.until_quiescent(&[(ALICE, BOB)]);
    if world.is_fault_free() {
        let waited = Millis(world.now().0 - before.0);
        assert!(waited < Millis::seconds(5), "the crossing links took {waited}");
        assert_eq!(world.links_between(ALICE, BOB), 1, "one of the two links has stayed");
    }
    assert_eq!(world.received_texts(ALICE, BOB), ["you first"]);
    assert_eq!(world.received_texts(BOB, ALICE), ["no, you first"]);
    world.advance(Millis::minutes(1));
    // A slow network may need longer for the second dial, and a machine may be suspended.
    world.until("one of the two links is closed", |world| {
        world.links_between(ALICE, BOB) <= 1
    });
}

/// The link is cut in the middle of many messages, again and again.
pub fn cut_in_the_middle(world: &mut World) {
    let texts: Vec<String> = (0..16).map(|n| format!("part {n}")).collect();
    for text in &texts {
        world.submit_text(ALICE, BOB, text);
    }
    for so_far in [0, 2, 7, 11] {
        world.until("Bob has some", |world| world.received_texts(ALICE, BOB).len() > so_far);
        world.cut(ALICE, BOB);
    }
    world.until_quiescent(&[(ALICE, BOB)]);
    assert_eq!(world.received_texts(ALICE, BOB), texts);
}

/// The stream is dead, and neither end is told. Missing heartbeats show it, and the text arrives over a new one.
pub fn a_link_dies_in_silence(world: &mut World) {
    world.deliver_text(ALICE, BOB, "still there?");
    world.silence(ALICE, BOB);
    let id = world.send_text(ALICE, BOB, "hello?");
    let before = world.now();
    world.until_delivered(ALICE, BOB, id);
    let waited = Millis(world.now().0 - before.0);
    // Three heartbeats, and a dial.
    let patience = if world.is_fault_free() {
        Millis::seconds(190)
    } else {
        Millis::hours(2)
    };
    assert!(waited < patience, "the dead link was detected after {waited}");
}

/// Alice's wall clock is set back by two days while a text is queued. It is sent within the longest wait between two
/// dials.
pub fn a_clock_is_set_back(world: &mut World) {
    world.partition(ALICE, BOB);
    let id = world.send_text(ALICE, BOB, "what time is it?");
    world.advance(Millis::hours(2));
    world.move_wall_clock(ALICE, -48 * 3600 * 1000);
    world.heal();
    let before = world.now();
    world.until_delivered(ALICE, BOB, id);
    let waited = Millis(world.now().0 - before.0);
    // A bad network may refuse some of the next dials.
    assert!(waited < Millis::hours(6), "waited for {waited}");
}

/// Hours pass between two texts. The idle link is closed meanwhile.
pub fn a_long_silence(world: &mut World) {
    world.deliver_text(ALICE, BOB, "so");
    world.advance(Millis::hours(5));
    if world.is_fault_free() {
        assert_eq!(world.links_between(ALICE, BOB), 0, "an idle link is closed");
    }
    // A machine that has just started has looked its contacts up, and that link is not idle for long yet.
    world.until("an idle link is closed", |world| world.links_between(ALICE, BOB) == 0);
    world.deliver_text(BOB, ALICE, "where were we?");
}

/// Without traffic for a few minutes, the link stays up.
pub fn heartbeats_keep_a_link(world: &mut World) {
    world.deliver_text(ALICE, BOB, "one moment");
    world.advance(Millis::seconds(280));
    if world.is_fault_free() {
        assert_eq!(world.links_between(ALICE, BOB), 1, "a quiet link stays up");
    }
    world.deliver_text(BOB, ALICE, "take your time");
}

/// Bytes arrive one by one.
pub fn one_byte_at_a_time(world: &mut World) {
    world.split_bytes(1);
    world.deliver_text(ALICE, BOB, "s l o w l y");
    world.deliver_text(BOB, ALICE, "b u t   s u r e l y");
}

/// Dials are refused for an hour. Then everything arrives.
pub fn refused_again_and_again(world: &mut World) {
    world.refuse_dials(ALICE, 6);
    world.submit_text(ALICE, BOB, "busy?");
    world.submit_text(ALICE, BOB, "still busy?");
    world.until_quiescent(&[(ALICE, BOB)]);
    assert_eq!(world.received_texts(ALICE, BOB), ["busy?", "still busy?"]);
}

/// Bob's service is up, and no dial finds it for an hour. Alice's node keeps dialing.
pub fn a_service_found_late(world: &mut World) {
    world.partition(ALICE, BOB);
    let id = world.send_text(ALICE, BOB, "where are you?");
    world.advance(Millis::minutes(1));
    world.heal();
    world.refuse_dials(BOB, 1000);
    world.unpublish(BOB, Millis::hours(1));
    world.until_delivered(ALICE, BOB, id);
}

/// Bob's machine is suspended for a day and a half while Alice's text is in transit. It arrives when the machine
/// resumes.
pub fn a_lid_closed_for_long(world: &mut World) {
    world.deliver_text(ALICE, BOB, "good night");
    world.suspend(BOB, Millis::hours(36));
    let id = world.send_text(ALICE, BOB, "are you up?");
    world.advance(Millis::hours(25));
    let state = world.state(ALICE, BOB, id);
    if world.is_fault_free() {
        assert_eq!(state, Some(DeliveryState::Sent), "there is no acknowledgement");
    }
    if state == Some(DeliveryState::Failed(FailReason::Expired)) {
        // The link had ended before she wrote.
        let contact = world.address(BOB);
        world.call_ok(
            ALICE,
            Command::RetryMessage {
                conversation: contact.into(),
                id,
            },
        );
    }
    world.until_delivered(ALICE, BOB, id);
    assert_eq!(world.received_texts(ALICE, BOB), ["good night", "are you up?"]);
}
