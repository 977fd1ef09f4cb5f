//! Errors of core, the store and the driver as errors of the API. Kinds come from enums, never from the text.

use rustix::fs::statvfs;
use sotto_api::{Error, Kind};
use sotto_client::Profile;
use sotto_core::{ContactObstacle, MessageObstacle, NotAFriendCode, Refusal, Table};
use sotto_io_sqlcipher::{StoreError, exceeds_quota};
use sotto_io_tokio::{DriverError, ListenError, Stopped};

/// What to do about a contact's key that has replaced a verified one.
pub(crate) const ACCEPT_KEY: &str = "compare the safety number: sotto friends verify CONTACT; then add --mark, or --accept-new-key \
     without comparing. What waits is sent then";

/// What to do about a contact that has removed this node.
pub(crate) const ASK_AGAIN: &str =
    "sotto friends add CODE asks them again; what waits is kept, and sent once they accept";

/// Where the invites are that can still be used.
pub(crate) const UNUSED_INVITES: &str = "sotto friends invites lists those that can still be used";

/// What is wrong with a friend code or an onion address that was given as `what`.
pub(crate) fn wrong_code(what: &str, error: NotAFriendCode) -> Error {
    let hint = match error {
        NotAFriendCode::Version(_) => "use a newer sotto, or ask them for a code of the version that you have",
        _ => "copy the whole code once more; sotto identity shows it to the one whose code it is",
    };
    Error::invalid(format!("{what}: {error}")).hint(hint)
}

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
    match remedy(refusal) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// What the user does about a refusal, where the hint of its kind does not say it.
const fn remedy(refusal: &Refusal) -> Option<&'static str> {
    Some(match refusal {
        Refusal::UntrustedKey(_) => ACCEPT_KEY,
        Refusal::Ourselves => "give the friend code or address of the other person",
        Refusal::NoSession(_) => "sotto friends list shows when they have accepted",
        Refusal::UnknownInvite => UNUSED_INVITES,
        Refusal::Full(table) => about_table(*table),
        Refusal::WrongRelationship { obstacle, .. } => about_contact(*obstacle),
        Refusal::WrongState { obstacle, .. } => about_message(*obstacle),
        _ => return None,
    })
}

/// Of most tables, waiting makes no room.
const fn about_table(full: Table) -> &'static str {
    match full {
        Table::Contacts => "sotto friends list --all lists them, sotto friends forget CONTACT makes room",
        Table::Invites => "sotto friends invites lists them, sotto friends uninvite CODE takes one back",
        Table::Consumers => "use the name of a consumer that there is already",
        Table::Outbox => "it empties once they can be reached; sotto outbox shows what waits",
    }
}

const fn about_message(obstacle: MessageObstacle) -> &'static str {
    match obstacle {
        MessageObstacle::Deleted => "sotto history CONVERSATION shows what is left",
        MessageObstacle::OnItsWay => "sotto delete CONVERSATION ID deletes it there too",
        MessageObstacle::NotWaiting => "sotto history CONVERSATION shows how far it is",
        MessageObstacle::NotGivenUp => "sotto outbox shows what waits, and why",
    }
}

const fn about_contact(obstacle: ContactObstacle) -> &'static str {
    match obstacle {
        ContactObstacle::Blocked => "sotto friends unblock CONTACT",
        ContactObstacle::AlreadyAContact => "sotto friends list shows them",
        ContactObstacle::Asking => "sotto friends accept CONTACT",
        ContactObstacle::RequestDeclined => "ask them outside of Sotto to add you",
        ContactObstacle::RemovedByPeer => ASK_AGAIN,
        ContactObstacle::NotRemoved => "sotto friends remove CONTACT",
        ContactObstacle::NotAContact => "sotto friends add CODE",
        ContactObstacle::HasNotAsked => "sotto friends requests lists those who have asked",
        ContactObstacle::InvalidRequest => "ask them outside of Sotto to add you again",
    }
}

/// Why the store failed.
pub(crate) fn store(error: &StoreError) -> Error {
    let kind = match error {
        StoreError::WrongKey { .. } => Kind::WrongKey,
        StoreError::InUse { .. } => Kind::InUse,
        StoreError::NotFound { .. } => Kind::NotInitialised,
        StoreError::Exists { .. } => Kind::AlreadyInitialised,
        StoreError::Full { .. } | StoreError::OverQuota { .. } | StoreError::Io { .. } => Kind::Io,
        // In all other cases the file cannot be used as it is.
        _ => Kind::Store,
    };
    let failed = Error::new(kind, error.to_string());
    match error {
        StoreError::Full { .. } => failed.hint("make room on that disk, then try again"),
        _ => failed,
    }
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

/// The node of a profile stopped before it answered. Its store may have found no room on the disk, or none for this user.
pub(crate) fn stopped_in(profile: &Profile, node: Stopped) -> Error {
    let path = profile.database();
    let free = statvfs(profile.folder()).map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    let reason = if free.is_ok_and(|free| free < NO_ROOM) {
        StoreError::Full { path }
    } else if exceeds_quota(&path) {
        StoreError::OverQuota { path }
    } else {
        return stopped(node);
    };
    store(&reason)
        .hint("nothing that was stored is lost; check whether it was done, then try again")
        .retry_after_ms(1000)
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
