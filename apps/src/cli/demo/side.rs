//! One of the two, as seen from outside.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::stage::{self, Stage};
use crate::api::{self, Error, Event, Kind, all};
use crate::cli::Client;

/// How long anything may take before the demo calls it failed.
pub const PATIENCE_SECONDS: u32 = 10;

/// A folder and a connection to the daemon.
pub struct Side {
    /// How the demo calls them.
    pub name: &'static str,
    /// Their data folder.
    pub folder: PathBuf,
    /// The key of their store.
    pub key_file: PathBuf,
    network: PathBuf,
    /// Who they are.
    pub identity: api::Identity,
    client: Option<Client>,
    /// The event log is read up to here.
    seen: u64,
}

impl Side {
    /// Somebody with a fresh identity.
    pub fn new(stage: &Stage, name: &'static str, claimed: &str) -> Result<Self, Error> {
        let folder = stage.folder(&format!("{name}/data"))?;
        let network = stage.folder(&format!("{name}/net"))?;
        let key_file = stage.folder(&format!("{name}/key"))?.join("key");
        let identity: api::Identity = stage::sotto(&[
            "--data-dir",
            text(&folder)?,
            "init",
            "--name",
            claimed,
            "--key-file",
            text(&key_file)?,
        ])?;
        Ok(Self {
            name,
            folder,
            key_file,
            network,
            identity,
            client: None,
            seen: 0,
        })
    }

    /// Where, in this side's network folder, `other` is found.
    pub fn socket_of(&self, other: &Self) -> PathBuf {
        self.network.join(&other.identity.onion)
    }

    /// Starts their daemon.
    pub fn start(&mut self, stage: &Stage) -> Result<(), Error> {
        let network = format!("local:{}", text(&self.network)?);
        let arguments = [
            "--data-dir",
            text(&self.folder)?,
            "--network",
            &network,
            "daemon",
            "run",
            "--key-file",
            text(&self.key_file)?,
        ];
        let log = self.folder.join("stderr.log");
        self.client = Some(stage.daemon(&arguments, &log, &self.folder.join("sotto.sock"))?);
        Ok(())
    }

    /// The connection to their daemon.
    pub fn client(&mut self) -> Result<&mut Client, Error> {
        self.client
            .as_mut()
            .ok_or_else(|| Error::internal("the daemon was not started"))
    }

    /// Reads the log until `wanted` finds in it what it wants.
    pub fn until<T>(&mut self, what: &str, mut wanted: impl FnMut(&Event) -> Option<T>) -> Result<T, Error> {
        let patience = Instant::now() + Duration::from_secs(PATIENCE_SECONDS.into());
        while Instant::now() < patience {
            let wait = api::WaitEvents {
                since: Some(self.seen),
                limit: Some(1),
                timeout: Some(1),
                ..Default::default()
            };
            let events = self.client()?.call::<all::EventsWait>(&wait)?;
            self.seen = events.next;
            if let Some(found) = events.events.iter().find_map(&mut wanted) {
                return Ok(found);
            }
        }
        Err(failed(format!("{} never saw {what}", self.name)))
    }
}

fn text(path: &Path) -> Result<&str, Error> {
    path.to_str()
        .ok_or_else(|| Error::internal("the temporary folder's name is not UTF-8"))
}

/// A claim of the demo does not hold.
pub fn failed(what: impl Into<String>) -> Error {
    Error::new(Kind::Internal, what)
}
