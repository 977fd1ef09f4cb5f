//! Keeps a node running. A run that ends with an error of the moment (a full disk, say) is followed by another one on
//! what is durable, after a wait that doubles; an error that will not pass ends the whole.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use sotto_core::{Limits, Machine, Node, OpenError};
use sotto_io_sqlcipher::StoreError;

use crate::driver::Driver;
use crate::handle::Request;
use crate::opening::{Means, Open, Opened};
use crate::runtime::either;
use crate::storage::StoreThread;
use crate::{ListenError, NodeHandle, Runtime, Storage, Transport};

const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(1);

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

/// Opens a node, which listens from then on. What is wrong by then is the error here, whatever it is.
///
/// The future is the node's life: it is to be run on `runtime`, at once. It ends after [`NodeHandle::shutdown`], when the
/// last handle is dropped, or with an error that will not pass. Dropping it is a crash, as far as the node can tell; the
/// store is closed once it is gone.
pub async fn open(
    config: Config,
    runtime: impl Runtime,
) -> Result<(NodeHandle, impl Future<Output = Result<(), DriverError>> + Send), DriverError> {
    let open = |image, entropy, limits, now| {
        let node: Node = Node::open(image, entropy, limits, now)?;
        Ok(Box::new(node) as Box<dyn Machine>)
    };
    open_with(config, runtime, Arc::new(open)).await
}

/// As [`open`], with `open` wherever that would call [`Node::open`]: so that a test can watch the node, or play it.
pub async fn open_with(
    config: Config,
    runtime: impl Runtime,
    open: Arc<Open>,
) -> Result<(NodeHandle, impl Future<Output = Result<(), DriverError>> + Send), DriverError> {
    let (handle, desk) = NodeHandle::new();
    let mut means = Means {
        storage: StoreThread::spawn(config.store).map_err(DriverError::Thread)?,
        transport: config.transport,
        limits: config.limits,
        open,
        runtime: Arc::new(runtime),
        desk,
    };
    let opened = means.open().await?;
    Ok((handle, supervise(means, opened)))
}

async fn supervise(mut means: Means, opened: Opened) -> Result<(), DriverError> {
    let mut opened = Ok(opened);
    let mut wait = FIRST_WAIT;
    loop {
        let began = Instant::now();
        let error = match run(&mut means, opened).await {
            Ok(()) => break,
            Err(error) if !error.is_passing() => return Err(error),
            Err(error) => error,
        };
        if began.elapsed() > LONGEST_WAIT {
            wait = FIRST_WAIT;
        }
        tracing::error!(%error, ?wait, "the node stopped, and will be opened again");
        if shut_down_within(&mut means, wait).await {
            break;
        }
        wait = (wait * 2).min(LONGEST_WAIT);
        opened = means.open().await;
    }
    Ok(means.storage.close().await?)
}

async fn run(means: &mut Means, opened: Result<Opened, DriverError>) -> Result<(), DriverError> {
    Ok(Driver::new(means, opened?).run().await?)
}

/// While there is no node, commands are answered with `Stopped`.
async fn shut_down_within(means: &mut Means, wait: Duration) -> bool {
    let requests = &mut means.desk.requests;
    let asked = async {
        while let Some(Request::Command(..)) = requests.next().await {}
        true
    };
    let waited = async {
        means.runtime.sleep(wait).await;
        false
    };
    either(asked, waited).await
}
