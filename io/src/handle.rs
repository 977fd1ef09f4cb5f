//! What an application holds of a running node.

use std::convert::Infallible;

use async_broadcast::{InactiveReceiver, broadcast};
use futures::channel::{mpsc, oneshot};
use futures::future::{FutureExt as _, Shared};
use futures::{SinkExt as _, StreamExt as _};
use sotto_core::{Command, Notice, Refusal, Reply};

/// Notices kept for a subscriber that is slow.
const WAITING_NOTICES: usize = 256;

/// The node stopped before it answered. A command may still have been carried out: look before asking again, or send
/// with an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the node stopped before it answered")]
pub struct Stopped;

pub(crate) type Answer = Result<Reply, Refusal>;

pub(crate) enum Request {
    Command(Command, oneshot::Sender<Answer>),
    Shutdown,
}

/// Speaks to a node. Cheap to clone; when the last one is dropped, the node shuts down.
#[derive(Clone, Debug)]
pub struct NodeHandle {
    requests: mpsc::Sender<Request>,
    notices: InactiveReceiver<Notice>,
    ended: Shared<oneshot::Receiver<Infallible>>,
}

/// The node's end of its handles.
pub(crate) struct Desk {
    pub requests: mpsc::Receiver<Request>,
    notices: async_broadcast::Sender<Notice>,
    /// Dropped last: then the node has ended.
    _end: oneshot::Sender<Infallible>,
}

impl NodeHandle {
    pub(crate) fn new() -> (Self, Desk) {
        // Each caller may have one command wait for the driver, and waits with it.
        let (requests, inbox) = mpsc::channel(0);
        let (mut notify, notices) = broadcast(WAITING_NOTICES);
        notify.set_overflow(true);
        let (end, ended) = oneshot::channel();
        let handle = Self {
            requests,
            notices: notices.deactivate(),
            ended: ended.shared(),
        };
        let desk = Desk {
            requests: inbox,
            notices: notify,
            _end: end,
        };
        (handle, desk)
    }

    /// Has the node carry out a command, and waits for its answer; what a [`Reply`] promises is durable by then.
    pub async fn command(&self, command: Command) -> Result<Answer, Stopped> {
        let (answer, answered) = oneshot::channel();
        let request = Request::Command(command, answer);
        self.requests.clone().send(request).await.map_err(|_| Stopped)?;
        answered.await.map_err(|_| Stopped)
    }

    /// Notices from now on.
    pub fn subscribe(&self) -> Notices {
        Notices(self.notices.activate_cloned())
    }

    /// Ends the node in order: the commands before this one are answered, what is staged is committed, links and store
    /// are closed. Returns when that is done, or has been done before.
    pub async fn shutdown(&self) {
        // A node that is gone takes no requests, and has ended.
        let _ = self.requests.clone().send(Request::Shutdown).await;
        let _ = self.ended.clone().await;
    }
}

impl Desk {
    /// For whoever has subscribed, which may be nobody.
    pub fn notify(&self, notice: Notice) {
        let _ = self.notices.try_broadcast(notice);
    }
}

/// A node's notices. They are hints: whoever lags behind loses the oldest ones, and nothing with them.
#[derive(Clone, Debug)]
pub struct Notices(async_broadcast::Receiver<Notice>);

impl Notices {
    /// The next one; `None` when the node has ended. May be dropped and called again.
    pub async fn next(&mut self) -> Option<Notice> {
        self.0.next().await
    }
}
