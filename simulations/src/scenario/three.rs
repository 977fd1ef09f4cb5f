//! Three peers.

use sotto_core::{Command, Millis};

use crate::node_index::{ALICE, BOB, CAROL};
use crate::world::{Fate, World};

/// Each writes to each other. No text arrives elsewhere.
pub fn everybody_to_everybody(world: &mut World) {
    let texts = ["one", "two", "three"];
    for text in texts {
        for (from, to) in world.pairs() {
            world.submit_text(from, to, text);
        }
        world.advance(Millis(300));
    }
    for (from, to) in world.pairs() {
        world.until("all have arrived", |world| world.received_texts(from, to) == texts);
    }
}

/// Bob blocks Carol. This concerns no other pair.
pub fn one_of_three_is_blocked(world: &mut World) {
    let carol = world.address(CAROL);
    world.call_ok(BOB, Command::BlockContact(carol, true));
    for (from, to) in world.pairs() {
        if (from, to) == (BOB, CAROL) {
            continue; // he would have to unblock her first
        }
        let id = world.deliver_text(from, to, "can you hear me?");
        if (from, to) == (CAROL, BOB) {
            world.expect(id, Fate::Swallowed);
        }
    }
    world.call_ok(BOB, Command::BlockContact(carol, false));
    world.deliver_text(CAROL, BOB, "and now?");
    assert_eq!(world.received_texts(CAROL, BOB), ["and now?"]);
}

/// Alice and Bob are partitioned, and both can reach Carol. What is queued for the other does not delay what is for
/// Carol.
pub fn a_third_hears_both(world: &mut World) {
    world.partition(ALICE, BOB);
    let waits = [(ALICE, BOB), (BOB, ALICE)].map(|(from, to)| (from, to, world.send_text(from, to, "are you there?")));
    for peer in [ALICE, BOB] {
        world.deliver_text(peer, CAROL, "I cannot reach the other");
        world.deliver_text(CAROL, peer, "patience");
    }
    for (from, to, _) in waits {
        assert!(world.received_texts(from, to).is_empty());
    }
    world.heal();
    for (from, to, id) in waits {
        world.until_delivered(from, to, id);
    }
}
