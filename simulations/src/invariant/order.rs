//! The messages of one author arrive in the order in which they were written.

use std::collections::BTreeMap;

use sotto_core::EventSeq;
use sotto_core::row::{Key, Row};

use super::{Invariant, Observation, honest, written};
use crate::node_index::NodeIndex;
use crate::world::World;

#[derive(Default)]
pub struct Order {
    /// By receiver and author: the newest that has arrived, by its place with the author.
    newest: BTreeMap<(NodeIndex, NodeIndex), EventSeq>,
}

impl Invariant for Order {
    fn name(&self) -> &'static str {
        "order"
    }

    fn observe(&mut self, observation: &Observation<'_>, world: &World) -> Result<(), String> {
        match observation {
            // The receiver may get some again, and an author's places may be used again.
            Observation::Tampered(peer) => self
                .newest
                .retain(|(receiver, author), _| receiver != peer && author != peer),
            Observation::Committing(peer, batch) => {
                // Rows are in key order within a batch. Their own order says how they arrived.
                let mut arrived: Vec<_> = written(batch)
                    .filter_map(|row| match row {
                        Row::Message(row) if row.key.is_from_peer() => Some(row),
                        _ => None,
                    })
                    .filter(|row| world.disk(*peer).row(&Key::Message(row.key)).is_none())
                    .collect();
                arrived.sort_by_key(|row| row.order);
                for row in arrived {
                    let Some(author) = honest(row.key.conversation, world) else {
                        continue;
                    };
                    let original = world
                        .disk(author)
                        .message(&world.key(author, author, *peer, row.key.id));
                    let Some(original) = original.filter(|row| !world.was_retried(row.key.id)) else {
                        continue;
                    };
                    let newest = self.newest.entry((*peer, author)).or_default();
                    if original.order <= *newest {
                        let id = row.key.id;
                        return Err(format!("{peer} receives {id} of {author} after a later one"));
                    }
                    *newest = original.order;
                }
            }
            _ => {}
        }
        Ok(())
    }
}
