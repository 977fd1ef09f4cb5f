//! Keeps a node running. A run that ends with an error of the moment (a full disk, say) is followed by another one on
//! what is durable, after a wait that doubles; an error that will not pass ends the whole.

use std::fmt;
use std::io;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use sotto_core::{Limits, Notice, OpenError};
use sotto_io_sqlcipher::StoreError;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::driver::Driver;
use crate::handle::Request;
use crate::storage::StoreThread;
use crate::{ListenError, NodeHandle, Storage, Transport};

const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What a node is run with.
pub struct Config {
    /// Its rows: an open [`Store`](sotto_io_sqlcipher::Store), new or not.
    pub store: Box<dyn Storage>,
    /// How it reaches others.
    pub transport: Arc<dyn Transport>,
    /// Its bounds and paces.
    pub limits: Limits,
}

impl Config {
    /// With the recommended limits.
    pub fn new(store: impl Storage + 'static, transport: impl Transport) -> Self {
        Self {
            store: Box::new(store),
            transport: Arc::new(transport),
            limits: Limits::default(),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Why a node does not run.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant is the error it holds")]
pub enum DriverError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error("the operating system has no random numbers: {0}")]
    Entropy(getrandom::Error),
    #[error("no timer: {0}")]
    Timer(io::Error),
    #[error("no thread for the store: {0}")]
    Thread(io::Error),
}

impl DriverError {
    /// Whether trying again may help, with nothing else done.
    pub fn is_passing(&self) -> bool {
        match self {
            // The lock is ours, so `InUse` is somebody's look at the file that took too long.
            Self::Store(error) => matches!(
                error,
                StoreError::Full { .. } | StoreError::Io { .. } | StoreError::Sqlite { .. } | StoreError::InUse { .. }
            ),
            Self::Listen(error) => matches!(error, ListenError::Io { .. }),
            Self::Timer(_) => true,
            Self::Open(_) | Self::Entropy(_) | Self::Thread(_) => false,
        }
    }
}

/// Starts a node; returns when it is open and listens. What is wrong by then is the error here, whatever it is.
///
/// The task ends after [`NodeHandle::shutdown`], when the last handle is dropped, or with an error that will not pass.
/// Aborting it is a crash, as far as the node can tell; the store is closed once the task is gone.
pub async fn start(config: Config) -> Result<(NodeHandle, JoinHandle<Result<(), DriverError>>), DriverError> {
    let (handle, requests, notices) = NodeHandle::new();
    let (up, is_up) = oneshot::channel();
    let storage = StoreThread::spawn(config.store).map_err(DriverError::Thread)?;
    let supervisor = Supervisor {
        storage,
        requests,
        notices,
        transport: config.transport,
        limits: config.limits,
    };
    let task = tokio::spawn(supervisor.run(up));
    match (is_up.await, task) {
        (Ok(()), task) => Ok((handle, task)),
        (Err(_), task) => match task.await {
            Ok(ended) => Err(ended.expect_err("it ended before it was up")),
            Err(panic) => resume_unwind(panic.into_panic()),
        },
    }
}

struct Supervisor {
    storage: StoreThread,
    requests: mpsc::Receiver<Request>,
    notices: broadcast::Sender<Notice>,
    transport: Arc<dyn Transport>,
    limits: Limits,
}

impl Supervisor {
    async fn run(mut self, up: oneshot::Sender<()>) -> Result<(), DriverError> {
        let mut up = Some(up);
        let mut wait = FIRST_WAIT;
        loop {
            let began = Instant::now();
            let error = match self.run_once(&mut up).await {
                Ok(()) => break,
                Err(error) if up.is_some() || !error.is_passing() => return Err(error),
                Err(error) => error,
            };
            if began.elapsed() > LONGEST_WAIT {
                wait = FIRST_WAIT;
            }
            tracing::error!(%error, ?wait, "the node stopped, and will be opened again");
            if self.shut_down_within(wait).await {
                break;
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        Ok(self.storage.close().await?)
    }

    async fn run_once(&mut self, up: &mut Option<oneshot::Sender<()>>) -> Result<(), DriverError> {
        let Self {
            storage,
            requests,
            notices,
            transport,
            limits,
        } = self;
        let driver = Driver::open(storage, requests, notices, &**transport, limits).await?;
        // Nobody waits for it any more if `start` was dropped; then the handle was, too.
        let _ = up.take().map(|up| up.send(()));
        Ok(driver.run().await?)
    }

    /// While there is no node, commands are answered with `Stopped`.
    async fn shut_down_within(&mut self, wait: Duration) -> bool {
        let asked = async { while let Some(Request::Command(..)) = self.requests.recv().await {} };
        tokio::select! {
            () = asked => true,
            () = sleep(wait) => false,
        }
    }
}
