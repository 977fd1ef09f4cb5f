//! What two nodes come to from a pair of disks, by themselves or after a command of a user: in words, as in the table.
//!
//! - `flow`: friends, in a session that one of them had already, or both;
//! - `replace`: friends, in a session that neither had;
//! - `apart`: neither takes the other for a friend, and nothing is under way;
//! - `first accepts`: friends once the user of the first side accepts the request that waits there;
//! - `second asks`: friends once the user of the second side asks again. The other side takes them for a friend still.

use sotto_core::row::{DeliveryState, Event, Key, Relationship, Row};
use sotto_core::{Command, Millis, NewMessage, OnionAddress, Reply, SessionEpoch};
use sotto_simulations::{ALICE, BOB, NodeIndex, World, catch_panic, invariant};
use sotto_testkit::memory_store::MemoryStore;

use crate::lives::Life;
use crate::pair::Pair;

/// By then they have come to it: no longer than the longest wait between two dials.
const SOON: Millis = Millis::minutes(16);
/// Commands of users that may be missing.
const COMMANDS: usize = 2;
/// Faults that each may count of the other on the way.
const FAULTS: u64 = 4;

/// Whether one disk waits for the acknowledgement of what the other one has swallowed while its user blocked the author. That
/// nothing is lost cannot be seen there.
pub fn is_swallowed(life: &Life, disks: [&MemoryStore; 2]) -> bool {
    life.world.sent().iter().any(|sent| {
        let swallowed = life.world.received(sent.from, sent.to, sent.id).is_none();
        let key = life.world.key(sent.from, sent.from, sent.to, sent.id);
        let waits = disks[sent.from.0]
            .delivery(&key)
            .is_some_and(|row| is_waiting(row.state));
        swallowed && waits && !is_blocked(disks[sent.to.0], life.world.address(sent.from))
    })
}

fn is_waiting(state: DeliveryState) -> bool {
    matches!(state, DeliveryState::Queued | DeliveryState::Sent)
}

fn is_blocked(disk: &MemoryStore, contact: OnionAddress) -> bool {
    matches!(disk.row(&Key::Contact(contact)), Some(Row::Contact(row)) if row.blocked)
}

/// Goes on from these disks.
pub fn go_on(life: &Life, disks: [&MemoryStore; 2], pair: &Pair) -> Result<String, String> {
    let played = catch_panic(|| {
        let mut invariants = invariant::without_ledger();
        invariants.push(life.sealed.invariant(&life.world, disks));
        let mut world = life.world.branch(disks.map(Clone::clone).to_vec(), invariants);
        world.start();
        settle(&mut world, life, disks, pair)
    });
    played.and_then(|outcome| outcome)
}

fn settle(world: &mut World, life: &Life, disks: [&MemoryStore; 2], pair: &Pair) -> Result<String, String> {
    let before = session_epochs(world);
    let told = rollbacks(world);
    world.advance(SOON);
    rollback_is_told(world, pair, told)?;
    let mut commands = Vec::new();
    while let Some(command) = mend(world, pair)? {
        commands.push(command);
        if commands.len() > COMMANDS {
            return Err(format!("no friends after {commands:?}"));
        }
        world.advance(SOON);
    }
    bounded_faults(world)?;
    let friends = world.are_friends(ALICE, BOB);
    if friends {
        check_friends(world)?;
        nothing_is_lost(world, life, disks)?;
    }
    world.check_quiescence();
    Ok(match friends {
        _ if !commands.is_empty() => commands.join(", "),
        false => "apart".to_owned(),
        true if before.contains(&session_epochs(world)[0]) => "flow".to_owned(),
        true => "replace".to_owned(),
    })
}

/// How often each user was told that the other one's store is old.
fn rollbacks(world: &World) -> [usize; 2] {
    let is_rollback = |event: &Event| matches!(event, Event::ContactRolledBack { .. });
    [ALICE, BOB].map(|peer| world.count_events(peer, is_rollback))
}

/// Where the cursors show which store is old, the other user is told once, and where nothing was forgotten, neither is.
fn rollback_is_told(world: &World, pair: &Pair, before: [usize; 2]) -> Result<(), String> {
    let after = rollbacks(world);
    for (side, peer) in pair.sides.iter().zip(pair.peers) {
        let told = after[peer.0] - before[peer.0];
        let expected = if side.ends_with("newer cursors") {
            1..=1
        } else if side.ends_with("same session") {
            0..=0
        } else {
            0..=1
        };
        if !expected.contains(&told) {
            return Err(format!("{peer} is told {told} times that the other store is old"));
        }
    }
    Ok(())
}

fn session_epochs(world: &World) -> [Option<SessionEpoch>; 2] {
    let both = [(ALICE, BOB), (BOB, ALICE)];
    both.map(|(a, b)| world.cursors(a, b).map(|row| row.session_epoch))
}

