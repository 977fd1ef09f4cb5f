//! Stories with the product's own limits: a window of 32, room for ten thousand that wait. Bounds that the library meets with
//! a few messages are met here with as many as it takes.

use sotto_core::{Command, Refusal};

use super::conversation::beyond_the_window;
use crate::{ALICE, BOB, Peer, World};

/// What many messages are.
const MANY: usize = 500;

/// Bob comes back to five hundred messages: they are all there, in order, once.
pub fn five_hundred_while_away(world: &mut World) {
    world.switch_off(BOB);
    let texts = write_many(world, ALICE, BOB, MANY);
    world.switch_on(BOB);
    world.until_at_rest(&[(ALICE, BOB)]);
    assert_eq!(world.heard(ALICE, BOB), texts);
}

/// Both have written five hundred when their link comes up: two full windows at a time cross.
pub fn five_hundred_each_way(world: &mut World) {
    world.part(ALICE, BOB);
    let (hers, his) = (write_many(world, ALICE, BOB, MANY), write_many(world, BOB, ALICE, MANY));
    world.heal();
    world.until_at_rest(&[(ALICE, BOB)]);
    assert_eq!(world.heard(ALICE, BOB), hers);
    assert_eq!(world.heard(BOB, ALICE), his);
}

/// Nobody answers; what the window of 32 has room for cannot be taken back, and the next can.
pub fn a_window_of_thirty_two(world: &mut World) {
    assert_eq!(world.limits().window, 32);
    beyond_the_window(world);
}

/// Alice writes to Bob, who is away, until there is no room for more. She is told, and all that was taken arrives.
pub fn ten_thousand_wait(world: &mut World) {
    world.switch_off(BOB);
    let room = world.limits().outbox_rows;
    assert_eq!(room, 10_000);
    let texts = write_many(world, ALICE, BOB, room);
    let one_more = world.draft(BOB, "one more");
    assert_eq!(
        world.ask(ALICE, Command::Send(one_more)),
        Err(Refusal::Full("messages waiting for this contact"))
    );
    world.switch_on(BOB);
    world.until_at_rest(&[(ALICE, BOB)]);
    assert_eq!(world.heard(ALICE, BOB), texts);
}

/// Writes so many texts, some at a time: a machine that dies every few answers would never come to the end of all at once.
fn write_many(world: &mut World, from: Peer, to: Peer, many: usize) -> Vec<String> {
    let texts: Vec<String> = (0..many).map(|number| format!("{number} of many")).collect();
    for some in texts.chunks(50) {
        let mut wish = |text: &String| {
            let draft = world.draft(to, text);
            world.post(from, Command::Send(draft))
        };
        let wishes: Vec<_> = some.iter().map(&mut wish).collect();
        world.until("they are taken", |world| {
            wishes.iter().all(|wish| world.asked(*wish).answer.is_some())
        });
    }
    texts
}
