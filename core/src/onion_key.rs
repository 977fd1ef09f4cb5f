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

    /// An ed25519 signature. The caller prefixes the message with a domain of its own.
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

#[cfg(test)]
mod tests {
    use curve25519_dalek::MontgomeryPoint;
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    use super::*;
    use crate::property::cases;

    fn bytes<const N: usize>(hex: &str) -> [u8; N] {
        HEXLOWER.decode(hex.as_bytes()).unwrap().try_into().unwrap()
    }

    /// RFC 8032, 7.1, test 2.
    #[test]
    fn signs_as_the_rfc_says() {
        let secret = OnionSecret::from_seed(&bytes(
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        ));
        let public = bytes("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
        let signature: [u8; 64] = bytes(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        );
        assert_eq!(*secret.address().public_key(), public);
        assert_eq!(secret.sign(&[0x72]), signature);
        assert!(verify(&secret.address(), &[0x72], &signature));
    }

    #[test]
    fn a_signature_holds_for_one_key_one_message_one_form() {
        let (secret, other) = (OnionSecret::from_seed(&[1; 32]), OnionSecret::from_seed(&[2; 32]));
        let signature = secret.sign(b"message");
        assert!(verify(&secret.address(), b"message", &signature));
        assert!(!verify(&other.address(), b"message", &signature));
        assert!(!verify(&secret.address(), b"massage", &signature));
        assert!(!verify(&secret.address(), b"message", &signature[..63]));
        assert!(!verify(&secret.address(), b"message", &[&signature[..], &[0]].concat()));
        assert!(!verify(&secret.address(), b"message", &[]));
        assert!(!verify(&secret.address(), b"message", &[0; 64]));
    }

    #[test]
    fn is_not_shown_when_debugging() {
        assert_eq!(format!("{:?}", OnionSecret::from_seed(&[1; 32])), "OnionSecret(…)");
    }

    proptest! {
        #![proptest_config(cases(64))]

        /// The two halves of the birational map belong together.
        #[test]
        fn the_x25519_secret_is_that_of_the_address(seed: [u8; 32]) {
            let secret = OnionSecret::from_seed(&seed);
            let scalar = secret.x25519();
            prop_assert_eq!(clamp_integer(*scalar), *scalar);
            prop_assert_eq!(MontgomeryPoint::mul_base_clamped(*scalar).to_bytes(), secret.address().montgomery());
        }

        #[test]
        fn any_changed_bit_spoils_a_signature(seed: [u8; 32], message: Vec<u8>, bit in 0..512_usize) {
            let secret = OnionSecret::from_seed(&seed);
            let mut signature = secret.sign(&message);
            prop_assert!(verify(&secret.address(), &message, &signature));
            signature[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!verify(&secret.address(), &message, &signature));
        }
    }
}
