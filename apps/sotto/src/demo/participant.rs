//! [`Participant`]: one of the two, with a data folder and a daemon.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sotto_api::{self as api, Error, Event, Kind, all};
use sotto_client::blocking::Client;
use toml::Table;

use super::network::DemoNetwork;
use super::sandbox::{self, Sandbox};

/// A folder and a connection to the daemon.
pub struct Participant {
    /// The name in the report.
    pub name: &'static str,
    /// Their data folder.
    pub folder: PathBuf,
    /// The key of their store.
    pub key_file: PathBuf,
    /// How long anything may take before the demo calls it failed.
    pub patience_seconds: u32,
    /// Where its sockets are, if it has any.
    sockets: PathBuf,
    network: String,
    /// Who they are.
    pub identity: api::Identity,
    client: Option<Client>,
    /// The event log is read up to here.
    seen: u64,
}

impl Participant {
    /// A participant with a new identity.
    pub fn new(sandbox: &Sandbox, network: &DemoNetwork, name: &'static str, claimed: &str) -> Result<Self, Error> {
        let folder = sandbox.folder(&format!("{name}/data"))?;
        let sockets = sandbox.folder(&format!("{name}/net"))?;
        let key_file = sandbox.folder(&format!("{name}/key"))?.join("key");
        let identity: api::Identity = sandbox::sotto(&[
            "--data-dir",
            text(&folder)?,
            "init",
            "--name",
            claimed,
            "--key-file",
            text(&key_file)?,
        ])?;
        let name_of_network = match network {
            DemoNetwork::Sockets(_) => format!("local:{}", text(&sockets)?),
            DemoNetwork::Tor(table) => {
                configure(&folder.join("config.toml"), table)?;
                String::from("tor")
            }
        };
        Ok(Self {
            name,
            folder,
            key_file,
            patience_seconds: network.patience_seconds(),
            sockets,
            network: name_of_network,
            identity,
            client: None,
            seen: 0,
        })
    }

    /// Where, in this side's network folder, `other` is found.
    pub fn socket_of(&self, other: &Self) -> PathBuf {
        self.sockets.join(&other.identity.onion)
    }

    /// Starts their daemon.
    pub fn start(&mut self, sandbox: &Sandbox) -> Result<(), Error> {
        let arguments = [
            "--data-dir",
            text(&self.folder)?,
            "--network",
            &self.network,
            "daemon",
            "run",
            "--key-file",
            text(&self.key_file)?,
        ];
        let log = self.folder.join("stderr.log");
        self.client = Some(sandbox.daemon(&arguments, &log, &self.folder.join("sotto.sock"))?);
        Ok(())
    }

    /// The connection to their daemon.
    pub fn client(&mut self) -> Result<&mut Client, Error> {
        self.client
            .as_mut()
            .ok_or_else(|| Error::internal("the daemon was not started"))
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(self.patience_seconds.into())
    }

    /// Waits until the daemon has proof that others can reach it.
    pub fn until_reachable(&mut self) -> Result<(), Error> {
        const PAUSE: Duration = Duration::from_millis(50);
        let deadline = Instant::now() + self.patience();
        while !self
            .client()?
            .call::<all::NodeStatus>(&api::Nothing {})?
            .network
            .reachable
        {
            if Instant::now() > deadline {
                return Err(failed(format!("{} cannot be reached", self.name)));
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Reads the log until `wanted` finds in it what it wants.
    pub fn until<T>(&mut self, what: &str, mut wanted: impl FnMut(&Event) -> Option<T>) -> Result<T, Error> {
        let patience = Instant::now() + self.patience();
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

/// Adds what the daemon must know of its Tor network.
fn configure(file: &Path, tor: &Table) -> Result<(), Error> {
    let table = Table::from_iter([(String::from("tor"), tor.clone().into())]);
    let failed = |error| Error::io(file.display(), &error);
    let mut config = File::options().append(true).open(file).map_err(failed)?;
    write!(config, "\n{table}").map_err(failed)
}

fn text(path: &Path) -> Result<&str, Error> {
    path.to_str()
        .ok_or_else(|| Error::internal("the temporary folder's name is not UTF-8"))
}

/// A claim of the demo does not hold.
pub fn failed(what: impl Into<String>) -> Error {
    Error::new(Kind::Internal, what)
}
