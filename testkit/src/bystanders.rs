//! Two contacts, and the check that a third peer does not affect them.

use sotto_core::row::{Key, Relationship, Row, Verification};
use sotto_core::{Command, Intake, Limits, Ratchet, Reply, Status};

use crate::memory_store::MemoryStore;
use crate::pair::{A, B, Pair};

/// The text that each of the two has sent.
pub const TEXT: &str = "a text between contacts";

/// Two contacts that have exchanged a text. Their keys and message ids are the same in every run.
pub fn bystanders<R: Ratchet>() -> Pair<MemoryStore, R> {
    let mut pair = Pair::over([MemoryStore::default(), MemoryStore::default()], 1, &Limits::default());
    pair.befriend();
    pair.send_text(A, TEXT);
    pair.send_text(B, TEXT);
    pair
}

/// Panics if the two notice anything of a third peer, or if something has grown. `waiting` rows wait in A's outbox for that peer.
pub fn assert_unaffected<R: Ratchet>(pair: &mut Pair<MemoryStore, R>, waiting: usize) {
    pair.send_text(A, "still here");
    pair.send_text(B, "so am I");
    assert_eq!(pair.received_texts(B), [TEXT, "still here"]);
    assert_eq!(pair.received_texts(A), [TEXT, "so am I"]);
    for side in [A, B] {
        let contact = pair.sides[1 - side].address;
        let Some(Row::Contact(row)) = pair.sides[side].store.row(&Key::Contact(contact)) else {
            panic!("the contact is gone");
        };
        assert_eq!(row.relationship, Relationship::Friend);
        assert!(row.claimed_name.is_empty() && row.petname.is_empty() && row.verification == Verification::Unverified);
        for message in pair.sides[side].store.conversation(contact) {
            assert!(message.edited_at.is_none() && message.deleted_at.is_none());
        }
    }
    assert_eq!(pair.sides[A].node.intake(), Intake::Welcome);
    let Status { links, queued, .. } = status(pair);
    assert_eq!(queued, waiting);
    assert!(links <= 1 + Limits::default().stranger_links, "{links} links");
}

/// The status of side A.
pub fn status<R: Ratchet>(pair: &mut Pair<MemoryStore, R>) -> Status {
    match pair.command(A, Command::Status) {
        Ok(Reply::Status(status)) => status,
        other => panic!("no status: {other:?}"),
    }
}
