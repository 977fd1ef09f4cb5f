//! A listener of its own, over `snow` alone, with every check of section 3.2 written out, so that each can be left out.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use curve25519_dalek::{MontgomeryPoint, Scalar};
use ed25519_dalek::{Signature, VerifyingKey};
use snow::TransportState;
use sotto_conformance::noise::{self, Keys};
use sotto_core::{OnionAddress, OnionSecret};
use sotto_testkit::vectors::identity::x25519_secret;

use super::bent::Bend;

/// Why nobody was admitted.
pub enum Refused {
    /// As it must be.
    Ended,
    /// They were, by somebody who is wrong.
    Parked,
}

/// Who listens.
pub struct Front {
    /// Its onion key.
    pub onion_seed: [u8; 32],
    /// What it leaves out.
    pub bend: Bend,
    /// Its ephemeral key.
    pub ephemeral: [u8; 32],
}

impl Front {
    /// Whom the peer means.
    pub fn address(&self) -> OnionAddress {
        OnionSecret::from_seed(&self.onion_seed).address()
    }

    /// Shakes hands as the listener.
    pub fn admit(&self, stream: &mut UnixStream) -> Result<(OnionAddress, TransportState), Refused> {
        let keys = Keys {
            x25519_secret: x25519_secret(&self.onion_seed),
            ephemeral_secret: self.ephemeral,
            prologue: [b"sotto link v1", &self.address().public_key()[..]].concat(),
        };
        let mut state = noise::listener(&keys);
        let first = self.message(stream, 48)?;
        self.check_x25519(&first[..32])?;
        state.read_message(&first, &mut []).map_err(|_| Refused::Ended)?;
        if first[..32] != honest(&first[..32]) || is_weak(&first[..32]) {
            return Err(Refused::Parked);
        }
        let reply = noise::write(&mut state, &[]);
        stream.write_all(&reply).map_err(|_| Refused::Ended)?;
        let hash = state.get_handshake_hash().to_vec();
        let last = self.message(stream, 160)?;
        let mut proof = [0; 96];
        state.read_message(&last, &mut proof).map_err(|_| Refused::Ended)?;
        let authenticated = state.get_remote_static().unwrap_or_default().to_vec();
        let peer = self.check_proof(&proof, &authenticated, &hash)?;
        Ok((peer, state.into_transport_mode().map_err(|_| Refused::Ended)?))
    }

    fn message(&self, stream: &mut UnixStream, length: usize) -> Result<Vec<u8>, Refused> {
        let mut announced = [0; 2];
        stream.read_exact(&mut announced).map_err(|_| Refused::Ended)?;
        if usize::from(u16::from_be_bytes(announced)) != length {
            let bent = self.bend == Bend::LengthsUnchecked;
            return Err(if bent { Refused::Parked } else { Refused::Ended });
        }
        let mut message = vec![0; length];
        stream.read_exact(&mut message).map_err(|_| Refused::Ended)?;
        Ok(message)
    }

    fn check_x25519(&self, key: &[u8]) -> Result<(), Refused> {
        let high = key[31] & 0x80 != 0;
        let unreduced = honest(key) != key && !high;
        let right = (!high || self.bend == Bend::TakesHighBit)
            && (!unreduced || self.bend == Bend::TakesUnreduced)
            && (!is_weak(key) || self.bend == Bend::TakesLowOrder);
        right.then_some(()).ok_or(Refused::Ended)
    }

    fn check_proof(&self, proof: &[u8; 96], authenticated: &[u8], hash: &[u8]) -> Result<OnionAddress, Refused> {
        let (key, signature) = proof.split_first_chunk::<32>().expect("96 bytes");
        let mut signature: [u8; 64] = signature.try_into().expect("96 bytes");
        let address = OnionAddress::from_public_key(*key).ok();
        let claimed = VerifyingKey::from_bytes(key).map_err(|_| Refused::Ended)?;
        if address.is_none() && self.bend != Bend::TakesMixedOrder {
            return Err(Refused::Ended);
        }
        if claimed.to_montgomery().to_bytes() != authenticated && self.bend != Bend::TrustsTheClaim {
            return Err(Refused::Ended);
        }
        if self.bend == Bend::VerifiesLoosely {
            let s: [u8; 32] = signature[32..].try_into().expect("64 bytes");
            signature[32..].copy_from_slice(&Scalar::from_bytes_mod_order(s).to_bytes());
        }
        let statement = [b"sotto dialer v1", hash].concat();
        let signed = claimed
            .verify_strict(&statement, &Signature::from_bytes(&signature))
            .is_ok();
        if !signed && self.bend != Bend::NeverVerifies {
            return Err(Refused::Ended);
        }
        address.ok_or(Refused::Parked)
    }
}

/// The number that an X25519 key stands for, in its canonical encoding.
fn honest(key: &[u8]) -> [u8; 32] {
    let mut key: [u8; 32] = key.try_into().expect("32 bytes");
    key[31] &= 0x7f;
    let below_prime = key[31] != 0x7f || key[1..31].iter().any(|byte| *byte != 0xff) || key[0] < 0xed;
    if !below_prime {
        key = std::array::from_fn(|at| if at == 0 { key[0] - 0xed } else { 0 });
    }
    key
}

/// Whether every shared secret with it is zero.
fn is_weak(key: &[u8]) -> bool {
    MontgomeryPoint(honest(key)).mul_clamped([9; 32]).to_bytes() == [0; 32]
}
