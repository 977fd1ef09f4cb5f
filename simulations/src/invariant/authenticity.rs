//! Every received message was written by its author, with these words, for this reader. The source of truth is what was
//! ever on the author's own disk.

use std::collections::{BTreeMap, BTreeSet};

use sotto_core::MessageId;
use sotto_core::row::{MessageRow, Row};

use super::{Invariant, Observation, honest, written};
use crate::node_index::NodeIndex;
use crate::world::World;

#[derive(Default)]
pub struct Authenticity {
    /// By author, reader and message: every text that it ever had. A deleted message has none.
    wordings: BTreeMap<(NodeIndex, NodeIndex, MessageId), BTreeSet<String>>,
}

impl Invariant for Authenticity {
    fn name(&self) -> &'static str {
        "authenticity"
    }

    fn observe(&mut self, observation: &Observation<'_>, world: &World) -> Result<(), String> {
        match observation {
            Observation::Opening(peer) => {
                for row in world.disk(*peer).rows() {
                    self.learn(*peer, row, world);
                }
            }
            Observation::Durable(peer, batch) => {
                for row in written(batch) {
                    self.learn(*peer, row, world);
                    self.compare(*peer, row, world)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Authenticity {
    fn learn(&mut self, author: NodeIndex, row: &Row, world: &World) {
        if let Row::Message(row) = row
            && !row.key.is_from_peer()
            && let Some(reader) = row.key.conversation.peer().and_then(|contact| world.find(contact))
        {
            let wordings = self.wordings.entry((author, reader, row.key.id)).or_default();
            wordings.insert(row.text.clone());
        }
    }

    fn compare(&self, reader: NodeIndex, row: &Row, world: &World) -> Result<(), String> {
        let Row::Message(MessageRow { key, text, .. }) = row else {
            return Ok(());
        };
        let Some(author) = honest(key.conversation, world).filter(|_| key.is_from_peer()) else {
            return Ok(());
        };
        let wordings = self.wordings.get(&(author, reader, key.id));
        if wordings.is_some_and(|wordings| wordings.contains(text)) {
            return Ok(());
        }
        Err(format!(
            "{reader} reads \"{text:.40}\" as a text of {author}, who has never written it"
        ))
    }
}
