//! [`SharedState`], which the transport, its dials and its supervisor share.

use std::path::PathBuf;
use std::sync::Arc;

use arti_client::{TorClient, TorClientConfig};
use toml::Table;
use tor_rtcompat::Runtime;

use crate::bridges::missing_programs;
use crate::circuit_isolation::CircuitIsolation;
use crate::onion_service::OnionListener;
use crate::tor_clock::{TorClock, TorRuntime};
use crate::watch_cell::WatchCell;
use crate::{TorLimits, TorStatus};

pub(crate) struct SharedState<R: Runtime> {
    pub runtime: TorRuntime<R>,
    /// The clock of that runtime.
    pub clock: TorClock<R>,
    pub folder: PathBuf,
    /// arti's configuration, checked, with the state folder of the first client.
    pub config: TorClientConfig,
    pub table: Table,
    pub limits: TorLimits,
    pub status: WatchCell<TorStatus>,
    pub client: WatchCell<ClientState<R>>,
    /// The open listener, if there is one.
    pub listener: WatchCell<Option<Arc<OnionListener>>>,
    pub isolation: CircuitIsolation,
}

/// The client that dials use.
pub(crate) enum ClientState<R: Runtime> {
    /// There is none yet, or none at the moment.
    Pending,
    Ready(Arc<TorClient<TorRuntime<R>>>),
    /// There will be none any more.
    Stopped,
}

impl<R: Runtime> Clone for ClientState<R> {
    fn clone(&self) -> Self {
        match self {
            Self::Pending => Self::Pending,
            Self::Ready(client) => Self::Ready(Arc::clone(client)),
            Self::Stopped => Self::Stopped,
        }
    }
}

impl<R: Runtime> SharedState<R> {
    /// Pluggable transport programs that are configured and missing. Each call looks again, since a person may install them.
    pub fn missing_programs(&self) -> Vec<PathBuf> {
        missing_programs(&self.table, &self.config)
    }
}
