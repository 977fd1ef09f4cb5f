//! Scenarios with the product's own limits: a window of 32, an outbox of ten thousand rows. The library meets the same
//! bounds with a few messages.

use sotto_core::{Command, Refusal, Table};

use super::conversation::beyond_the_window;
use crate::node_index::{ALICE, BOB, NodeIndex};
use crate::world::World;

/// How many messages are many.
const MANY: usize = 500;

/// Bob comes back to five hundred messages. They arrive in order, once.
pub fn five_hundred_while_away(world: &mut World) {
    world.switch_off(BOB);
    let texts = write_many(world, ALICE, BOB, MANY);
    world.switch_on(BOB);
    world.until_quiescent(&[(ALICE, BOB)]);
    assert_eq!(world.received_texts(ALICE, BOB), texts);
}

/// Both have written five hundred messages when their link comes up: full windows cross.
pub fn five_hundred_each_way(world: &mut World) {
    world.partition(ALICE, BOB);
    let (hers, his) = (write_many(world, ALICE, BOB, MANY), write_many(world, BOB, ALICE, MANY));
    world.heal();
    world.until_quiescent(&[(ALICE, BOB)]);
    assert_eq!(world.received_texts(ALICE, BOB), hers);
    assert_eq!(world.received_texts(BOB, ALICE), his);
}

/// Over a dead link, what is inside the window of 32 cannot be cancelled, and the next can.
pub fn a_window_of_thirty_two(world: &mut World) {
    assert_eq!(world.limits().window, 32);
    beyond_the_window(world);
}

/// Alice writes to Bob, who is away, until the outbox is full. She is told, and every accepted text arrives.
pub fn ten_thousand_wait(world: &mut World) {
    world.switch_off(BOB);
    let room = world.limits().outbox_rows;
    assert_eq!(room, 10_000);
    let texts = write_many(world, ALICE, BOB, room);
    let one_more = world.new_message(BOB, "one more");
    assert_eq!(
        world.call(ALICE, Command::Send(one_more)),
        Err(Refusal::Full(Table::Outbox))
    );
    world.switch_on(BOB);
    world.until_quiescent(&[(ALICE, BOB)]);
    assert_eq!(world.received_texts(ALICE, BOB), texts);
}

/// Writes many texts, fifty at a time: a node that crashes every few replies would never accept all at once.
fn write_many(world: &mut World, from: NodeIndex, to: NodeIndex, many: usize) -> Vec<String> {
    let texts: Vec<String> = (0..many).map(|number| format!("{number} of many")).collect();
    for some in texts.chunks(50) {
        let mut command = |text: &String| {
            let new_message = world.new_message(to, text);
            world.submit(from, Command::Send(new_message))
        };
        let commands: Vec<_> = some.iter().map(&mut command).collect();
        world.until("they are taken", |world| {
            commands
                .iter()
                .all(|command| world.user_command(*command).reply.is_some())
        });
    }
    texts
}
