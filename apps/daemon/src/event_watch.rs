//! [`EventWatch`]: the node's notices for tasks that wait: the newest number of the event log, and presence.

use sotto_core::{ContactPresence, Notice};
use sotto_io_tokio::Notices;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;

/// Presence notices kept for a slow subscriber. A lost one does no harm, because the next has the current state.
const WAITING_PRESENCE: usize = 64;

/// Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct EventWatch {
    newest: watch::Receiver<u64>,
    presence: broadcast::Sender<ContactPresence>,
}

impl EventWatch {
    /// Listens in one of the `tasks` for as long as the node runs. `newest` is the number of the newest event.
    pub fn start(mut notices: Notices, newest: u64, tasks: &mut JoinSet<()>) -> Self {
        let (grow, newest) = watch::channel(newest);
        let (presence, _) = broadcast::channel(WAITING_PRESENCE);
        let feed = Self {
            newest,
            presence: presence.clone(),
        };
        tasks.spawn(async move {
            while let Some(notice) = notices.next().await {
                match notice {
                    Notice::Logged(seq) => {
                        grow.send_if_modified(|newest| {
                            let grown = seq.0 > *newest;
                            *newest = seq.0.max(*newest);
                            grown
                        });
                    }
                    // There may be no subscriber.
                    Notice::Presence(peer) => drop(presence.send(peer)),
                    // The driver has logged it.
                    Notice::Fault { .. } => {}
                }
            }
        });
        feed
    }

    /// The newest event's number. `changed` on it waits for the log to grow; an error says that the node has stopped.
    pub fn newest(&self) -> watch::Receiver<u64> {
        self.newest.clone()
    }

    /// Presence from now on.
    pub fn presence(&self) -> broadcast::Receiver<ContactPresence> {
        self.presence.subscribe()
    }
}
