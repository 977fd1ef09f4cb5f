//! [`OwnerSecret`]: what the owner proves to be the owner by. Of a store that opens with a passphrase it is that passphrase; of a
//! store with a key file, one of its own. Wrong ones cost more and more time ([`Backoff`]).

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sotto_api::{Error, Kind};

use crate::key;

/// Wrong passphrases that cost no time: typing errors.
const FREE: u32 = 3;

/// The longest wait after a wrong passphrase, in milliseconds.
const LONGEST: u64 = 5 * 60 * 1000;

/// What separates this hash from the store's key, of which it is made.
const CONTEXT: &[u8] = b"sotto owner 1\0";

/// A passphrase, as it is recognised: Argon2id over it, hashed once more, because of a store's passphrase the first is its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OwnerSecret {
    /// In hexadecimal digits.
    salt: String,
    /// In hexadecimal digits.
    hash: String,
    /// It is that of the store, so it is in no record.
    #[serde(skip)]
    pub is_of_store: bool,
}

impl OwnerSecret {
    /// That of the store that this key opens, which was made of a passphrase with this salt.
    pub fn of_store(key: &[u8; 32], salt: [u8; 16]) -> Self {
        Self {
            salt: HEXLOWER.encode(&salt),
            hash: hash(key),
            is_of_store: true,
        }
    }

    /// A passphrase that the owner chose. Takes a moment.
    pub fn chosen(passphrase: &str) -> Result<Self, Error> {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt)
            .map_err(|error| Error::new(Kind::Io, format!("the operating system has no random numbers: {error}")))?;
        let key = key::stretched_forms(passphrase, &salt)?.remove(0);
        Ok(Self {
            salt: HEXLOWER.encode(&salt),
            hash: hash(&key),
            is_of_store: false,
        })
    }

    /// Whether that is the passphrase. Takes a moment.
    pub fn is(&self, passphrase: &str) -> Result<bool, Error> {
        let salt = HEXLOWER
            .decode(self.salt.as_bytes())
            .ok()
            .and_then(|salt| <[u8; 16]>::try_from(salt).ok())
            .ok_or_else(|| Error::new(Kind::Store, "the record of the owner's passphrase is damaged"))?;
        let forms = key::stretched_forms(passphrase, &salt)?;
        Ok(forms.iter().any(|key| hash(key) == self.hash))
    }
}

fn hash(key: &[u8; 32]) -> String {
    HEXLOWER.encode(&Sha256::new().chain_update(CONTEXT).chain_update(key).finalize())
}

/// Wrong passphrases in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Backoff {
    failures: u32,
    /// Unix milliseconds.
    not_before: u64,
}

impl Backoff {
    /// An error while the next try has to wait.
    pub fn check(self, now: u64) -> Result<(), Error> {
        // A clock that was set back makes no one wait for longer than the longest time.
        let wait = self.not_before.saturating_sub(now).min(LONGEST);
        if wait == 0 {
            return Ok(());
        }
        Err(Error::new(Kind::RateLimited, "too many wrong passphrases").retry_after_ms(wait))
    }

    /// After one more.
    #[must_use]
    pub fn failed(self, now: u64) -> Self {
        let failures = self.failures.saturating_add(1);
        let wait = match failures.checked_sub(FREE) {
            None => 0,
            Some(more) => 1000_u64.saturating_mul(1 << more.min(20)).min(LONGEST),
        };
        Self {
            failures,
            not_before: now.saturating_add(wait),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_passphrase_is_recognised_in_each_form() {
        let secret = OwnerSecret::chosen("Zoë").expect("chosen");
        assert!(secret.is("Zoe\u{308}").expect("tried") && secret.is("Zoë").expect("tried"));
        assert!(!secret.is("zoë").expect("tried") && !secret.is("").expect("tried"));
        assert!(!format!("{secret:?}").contains("Zoë"));
    }

    #[test]
    fn wrong_passphrases_cost_more_and_more_time() {
        let mut backoff = Backoff::default();
        let mut waits = Vec::new();
        for _ in 0..12 {
            backoff = backoff.failed(0);
            waits.push(backoff.not_before);
        }
        assert_eq!(waits[..5], [0, 0, 1000, 2000, 4000]);
        assert_eq!(waits[11], LONGEST);
        assert_eq!(backoff.check(0).expect_err("waits").kind(), Kind::RateLimited);
        backoff.check(LONGEST).expect("over");
    }
}
