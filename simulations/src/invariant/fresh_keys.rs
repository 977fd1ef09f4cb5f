//! What opens a link is never said twice: it is a fresh public key, and everything on the link is derived from it. So no
//! randomness is used again after a crash.

use std::collections::{BTreeMap, BTreeSet};

use sotto_core::{LinkId, Output};

use super::{Invariant, Seen};
use crate::{Peer, World};

#[derive(Default)]
pub struct FreshKeys {
    greeted: BTreeSet<(Peer, LinkId)>,
    said: BTreeMap<Vec<u8>, Peer>,
}

impl Invariant for FreshKeys {
    fn name(&self) -> &'static str {
        "fresh keys"
    }

    fn observe(&mut self, seen: &Seen<'_>, _: &World) -> Result<(), String> {
        match seen {
            Seen::Opening(peer) => self.greeted.retain(|(of, _)| of != peer),
            Seen::Output(peer, Output::Transmit(link, bytes)) if self.greeted.insert((*peer, *link)) => {
                let greeting = bytes[..bytes.len().min(64)].to_vec();
                if let Some(before) = self.said.insert(greeting, *peer) {
                    return Err(format!("{peer} opens {link:?} as {before} has opened a link before"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
