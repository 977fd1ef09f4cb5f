//! What the transport, its dials and its keeper share.

use std::path::PathBuf;
use std::sync::Arc;

use arti_client::{TorClient, TorClientConfig};
use toml::Table;
use tor_rtcompat::Runtime;

use crate::bridges::missing_programs;
use crate::contacts::Contacts;
use crate::service::Door;
use crate::watched::Watched;
use crate::{Limits, Status};

/// Everything, for everybody.
pub(crate) struct Shared<R: Runtime> {
    pub runtime: R,
    pub folder: PathBuf,
    /// Checked; with the state of the first client.
    pub config: TorClientConfig,
    pub table: Table,
    pub limits: Limits,
    pub status: Watched<Status>,
    /// What can be dialled with.
    pub clients: Watched<Client<R>>,
    /// Who listens, if anybody does.
    pub door: Watched<Option<Arc<Door>>>,
    pub contacts: Contacts,
}

/// What can be dialled with.
pub(crate) enum Client<R: Runtime> {
    /// Nothing yet, or nothing at the moment.
    Awaited,
    /// This one.
    Ready(Arc<TorClient<R>>),
    /// Nothing any more.
    Stopped,
}

impl<R: Runtime> Clone for Client<R> {
    fn clone(&self) -> Self {
        match self {
            Self::Awaited => Self::Awaited,
            Self::Ready(client) => Self::Ready(Arc::clone(client)),
            Self::Stopped => Self::Stopped,
        }
    }
}

impl<R: Runtime> Shared<R> {
    /// Programs that are configured and not there: looked for anew each time, since they may have been installed.
    pub fn missing_programs(&self) -> Vec<PathBuf> {
        missing_programs(&self.table, &self.config)
    }
}
