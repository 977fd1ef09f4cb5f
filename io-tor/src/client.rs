//! The transport itself, which a driver holds.

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

use crate::config::{ConfigError, resolve, state_dir};
use crate::contacts::Contacts;
use crate::dial::dial;
use crate::keeper::keep;
use crate::service::{Arrivals, Door};
use crate::shared::{Client, Shared};
use crate::watched::Watched;
use crate::{Limits, Status, StatusChanges};

/// Tor, as a way to reach peers and to be reached. Clones are the same Tor; with the last of them it stops.
///
/// See the [crate's documentation](crate).
pub struct Tor<R: Runtime> {
    shared: Arc<Shared<R>>,
    life: Arc<Life>,
}

/// Tor cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The `[tor]` table is not right.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The folder cannot be made.
    #[error("cannot use the folder {}: {source}", folder.display())]
    Folder {
        /// The one that was given.
        folder: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The runtime takes no tasks.
    #[error("the runtime has ended")]
    Runtime,
}

/// Dropped, it stops the keeper.
struct Life {
    stop: Mutex<Option<oneshot::Sender<Infallible>>>,
    stopped: future::Shared<oneshot::Receiver<Infallible>>,
}

impl<R: Runtime> Tor<R> {
    /// Checks the `[tor]` table, makes the folder, and begins to bootstrap in the background. Quick, and without a word
    /// to the network.
    pub fn start(runtime: R, folder: &Path, table: Table, limits: Limits) -> Result<Self, StartError> {
        let config = resolve(&table, folder, &state_dir(&table, folder))?;
        prepare(folder).map_err(|source| StartError::Folder {
            folder: folder.to_owned(),
            source,
        })?;
        let shared = Arc::new(Shared {
            runtime,
            folder: folder.to_owned(),
            config,
            table,
            limits,
            status: Watched::new(Status::stopped()),
            clients: Watched::new(Client::Awaited),
            door: Watched::new(None),
            contacts: Contacts::default(),
        });
        let (stop, stopping) = oneshot::channel();
        let (running, stopped) = oneshot::channel();
        shared
            .runtime
            .spawn(keep(Arc::clone(&shared), stopping, running))
            .map_err(|_| StartError::Runtime)?;
        let life = Life {
            stop: Mutex::new(Some(stop)),
            stopped: stopped.shared(),
        };
        Ok(Self {
            shared,
            life: Arc::new(life),
        })
    }

    /// How things stand.
    pub fn status(&self) -> Status {
        self.shared.status.get()
    }

    /// How things stand now, and each time that they change.
    pub fn status_changes(&self) -> StatusChanges {
        StatusChanges(self.shared.status.changes())
    }

    /// Stops: withdraws the service, ends the client, and returns when arti has let go of the folder, or has not within
    /// a second. Streams that are open last until they are dropped, or their listener is.
    pub async fn close(&self) {
        drop(self.life.stop.lock().unwrap_or_else(PoisonError::into_inner).take());
        let Err(oneshot::Canceled) = self.life.stopped.clone().await;
    }
}

/// A folder for its owner alone.
fn prepare(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    std::fs::set_permissions(folder, Permissions::from_mode(0o700))
}

impl<R: Runtime> Transport for Tor<R> {
    fn listen(&self, identity: &IdentityRow) -> Result<Box<dyn Listener>, ListenError> {
        if self.shared.door.get().is_some() {
            return Err(ListenError::AddressInUse(identity.address()));
        }
        let (door, arrivals) = Door::new(identity);
        self.shared.door.set(Some(Arc::new(door)));
        Ok(Box::new(TorListener {
            disturbances: self.status().disturbances,
            changes: self.status_changes(),
            shared: Arc::clone(&self.shared),
            arrivals,
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
            life: Arc::clone(&self.life),
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

struct TorListener<R: Runtime> {
    shared: Arc<Shared<R>>,
    arrivals: Arrivals,
    changes: StatusChanges,
    /// Those that have been told.
    disturbances: u64,
}

impl<R: Runtime> Listener for TorListener<R> {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Stream> {
        match Pin::new(&mut self.arrivals.streams).poll_next(cx) {
            Poll::Ready(Some(stream)) => Poll::Ready(stream),
            // Tor has been stopped; nobody will come.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    fn poll_network_changed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Poll::Ready(Some(status)) = Pin::new(&mut self.changes).poll_next(cx) {
            if status.disturbances > self.disturbances {
                self.disturbances = status.disturbances;
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }
}

impl<R: Runtime> Drop for TorListener<R> {
    fn drop(&mut self) {
        self.shared.door.set(None);
    }
}
