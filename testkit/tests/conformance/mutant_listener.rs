//! A listener of its node, over `snow` alone, with every check of section 3.2 written out, so that each can be left out.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use curve25519_dalek::{MontgomeryPoint, Scalar};
use ed25519_dalek::{Signature, VerifyingKey};
use snow::TransportState;
use sotto_conformance::noise::{self, Keys};
use sotto_core::{OnionAddress, OnionSecret};
use sotto_testkit::vectors::identity::x25519_secret;

use super::mutant::Mutation;

/// Why a handshake failed.
pub enum Rejection {
    /// The stream is closed, as the protocol requires.
    Closed,
    /// A mutation accepts a handshake that it cannot continue. The stream stays open.
    HeldOpen,
}

/// A listener with a fault.
pub struct MutantListener {
    /// Its onion key.
    pub onion_seed: [u8; 32],
    /// The check that it omits.
    pub mutation: Mutation,
    /// Its ephemeral key.
    pub ephemeral: [u8; 32],
}

impl MutantListener {
    /// Its onion address.
    pub fn address(&self) -> OnionAddress {
        OnionSecret::from_seed(&self.onion_seed).address()
    }

    /// Runs the handshake as the listener.
    pub fn handshake(&self, stream: &mut UnixStream) -> Result<(OnionAddress, TransportState), Rejection> {
        let keys = Keys {
            x25519_secret: x25519_secret(&self.onion_seed),
            ephemeral_secret: self.ephemeral,
            prologue: [b"sotto link v1", &self.address().public_key()[..]].concat(),
        };
        let mut state = noise::responder(&keys);
        let first = self.message(stream, 48)?;
        self.check_x25519(&first[..32])?;
        state.read_message(&first, &mut []).map_err(|_| Rejection::Closed)?;
        if first[..32] != canonical(&first[..32]) || is_weak(&first[..32]) {
            return Err(Rejection::HeldOpen);
        }
        let reply = noise::write(&mut state, &[]);
        stream.write_all(&reply).map_err(|_| Rejection::Closed)?;
        let hash = state.get_handshake_hash().to_vec();
        let last = self.message(stream, 160)?;
        let mut proof = [0; 96];
        state.read_message(&last, &mut proof).map_err(|_| Rejection::Closed)?;
        let authenticated = state.get_remote_static().unwrap_or_default().to_vec();
        let peer = self.check_proof(&proof, &authenticated, &hash)?;
        Ok((peer, state.into_transport_mode().map_err(|_| Rejection::Closed)?))
    }

    fn message(&self, stream: &mut UnixStream, length: usize) -> Result<Vec<u8>, Rejection> {
        let mut announced = [0; 2];
        stream.read_exact(&mut announced).map_err(|_| Rejection::Closed)?;
        if usize::from(u16::from_be_bytes(announced)) != length {
            let mutated = self.mutation == Mutation::LengthsUnchecked;
            return Err(if mutated {
                Rejection::HeldOpen
            } else {
                Rejection::Closed
            });
        }
        let mut message = vec![0; length];
        stream.read_exact(&mut message).map_err(|_| Rejection::Closed)?;
        Ok(message)
    }

    fn check_x25519(&self, key: &[u8]) -> Result<(), Rejection> {
        let high = key[31] & 0x80 != 0;
        let unreduced = canonical(key) != key && !high;
        let valid = (!high || self.mutation == Mutation::AcceptsHighBit)
            && (!unreduced || self.mutation == Mutation::AcceptsUnreduced)
            && (!is_weak(key) || self.mutation == Mutation::AcceptsLowOrder);
        valid.then_some(()).ok_or(Rejection::Closed)
    }

    fn check_proof(&self, proof: &[u8; 96], authenticated: &[u8], hash: &[u8]) -> Result<OnionAddress, Rejection> {
        let (key, signature) = proof.split_first_chunk::<32>().expect("96 bytes");
        let mut signature: [u8; 64] = signature.try_into().expect("96 bytes");
        let address = OnionAddress::from_public_key(*key).ok();
        let claimed = VerifyingKey::from_bytes(key).map_err(|_| Rejection::Closed)?;
        if address.is_none() && self.mutation != Mutation::AcceptsMixedOrder {
            return Err(Rejection::Closed);
        }
        if claimed.to_montgomery().to_bytes() != authenticated && self.mutation != Mutation::TrustsClaimedKey {
            return Err(Rejection::Closed);
        }
        if self.mutation == Mutation::VerifiesLoosely {
            let s: [u8; 32] = signature[32..].try_into().expect("64 bytes");
            signature[32..].copy_from_slice(&Scalar::from_bytes_mod_order(s).to_bytes());
        }
        let statement = [b"sotto dialer v1", hash].concat();
        let signed = claimed
            .verify_strict(&statement, &Signature::from_bytes(&signature))
            .is_ok();
        if !signed && self.mutation != Mutation::SkipsVerification {
            return Err(Rejection::Closed);
        }
        address.ok_or(Rejection::HeldOpen)
    }
}

/// The canonical encoding of an X25519 key.
fn canonical(key: &[u8]) -> [u8; 32] {
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
    MontgomeryPoint(canonical(key)).mul_clamped([9; 32]).to_bytes() == [0; 32]
}
