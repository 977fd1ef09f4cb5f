//! More than two.

use sotto_core::{Command, Millis};

use crate::{ALICE, BOB, CAROL, Fate, World};

/// Everybody writes to everybody; nothing ends up elsewhere.
pub fn everybody_to_everybody(world: &mut World) {
    let texts = ["one", "two", "three"];
    for text in texts {
        for (from, to) in world.pairs() {
            world.write(from, to, text);
        }
        world.pass(Millis(300));
    }
    for (from, to) in world.pairs() {
        world.until("all have arrived", |world| world.heard(from, to) == texts);
    }
}

/// Bob blocks Carol, which is between the two of them alone.
pub fn one_of_three_is_blocked(world: &mut World) {
    let carol = world.address(CAROL);
    world.order(BOB, Command::BlockContact(carol, true));
    for (from, to) in world.pairs() {
        if (from, to) == (BOB, CAROL) {
            continue; // he would have to unblock her first
        }
        let id = world.tell(from, to, "can you hear me?");
        if (from, to) == (CAROL, BOB) {
            world.expect(id, Fate::Swallowed);
        }
    }
    world.order(BOB, Command::BlockContact(carol, false));
    world.tell(CAROL, BOB, "and now?");
    assert_eq!(world.heard(CAROL, BOB), ["and now?"]);
}

/// Alice and Bob cannot reach each other, and both can reach Carol: what is for her is not kept up by what is not.
pub fn a_third_hears_both(world: &mut World) {
    world.part(ALICE, BOB);
    let waits = [(ALICE, BOB), (BOB, ALICE)].map(|(from, to)| (from, to, world.say(from, to, "are you there?")));
    for peer in [ALICE, BOB] {
        world.tell(peer, CAROL, "I cannot reach the other");
        world.tell(CAROL, peer, "patience");
    }
    for (from, to, _) in waits {
        assert!(world.heard(from, to).is_empty());
    }
    world.heal();
    for (from, to, id) in waits {
        world.until_delivered(from, to, id);
    }
}
