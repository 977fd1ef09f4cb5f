//! What Noise takes from us instead of from its library: randomness, which core draws from its `Entropy`, and an X25519
//! that refuses every public key with which the shared secret would not depend on both sides.

use std::cell::Cell;

use curve25519_dalek::montgomery::MontgomeryPoint;
use rand::RngCore;
use snow::Error;
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::{CryptoResolver, DefaultResolver, FallbackResolver};
use snow::types::{Cipher, Dh, Hash, Random};
use zeroize::Zeroizing;

use crate::Entropy;

/// Our randomness and X25519, snow's cipher and hash.
pub(super) fn resolver(entropy: Entropy) -> FallbackResolver {
    FallbackResolver::new(Box::new(Ours(Cell::new(Some(entropy)))), Box::new(DefaultResolver))
}

/// Hands its entropy to the one handshake that it is built for.
struct Ours(Cell<Option<Entropy>>);

impl CryptoResolver for Ours {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        self.0.take().map(|entropy| Box::new(entropy) as Box<dyn Random>)
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        matches!(choice, DHChoice::Curve25519).then(|| Box::new(X25519::default()) as Box<dyn Dh>)
    }

    fn resolve_hash(&self, _: &HashChoice) -> Option<Box<dyn Hash>> {
        None
    }

    fn resolve_cipher(&self, _: &CipherChoice) -> Option<Box<dyn Cipher>> {
        None
    }
}

impl Random for Entropy {
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.rng().fill_bytes(bytes);
        Ok(())
    }
}

/// A key pair of RFC 7748's X25519.
#[derive(Default)]
struct X25519 {
    secret: Zeroizing<[u8; 32]>,
    public: [u8; 32],
}

impl Dh for X25519 {
    fn name(&self) -> &'static str {
        "25519"
    }

    fn pub_len(&self) -> usize {
        32
    }

    fn priv_len(&self) -> usize {
        32
    }

    fn set(&mut self, secret: &[u8]) {
        self.secret.copy_from_slice(secret);
        self.public = MontgomeryPoint::mul_base_clamped(*self.secret).to_bytes();
    }

    fn generate(&mut self, rng: &mut dyn Random) -> Result<(), Error> {
        let mut secret = Zeroizing::new([0; 32]);
        rng.try_fill_bytes(&mut *secret)?;
        self.set(&*secret);
        Ok(())
    }

    fn pubkey(&self) -> &[u8] {
        &self.public
    }

    fn privkey(&self) -> &[u8] {
        &*self.secret
    }

    /// Fails if the key is not canonical, or is of low order: then the result is zero whatever our secret.
    fn dh(&self, public: &[u8], shared: &mut [u8]) -> Result<(), Error> {
        let public: [u8; 32] = public.first_chunk().copied().ok_or(Error::Dh)?;
        let product = Zeroizing::new(MontgomeryPoint(public).mul_clamped(*self.secret).to_bytes());
        if !is_canonical(&public) || *product == [0; 32] {
            return Err(Error::Dh);
        }
        shared[..32].copy_from_slice(&*product);
        Ok(())
    }
}

/// Whether the little-endian number is below the field's prime, 2^255 - 19.
fn is_canonical(public: &[u8; 32]) -> bool {
    let [lowest, middle @ .., highest] = public;
    *highest < 0x7f || *highest == 0x7f && (middle.iter().any(|byte| *byte != 0xff) || *lowest < 0xed)
}

#[cfg(test)]
pub(super) mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    /// Every encoding of a point of low order on the curve or its twist, canonical and not.
    /// (The list is that of <https://cr.yp.to/ecdh.html#validate>.)
    pub(in crate::link) fn weak_keys() -> Vec<[u8; 32]> {
        const PRIME: &str = "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f";
        let number = |hex: &str| -> [u8; 32] { HEXLOWER.decode(hex.as_bytes()).unwrap().try_into().unwrap() };
        let add = |number: [u8; 32], small: u8| {
            let mut number = number;
            number[0] += small;
            number
        };
        let mut keys = vec![
            [0; 32],
            add([0; 32], 1),
            number("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
            number("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
            // p - 1, p, p + 1
            number(&PRIME.replace("ed", "ec")),
            number(PRIME),
            add(number(PRIME), 1),
        ];
        let high: Vec<_> = keys
            .iter()
            .map(|key| {
                let mut key = *key;
                key[31] |= 0x80;
                key
            })
            .collect();
        keys.extend(high);
        keys
    }

    fn pair(secret: [u8; 32]) -> X25519 {
        let mut pair = X25519::default();
        pair.set(&secret);
        pair
    }

    /// RFC 7748, 6.1.
    #[test]
    fn agrees_as_the_rfc_says() {
        let number = |hex: &str| -> [u8; 32] { HEXLOWER.decode(hex.as_bytes()).unwrap().try_into().unwrap() };
        let alice = pair(number(
            "77076d0a7318a57d3c16c17251b26645db4c5d0ea5d2b0b2ad0a0d9f8b2e6a1c",
        ));
        let bob = pair(number(
            "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
        ));
        assert_eq!(
            bob.pubkey(),
            number("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
        );
        let (mut one, mut other) = ([0; 32], [0; 32]);
        alice.dh(bob.pubkey(), &mut one).unwrap();
        bob.dh(alice.pubkey(), &mut other).unwrap();
        assert_eq!(one, other);
    }

    #[test]
    fn weak_keys_are_refused() {
        let ours = pair([7; 32]);
        for key in weak_keys() {
            assert_eq!(ours.dh(&key, &mut [0; 32]), Err(Error::Dh), "{key:?}");
        }
    }

    #[test]
    fn a_key_has_one_encoding() {
        let ours = pair([7; 32]);
        // 9, the base point, in its three forms.
        let mut nine = [0; 32];
        nine[0] = 9;
        assert_eq!(ours.dh(&nine, &mut [0; 32]), Ok(()));
        nine[31] = 0x80;
        assert_eq!(ours.dh(&nine, &mut [0; 32]), Err(Error::Dh));
        let mut above = [0xff; 32];
        (above[0], above[31]) = (0xed + 9, 0x7f);
        assert_eq!(ours.dh(&above, &mut [0; 32]), Err(Error::Dh));
        // Just below the prime: p - 2.
        above[0] = 0xeb;
        assert_eq!(ours.dh(&above, &mut [0; 32]), Ok(()));
        // The largest with another middle byte.
        (above[0], above[1]) = (0xff, 0xfe);
        assert!(is_canonical(&above));
    }
}
