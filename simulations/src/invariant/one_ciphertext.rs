//! A sequence number of a session epoch stands for one ciphertext, across crashes and restored disks. Two ciphertexts
//! under one number would be two plaintexts under one key, since libsignal derives both from the ratchet.

use std::collections::BTreeMap;

use sotto_core::SessionEpoch;
use sotto_core::row::Row;

use super::{Invariant, Observation, written};
use crate::node_index::NodeIndex;
use crate::world::World;

#[derive(Default)]
pub struct OneCiphertext {
    sealed: BTreeMap<(NodeIndex, NodeIndex, SessionEpoch, u64), Vec<u8>>,
}

impl Invariant for OneCiphertext {
    fn name(&self) -> &'static str {
        "one ciphertext per number"
    }

    fn observe(&mut self, observation: &Observation<'_>, world: &World) -> Result<(), String> {
        // A byzantine peer can repeat an offer that the restored disk has forgotten: another session of the same epoch.
        // `one_plaintext` still checks its keys.
        if let Observation::Tampered(peer) = observation {
            self.sealed
                .retain(|(of, other, ..), _| of != peer || world.is_honest(*other));
        }
        let Observation::Durable(peer, batch) = observation else {
            return Ok(());
        };
        for row in written(batch) {
            let Row::Outbox(row) = row else { continue };
            let Some(sealed) = &row.sealed else { continue };
            let Some(other) = world.find(row.contact) else { continue };
            let Some(cursors) = world.cursors(*peer, other) else {
                return Err(format!("{peer} has sealed something for {other} without a cursor"));
            };
            if sealed.sequence > cursors.sent {
                return Err(format!(
                    "{peer} has sealed {} for {other}, beyond {cursors:?}",
                    sealed.sequence
                ));
            }
            let number = (*peer, other, cursors.session_epoch, sealed.sequence);
            let first = self.sealed.entry(number).or_insert_with(|| sealed.ciphertext.clone());
            if *first != sealed.ciphertext {
                return Err(format!("{peer} has sealed two things for {other} as {number:?}"));
            }
        }
        Ok(())
    }
}
