//! Edits, deletions and reactions.

use sotto_core::row::{Key, MessageKey, Row};
use sotto_core::{Command, MessageId, Millis, Refusal};

use crate::node_index::{ALICE, BOB, NodeIndex};
use crate::world::{Fate, World};

/// Alice edits a message. Bob has the new text, and the old one is on no disk.
pub fn edit(world: &mut World) {
    let id = world.deliver_text(ALICE, BOB, "see you at nine");
    world.edit_message(ALICE, BOB, id, "see you at ten");
    world.until("Bob has the new text", |world| {
        world.received_texts(ALICE, BOB) == ["see you at ten"]
    });
    assert!(!world.disk(BOB).holds_text("nine") && !world.disk(ALICE).holds_text("nine"));
}

/// Alice deletes a message for both. A tombstone without text stays.
pub fn delete(world: &mut World) {
    let id = world.deliver_text(ALICE, BOB, "an indiscretion");
    world.delete_message(ALICE, BOB, id);
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

/// Bob reacts, changes the reaction, and removes it.
pub fn react(world: &mut World) {
    let id = world.deliver_text(ALICE, BOB, "what do you think?");
    world.react(BOB, ALICE, id, Some("+"));
    world.until("Alice sees it", |world| reaction(world, id).as_deref() == Some("+"));
    world.react(BOB, ALICE, id, Some("-"));
    world.until("Alice sees the other", |world| {
        reaction(world, id).as_deref() == Some("-")
    });
    world.react(BOB, ALICE, id, None);
    world.until("Alice sees none", |world| reaction(world, id).is_none());
}

/// A text, its edit and a reaction to an older one wait for Bob together, and are applied in their order.
pub fn changes_while_away(world: &mut World) {
    let answer = world.deliver_text(BOB, ALICE, "shall we?");
    world.switch_off(BOB);
    let id = world.send_text(ALICE, BOB, "yess");
    world.edit_message(ALICE, BOB, id, "yes");
    world.react(ALICE, BOB, answer, Some("!"));
    world.switch_on(BOB);
    world.until("Bob has all of it", |world| {
        let key = world.key(BOB, BOB, ALICE, answer);
        let hers = Key::Reaction(key, world.address(ALICE));
        let reacted = world.disk(BOB).row(&hers).is_some();
        world.received_texts(ALICE, BOB) == ["yes"] && reacted
    });
}

/// Alice deletes a message that Bob has, while he is away. It is gone when he is back.
pub fn deleted_while_away(world: &mut World) {
    let id = world.deliver_text(ALICE, BOB, "an indiscretion");
    world.switch_off(BOB);
    world.delete_message(ALICE, BOB, id);
    assert!(!world.disk(ALICE).holds_text("an indiscretion"));
    world.advance(Millis::hours(30));
    world.switch_on(BOB);
    world.until("it is gone with Bob", |world| {
        !world.disk(BOB).holds_text("an indiscretion")
    });
}

/// Alice deletes a queued message. It is never sent.
pub fn deleted_before_it_left(world: &mut World) {
    world.switch_off(BOB);
    let first = world.send_text(ALICE, BOB, "an indiscretion");
    let second = world.send_text(ALICE, BOB, "good evening");
    world.delete_message(ALICE, BOB, first);
    assert!(!world.disk(ALICE).holds_text("an indiscretion"));
    world.expect(first, Fate::Cancelled);
    world.switch_on(BOB);
    world.until_delivered(ALICE, BOB, second);
    assert_eq!(world.received_texts(ALICE, BOB), ["good evening"]);
}

/// Alice edits a queued message. It is sent as it is now, and what it was before is on no disk.
pub fn edited_before_it_left(world: &mut World) {
    world.switch_off(BOB);
    let first = world.send_text(ALICE, BOB, "you fool");
    let second = world.send_text(ALICE, BOB, "good evening");
    let before = world.waiting(ALICE, BOB);
    world.edit_message(ALICE, BOB, first, "my dear");
    assert!(!world.disk(ALICE).holds_text("you fool"));
    assert_eq!(world.waiting(ALICE, BOB), before);
    world.switch_on(BOB);
    world.until_delivered(ALICE, BOB, second);
    assert_eq!(world.received_texts(ALICE, BOB), ["my dear", "good evening"]);
    let row = world.received(ALICE, BOB, first).expect("just received");
    assert_eq!(row.edited_at, None);
}

/// Alice edits a message while Bob is away, then deletes it. The new text is on no disk, and never sent.
pub fn deleted_with_its_edit(world: &mut World) {
    let id = world.deliver_text(ALICE, BOB, "perhaps");
    world.switch_off(BOB);
    // Until the link is given up, an edit would be sealed at once.
    world.advance(Millis::minutes(10));
    let before = world.waiting(ALICE, BOB);
    world.edit_message(ALICE, BOB, id, "an indiscretion");
    world.delete_message(ALICE, BOB, id);
    assert!(!world.disk(ALICE).holds_text("an indiscretion"));
    assert_eq!(world.waiting(ALICE, BOB), before + 1);
    world.switch_on(BOB);
    world.until("it is gone with Bob", |world| !world.disk(BOB).holds_text("perhaps"));
    assert!(!world.disk(BOB).holds_text("an indiscretion"));
}

/// A deleted message cannot be edited, and a reaction that crosses the deletion has no effect.
pub fn deleted_is_deleted(world: &mut World) {
    let id = world.deliver_text(ALICE, BOB, "never mind");
    world.partition(ALICE, BOB);
    world.delete_message(ALICE, BOB, id);
    world.react(BOB, ALICE, id, Some("?"));
    world.heal();
    world.until_quiescent(&[(ALICE, BOB)]);
    let contact = world.address(BOB);
    let text = "do mind".to_owned();
    assert!(
        world
            .call(
                ALICE,
                Command::EditMessage {
                    conversation: contact.into(),
                    id,
                    text
                }
            )
            .is_err()
    );
    assert_eq!(reaction(world, id), None);
    let row = world.received(ALICE, BOB, id).expect("a tombstone stays");
    assert!(row.deleted_at.is_some() && row.text.is_empty());
}

/// Bob may change what he has written, and nothing of Alice's.
pub fn each_their_own(world: &mut World) {
    let hers = world.deliver_text(ALICE, BOB, "I owe you ten");
    let his = world.deliver_text(BOB, ALICE, "I owe you five");
    let contact = world.address(ALICE);
    let text = "I owe you a hundred".to_owned();
    let forge = Command::EditMessage {
        conversation: contact.into(),
        id: hers,
        text,
    };
    assert_eq!(world.call(BOB, forge), Err(Refusal::UnknownMessage(hers)));
    let burn = Command::DeleteMessage {
        conversation: contact.into(),
        id: hers,
    };
    assert_eq!(world.call(BOB, burn), Err(Refusal::UnknownMessage(hers)));
    world.edit_message(BOB, ALICE, his, "I owe you six");
    world.until("Alice has it", |world| {
        world.received_texts(BOB, ALICE) == ["I owe you six"]
    });
    assert_eq!(world.received_texts(ALICE, BOB), ["I owe you ten"]);
}

/// Both react to one message. Each has one reaction.
pub fn both_react(world: &mut World) {
    let id = world.deliver_text(ALICE, BOB, "we won");
    let contact = world.address(BOB);
    let emoji = Some("!".to_owned());
    let cheer = Command::React {
        message: MessageKey::direct(contact, world.address(ALICE), id),
        emoji,
    };
    world.call_ok(ALICE, cheer);
    world.react(BOB, ALICE, id, Some("+"));
    let seen = |world: &World, peer: NodeIndex| {
        let key = world.key(peer, ALICE, BOB, id);
        let other = if peer == ALICE { BOB } else { ALICE };
        [other, peer].map(
            |author| match world.disk(peer).row(&Key::Reaction(key, world.address(author))) {
                Some(Row::Reaction(row)) => row.emoji.clone(),
                _ => String::new(),
            },
        )
    };
    world.until("both see both", |world| {
        seen(world, ALICE) == ["+", "!"] && seen(world, BOB) == ["!", "+"]
    });
    world.react(BOB, ALICE, id, None);
    world.until("Bob's is gone", |world| {
        seen(world, ALICE) == ["", "!"] && seen(world, BOB) == ["!", ""]
    });
}

/// Bob's reaction to Alice's message, on her disk.
fn reaction(world: &World, id: MessageId) -> Option<String> {
    let key = world.key(ALICE, ALICE, BOB, id);
    match world.disk(ALICE).row(&Key::Reaction(key, world.address(BOB)))? {
        Row::Reaction(row) => Some(row.emoji.clone()),
        _ => None,
    }
}
