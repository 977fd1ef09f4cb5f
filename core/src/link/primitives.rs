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
