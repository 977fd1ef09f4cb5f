//! The first bytes of a link never repeat: they are a fresh public key, and every key of the link is derived from it.
//! So no randomness is used again after a crash.

use std::collections::{BTreeMap, BTreeSet};

use sotto_core::{LinkId, Output};

use super::{Invariant, Observation};
use crate::node_index::NodeIndex;
use crate::world::World;

#[derive(Default)]
pub struct FreshKeys {
    greeted: BTreeSet<(NodeIndex, LinkId)>,
    said: BTreeMap<Vec<u8>, NodeIndex>,
}

impl Invariant for FreshKeys {
    fn name(&self) -> &'static str {
        "fresh keys"
    }

    fn observe(&mut self, observation: &Observation<'_>, _: &World) -> Result<(), String> {
        match observation {
            Observation::Opening(peer) => self.greeted.retain(|(of, _)| of != peer),
            Observation::Output(peer, Output::Transmit(link, bytes)) if self.greeted.insert((*peer, *link)) => {
                let greeting = bytes[..bytes.len().min(64)].to_vec();
                if let Some(before) = self.said.insert(greeting, *peer) {
                    return Err(format!(
                        "{peer} opens {link:?} with the bytes of an earlier link of {before}"
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
