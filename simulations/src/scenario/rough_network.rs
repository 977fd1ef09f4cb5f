//! Networks that are less than kind.

use sotto_core::row::{DeliveryState, FailReason};
use sotto_core::{Command, Millis};

use crate::{ALICE, BOB, World};

/// Both have something to say at the same moment and dial each other; one link remains.
pub fn both_dial_at_once(world: &mut World) {
    world.write(ALICE, BOB, "you first");
    world.write(BOB, ALICE, "no, you first");
    let before = world.now();
    world.until_at_rest(&[(ALICE, BOB)]);
    if world.is_gentle() {
        let waited = Millis(world.now().0 - before.0);
        assert!(
            waited < Millis::seconds(5),
            "they were in each other's way for {waited}"
        );
        assert_eq!(world.links_between(ALICE, BOB), 1, "one of the two links has stayed");
    }
    assert_eq!(world.heard(ALICE, BOB), ["you first"]);
    assert_eq!(world.heard(BOB, ALICE), ["no, you first"]);
    world.pass(Millis::minutes(1));
    // In a bad network the second dial may take longer than that, and a machine may sleep.
    world.until("one of the two links has given way", |world| {
        world.links_between(ALICE, BOB) <= 1
    });
}

/// The link is cut in the middle of many messages, again and again.
pub fn cut_in_the_middle(world: &mut World) {
    let texts: Vec<String> = (0..16).map(|n| format!("part {n}")).collect();
    for text in &texts {
        world.write(ALICE, BOB, text);
    }
    for so_far in [0, 2, 7, 11] {
        world.until("Bob has some", |world| world.heard(ALICE, BOB).len() > so_far);
        world.cut(ALICE, BOB);
    }
    world.until_at_rest(&[(ALICE, BOB)]);
    assert_eq!(world.heard(ALICE, BOB), texts);
}

/// The stream between them is dead, and nobody is told. Silence betrays it, and the text comes over a new one.
pub fn a_link_dies_in_silence(world: &mut World) {
    world.tell(ALICE, BOB, "still there?");
    world.silence(ALICE, BOB);
    let id = world.say(ALICE, BOB, "hello?");
    let before = world.now();
    world.until_delivered(ALICE, BOB, id);
    let waited = Millis(world.now().0 - before.0);
    // Three heartbeats, and a dial.
    let patience = if world.is_gentle() {
        Millis::seconds(190)
    } else {
        Millis::hours(2)
    };
    assert!(waited < patience, "found dead only after {waited}");
}

/// Alice's wall clock is set back by two days while a text waits. It goes as soon as it would have gone: within the longest
/// wait between two dials.
pub fn a_clock_is_set_back(world: &mut World) {
    world.part(ALICE, BOB);
    let id = world.say(ALICE, BOB, "what time is it?");
    world.pass(Millis::hours(2));
    world.move_wall_clock(ALICE, -48 * 3600 * 1000);
    world.heal();
    let before = world.now();
    world.until_delivered(ALICE, BOB, id);
    let waited = Millis(world.now().0 - before.0);
    // A bad network may refuse some of the next dials.
    assert!(waited < Millis::hours(6), "waited for {waited}");
}

/// Hours pass between two words; the link is closed meanwhile.
pub fn a_long_silence(world: &mut World) {
    world.tell(ALICE, BOB, "so");
    world.pass(Millis::hours(5));
    assert_eq!(world.links_between(ALICE, BOB), 0, "nobody keeps an idle link");
    world.tell(BOB, ALICE, "where were we?");
}

/// Nobody says anything for a while, and the link is there all the same.
pub fn heartbeats_keep_a_link(world: &mut World) {
    world.tell(ALICE, BOB, "one moment");
    world.pass(Millis::seconds(280));
    if world.is_gentle() {
        assert_eq!(world.links_between(ALICE, BOB), 1, "silence is no reason to hang up");
    }
    world.tell(BOB, ALICE, "take your time");
}

/// Bytes arrive one by one.
pub fn one_byte_at_a_time(world: &mut World) {
    world.split_bytes(1);
    world.tell(ALICE, BOB, "s l o w l y");
    world.tell(BOB, ALICE, "b u t   s u r e l y");
}

/// Dials are refused for an hour; then everything arrives.
pub fn refused_again_and_again(world: &mut World) {
    world.refuse_dials(ALICE, 6);
    world.write(ALICE, BOB, "busy?");
    world.write(ALICE, BOB, "still busy?");
    world.until_at_rest(&[(ALICE, BOB)]);
    assert_eq!(world.heard(ALICE, BOB), ["busy?", "still busy?"]);
}

/// Bob's service is up, and for an hour nobody finds it. Alice's node goes on looking.
pub fn a_service_found_late(world: &mut World) {
    world.part(ALICE, BOB);
    let id = world.say(ALICE, BOB, "where are you?");
    world.pass(Millis::minutes(1));
    world.heal();
    world.refuse_dials(BOB, 1000);
    world.hide(BOB, Millis::hours(1));
    world.until_delivered(ALICE, BOB, id);
}

/// Bob closes his lid for a day and a half while Alice's word is on its way. It is there when he wakes.
pub fn a_lid_closed_for_long(world: &mut World) {
    world.tell(ALICE, BOB, "good night");
    world.put_to_sleep(BOB, Millis::hours(36));
    let id = world.say(ALICE, BOB, "are you up?");
    world.pass(Millis::hours(25));
    let state = world.state(ALICE, BOB, id);
    if world.is_gentle() {
        assert_eq!(state, Some(DeliveryState::Sent), "nobody can know more of it");
    }
    if state == Some(DeliveryState::Failed(FailReason::Expired)) {
        // The link was gone before she wrote.
        let contact = world.address(BOB);
        world.order(
            ALICE,
            Command::RetryMessage {
                conversation: contact.into(),
                id,
            },
        );
    }
    world.until_delivered(ALICE, BOB, id);
    assert_eq!(world.heard(ALICE, BOB), ["good night", "are you up?"]);
}
