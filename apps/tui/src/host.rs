//! [`Host`]: what the interface asks of the program around it, which has a daemon to start where none runs.

use std::path::PathBuf;

use sotto_api::{Error, Identity};
use zeroize::Zeroizing;

/// The program around the interface. Every call may block for seconds, so none is made on the task that owns the terminal.
pub trait Host: Send + Sync {
    /// Whether the profile has an identity.
    fn exists(&self) -> bool;

    /// What starting a daemon needs to be told.
    fn key_need(&self) -> Result<KeyNeed, Error>;

    /// Makes an identity that claims `name`.
    fn init(&self, name: &str, key: NewKey) -> Result<Identity, Error>;

    /// Starts a daemon in this process, and returns when it answers. Does nothing if this process has one already. A daemon
    /// of another process that holds the profile is an error of the kind `InUse`.
    fn start(&self, passphrase: Option<Zeroizing<String>>) -> Result<(), Error>;

    /// Whether a daemon runs in this process. One that was started and does not run any more has been stopped by a client, or
    /// has failed: [`stop`](Self::stop) says why.
    fn hosting(&self) -> bool;

    /// Stops the daemon in this process, and returns when it has ended. An error is what had ended it before.
    fn stop(&self) -> Result<(), Error>;

    /// Has the daemon of this process go on without it, in a process of its own, and returns when that one answers. Does
    /// nothing if this process has none. After an error no daemon runs.
    fn detach(&self) -> Result<(), Error>;
}

/// What starting a daemon needs to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyNeed {
    /// Nothing: the configuration or the system says where the key is.
    None,
    /// The passphrase.
    Passphrase,
}

/// The key of a new store.
#[derive(Clone, PartialEq, Eq)]
pub enum NewKey {
    /// Made from this passphrase.
    Passphrase(Zeroizing<String>),
    /// Kept in this file, which is made if it is not there.
    KeyFile(PathBuf),
}

impl std::fmt::Debug for NewKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Passphrase(_) => f.write_str("Passphrase"),
            Self::KeyFile(path) => f.debug_tuple("KeyFile").field(path).finish(),
        }
    }
}
