//! What an application holds of a running node.

use sotto_core::{Command, Notice, Refusal, Reply};
use tokio::sync::{broadcast, mpsc, oneshot};

/// Commands that may wait for the driver before a caller has to.
const WAITING_COMMANDS: usize = 64;

/// Notices kept for a subscriber that is slow. They are hints; one that is lost costs nothing.
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
    notices: broadcast::Sender<Notice>,
}

impl NodeHandle {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Request>, broadcast::Sender<Notice>) {
        let (requests, inbox) = mpsc::channel(WAITING_COMMANDS);
        let (notices, _) = broadcast::channel(WAITING_NOTICES);
        (
            Self {
                requests,
                notices: notices.clone(),
            },
            inbox,
            notices,
        )
    }

    /// Has the node carry out a command, and waits for its answer; what a [`Reply`] promises is durable by then.
    pub async fn command(&self, command: Command) -> Result<Answer, Stopped> {
        let (answer, answered) = oneshot::channel();
        self.requests
            .send(Request::Command(command, answer))
            .await
            .map_err(|_| Stopped)?;
        answered.await.map_err(|_| Stopped)
    }

    /// Notices from now on. A receiver that lags loses the oldest ones, and is told so.
    pub fn subscribe(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    /// Ends the node in order: the commands before this one are answered, what is staged is committed, links and store
    /// are closed. Returns when that is done, or has been done before.
    pub async fn shutdown(&self) {
        if self.requests.send(Request::Shutdown).await.is_ok() {
            self.requests.closed().await;
        }
    }
}
