//! [`NodeHandle`], through which an application commands a running node and subscribes to its notices.

use std::convert::Infallible;

use async_broadcast::{InactiveReceiver, RecvError, broadcast};
use futures::SinkExt as _;
use futures::channel::{mpsc, oneshot};
use futures::future::{FutureExt as _, Shared, TryFutureExt as _};
use sotto_core::{Command, Notice, Refusal, Reply};

/// Notices kept for a subscriber that is slow.
const NOTICE_BACKLOG: usize = 256;

/// The node stopped before it replied. It may still have carried the command out: look before you send it again, or send
/// with an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the node stopped before it replied")]
pub struct Stopped;

/// A subscriber has lagged behind, or the node was opened again. What the notices before said may not hold any more: the event
/// log and [`Command::Peers`] have what does, and what a run of the node was told has to be said again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("notices of the node were missed")]
pub struct Missed;

pub(crate) type CommandResult = Result<Reply, Refusal>;

/// What a handle sends to the driver.
pub(crate) enum HandleRequest {
    Command(Command, oneshot::Sender<CommandResult>),
    Shutdown,
}

/// Commands a node. Cheap to clone; when the last clone is dropped, the node shuts down.
#[derive(Clone, Debug)]
pub struct NodeHandle {
    requests: mpsc::Sender<HandleRequest>,
    notices: InactiveReceiver<Result<Notice, Missed>>,
    ended: Shared<oneshot::Receiver<Infallible>>,
}

/// The driver's end of all handles of its node.
pub(crate) struct HandleInbox {
    pub requests: mpsc::Receiver<HandleRequest>,
    notices: async_broadcast::Sender<Result<Notice, Missed>>,
    /// The last field to be dropped, which tells every handle that the node has ended.
    _end: oneshot::Sender<Infallible>,
}

impl NodeHandle {
    pub(crate) fn new() -> (Self, HandleInbox) {
        // No capacity beyond one request for each sender: a caller waits until the driver takes its request.
        let (request_sender, requests) = mpsc::channel(0);
        let (mut notice_sender, notices) = broadcast(NOTICE_BACKLOG);
        notice_sender.set_overflow(true);
        let (end, ended) = oneshot::channel();
        let handle = Self {
            requests: request_sender,
            notices: notices.deactivate(),
            ended: ended.shared(),
        };
        let inbox = HandleInbox {
            requests,
            notices: notice_sender,
            _end: end,
        };
        (handle, inbox)
    }

    /// Sends a command to the node and waits for its reply. What a [`Reply`] promises is durable by then.
    pub async fn command(&self, command: Command) -> Result<CommandResult, Stopped> {
        self.submit(command).await?.await
    }

    /// Sends a command to the node. The future that this gives waits for its reply; commands that were submitted in turn are
    /// carried out in turn, and commit together.
    pub async fn submit(
        &self,
        command: Command,
    ) -> Result<impl Future<Output = Result<CommandResult, Stopped>> + Send + use<>, Stopped> {
        let (sender, result) = oneshot::channel();
        let request = HandleRequest::Command(command, sender);
        self.requests.clone().send(request).await.map_err(|_| Stopped)?;
        Ok(result.map_err(|_| Stopped))
    }

    /// Notices from now on.
    pub fn subscribe(&self) -> Notices {
        Notices(self.notices.activate_cloned())
    }

    /// Ends the node in order: it replies to earlier commands, commits what is staged, and closes links and store. Returns
    /// when the node has ended, also if it had ended before.
    pub async fn shutdown(&self) {
        // Fails only if the node has ended.
        let _ = self.requests.clone().send(HandleRequest::Shutdown).await;
        let _ = self.ended.clone().await;
    }
}

impl HandleInbox {
    /// Sends a notice to all subscribers; there may be none. A fault of a peer is logged instead, without its address: a
    /// peer that causes many must not crowd out what subscribers wait for.
    pub fn notify(&self, notice: Notice) {
        match notice {
            Notice::Fault { kind, .. } => tracing::debug!(%kind, "a peer broke a rule"),
            Notice::Logged(_) | Notice::Presence(_) => {
                let _ = self.notices.try_broadcast(Ok(notice));
            }
        }
    }

    /// Tells all subscribers that another run of the node begins.
    pub fn notify_opened(&self) {
        let _ = self.notices.try_broadcast(Err(Missed));
    }
}

/// A subscription to a node's notices. Notices are hints: a subscriber that lags behind misses the oldest ones and is told so.
#[derive(Clone, Debug)]
pub struct Notices(async_broadcast::Receiver<Result<Notice, Missed>>);

impl Notices {
    /// The next notice; `None` when the node has ended. Dropping this future loses nothing.
    pub async fn next(&mut self) -> Option<Result<Notice, Missed>> {
        match self.0.recv_direct().await {
            Ok(notice) => Some(notice),
            Err(RecvError::Overflowed(_)) => Some(Err(Missed)),
            Err(RecvError::Closed) => None,
        }
    }

    /// Passes over notices until some were missed; `None` when the node has ended. Dropping this future never
    /// loses a [`Missed`].
    pub async fn missed(&mut self) -> Option<Missed> {
        loop {
            if let Err(missed) = self.next().await? {
                return Some(missed);
            }
        }
    }
}
