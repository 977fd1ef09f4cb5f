//! [`Receivers`]: the clients that receive, and what is acknowledged for them. All read as one consumer, so the log is
//! acknowledged as far as each of them has received it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use sotto_api::{Acknowledge, Error, Subscribe, all};
use tokio::time::{Instant, interval, sleep_until};

use super::{SURFACE, SignalCli};
use crate::event_stream::{ChunkSender, ClientGone};

/// How long a connection must stand after an event was written before the event counts as received. A client that was
/// killed is gone within it; what it had read but not handled comes again.
const RECEIVED_AFTER: Duration = Duration::from_secs(15);

/// How often a comment shows that the connection is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Events that one connection may have written and not received yet. The next ones wait.
const UNRECEIVED: usize = 4096;

/// The clients that receive now, each with how far it has.
#[derive(Debug, Default)]
pub(super) struct Receivers {
    received: Mutex<BTreeMap<u64, u64>>,
    last: AtomicU64,
}

/// A client that receives.
struct Receiver<'a> {
    receivers: &'a Receivers,
    number: u64,
}

impl Receivers {
    fn join(&self, since: u64) -> Receiver<'_> {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(number, since);
        Receiver {
            receivers: self,
            number,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, u64>> {
        // The map is never left half changed.
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Receiver<'_> {
    /// Takes note that this client has received up to `seq`. Returns how far all have.
    fn note_received(&self, seq: u64) -> u64 {
        let mut received = self.receivers.lock();
        received.insert(self.number, seq);
        received.values().copied().min().unwrap_or(seq)
    }
}

impl Drop for Receiver<'_> {
    fn drop(&mut self) {
        self.receivers.lock().remove(&self.number);
    }
}

/// Why a stream of envelopes ends.
#[derive(Debug)]
pub(super) enum Ended {
    /// The client has disconnected, or does not read.
    ClientGone,
    /// The daemon cannot go on.
    Failed(Error),
}

impl From<ClientGone> for Ended {
    fn from(_: ClientGone) -> Self {
        Self::ClientGone
    }
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl SignalCli {
    /// Sends envelopes, each as `format` writes it, until the client is gone. `comment` keeps the connection alive.
    pub(super) async fn receive(
        &self,
        account: Option<&str>,
        sender: &ChunkSender,
        format: impl Fn(&Value) -> String,
        comment: Option<&'static str>,
    ) -> Result<(), Ended> {
        let account = account.unwrap_or(&self.account);
        let (mut events, mut calls) = (self.session().await?, self.session().await?);
        let subscribe = Subscribe {
            consumer: Some(SURFACE.to_owned()),
            ..Subscribe::default()
        };
        let since = events.call::<all::EventsSubscribe>(&subscribe).await?.since;
        let receiver = self.receivers.join(since);
        let mut unreceived = VecDeque::<(Instant, u64)>::new();
        let mut alive = interval(KEEP_ALIVE);
        alive.reset();
        loop {
            let next = unreceived.front().map(|(written, _)| *written + RECEIVED_AFTER);
            tokio::select! {
                event = events.event(), if unreceived.len() < UNRECEIVED => {
                    let event = event?;
                    if let Some(envelope) = self.envelope(&mut calls, &event, account).await? {
                        sender.send(format(&envelope)).await?;
                    }
                    unreceived.extend(event.seq.map(|seq| (Instant::now(), seq)));
                }
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {
                    let mut last = None;
                    let before = Instant::now() - RECEIVED_AFTER;
                    while unreceived.front().is_some_and(|(written, _)| *written <= before) {
                        last = unreceived.pop_front().map(|(_, seq)| seq);
                    }
                    if let Some(last) = last {
                        let seq = receiver.note_received(last);
                        let consumer = SURFACE.to_owned();
                        calls.call::<all::EventsAck>(&Acknowledge { consumer, seq }).await?;
                    }
                }
                _ = alive.tick() => match comment {
                    Some(comment) => sender.send(comment).await?,
                    None if sender.is_closed() => return Err(Ended::ClientGone),
                    None => {}
                },
            }
        }
    }
}
