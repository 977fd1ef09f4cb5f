//! What authors and readers do to messages later.

use sotto_core::row::{Key, Row};
use sotto_core::{Command, Direction, MessageId};

use crate::{ALICE, BOB, Peer, World};

/// Alice corrects herself; Bob has the new text, and the old one nowhere.
pub fn edit(world: &mut World) {
    let id = world.tell(ALICE, BOB, "see you at nine");
    world.edit(ALICE, BOB, id, "see you at ten");
    world.until("Bob has the new text", |world| {
        world.heard(ALICE, BOB) == ["see you at ten"]
    });
    assert!(!world.disk(BOB).holds_text("nine") && !world.disk(ALICE).holds_text("nine"));
}

/// Alice deletes a message for both; a mark stays, without the text.
pub fn delete(world: &mut World) {
    let id = world.tell(ALICE, BOB, "an indiscretion");
    world.delete(ALICE, BOB, id);
    world.until("it is gone with both", |world| {
        [ALICE, BOB]
            .iter()
            .all(|peer| !world.disk(*peer).holds_text("an indiscretion"))
    });
    assert!(
        world
            .received(ALICE, BOB, id)
            .is_some_and(|row| row.deleted_at.is_some())
    );
}

/// Bob reacts, thinks better of it, and takes it back.
pub fn react(world: &mut World) {
    let id = world.tell(ALICE, BOB, "what do you think?");
    world.react(BOB, ALICE, id, Some("+"));
    world.until("Alice sees it", |world| reaction(world, id).as_deref() == Some("+"));
    world.react(BOB, ALICE, id, Some("-"));
    world.until("Alice sees the other", |world| {
        reaction(world, id).as_deref() == Some("-")
    });
    world.react(BOB, ALICE, id, None);
    world.until("Alice sees none", |world| reaction(world, id).is_none());
}

/// A text, its correction and a reaction to an older one wait for Bob together, and take effect in their order.
pub fn changes_while_away(world: &mut World) {
    let answer = world.tell(BOB, ALICE, "shall we?");
    world.switch_off(BOB);
    let id = world.say(ALICE, BOB, "yess");
    world.edit(ALICE, BOB, id, "yes");
    world.react(ALICE, BOB, answer, Some("!"));
    world.switch_on(BOB);
    world.until("Bob has all of it", |world| {
        let key = world.key(BOB, BOB, ALICE, answer);
        let reacted = world.disk(BOB).row(&Key::Reaction(key, Direction::In)).is_some();
        world.heard(ALICE, BOB) == ["yes"] && reacted
    });
}

/// Bob's reaction to Alice's message, as she has it.
fn reaction(world: &World, id: MessageId) -> Option<String> {
    let key = world.key(ALICE, ALICE, BOB, id);
    match world.disk(ALICE).row(&Key::Reaction(key, Direction::In))? {
        Row::Reaction(row) => Some(row.emoji.clone()),
        _ => None,
    }
}

impl World {
    fn edit(&mut self, author: Peer, to: Peer, id: MessageId, text: &str) {
        let contact = self.address(to);
        let text = text.to_owned();
        self.order(author, Command::EditMessage { contact, id, text });
    }

    fn delete(&mut self, author: Peer, to: Peer, id: MessageId) {
        let contact = self.address(to);
        self.order(author, Command::DeleteMessage { contact, id });
    }

    /// `reader` reacts to what `author` wrote.
    fn react(&mut self, reader: Peer, author: Peer, id: MessageId, emoji: Option<&str>) {
        let contact = self.address(author);
        let emoji = emoji.map(str::to_owned);
        let author = Direction::In;
        self.order(
            reader,
            Command::React {
                contact,
                author,
                id,
                emoji,
            },
        );
    }
}
