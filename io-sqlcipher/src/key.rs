//! What opens a store: a raw key, and the salt that is also the first sixteen bytes of the file.
//!
//! SQLCipher would derive a key from a passphrase by PBKDF2. Sotto derives it by Argon2id, or has a random one, and so
//! hands over the finished key; the salt is then only what a derivation used, and lives in the file because a salt has
//! to live somewhere.

use std::fmt::{self, Write as _};

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// A store's key and salt. Wiped when dropped, and never shown.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct StoreKey {
    key: [u8; 32],
    salt: [u8; 16],
}

impl StoreKey {
    /// A key for the store whose salt is `salt`: [`read_salt`](crate::read_salt) of an existing one, or sixteen random
    /// bytes for a new one.
    pub const fn new(key: [u8; 32], salt: [u8; 16]) -> Self {
        Self { key, salt }
    }

    /// The salt.
    pub const fn salt(&self) -> &[u8; 16] {
        &self.salt
    }

    /// `PRAGMA key` in SQLCipher's raw form: 64 hexadecimal digits of key, 32 of salt, no derivation.
    pub(crate) fn pragma(&self) -> Zeroizing<String> {
        // The capacity holds the whole statement: growing would leave pieces of the key behind.
        let mut sql = Zeroizing::new(String::with_capacity(128));
        sql.push_str("PRAGMA key = \"x'");
        for byte in self.key.iter().chain(&self.salt) {
            write!(sql, "{byte:02x}").expect("writing to a string");
        }
        sql.push_str("'\"");
        debug_assert!(sql.len() <= 128, "the statement outgrew its buffer");
        sql
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_form_is_key_then_salt_and_debug_shows_neither() {
        let key = StoreKey::new([0xab; 32], [0x0c; 16]);
        let expected = format!("PRAGMA key = \"x'{}{}'\"", "ab".repeat(32), "0c".repeat(16));
        assert_eq!(*key.pragma(), expected);
        assert_eq!(format!("{key:?}"), "StoreKey(…)");
    }
}
