//! [`DriverError`], which ends a run of a node.

use std::io;

use sotto_core::OpenError;

use crate::ListenError;

/// Why a node does not run. `E` is the store's error.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant is the error it holds")]
pub enum DriverError<E> {
    #[error(transparent)]
    Store(E),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error("the operating system provides no random numbers: {0}")]
    Entropy(getrandom::Error),
    #[error("cannot create a timer: {0}")]
    DeadlineTimer(io::Error),
    #[error("cannot start a thread for the store: {0}")]
    Thread(io::Error),
}