/// Issues the command that is missing, if one is. An error if no command is, and they are neither friends nor apart.
fn mend(world: &mut World, pair: &Pair) -> Result<Option<String>, String> {
    use Relationship::{Asking, Declined, Friend, RequestDeclined, Stranger};
    let relationships = |world: &World| {
        let both = [(0, 1), (1, 0)].map(|(one, other)| (pair.peers[one], pair.peers[other]));
        both.map(|(one, other)| world.relationship(one, other).unwrap_or(Stranger))
    };
    let (command, side) = match relationships(world) {
        [Asking, _] => ("accepts", 0),
        [_, Asking] => ("accepts", 1),
        [Stranger | Declined | RequestDeclined, Friend] => ("asks", 0),
        [Friend, Stranger | Declined | RequestDeclined] => ("asks", 1),
        [Friend, Friend]
        | [
            Stranger | Declined | RequestDeclined,
            Stranger | Declined | RequestDeclined,
        ] => return Ok(None),
        other => return Err(format!("neither friends nor apart: {other:?}")),
    };
    let (peer, other) = (pair.peers[side], pair.peers[1 - side]);
    if command == "asks" {
        world.request(peer, other);
    } else {
        world.accept_contact(peer, other);
    }
    Ok(Some(format!("{} {command}", ["first", "second"][side])))
}

/// The faults that the nodes have counted since they were opened.
fn faults(world: &mut World, peer: NodeIndex) -> u64 {
    match world.call(peer, Command::Status) {
        Ok(Reply::Status(status)) => status.peer_faults,
        other => panic!("{other:?}"),
    }
}

fn bounded_faults(world: &mut World) -> Result<(), String> {
    for peer in [ALICE, BOB] {
        let faults = faults(world, peer);
        if faults > FAULTS {
            return Err(format!("{peer} has counted {faults} faults"));
        }
    }
    Ok(())
}

/// Everything that waited has arrived, new texts arrive over this link and over the next one, and then no fault is counted.
fn check_friends(world: &mut World) -> Result<(), String> {
    if [(ALICE, BOB), (BOB, ALICE)]
        .into_iter()
        .any(|(a, b)| world.waiting(a, b) > 0)
    {
        return Err("something still waits".to_owned());
    }
    for (peer, other) in [(ALICE, BOB), (BOB, ALICE)] {
        let unblock = Command::BlockContact(world.address(other), false);
        world.call_ok(peer, unblock);
    }
    exchange(world)?;
    for peer in [ALICE, BOB] {
        world.restart(peer);
    }
    exchange(world)?;
    for peer in [ALICE, BOB] {
        if faults(world, peer) > 0 {
            return Err(format!("{peer} counts faults of a friend that broke no rule"));
        }
    }
    for (peer, other) in [(ALICE, BOB), (BOB, ALICE)] {
        let (known, set) = (world.timer(other, peer, peer), world.timer(peer, other, peer));
        if known != set {
            return Err(format!("{other} knows the timer {known} of {peer}, who has set {set}"));
        }
    }
    world.conclude(&[(ALICE, BOB)]);
    Ok(())
}

fn exchange(world: &mut World) -> Result<(), String> {
    let sent = [(ALICE, BOB), (BOB, ALICE)].map(|(from, to)| {
        let message = NewMessage::plain(world.address(to), "after all that");
        (from, to, world.send(from, message))
    });
    world.advance(Millis::minutes(2));
    for (from, to, id) in sent {
        let state = world.state(from, to, id);
        if state != Some(DeliveryState::Delivered) || world.received(from, to, id).is_none() {
            return Err(format!("a text from {from} to {to} is {state:?}"));
        }
    }
    Ok(())
}

/// What the disks had is still there, once; and what was not delivered by then has arrived.
fn nothing_is_lost(world: &World, life: &Life, disks: [&MemoryStore; 2]) -> Result<(), String> {
    for sent in life.world.sent() {
        let (from, to, id) = (sent.from, sent.to, sent.id);
        let (at_author, at_reader) = (life.world.key(from, from, to, id), life.world.key(to, from, to, id));
        let was_there = disks[to.0].message(&at_reader).is_some();
        let waited = disks[from.0]
            .delivery(&at_author)
            .is_some_and(|row| is_waiting(row.state));
        let is_there = world.received(from, to, id).is_some();
        let blocked = is_blocked(disks[to.0], world.address(from));
        if (was_there || waited && !blocked) && !is_there {
            return Err(format!(
                "\"{}\" of {from} is lost: {:?}",
                sent.text,
                world.state(from, to, id)
            ));
        }
        if world.count_events(to, |event| *event == Event::MessageReceived { key: at_reader }) > 1 {
            return Err(format!("\"{}\" of {from} has arrived twice", sent.text));
        }
    }
    Ok(())
}
