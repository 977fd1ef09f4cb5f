//! [`OwnerSecret`]: what the owner proves to be the owner by. Of a store that opens with a passphrase it is that passphrase; of a
//! store with a key file, one of its own. Wrong ones cost a process more and more time ([`Backoff`], [`Guards`]).
//!
//! The wait holds for one process, so that an agent that guesses does not lock its owner out. It may start other processes: then all
//! tries together are at least [`PACE`] apart. That is no less than a process of the same user has anyway, for it can copy the store
//! and try passphrases on the copy.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sotto_api::{Error, Kind};

use crate::key;

/// Wrong passphrases that cost no time: typing errors.
const FREE: u32 = 3;

/// The longest wait of a process after a wrong passphrase, in milliseconds.
const LONGEST: u64 = 5 * 60 * 1000;

/// Wrong passphrases of all processes together after which every try takes time.
const FREE_OF_ALL: u32 = 10;

/// How far apart tries are then, in milliseconds.
const PACE: u64 = 2000;

/// Processes whose mistakes are remembered.
const PROCESSES: usize = 1024;

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
    /// An error while the next try of a process has to wait.
    fn check(self, now: u64) -> Result<(), Error> {
        // A clock that was set back makes no one wait for longer than the longest time.
        let wait = self.not_before.saturating_sub(now).min(LONGEST);
        if wait == 0 {
            return Ok(());
        }
        Err(Error::new(Kind::RateLimited, "too many wrong passphrases").retry_after_ms(wait))
    }

    /// How long the next try of any process is put off, if all processes together have made these mistakes.
    pub fn pause(self, now: u64) -> Duration {
        if self.failures < FREE_OF_ALL {
            return Duration::ZERO;
        }
        Duration::from_millis(self.not_before.saturating_sub(now).min(PACE))
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

/// The processes that try the owner's passphrase: each waits for its own mistakes, and all take turns. A process that guesses makes
/// the owner wait for its place in the turn and no longer.
#[derive(Debug, Default)]
pub(crate) struct Guards {
    /// By process; `None` are those that the operating system does not name.
    processes: Mutex<BTreeMap<Option<u32>, Guarded>>,
    /// Derivations take much memory: one at a time, the first that came first.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Guarded {
    backoff: Backoff,
    is_waiting: bool,
}

/// One try of a process.
#[derive(Debug)]
pub(crate) struct Guard<'g> {
    guards: &'g Guards,
    process: Option<u32>,
}

impl Guards {
    /// A process tries. An error while it has to wait, or has another try under way.
    pub fn enter(&self, process: Option<u32>, now: u64) -> Result<Guard<'_>, Error> {
        let mut processes = self.processes();
        if processes.len() >= PROCESSES && !processes.contains_key(&process) {
            // What was forgiven is forgotten first.
            let idle = processes.iter().filter(|(_, guarded)| !guarded.is_waiting);
            let oldest = idle.min_by_key(|(_, guarded)| guarded.backoff.not_before);
            if let Some(oldest) = oldest.map(|(process, _)| *process) {
                processes.remove(&oldest);
            }
        }
        let guarded = processes.entry(process).or_default();
        guarded.backoff.check(now)?;
        if std::mem::replace(&mut guarded.is_waiting, true) {
            return Err(
                Error::new(Kind::RateLimited, "this process is trying a passphrase already").retry_after_ms(1000),
            );
        }
        Ok(Guard { guards: self, process })
    }

    /// Waits until those that came before have tried. The passphrase is compared and changed in this turn alone.
    pub async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    fn processes(&self) -> MutexGuard<'_, BTreeMap<Option<u32>, Guarded>> {
        // It is never left half changed, so a poisoned lock is harmless.
        self.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guard<'_> {
    /// It was wrong.
    pub fn failed(&self, now: u64) {
        let mut processes = self.guards.processes();
        let guarded = processes.entry(self.process).or_default();
        guarded.backoff = guarded.backoff.failed(now);
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if let Some(guarded) = self.guards.processes().get_mut(&self.process) {
            guarded.is_waiting = false;
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

    #[test]
    fn a_process_that_guesses_waits_and_another_one_does_not() {
        let guards = Guards::default();
        let mut of_all = Backoff::default();
        for now in 0..3 {
            guards.enter(Some(1), now).expect("a typing error").failed(now);
            of_all = of_all.failed(now);
        }
        assert_eq!(
            guards.enter(Some(1), 3).expect_err("it waits").kind(),
            Kind::RateLimited
        );
        assert_eq!(of_all.pause(3), Duration::ZERO);
        let owner = guards.enter(Some(2), 3).expect("another process");
        let twice = guards.enter(Some(2), 3).expect_err("one try of a process at a time");
        assert_eq!(twice.kind(), Kind::RateLimited);
        drop(owner);
        drop(guards.enter(Some(2), 4).expect("its next try"));
        // A process for each guess gets past the wait, not past the pace.
        for process in 10..20_000 {
            guards.enter(Some(process), 5).expect("free").failed(5);
            of_all = of_all.failed(5);
        }
        assert_eq!(of_all.pause(5), Duration::from_millis(PACE));
        assert!(guards.processes().len() <= PROCESSES);
        guards.enter(Some(2), 5).expect("the owner's place in the turn");
    }
}
