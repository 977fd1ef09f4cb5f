//! Core's one source of randomness: a ChaCha20 stream from a seed that the driver draws afresh at every open.

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha20Rng;

/// A deterministic, cryptographically strong random generator. Never reuse a seed outside a simulation: sessions and
/// handshakes draw their keys from it.
pub struct Entropy(ChaCha20Rng);

impl Entropy {
    /// From 32 bytes of the operating system's generator.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(ChaCha20Rng::from_seed(seed))
    }

    /// `N` fresh bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// A number below `bound`; 0 if `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0.next_u64().checked_rem(bound).unwrap_or(0)
    }

    /// For libraries that take a generator.
    pub fn rng(&mut self) -> &mut ChaCha20Rng {
        &mut self.0
    }

    /// A generator of its own, seeded from this one; for what outlives the borrow.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self::from_seed(self.bytes())
    }
}
