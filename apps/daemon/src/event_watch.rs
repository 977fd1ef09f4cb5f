//! [`EventWatch`]: the node's notices for tasks that wait: the newest number of the event log, and presence.

use std::future::pending;

use sotto_core::{ContactPresence, EventSeq, Notice};
use sotto_io_tokio::{Missed, Notices};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;

use super::read_pool::ReadPool;

/// Presence notices kept for a slow subscriber. One that lags behind asks for the presence of all contacts.
const WAITING_PRESENCE: usize = 64;

/// What a subscriber to presence learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PresenceNotice {
    /// The presence of a contact may have changed.
    One(ContactPresence),
    /// That of any contact may have.
    All,
}

/// Presence from a moment on.
#[derive(Debug)]
pub(crate) struct PresenceNotices(broadcast::Receiver<PresenceNotice>);

impl PresenceNotices {
    /// The next notice. Never resolves once the daemon ends.
    pub async fn next(&mut self) -> PresenceNotice {
        match self.0.recv().await {
            Ok(notice) => notice,
            Err(broadcast::error::RecvError::Lagged(_)) => {
                // What still waits is older than the answer to the question that follows.
                self.0 = self.0.resubscribe();
                PresenceNotice::All
            }
            Err(broadcast::error::RecvError::Closed) => pending().await,
        }
    }
}

/// Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct EventWatch {
    newest: watch::Receiver<u64>,
    presence: broadcast::Sender<PresenceNotice>,
}

impl EventWatch {
    /// Listens in one of the `tasks` for as long as the node runs. `newest` is the number of the newest event.
    pub fn start(mut notices: Notices, newest: u64, reads: ReadPool, tasks: &mut JoinSet<()>) -> Self {
        let (grow, newest) = watch::channel(newest);
        let (presence, _) = broadcast::channel(WAITING_PRESENCE);
        let feed = Self {
            newest,
            presence: presence.clone(),
        };
        tasks.spawn(async move {
            while let Some(notice) = notices.next().await {
                match notice {
                    Ok(Notice::Logged(seq)) => grown(&grow, seq),
                    // There may be no subscriber.
                    Ok(Notice::Presence(peer)) => drop(presence.send(PresenceNotice::One(peer))),
                    // The driver has logged it.
                    Ok(Notice::Fault { .. }) => {}
                    Err(Missed) => {
                        drop(presence.send(PresenceNotice::All));
                        match reads.read(|reader| reader.events(EventSeq(u64::MAX), 0)).await {
                            Ok(log) => grown(&grow, log.last),
                            Err(error) => tracing::warn!(kind = ?error.kind(), "the end of the log cannot be read"),
                        }
                    }
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
    pub fn presence(&self) -> PresenceNotices {
        PresenceNotices(self.presence.subscribe())
    }
}

/// Publishes the number of the newest event.
fn grown(newest: &watch::Sender<u64>, seq: EventSeq) {
    newest.send_if_modified(|newest| {
        let grown = seq.0 > *newest;
        *newest = seq.0.max(*newest);
        grown
    });
}

#[cfg(test)]
mod tests {
    use sotto_core::{OnionSecret, Presence};

    use super::*;

    #[tokio::test]
    async fn a_subscriber_that_lags_behind_asks_for_all_and_goes_on_from_there() {
        let (sender, receiver) = broadcast::channel(2);
        let mut notices = PresenceNotices(receiver);
        let notice = |typing| {
            PresenceNotice::One(ContactPresence {
                contact: OnionSecret::from_seed(&[7; 32]).address(),
                presence: Presence::Online,
                as_of: None,
                typing,
            })
        };
        for _ in 0..3 {
            sender.send(notice(true)).expect("a subscriber");
        }
        assert_eq!(notices.next().await, PresenceNotice::All);
        sender.send(notice(false)).expect("a subscriber");
        assert_eq!(
            notices.next().await,
            notice(false),
            "what came before the answer is not told after it"
        );
    }
}
