//! [`Tor`], the transport that a driver uses.

use std::convert::Infallible;
use std::fs::{DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::channel::oneshot;
use futures::future::{self, FutureExt as _};
use futures::stream::Stream as _;
use sotto_core::OnionAddress;
use sotto_core::row::IdentityRow;
use sotto_io::{DialFuture, ListenError, Listener, Stream, Transport};
use toml::Table;
use tor_rtcompat::{Runtime, SpawnExt as _};

use crate::circuit_isolation::CircuitIsolation;
use crate::config::{ConfigError, resolve, state_dir};
use crate::dial::dial;
use crate::onion_service::{IncomingStreams, OnionListener};
use crate::shared_state::{ClientState, SharedState};
use crate::supervisor::supervise;
use crate::tor_clock::TorClock;
use crate::watch_cell::WatchCell;
use crate::{TorLimits, TorStatus, TorStatusChanges};

/// Carries links over Tor. Clones share one Tor client, which stops when the last clone is dropped.
///
/// See the [crate's documentation](crate).
pub struct Tor<R: Runtime> {
    shared: Arc<SharedState<R>>,
    supervisor: Arc<SupervisorHandle>,
}

/// Why Tor cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The `[tor]` table is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The folder cannot be created.
    #[error("cannot use the folder {}: {source}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The runtime takes no tasks.
    #[error("the runtime has ended")]
    Runtime,
}

/// Stops the supervisor when it is dropped.
struct SupervisorHandle {
    stop: Mutex<Option<oneshot::Sender<Infallible>>>,
    stopped: future::Shared<oneshot::Receiver<Infallible>>,
}

impl<R: Runtime> Tor<R> {
    /// Checks the `[tor]` table, creates the folder, and begins to bootstrap in the background. Returns at once, without
    /// network traffic of its own.
    pub fn start(runtime: R, folder: &Path, table: Table, limits: TorLimits) -> Result<Self, StartError> {
        let config = resolve(&table, folder, &state_dir(&table, folder))?;
        create_private(folder).map_err(|source| StartError::Folder {
            folder: folder.to_owned(),
            source,
        })?;
        let clock = TorClock::open(runtime, folder);
        let shared = Arc::new(SharedState {
            runtime: clock.runtime(),
            clock,
            folder: folder.to_owned(),
            config,
            table,
            limits,
            status: WatchCell::new(TorStatus::stopped()),
            client: WatchCell::new(ClientState::Pending),
            listener: WatchCell::new(None),
            isolation: CircuitIsolation::default(),
        });
        let (stop, stopping) = oneshot::channel();
        let (running, stopped) = oneshot::channel();
        shared
            .runtime
            .spawn(supervise(Arc::clone(&shared), stopping, running))
            .map_err(|_| StartError::Runtime)?;
        let supervisor = SupervisorHandle {
            stop: Mutex::new(Some(stop)),
            stopped: stopped.shared(),
        };
        Ok(Self {
            shared,
            supervisor: Arc::new(supervisor),
        })
    }

    /// The current status.
    pub fn status(&self) -> TorStatus {
        self.shared.status.get()
    }

    /// The current status, and each later one.
    pub fn status_changes(&self) -> TorStatusChanges {
        TorStatusChanges(self.shared.status.changes())
    }

    /// Returns when nothing runs any more: after [`close`](Self::close), or when the task that keeps the node on Tor has crashed.
    pub async fn ended(&self) {
        let Err(oneshot::Canceled) = self.supervisor.stopped.clone().await;
    }

    /// Withdraws the onion service and ends the client. Returns when arti has released the folder, or after a second at
    /// most. Open streams last until they, or their listener, are dropped.
    pub async fn close(&self) {
        let stop = &self.supervisor.stop;
        drop(stop.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.ended().await;
    }
}

/// Creates a folder that only its owner can access.
fn create_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    std::fs::set_permissions(folder, Permissions::from_mode(0o700))
}

impl<R: Runtime> Transport for Tor<R> {
    fn listen(&self, identity: &IdentityRow) -> Result<Box<dyn Listener>, ListenError> {
        if self.shared.listener.get().is_some() {
            return Err(ListenError::AddressInUse(identity.address()));
        }
        let (listener, incoming) = OnionListener::new(identity);
        self.shared.listener.set(Some(Arc::new(listener)));
        Ok(Box::new(TorListener {
            network_changes: self.status().network_changes,
            status_changes: self.status_changes(),
            shared: Arc::clone(&self.shared),
            incoming,
        }))
    }

    fn dial(&self, peer: OnionAddress) -> DialFuture {
        dial(Arc::clone(&self.shared), peer)
    }
}

impl<R: Runtime> Clone for Tor<R> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            supervisor: Arc::clone(&self.supervisor),
        }
    }
}

impl<R: Runtime> std::fmt::Debug for Tor<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tor")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

/// The driver's end of an [`OnionListener`].
struct TorListener<R: Runtime> {
    shared: Arc<SharedState<R>>,
    incoming: IncomingStreams,
    status_changes: TorStatusChanges,
    /// The network changes that the driver knows of.
    network_changes: u64,
}

impl<R: Runtime> Listener for TorListener<R> {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Stream> {
        match Pin::new(&mut self.incoming.streams).poll_next(cx) {
            Poll::Ready(Some(stream)) => Poll::Ready(stream),
            // `None`: Tor has been stopped, and no stream will arrive.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    fn poll_network_changed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Poll::Ready(Some(status)) = Pin::new(&mut self.status_changes).poll_next(cx) {
            if status.network_changes > self.network_changes {
                self.network_changes = status.network_changes;
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }
}

impl<R: Runtime> Drop for TorListener<R> {
    fn drop(&mut self) {
        self.shared.listener.set(None);
    }
}
