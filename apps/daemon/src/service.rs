//! [`Service`]: what the methods of the API are implemented on.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use sotto_api::{self as api, Error, Kind, Time};
use sotto_client::Profile;
use sotto_core::{Command, OnionAddress, Reply, Status};
use sotto_io_tokio::NodeHandle;
use tokio::sync::{OwnedMutexGuard, mpsc, watch};
use tokio::time::timeout;

use super::api_error;
use super::authority::{Announced, Authority};
use super::event_watch::EventWatch;
use super::notifications::Notifications;
use super::page::PageCache;
use super::people::People;
use super::read_pool::ReadPool;
use super::view;
use crate::config::Config;

/// A running node with its read side, its network and the state of its clients.
#[derive(Debug)]
pub(crate) struct Service {
    pub node: NodeHandle,
    pub reads: ReadPool,
    /// For what reads the whole store, while other queries go on.
    pub backups: ReadPool,
    pub events: EventWatch,
    pub pages: PageCache,
    pub people: People,
    pub network: watch::Receiver<api::Network>,
    pub config: Config,
    pub profile: Profile,
    /// What is served beside the socket.
    pub endpoints: Vec<api::Endpoint>,
    pub us: OnionAddress,
    pub started_at: Time,
    pub stop: watch::Sender<bool>,
    pub subscriptions: AtomicU64,
    pub consumer_locks: ConsumerLocks,
    pub authority: Authority,
    /// What the owner sends, once there are agents.
    pub announcements: mpsc::Sender<Announced>,
    pub notifications: Notifications,
    /// Held while items of a surface are compared and set.
    pub storage_turn: tokio::sync::Mutex<()>,
    /// Held from the look whether a petname is taken until it is durable.
    pub petname_turn: tokio::sync::Mutex<()>,
}

/// One lock for each consumer that is receiving. A second client that receives under the same name waits until what the
/// first one received is acknowledged, so that no message is handed out twice.
#[derive(Debug, Default)]
pub(crate) struct ConsumerLocks(Mutex<BTreeMap<String, Weak<tokio::sync::Mutex<()>>>>);

/// A consumer is receiving. Released when it is dropped.
#[derive(Debug)]
pub(crate) struct ConsumerLock {
    pub consumer: String,
    _guard: OwnedMutexGuard<()>,
}

impl ConsumerLocks {
    /// How long a client waits for another one that receives as the same consumer: longer than it takes to print what was
    /// received, and shorter than a client waits for its answer.
    const PATIENCE: Duration = Duration::from_secs(5);

    /// Takes the consumer's lock.
    pub async fn lock(&self, consumer: String) -> Result<ConsumerLock, Error> {
        let turn = {
            // The map is never left half changed, so a poisoned lock is harmless.
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| turn.strong_count() > 0);
            let turn = turns.get(&consumer).and_then(Weak::upgrade).unwrap_or_default();
            turns.insert(consumer.clone(), Arc::downgrade(&turn));
            turn
        };
        match timeout(Self::PATIENCE, turn.lock_owned()).await {
            Ok(guard) => Ok(ConsumerLock {
                consumer,
                _guard: guard,
            }),
            Err(_) => Err(Error::new(
                Kind::RateLimited,
                format!("another client is receiving as the consumer {consumer:?}"),
            )
            .hint("try again once it has acknowledged; --consumer NAME receives independently of it")),
        }
    }
}

impl Service {
    /// Has the node carry out a command.
    pub async fn command(&self, command: Command) -> Result<Reply, Error> {
        self.node
            .command(command)
            .await
            .map_err(|stopped| api_error::stopped_in(&self.profile, stopped))?
            .map_err(|refusal| api_error::refusal(&refusal))
    }

    /// The node's numbers.
    pub async fn status(&self) -> Result<Status, Error> {
        match self.command(Command::Status).await? {
            Reply::Status(status) => Ok(status),
            reply => Err(unexpected(&reply)),
        }
    }

    /// The configuration's word on how contacts see this node, which holds at each start.
    pub async fn set_configured_availability(&self) -> Result<(), Error> {
        if let Some(configured) = self.config.availability {
            self.command(Command::SetAvailability(view::availability(configured)))
                .await?;
        }
        Ok(())
    }

    /// Becomes true when the daemon ends.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// A fresh id for a subscription.
    pub fn next_subscription(&self) -> u64 {
        self.subscriptions.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// The node's reply is not of the kind that belongs to the command: a bug.
pub(crate) fn unexpected(reply: &Reply) -> Error {
    // Its content must not be in the log.
    tracing::error!(reply = ?std::mem::discriminant(reply), "the node's answer does not fit the command");
    Error::internal("the node's answer does not fit the command")
}
