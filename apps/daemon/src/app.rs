//! What every handler works with.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use sotto_api::{self as api, Error, Time};
use sotto_core::{Command, ConversationId, OnionAddress, Reply};
use sotto_io_sqlcipher::Reader;
use sotto_io_tokio::NodeHandle;
use tokio::sync::{OwnedMutexGuard, watch};

use super::event_watch::EventWatch;
use super::read_pool::ReadPool;
use super::{fault, view};
use crate::config::Config;
use crate::resolve::{self, Candidate};

/// A running node with its read side.
#[derive(Debug)]
pub(crate) struct App {
    pub node: NodeHandle,
    pub reads: ReadPool,
    pub events: EventWatch,
    pub network: watch::Receiver<api::Network>,
    pub config: Config,
    pub folder: PathBuf,
    pub us: OnionAddress,
    pub started_at: Time,
    pub stop: watch::Sender<bool>,
    pub subscriptions: AtomicU64,
    pub consumer_locks: ConsumerLocks,
}

/// Which consumers are in the middle of receiving. The next to receive under the same name waits until what the one before
/// was handed is acknowledged, so that nothing is handed out twice.
#[derive(Debug, Default)]
pub(crate) struct ConsumerLocks(Mutex<BTreeMap<String, Weak<ConsumerLock>>>);

type ConsumerLock = tokio::sync::Mutex<()>;

impl ConsumerLocks {
    /// Waits for the consumer's turn; it ends when what this returns is dropped.
    pub async fn lock(&self, consumer: &str) -> OwnedMutexGuard<()> {
        let turn = {
            // What is held under this lock cannot be left half changed.
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| turn.strong_count() > 0);
            let turn = turns.get(consumer).and_then(Weak::upgrade).unwrap_or_default();
            turns.insert(consumer.to_owned(), Arc::downgrade(&turn));
            turn
        };
        turn.lock_owned().await
    }
}

impl App {
    /// Has the node do something.
    pub async fn command(&self, command: Command) -> Result<Reply, Error> {
        self.node
            .command(command)
            .await
            .map_err(fault::stopped)?
            .map_err(|refusal| fault::refusal(&refusal))
    }

    /// The contact that a text names.
    pub async fn contact_named(&self, text: &str) -> Result<OnionAddress, Error> {
        resolve::contact(text, &self.candidates().await?)
    }

    /// The conversation that a text names.
    pub async fn conversation_named(&self, text: &str) -> Result<ConversationId, Error> {
        resolve::conversation(text, &self.candidates().await?)
    }

    /// The same, where naming one is optional.
    pub async fn conversation_if_named(&self, text: Option<&str>) -> Result<Option<ConversationId>, Error> {
        match text {
            Some(text) => self.conversation_named(text).await.map(Some),
            None => Ok(None),
        }
    }

    async fn candidates(&self) -> Result<Vec<Candidate>, Error> {
        let people = self.reads.read(Reader::people).await?;
        Ok(people.into_iter().map(view::candidate).collect())
    }

    /// Becomes true when the daemon ends.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// A name for a subscription.
    pub fn next_subscription(&self) -> u64 {
        self.subscriptions.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// The node answered something else than what the command is for: a bug.
pub(crate) fn unexpected(reply: &Reply) -> Error {
    // What is in it is nothing for a log.
    tracing::error!(reply = ?std::mem::discriminant(reply), "the node's answer does not fit the command");
    Error::internal("the node's answer does not fit the command")
}
