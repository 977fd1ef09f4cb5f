//! Errors of core, the store and the driver as errors of the API. Kinds come from enums, never from the text.

use std::path::Path;

use rustix::fs::statvfs;
use sotto_api::{Error, Kind};
use sotto_core::{ContactObstacle, Refusal, Table};
use sotto_io_sqlcipher::StoreError;
use sotto_io_tokio::{DriverError, ListenError, Stopped};

/// What to do about a contact's key that has replaced a verified one.
pub(crate) const ACCEPT_KEY: &str = "compare the safety number: sotto friends verify CONTACT; then add --mark, or --accept-new-key \
     without comparing. What waits is sent then";

/// What to do about a contact that has removed this node.
pub(crate) const ASK_AGAIN: &str =
    "sotto friends add CODE asks them again; what waits is kept, and sent once they accept";

/// Why core refused a command.
pub(crate) fn refusal(refusal: &Refusal) -> Error {
    let kind = match refusal {
        Refusal::UnknownContact(_) => Kind::UnknownContact,
        Refusal::UnknownConversation(_) => Kind::UnknownConversation,
        Refusal::WrongRelationship {
            obstacle: ContactObstacle::RemovedByPeer,
            ..
        } => Kind::Refused,
        Refusal::WrongRelationship { .. }
        | Refusal::WrongState { .. }
        | Refusal::NoSession(_)
        | Refusal::UnknownInvite => Kind::WrongState,
        Refusal::Ourselves | Refusal::OutOfRange { .. } => Kind::InvalidParams,
        Refusal::UnknownMessage(_) => Kind::UnknownMessage,
        Refusal::KeyReused(_) => Kind::KeyReused,
        Refusal::SafetyNumberMismatch(_) | Refusal::UntrustedKey(_) => Kind::UntrustedKey,
        Refusal::Full(_) => Kind::RateLimited,
    };
    let error = Error::new(kind, refusal.to_string());
    match refusal {
        Refusal::UntrustedKey(_) => error.hint(ACCEPT_KEY),
        // Waiting makes no room.
        Refusal::Full(Table::Invites) => {
            error.hint("sotto friends invites lists them, sotto friends uninvite CODE takes one back")
        }
        Refusal::WrongRelationship {
            obstacle: ContactObstacle::RemovedByPeer,
            ..
        } => error.hint(ASK_AGAIN),
        _ => error,
    }
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
        )
        .hint("it runs on a copy of this profile: stop one of the two, and never run that copy again"),
        DriverError::Listen(error) => Error::new(Kind::Network, error.to_string()),
        DriverError::Entropy(_) | DriverError::DeadlineTimer(_) | DriverError::Thread(_) => {
            Error::new(Kind::Io, error.to_string())
        }
    }
}

/// With less than that, SQLite soon finds no room for a page and its log.
const NO_ROOM: u64 = 1 << 20;

/// The node of a profile stopped before it answered. Its store may have found no room on the disk.
pub(crate) fn stopped_in(folder: &Path, node: Stopped) -> Error {
    let free = statvfs(folder).map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    if free.is_ok_and(|free| free < NO_ROOM) {
        let full = StoreError::Full {
            path: folder.to_owned(),
        };
        return store(&full)
            .hint("nothing that was stored is lost; check whether it was done, then try again")
            .retry_after_ms(1000);
    }
    stopped(node)
}

/// The node stopped before it answered. It may be restarting.
pub(crate) fn stopped(stopped: Stopped) -> Error {
    Error::new(Kind::Io, stopped.to_string())
        .hint("check whether it was done, then try again; sotto daemon logs shows why")
        .retry_after_ms(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_invites_are_not_waited_for_but_taken_back() {
        let error = refusal(&Refusal::Full(Table::Invites));
        assert_eq!(error.kind(), Kind::RateLimited);
        assert!(error.data.hint.contains("sotto friends uninvite"), "{error:?}");
        assert_ne!(
            error.data.hint,
            refusal(&Refusal::Full(Table::Outbox)).data.hint,
            "a full outbox does empty itself"
        );
    }
}
