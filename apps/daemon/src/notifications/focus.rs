//! [`FocusList`]: what the user looks at, as each connected interface says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sotto_core::ConversationId;

/// What the user looks at.
#[derive(Debug, Default)]
pub(crate) struct FocusList(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    last: u64,
    by_number: BTreeMap<u64, Focus>,
}

#[derive(Clone, Copy, Debug)]
struct Focus {
    conversation: Option<ConversationId>,
    locked: bool,
}

/// What one connection says. Dropped, it says nothing any more.
#[derive(Debug)]
pub(crate) struct FocusGuard {
    list: Arc<FocusList>,
    number: u64,
}

impl FocusList {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        // They are never left half changed, so a poisoned lock is harmless.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a connection says, until the guard is dropped.
    pub fn enter(self: &Arc<Self>, conversation: Option<ConversationId>, locked: bool) -> FocusGuard {
        let mut entries = self.entries();
        entries.last += 1;
        let number = entries.last;
        entries.by_number.insert(number, Focus { conversation, locked });
        FocusGuard {
            list: self.clone(),
            number,
        }
    }

    /// Whether the user looks at that conversation.
    pub fn has(&self, conversation: &ConversationId) -> bool {
        let entries = self.entries();
        let mut all = entries.by_number.values();
        all.any(|focus| !focus.locked && focus.conversation.as_ref() == Some(conversation))
    }

    /// Whether an interface is locked.
    pub fn is_locked(&self) -> bool {
        self.entries().by_number.values().any(|focus| focus.locked)
    }
}

impl Drop for FocusGuard {
    fn drop(&mut self) {
        self.list.entries().by_number.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use sotto_core::GroupId;

    use super::*;

    #[test]
    fn a_focus_lasts_as_long_as_its_connection_and_a_locked_one_sees_nothing() {
        let list = Arc::new(FocusList::default());
        let [bob, carol] = [1, 2].map(|n| ConversationId::Group(GroupId([n; 32])));
        let first = list.enter(Some(bob), false);
        let second = list.enter(Some(carol), false);
        assert!(list.has(&bob) && list.has(&carol) && !list.is_locked());
        drop(first);
        assert!(!list.has(&bob) && list.has(&carol));
        let locked = list.enter(Some(bob), true);
        assert!(!list.has(&bob) && list.is_locked());
        drop((second, locked));
        assert!(!list.has(&carol) && !list.is_locked());
    }
}
