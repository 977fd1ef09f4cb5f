//! Byte strings in the format of keys, hashes in place of all cryptography, and a reader of fixed fields.

use sha2::{Digest, Sha256};
use sotto_core::Entropy;

/// A key of libsignal's length: a type byte, then 32 bytes, of which the last four are a checksum. So a key can be invalid, as a
/// point can lie off the curve.
pub(super) type Key = [u8; 33];

const KEY_TYPE: u8 = 5;
const SUM: usize = 29;

pub(super) fn fresh_key(entropy: &mut Entropy) -> Key {
    let mut key = [KEY_TYPE; 33];
    key[1..SUM].copy_from_slice(&entropy.bytes::<{ SUM - 1 }>());
    let sum = hash("key", &[&key[..SUM]]);
    key[SUM..].copy_from_slice(&sum[..4]);
    key
}

/// Parses a key.
pub(super) fn key(bytes: &[u8]) -> Option<Key> {
    let key: Key = bytes.try_into().ok()?;
    let valid = key[0] == KEY_TYPE && key[SUM..] == hash("key", &[&key[..SUM]])[..4];
    valid.then_some(key)
}

/// A hash over parts. The label fixes the lengths of all parts except the last.
pub(super) fn hash(label: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(label);
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// The shared secret of two keys, independent of their order.
pub(super) fn agree(one: &Key, other: &Key) -> [u8; 32] {
    hash("agree", &[one.min(other), one.max(other)])
}

/// Takes fields from the front.
pub(super) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    pub fn number(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub fn key(&mut self) -> Option<Key> {
        key(&self.array::<33>()?)
    }

    pub fn rest(self) -> &'a [u8] {
        self.0
    }
}
