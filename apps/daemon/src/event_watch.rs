//! The node's notices, for whoever waits for something: the newest number of the event log, and presence.

use sotto_core::{Notice, Peer};
use sotto_io_tokio::Notices;
use tokio::sync::{broadcast, watch};

/// Presence kept for a subscriber that is slow; a lost one is no loss, the next tells the present state.
const WAITING_PRESENCE: usize = 64;

/// Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct EventWatch {
    newest: watch::Receiver<u64>,
    presence: broadcast::Sender<Peer>,
}

impl EventWatch {
    /// Listens for as long as the node lives. `newest` is where the log stands.
    pub fn start(mut notices: Notices, newest: u64) -> Self {
        let (grow, newest) = watch::channel(newest);
        let (presence, _) = broadcast::channel(WAITING_PRESENCE);
        let feed = Self {
            newest,
            presence: presence.clone(),
        };
        tokio::spawn(async move {
            while let Some(notice) = notices.next().await {
                match notice {
                    Notice::Logged(seq) => {
                        grow.send_if_modified(|newest| {
                            let grown = seq.0 > *newest;
                            *newest = seq.0.max(*newest);
                            grown
                        });
                    }
                    // Nobody may be subscribed.
                    Notice::Presence(peer) => drop(presence.send(peer)),
                }
            }
        });
        feed
    }

    /// The newest event's number. `changed` on it waits for the log to grow; an error says that the node is gone.
    pub fn newest(&self) -> watch::Receiver<u64> {
        self.newest.clone()
    }

    /// Presence from now on.
    pub fn presence(&self) -> broadcast::Receiver<Peer> {
        self.presence.subscribe()
    }
}
