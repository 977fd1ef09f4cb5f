//! [`CircuitIsolation`] gives each peer its own isolation token, so that streams to two peers never share a circuit.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use arti_client::IsolationToken;
use sotto_core::OnionAddress;

/// The token of each peer. Streams with the same token may share circuits.
#[derive(Default)]
pub(crate) struct CircuitIsolation(Mutex<BTreeMap<OnionAddress, PeerToken>>);

#[derive(Clone, Copy)]
pub(crate) struct PeerToken {
    pub token: IsolationToken,
    pub history: TokenHistory,
}

/// Whether arti remembers circuits and a descriptor for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenHistory {
    Fresh,
    /// A stream was opened with this token.
    Used,
}

impl CircuitIsolation {
    pub fn of(&self, peer: OnionAddress) -> PeerToken {
        *self.lock().entry(peer).or_insert_with(|| PeerToken {
            token: IsolationToken::new(),
            history: TokenHistory::Fresh,
        })
    }

    /// A stream was opened with this token: later dials of the peer use it too.
    pub fn keep(&self, peer: OnionAddress, token: IsolationToken) {
        let history = TokenHistory::Used;
        self.lock().insert(peer, PeerToken { token, history });
    }

    /// After a failure. What arti remembers for the token may be the cause: a circuit that died without notice, or
    /// introduction points from before a restart of the peer, which arti would try for hours.
    pub fn forget(&self, peer: OnionAddress) {
        self.lock().remove(&peer);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<OnionAddress, PeerToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use sotto_core::OnionSecret;

    use super::*;

    #[test]
    fn peers_share_no_token_and_a_failure_discards_one() {
        let [alice, bob] = [1, 2].map(|seed| OnionSecret::from_seed(&[seed; 32]).address());
        let isolation = CircuitIsolation::default();
        let first = isolation.of(alice);
        assert!(first.token != isolation.of(bob).token);
        assert!(first.token == isolation.of(alice).token);
        assert_eq!(first.history, TokenHistory::Fresh);

        let second = IsolationToken::new();
        isolation.keep(alice, second);
        let kept = isolation.of(alice);
        assert!(kept.token == second && kept.history == TokenHistory::Used);
        isolation.forget(alice);
        let third = isolation.of(alice);
        assert!(third.token != first.token && third.token != second);
        assert_eq!(third.history, TokenHistory::Fresh);
    }
}
