//! More than two.

use sotto_core::Millis;

use crate::World;

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
