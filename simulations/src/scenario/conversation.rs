//! Texts between two friends.

use sotto_core::row::DeliveryState;
use sotto_core::{Command, Millis, Reply};

use crate::{ALICE, BOB, World};

/// One text, delivered.
pub fn one_message(world: &mut World) {
    let id = world.tell(ALICE, BOB, "are you there?");
    assert_eq!(world.heard(ALICE, BOB), ["are you there?"]);
    assert_eq!(world.state(ALICE, BOB, id), Some(DeliveryState::Delivered));
}

/// Both write without waiting for each other, more than fits in a window; nothing is lost and each one's order is kept.
pub fn both_ways(world: &mut World) {
    let texts: Vec<String> = (0..10).map(|n| format!("line {n}")).collect();
    for text in &texts {
        world.write(ALICE, BOB, text);
        world.write(BOB, ALICE, text);
        world.pass(Millis(50));
    }
    world.until_at_rest(&[(ALICE, BOB)]);
    assert_eq!(world.heard(ALICE, BOB), texts);
    assert_eq!(world.heard(BOB, ALICE), texts);
}

/// What was written while Bob was away arrives whole and in order when he is back.
pub fn burst_while_away(world: &mut World) {
    world.switch_off(BOB);
    let texts: Vec<String> = (0..12).map(|n| format!("while you were away, {n}")).collect();
    for text in &texts {
        world.write(ALICE, BOB, text);
    }
    world.pass(Millis::hours(2));
    world.switch_on(BOB);
    world.until_at_rest(&[(ALICE, BOB)]);
    assert_eq!(world.heard(ALICE, BOB), texts);
}

/// Ten times the same word is ten messages.
pub fn ten_times_ok(world: &mut World) {
    for _ in 0..10 {
        world.write(ALICE, BOB, "ok");
    }
    world.until_at_rest(&[(ALICE, BOB)]);
    assert_eq!(world.heard(ALICE, BOB), ["ok"; 10]);
}

/// The longest text arrives whole; one byte more is refused.
pub fn a_long_text(world: &mut World) {
    let longest = "longest ".repeat(4 * 1024);
    world.tell(ALICE, BOB, &longest);
    assert_eq!(world.heard(ALICE, BOB), [longest.as_str()]);
    let too_long = world.draft(BOB, &format!("{longest}!"));
    assert!(world.ask(ALICE, Command::Send(too_long)).is_err());
}

/// A program that does not know whether its text was taken sends it again under the same key: it is one message.
pub fn the_same_wish_twice(world: &mut World) {
    let mut draft = world.draft(BOB, "transfer 100");
    let first = world.send(ALICE, draft.clone());
    let again = world.ask(ALICE, Command::Send(draft.clone()));
    assert!(
        matches!(again, Ok(Reply::Message { id, .. }) if id == first),
        "{again:?}"
    );
    world.until_delivered(ALICE, BOB, first);
    let again = world.ask(ALICE, Command::Send(draft.clone()));
    assert!(
        matches!(again, Ok(Reply::Message { id, .. }) if id == first),
        "{again:?}"
    );
    draft.text = String::from("transfer 200");
    assert!(
        world.ask(ALICE, Command::Send(draft)).is_err(),
        "the key belongs to another text"
    );
    assert_eq!(world.heard(ALICE, BOB), ["transfer 100"]);
}

/// Alice learns that Bob has read some of what she wrote.
pub fn read(world: &mut World) {
    let first = world.tell(ALICE, BOB, "one");
    let second = world.tell(ALICE, BOB, "two");
    let third = world.tell(ALICE, BOB, "three");
    world.read(BOB, ALICE, &[first, second]);
    world.until("she knows", |world| {
        [first, second]
            .iter()
            .all(|id| world.state(ALICE, BOB, *id) == Some(DeliveryState::Read))
    });
    assert_eq!(world.state(ALICE, BOB, third), Some(DeliveryState::Delivered));
}
