//! What is opened to one contact shares no circuit with what is opened to another.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use arti_client::IsolationToken;
use sotto_core::OnionAddress;

/// Whose streams may share circuits.
#[derive(Default)]
pub(crate) struct Contacts(Mutex<BTreeMap<OnionAddress, Contact>>);

#[derive(Clone, Copy)]
pub(crate) struct Contact {
    pub token: IsolationToken,
    /// Something was opened with this token, so that circuits and a descriptor are remembered with it.
    pub used: bool,
}

impl Contacts {
    pub fn of(&self, peer: OnionAddress) -> Contact {
        *self.lock().entry(peer).or_insert_with(|| Contact {
            token: IsolationToken::new(),
            used: false,
        })
    }

    /// A stream was opened with this token.
    pub fn keep(&self, peer: OnionAddress, token: IsolationToken) {
        self.lock().insert(peer, Contact { token, used: true });
    }

    /// What is remembered with a token may be the very trouble: a circuit that died in silence, or the introduction
    /// points that the peer had before it was restarted, which arti would go on trying for hours.
    pub fn forget(&self, peer: OnionAddress) {
        self.lock().remove(&peer);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<OnionAddress, Contact>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use sotto_core::OnionSecret;

    use super::*;

    #[test]
    fn contacts_share_nothing_and_what_failed_is_forgotten() {
        let [ada, bob] = [1, 2].map(|seed| OnionSecret::from_seed(&[seed; 32]).address());
        let contacts = Contacts::default();
        let first = contacts.of(ada);
        assert!(first.token != contacts.of(bob).token);
        assert!(first.token == contacts.of(ada).token);
        assert!(!first.used);

        let other = IsolationToken::new();
        contacts.keep(ada, other);
        assert!(contacts.of(ada).token == other && contacts.of(ada).used);
        contacts.forget(ada);
        let last = contacts.of(ada);
        assert!(last.token != first.token && last.token != other && !last.used);
    }
}
