//! Messages that disappear.

use sotto_core::row::DeliveryState;
use sotto_core::{Command, MessageId, Millis};

use crate::node_index::{ALICE, BOB};
use crate::world::{Fate, World};

/// Alice sets a timer for the conversation. A later message disappears with the author some time after it was sent, and
/// with the reader some time after it was read. Then its text is on no disk.
pub fn timer_of_the_conversation(world: &mut World) {
    let bob = world.address(BOB);
    world.call_ok(ALICE, Command::SetTimer(bob.into(), 60));
    world.until("Bob knows the timer", |world| world.timer(BOB, ALICE, ALICE) == 60);
    let from_alice = world.send_text(ALICE, BOB, "burn this");
    let from_bob = world.send_text(BOB, ALICE, "this too");
    world.until_received(ALICE, BOB, from_alice);
    world.until_received(BOB, ALICE, from_bob);
    world.mark_read(BOB, ALICE, &[from_alice]);
    world.mark_read(ALICE, BOB, &[from_bob]);
    until_vanished(world, &[(from_alice, "burn this"), (from_bob, "this too")]);
    world.call_ok(ALICE, Command::SetTimer(bob.into(), 0));
    world.until("Bob knows that it is off", |world| world.timer(BOB, ALICE, ALICE) == 0);
}

/// One message has a timer; the one before it stays.
pub fn timer_of_one_message(world: &mut World) {
    let stays = world.deliver_text(ALICE, BOB, "this stays");
    let mut new_message = world.new_message(BOB, "burn this");
    new_message.ttl = Some(60);
    let goes = world.send(ALICE, new_message);
    world.until_received(ALICE, BOB, goes);
    world.mark_read(BOB, ALICE, &[stays, goes]);
    until_vanished(world, &[(goes, "burn this")]);
    assert_eq!(world.received_texts(ALICE, BOB), ["this stays"]);
}

/// A timer runs out while both machines are off. The message disappears as soon as each is on.
pub fn disappears_while_away(world: &mut World) {
    let mut new_message = world.new_message(BOB, "burn this");
    new_message.ttl = Some(6 * 3600);
    let goes = world.send(ALICE, new_message);
    world.until_received(ALICE, BOB, goes);
    world.mark_read(BOB, ALICE, &[goes]);
    world.until("the reading is durable", |world| {
        let key = world.key(BOB, ALICE, BOB, goes);
        world
            .disk(BOB)
            .delivery(&key)
            .is_some_and(|row| row.disappears_at.is_some())
    });
    world.switch_off(ALICE);
    world.switch_off(BOB);
    world.advance(Millis::hours(12));
    assert!(world.disk(ALICE).holds_text("burn this") && world.disk(BOB).holds_text("burn this"));
    world.switch_on(ALICE);
    world.switch_on(BOB);
    until_vanished(world, &[(goes, "burn this")]);
}

/// Bob's machine starts with a clock forty days ahead. A timer that was running does not end on its word, neither at that start
/// nor at the next; set right, the clock ends it in its time.
pub fn a_clock_far_ahead_is_doubted(world: &mut World) {
    const DAYS_AHEAD: i64 = 40 * 24 * 3600 * 1000;
    let mut new_message = world.new_message(BOB, "for a day");
    new_message.ttl = Some(24 * 3600);
    let goes = world.send(ALICE, new_message);
    world.until_received(ALICE, BOB, goes);
    world.mark_read(BOB, ALICE, &[goes]);
    world.until("the reading is durable", |world| {
        let key = world.key(BOB, ALICE, BOB, goes);
        let row = world.disk(BOB).delivery(&key);
        row.is_some_and(|row| row.disappears_at.is_some())
    });
    world.switch_off(BOB);
    world.move_wall_clock(BOB, DAYS_AHEAD);
    world.switch_on(BOB);
    for start in ["the first start", "the second"] {
        world.advance(Millis::minutes(20));
        assert!(world.disk(BOB).holds_text("for a day"), "after {start}");
        world.restart(BOB);
    }
    world.move_wall_clock(BOB, -DAYS_AHEAD);
    world.advance(Millis::hours(20));
    assert!(world.disk(BOB).holds_text("for a day"), "after twenty hours");
    until_vanished(world, &[(goes, "for a day")]);
}

