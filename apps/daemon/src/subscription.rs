//! [`Subscription`] to the event log: its events as notifications, from a position on and then as the log grows. It reads the
//! log no faster than the client reads its socket.

use std::sync::Arc;

use sotto_api::rpc::Notification;
use sotto_api::{Body, Error, Event, EventNotification, Time};
use sotto_core::{Command, ContactPresence, Reply};

use super::call::Call;
use super::client_queue::{ClientGone, ClientQueue};
use super::event_watch::{PresenceNotice, PresenceNotices};
use super::page::{Start, page};
use super::service::unexpected;
use super::view;

/// Events read ahead of the client.
const PAGE: u32 = 64;

/// What a client has subscribed to.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub id: u64,
    pub start: Start,
    /// From before the answer to the client: what it asks for after that answer is no newer than what it is told.
    pub presence: Option<PresenceNotices>,
}

/// Sends events until the client disconnects, the node stops or the log cannot be read.
pub(crate) async fn run(call: Arc<Call>, client: ClientQueue, subscription: Subscription) {
    // Only a log that cannot be read is reported; in the other cases the client or the daemon has ended it.
    let sender = Sender {
        call,
        client: client.clone(),
        subscription,
    };
    if let Err(Ending::Failed(error)) = sender.run().await {
        tracing::warn!(%error, "a subscription ends");
        let _ = client.push(&Notification::new("events.failed", error), None).await;
    }
}

enum Ending {
    ClientGone,
    Failed(Error),
}

impl From<ClientGone> for Ending {
    fn from(_: ClientGone) -> Self {
        Self::ClientGone
    }
}

impl From<Error> for Ending {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

struct Sender {
    call: Arc<Call>,
    client: ClientQueue,
    subscription: Subscription,
}

impl Sender {
    async fn run(mut self) -> Result<(), Ending> {
        let mut newest = self.call.events.newest();
        loop {
            newest.mark_unchanged();
            while self.send_page().await? {}
            tokio::select! {
                grown = newest.changed() => grown.map_err(|_| Ending::ClientGone)?,
                notice = next(&mut self.subscription.presence) => match notice {
                    PresenceNotice::One(peer) => self.send_presence(peer).await?,
                    PresenceNotice::All => self.send_presence_of_all().await?,
                },
            }
        }
    }

    /// True if there may be more.
    async fn send_page(&mut self) -> Result<bool, Ending> {
        let page = page(&self.call, self.subscription.start, PAGE).await?;
        for event in page.events {
            self.send(event).await?;
        }
        self.subscription.start = page.next;
        Ok(page.more)
    }

    async fn send_presence_of_all(&self) -> Result<(), Ending> {
        match self.call.command(Command::Peers).await {
            Ok(Reply::Peers(peers)) => {
                for peer in peers {
                    self.send_presence(peer).await?;
                }
                Ok(())
            }
            Ok(reply) => Err(unexpected(&reply).into()),
            // The node has stopped. When it is opened again, that is a notice of all as well.
            Err(_) => Ok(()),
        }
    }

    async fn send_presence(&self, peer: ContactPresence) -> Result<(), Ending> {
        let contact = peer.contact;
        // A peer that is no longer a contact has no presence to show.
        let Some(found) = self.call.reads.read(move |reader| reader.contact(&contact)).await? else {
            return Ok(());
        };
        let body = Body::Presence {
            who: view::who(found.who),
            presence: view::presence(peer.presence),
            as_of: peer.as_of.map(view::time),
            typing: peer.typing,
        };
        self.send(Event {
            seq: None,
            at: Time::now(),
            body,
        })
        .await
    }

    async fn send(&self, mut event: Event) -> Result<(), Ending> {
        if !self.call.discloses_event(&mut event).await? {
            return Ok(());
        }
        let happening = EventNotification {
            subscription: self.subscription.id,
            event,
        };
        Ok(self
            .client
            .push(&Notification::new("events.event", happening), None)
            .await?)
    }
}

/// The next notice of presence. Never resolves if the client did not ask for presence.
async fn next(presence: &mut Option<PresenceNotices>) -> PresenceNotice {
    match presence {
        Some(notices) => notices.next().await,
        None => std::future::pending().await,
    }
}
