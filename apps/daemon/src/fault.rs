//! Errors of core, the store and the driver as errors of the API. Kinds come from enums, never from the text.

use sotto_api::{Error, Kind};
use sotto_core::Refusal;
use sotto_io_sqlcipher::StoreError;
use sotto_io_tokio::{DriverError, ListenError, Stopped};

/// Why core refused a command.
pub(crate) fn refusal(refusal: &Refusal) -> Error {
    let kind = match refusal {
        Refusal::UnknownContact(_) => Kind::UnknownContact,
        Refusal::UnknownConversation(_) => Kind::UnknownConversation,
        Refusal::WrongRelationship { .. } | Refusal::WrongState { .. } | Refusal::NoSession(_) => Kind::WrongState,
        Refusal::Ourselves | Refusal::OutOfRange { .. } => Kind::InvalidParams,
        Refusal::UnknownMessage(_) => Kind::UnknownMessage,
        Refusal::KeyReused(_) => Kind::KeyReused,
        Refusal::SafetyNumberMismatch(_) => Kind::UntrustedKey,
        Refusal::Full(_) => Kind::RateLimited,
    };
    Error::new(kind, refusal.to_string())
}

/// Why the store failed.
pub(crate) fn store(error: &StoreError) -> Error {
    let kind = match error {
        StoreError::WrongKey { .. } => Kind::WrongKey,
        StoreError::InUse { .. } => Kind::InUse,
        StoreError::NotFound { .. } => Kind::NotInitialised,
        StoreError::Exists { .. } => Kind::AlreadyInitialised,
        StoreError::Full { .. } | StoreError::Io { .. } => Kind::Io,
        // In all other cases the file cannot be used as it is.
        _ => Kind::Store,
    };
    Error::new(kind, error.to_string())
}

/// Why the node stopped.
pub(crate) fn driver(error: &DriverError<StoreError>) -> Error {
    match error {
        DriverError::Store(error) => store(error),
        DriverError::Open(error) => Error::new(Kind::Store, error.to_string()),
        DriverError::Listen(ListenError::AddressInUse(address)) => Error::new(
            Kind::InUse,
            format!("another node with the address {address} is running"),
        ),
        DriverError::Listen(error) => Error::new(Kind::Network, error.to_string()),
        DriverError::Entropy(_) | DriverError::Timer(_) | DriverError::Thread(_) => {
            Error::new(Kind::Io, error.to_string())
        }
    }
}

/// The node stopped before it answered. It may be restarting.
pub(crate) fn stopped(stopped: Stopped) -> Error {
    Error::new(Kind::Io, stopped.to_string())
        .hint("check whether it was done, then try again; sotto daemon logs shows why")
        .retry_after_ms(1000)
}
