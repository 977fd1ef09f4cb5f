//! A message is received once: its event is in the log one time, however often it was sent.

use std::collections::BTreeSet;

use sotto_core::row::{Event, MessageKey, Row};

use super::{Invariant, Observation, honest, written};
use crate::node_index::NodeIndex;
use crate::world::World;

#[derive(Default)]
pub struct NoDuplicate {
    received: BTreeSet<(NodeIndex, MessageKey)>,
}

impl Invariant for NoDuplicate {
    fn name(&self) -> &'static str {
        "no duplicate"
    }

    fn observe(&mut self, observation: &Observation<'_>, world: &World) -> Result<(), String> {
        match observation {
            Observation::Tampered(peer) => {
                self.received.retain(|(of, _)| of != peer);
                for event in world.disk(*peer).events() {
                    if let Event::MessageReceived { key } = event {
                        self.received.insert((*peer, *key));
                    }
                }
            }
            Observation::Committing(peer, batch) => {
                for row in written(batch) {
                    if let Row::Event(row) = row
                        && let Event::MessageReceived { key } = row.event
                        && honest(key.conversation, world).is_some()
                        && !self.received.insert((*peer, key))
                    {
                        return Err(format!("{peer} receives {key:?} a second time"));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}