/// A message disappears with Alice before its acknowledgement. Its text is deleted from her disk, its ciphertext waits
/// for Bob, who does not receive it twice.
pub fn disappears_before_the_ack(world: &mut World) {
    let mut new_message = world.new_message(BOB, "burn this");
    new_message.ttl = Some(60);
    let goes = world.send(ALICE, new_message);
    world.until_received(ALICE, BOB, goes);
    world.partition(ALICE, BOB);
    world.advance(Millis::minutes(2));
    // After a crash she may not know that it was sent. Then its timer starts when she sends it again.
    // Her machine had been off for long before. After a crash she doubts, for an hour, the clock that the timer began under.
    world.until("it is gone, or was not sent", |world| {
        let unsent = world.state(ALICE, BOB, goes) == Some(DeliveryState::Queued);
        unsent || !world.disk(ALICE).holds_text("burn this")
    });
    world.heal();
    world.mark_read(BOB, ALICE, &[goes]);
    until_vanished(world, &[(goes, "burn this")]);
}

/// A message with a timer is taken back, another one expires in the outbox. Both disappear with Alice.
pub fn disappears_unsent(world: &mut World) {
    world.switch_off(BOB);
    let mut send = |text| {
        let mut message = world.new_message(BOB, text);
        message.ttl = Some(3600);
        world.send(ALICE, message)
    };
    let (cancelled, expired) = (send("taken back"), send("too late"));
    world.expect(cancelled, Fate::VanishedUnsent);
    world.expect(expired, Fate::VanishedUnsent);
    let conversation = world.address(BOB).into();
    let id = cancelled;
    world.call_ok(ALICE, Command::CancelMessage { conversation, id });
    world.until("what was taken back is gone", |world| {
        !world.disk(ALICE).holds_text("taken back")
    });
    assert!(world.disk(ALICE).holds_text("too late"));
    world.advance(Millis::hours(24));
    world.until("what expired is gone", |world| {
        !world.disk(ALICE).holds_text("too late")
    });
    world.switch_on(BOB);
}

/// Both have a timer, and some messages have their own. The shortest counts.
pub fn the_tightest_timer_holds(world: &mut World) {
    let timers = |world: &mut World, alices: u32, bobs: u32| {
        let (alice, bob) = (world.address(ALICE), world.address(BOB));
        world.call_ok(ALICE, Command::SetTimer(bob.into(), alices));
        world.call_ok(BOB, Command::SetTimer(alice.into(), bobs));
        world.until("each knows the other's", |world| {
            let theirs = |peer, other| world.timer(peer, other, other);
            (theirs(BOB, ALICE), theirs(ALICE, BOB)) == (alices, bobs)
        });
    };
    timers(world, 600, 120);
    let mut burn = |text, ttl| {
        let mut new_message = world.new_message(BOB, text);
        new_message.ttl = ttl;
        world.send(ALICE, new_message)
    };
    let messages = [
        ("loose", Some(3600), 120),
        ("tight", Some(30), 30),
        ("unsaid", None, 120),
    ];
    let ids = messages.map(|(text, ttl, _)| burn(text, ttl));
    for (id, (text, _, holds)) in ids.into_iter().zip(messages) {
        world.until_received(ALICE, BOB, id);
        let ttl = world.received(ALICE, BOB, id).map(|row| row.ttl);
        assert_eq!(ttl, Some(holds), "{text}");
    }
    world.mark_read(BOB, ALICE, &ids);
    let [loose, tight, unsaid] = ids;
    until_vanished(world, &[(loose, "loose"), (tight, "tight"), (unsaid, "unsaid")]);
    timers(world, 0, 0);
}

/// The author's timer runs from sending, the reader's from reading.
pub fn unread_it_stays(world: &mut World) {
    let mut new_message = world.new_message(BOB, "burn this");
    new_message.ttl = Some(60);
    let goes = world.send(ALICE, new_message);
    world.until_received(ALICE, BOB, goes);
    world.until("it is gone with Alice", |world| {
        !world.disk(ALICE).holds_text("burn this")
    });
    world.advance(Millis::hours(12));
    assert!(world.disk(BOB).holds_text("burn this"), "Bob has not looked yet");
    world.mark_read(BOB, ALICE, &[goes]);
    until_vanished(world, &[(goes, "burn this")]);
}

fn until_vanished(world: &mut World, messages: &[(MessageId, &str)]) {
    world.until("no disk holds the texts", |world| {
        let gone = |text: &str| world.peers().all(|peer| !world.disk(peer).holds_text(text));
        messages.iter().all(|(_, text)| gone(text))
    });
    for (id, _) in messages {
        world.expect(*id, Fate::Vanished);
    }
}
