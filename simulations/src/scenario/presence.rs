//! What is said about now, and kept by nobody.

use sotto_core::{Availability, Command, Millis, Presence, Reply};

use crate::{ALICE, BOB, Peer, World};

/// Bob sees that Alice is there, that she is away, and then no more than that she does not want to be seen.
pub fn here_away_invisible(world: &mut World) {
    world.tell(ALICE, BOB, "I am here");
    for (availability, seen) in [
        (Availability::Away, Presence::Away),
        (Availability::Online, Presence::Online),
        (Availability::Invisible, Presence::Offline),
    ] {
        world.order(ALICE, Command::SetAvailability(availability));
        world.pass(Millis::seconds(2));
        let presence = as_seen(world, BOB, ALICE).0;
        assert!(
            presence == seen || !world.is_gentle(),
            "{availability:?} is {presence:?}"
        );
    }
    world.tell(ALICE, BOB, "still not here");
    let presence = as_seen(world, BOB, ALICE).0;
    assert!(presence == Presence::Offline || !world.is_gentle(), "{presence:?}");
}

/// Alice is writing, and Bob sees it until her text is there, or the link is gone.
pub fn writing(world: &mut World) {
    let bob = world.address(BOB);
    world.tell(ALICE, BOB, "well");
    for (text, and_then) in [("I think so", false), ("or not", true)] {
        world.order(ALICE, Command::SetTyping(bob, true));
        world.pass(Millis::seconds(2));
        assert!(as_seen(world, BOB, ALICE).1 || !world.is_gentle());
        if and_then {
            world.cut(ALICE, BOB);
        } else {
            world.tell(ALICE, BOB, text);
        }
        world.pass(Millis::seconds(2));
        assert!(!as_seen(world, BOB, ALICE).1 || !world.is_gentle());
    }
}

/// Presence, and whether somebody is writing, as `peer` sees it of `other`.
fn as_seen(world: &mut World, peer: Peer, other: Peer) -> (Presence, bool) {
    let contact = world.address(other);
    match world.ask(peer, Command::Peers) {
        Ok(Reply::Peers(peers)) => {
            let seen = peers.iter().find(|seen| seen.contact == contact).expect("a friend");
            (seen.presence, seen.typing)
        }
        other => panic!("{other:?}"),
    }
}
