//! A message key covers one plaintext, in every session, across crashes and restored disks. The ciphertexts of the
//! transparent ratchet show it, and every ciphertext that was ever durable is checked.

use std::collections::BTreeMap;

use sotto_core::row::Row;
use sotto_testkit::transparent::{Peek, peek};

use super::{Invariant, Observation, written};
use crate::world::World;

#[derive(Default)]
pub struct OnePlaintext {
    /// By chain and number, which name the key.
    covered: BTreeMap<([u8; 33], u32), Vec<u8>>,
}

impl Invariant for OnePlaintext {
    fn name(&self) -> &'static str {
        "one plaintext per key"
    }

    fn observe(&mut self, observation: &Observation<'_>, _: &World) -> Result<(), String> {
        let Observation::Durable(peer, batch) = observation else {
            return Ok(());
        };
        for row in written(batch) {
            let Row::Outbox(row) = row else { continue };
            let sealed = row.sealed.as_ref().and_then(|sealed| peek(&sealed.ciphertext));
            let Some(Peek {
                chain,
                number,
                plaintext,
            }) = sealed
            else {
                continue;
            };
            let first = self.covered.entry((chain, number)).or_insert_with(|| plaintext.clone());
            if *first != plaintext {
                return Err(format!("{peer} has sealed two texts under key {number} of one chain"));
            }
        }
        Ok(())
    }
}
