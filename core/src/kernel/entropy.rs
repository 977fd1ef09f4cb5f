//! [`Entropy`], core's one source of randomness: a ChaCha20 stream from a seed that the driver draws afresh at every open. The
//! driver mixes fresh bytes into it whenever it wakes. A copy of a running machine (a clone, a restored snapshot) has the same
//! stream, and would give the same keys to other sessions and handshakes; with other fresh bytes the streams part.

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha20Rng;
use sha2::{Digest, Sha256};

/// A deterministic, cryptographically strong random generator. Never reuse a seed outside a simulation: sessions and
/// handshakes draw their keys from it.
pub struct Entropy(ChaCha20Rng);

impl Entropy {
    /// From 32 bytes of the operating system's generator.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(ChaCha20Rng::from_seed(seed))
    }

    /// Continues with another stream, which follows from this one and from `fresh`. Neither of the two alone
    /// tells it.
    pub fn reseed(&mut self, fresh: &[u8; 32]) {
        let seed = Sha256::new()
            .chain_update("sotto reseed v1")
            .chain_update(self.bytes::<32>())
            .chain_update(fresh)
            .finalize();
        *self = Self::from_seed(seed.into());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_that_were_one_part_with_other_fresh_bytes_and_only_then() {
        let continued = |fresh: Option<[u8; 32]>| {
            let mut entropy = Entropy::from_seed([1; 32]);
            let _: [u8; 7] = entropy.bytes();
            if let Some(fresh) = fresh {
                entropy.reseed(&fresh);
            }
            entropy.bytes::<32>()
        };
        let all = [None, Some([2; 32]), Some([3; 32])].map(continued);
        assert!(all[0] != all[1] && all[0] != all[2] && all[1] != all[2]);
        assert_eq!(continued(Some([2; 32])), all[1]);

        let mut other = Entropy::from_seed([4; 32]);
        other.reseed(&[2; 32]);
        assert_ne!(other.bytes(), all[1], "what was there counts, too");
    }
}
