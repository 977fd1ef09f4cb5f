//! A batch is durable whole or not at all: a message comes with its state, its event and, while it is queued, its
//! outbox row. So a message whose reply was lost in a crash is either sent like any other or was never written.

use sotto_core::row::{DeliveryState, Event, Key, MessageRow, OutboxContent, Row};
use sotto_testkit::memory_store::MemoryStore;

use super::{Invariant, Observation};
use crate::world::World;

#[derive(Default)]
pub struct Atomicity;

impl Invariant for Atomicity {
    fn name(&self) -> &'static str {
        "atomicity"
    }

    fn observe(&mut self, observation: &Observation<'_>, world: &World) -> Result<(), String> {
        // After a crash and before anything else: this is what recovery finds.
        let Observation::Opening(peer) = observation else {
            return Ok(());
        };
        let disk = world.disk(*peer);
        for row in disk.rows() {
            let Row::Message(row) = row else { continue };
            if let Some(missing) = missing(row, disk) {
                return Err(format!("{peer} is opened with message {}, {missing}", row.key.id));
            }
        }
        Ok(())
    }
}

fn missing(row: &MessageRow, disk: &MemoryStore) -> Option<&'static str> {
    let announces = if row.key.is_from_peer() {
        Event::MessageReceived { key: row.key }
    } else {
        Event::MessageQueued { key: row.key }
    };
    match disk.row(&Key::Event(row.order)) {
        Some(Row::Event(event)) if event.event == announces => {}
        _ => return Some("which has no event"),
    }
    if row.key.is_from_peer() {
        return None;
    }
    let state = disk.delivery(&row.key).map(|row| row.state);
    let waits = || {
        disk.rows()
            .any(|other| matches!(other, Row::Outbox(other) if other.content == OutboxContent::Text(row.key)))
    };
    match state {
        None => Some("which has no state"),
        Some(DeliveryState::Queued) if !waits() => Some("which is queued without an outbox row"),
        _ => None,
    }
}
