//! Presence and typing, which are never stored.

use sotto_core::{Availability, Command, Millis, Presence, Reply};

use crate::node_index::{ALICE, BOB, NodeIndex};
use crate::world::World;

/// Bob sees that Alice is online, then away, then offline while she is invisible.
pub fn here_away_invisible(world: &mut World) {
    world.deliver_text(ALICE, BOB, "I am here");
    for (availability, seen) in [
        (Availability::Away, Presence::Away),
        (Availability::Online, Presence::Online),
        (Availability::Invisible, Presence::Offline),
    ] {
        world.call_ok(ALICE, Command::SetAvailability(availability));
        world.advance(Millis::seconds(2));
        let presence = as_seen(world, BOB, ALICE).0;
        assert!(
            presence == seen || !world.is_fault_free(),
            "{availability:?} is {presence:?}"
        );
    }
    world.deliver_text(ALICE, BOB, "still not here");
    let presence = as_seen(world, BOB, ALICE).0;
    assert!(presence == Presence::Offline || !world.is_fault_free(), "{presence:?}");
}

/// Alice is typing. Bob sees it until her text arrives, or the link ends.
pub fn writing(world: &mut World) {
    let bob = world.address(BOB);
    world.deliver_text(ALICE, BOB, "well");
    for (text, and_then) in [("I think so", false), ("or not", true)] {
        world.call_ok(ALICE, Command::SetTyping(bob, true));
        world.advance(Millis::seconds(2));
        assert!(as_seen(world, BOB, ALICE).1 || !world.is_fault_free());
        if and_then {
            world.cut(ALICE, BOB);
        } else {
            world.deliver_text(ALICE, BOB, text);
        }
        world.advance(Millis::seconds(2));
        assert!(!as_seen(world, BOB, ALICE).1 || !world.is_fault_free());
    }
}

/// Presence, and whether `other` is typing, as `peer` sees it.
fn as_seen(world: &mut World, peer: NodeIndex, other: NodeIndex) -> (Presence, bool) {
    let contact = world.address(other);
    match world.call(peer, Command::Peers) {
        Ok(Reply::Peers(peers)) => {
            let seen = peers.iter().find(|seen| seen.contact == contact).expect("a friend");
            (seen.presence, seen.typing)
        }
        other => panic!("{other:?}"),
    }
}
