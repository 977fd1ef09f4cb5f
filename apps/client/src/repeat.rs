//! [`is_repeatable`]: which requests come to the same if they are carried out twice. A connection can break between a request and its
//! answer, and then no client knows whether the request was carried out.

use serde_json::Value;
use sotto_api::{Method, all};

/// Methods that only read, or that say what is to be and not what is to be done.
const REPEATABLE: &[&str] = &[
    all::AgentsList::NAME,
    all::ApprovalsList::NAME,
    all::AuditShow::NAME,
    all::AuditVerify::NAME,
    all::Ack::NAME,
    all::Block::NAME,
    all::Discover::NAME,
    all::DoctorRun::NAME,
    all::EventsAck::NAME,
    all::EventsList::NAME,
    all::EventsWait::NAME,
    all::History::NAME,
    all::IdentityRename::NAME,
    all::IdentityShow::NAME,
    all::Inbox::NAME,
    all::InvitesList::NAME,
    all::List::NAME,
    all::Lock::NAME,
    all::MessageStatus::NAME,
    all::NodeAvailability::NAME,
    all::NodePresence::NAME,
    all::NodeStatus::NAME,
    all::NotificationsFocus::NAME,
    all::NotificationsMute::NAME,
    all::NotificationsSet::NAME,
    all::NotificationsShow::NAME,
    all::NotificationsUnmute::NAME,
    all::Outbox::NAME,
    all::Read::NAME,
    all::Rename::NAME,
    all::Requests::NAME,
    all::Search::NAME,
    all::SessionOpen::NAME,
    all::SessionUnlock::NAME,
    all::StorageList::NAME,
    all::StorageSet::NAME,
    all::Threads::NAME,
    all::Typing::NAME,
    all::Unblock::NAME,
];

/// Whether a request may be made again although it may have been carried out. A send may if it has an idempotency key.
pub(crate) fn is_repeatable<M: Method>(params: &M::Params) -> bool {
    let has_key = || serde_json::to_value(params).is_ok_and(|params| params.get("id").is_some_and(Value::is_string));
    REPEATABLE.contains(&M::NAME) || (M::NAME == all::Send::NAME && has_key())
}

#[cfg(test)]
mod tests {
    use sotto_api::{Class, METHODS, Nothing, Send};

    use super::*;

    /// A method that reads and is not listed is one that moves a reader on.
    #[test]
    fn what_only_reads_is_repeatable() {
        let class = |name: &str| METHODS.iter().find(|method| method.name == name).map(|one| one.class);
        for name in REPEATABLE {
            assert!(
                !matches!(class(name), None | Some(Class::Owner | Class::Files | Class::Process)),
                "{name}"
            );
        }
        let others: Vec<&str> = METHODS
            .iter()
            .filter(|method| method.class == Class::Read && !REPEATABLE.contains(&method.name))
            .map(|method| method.name)
            .collect();
        assert_eq!(others, [all::Receive::NAME, all::EventsSubscribe::NAME]);
    }

    #[test]
    fn a_send_is_repeatable_by_its_key() {
        let mut send = Send::default();
        assert!(!is_repeatable::<all::Send>(&send));
        send.id = Some(String::from("key"));
        assert!(is_repeatable::<all::Send>(&send));
        assert!(!is_repeatable::<all::IdentityInvite>(&Nothing {}));
    }
}
