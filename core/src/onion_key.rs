//! The secret half of an onion address. One ed25519 key has two uses: it signs (what a peer keeps, such as a prekey
//! bundle), and by the standard birational map it is the static X25519 key of the links' Noise handshakes.

use std::fmt;

use curve25519_dalek::scalar::clamp_integer;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use crate::OnionAddress;

/// An onion service's secret key. Wiped from memory when dropped.
#[derive(Clone)]
pub struct OnionSecret {
    key: SigningKey,
    // Kept, because to check a key costs more than to sign with it.
    address: OnionAddress,
}

impl OnionSecret {
    /// From an ed25519 secret key (RFC 8032, 5.1.5): 32 random bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        let address = OnionAddress::from_public_key(key.verifying_key().to_bytes())
            .expect("a clamped multiple of the base point is canonical and of prime order");
        Self { key, address }
    }

    /// The address that this is the secret of.
    pub fn address(&self) -> OnionAddress {
        self.address
    }

    /// An ed25519 signature. Whoever calls it prefixes the message with a domain of its own.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }

    /// The X25519 secret key, clamped, whose public key is `OnionAddress::montgomery`.
    pub(crate) fn x25519(&self) -> Zeroizing<[u8; 32]> {
        let mut scalar = Zeroizing::new(self.key.to_scalar_bytes());
        *scalar = clamp_integer(*scalar);
        scalar
    }
}

impl fmt::Debug for OnionSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnionSecret(…)")
    }
}

/// Whether the holder of the address's secret signed the message. Strict: no signature has a second form that passes.
pub(crate) fn verify(address: &OnionAddress, message: &[u8], signature: &[u8]) -> bool {
    let key = VerifyingKey::from_bytes(address.public_key()).expect("checked when the address was made");
    Signature::from_slice(signature).is_ok_and(|signature| key.verify_strict(message, &signature).is_ok())
}
