//! [`TorNetwork`]: a private Tor network on loopback, of directory authorities and relays from Debian's `tor` package, for tests and
//! for the demo. It has no connection to the public network. Several can run at once.
//!
//! [`TorNetwork::start`] returns when every relay is in a signed consensus with everything that an onion service needs of
//! it. Dropping the network ends its processes and removes its folder; so does any end of this process, `kill -9` included.
//!
//! It differs from the public network in three ways. All relays share one address, so path rules must allow that. Authorities
//! vote once every relay is known and then after half an hour, so a killed relay stays in the consensus and clients must notice
//! by themselves. There is no shared randomness: the relays that keep an onion descriptor follow from its period alone.

mod cleanup;
mod client;
mod consensus;
mod identity;
mod process;
mod torrc;

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use tempfile::TempDir;

use cleanup::CleanupShell;
pub use client::SocksClient;
use identity::{Authority, Relay};
pub use process::{ProcessError, Tor};

const AUTHORITIES: usize = 3;
const RELAYS: usize = 6;

/// On two idle cores a start takes about fifteen seconds; a busy machine needs more.
const START_TIMEOUT: Duration = Duration::from_mins(2);

/// From the moment when every relay is known to the consensus. Voting and signing take four seconds (see [`torrc`]). The
/// authorities must have the new configuration before that, or they do not vote for half an hour.
const VOTE_DELAY: Duration = Duration::from_secs(8);

/// How often a start is tried, because another program may take a port before `tor` binds it.
const ATTEMPTS: usize = 3;

/// A running network; see the [module](self).
#[derive(Debug)]
pub struct TorNetwork {
    // Dropped first, because its end ends every process.
    cleanup: CleanupShell,
    clients: Vec<Tor>,
    relays: Vec<Tor>,
    authorities: Vec<(Authority, Tor)>,
    folder: TempDir,
}

/// Why the network did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program of Debian's `tor` package cannot be found.
    #[error("`{program}` is not installed; it is in the package `tor` (as root: apt-get install tor)")]
    Missing {
        /// `tor` or `tor-gencert`.
        program: &'static str,
    },
    /// A system call failed.
    #[error("{doing}: {source}")]
    Io {
        /// The failed step.
        doing: &'static str,
        /// The error.
        source: io::Error,
    },
    /// A program ended, or its output cannot be parsed.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// Every program runs, but there is no complete consensus.
    #[error("no consensus after {} s: {state}", waited.as_secs())]
    Timeout {
        /// The time waited.
        waited: Duration,
        /// What is missing.
        state: String,
    },
}

impl Error {
    fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }
}

impl TorNetwork {
    /// Starts three authorities and six relays. Returns when all are in the consensus.
    pub fn start() -> Result<Self, Error> {
        Self::start_with(RELAYS)
    }

    /// The same with another number of relays. Authorities carry almost no traffic, and a circuit to an onion service needs four
    /// relays on each side: a test that kills relays needs more.
    pub fn start_with(relays: usize) -> Result<Self, Error> {
        let mut attempt = 1;
        loop {
            match Self::attempt(relays) {
                Err(Error::Process(error)) if error.port_was_taken() && attempt < ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }

    fn attempt(relays: usize) -> Result<Self, Error> {
        let start = Instant::now();
        let folder = tempfile::Builder::new()
            .prefix("sotto-tor-")
            .tempdir()
            .map_err(Error::io("make a folder for the Tor network"))?;
        // Before the folder has any content: making the keys takes seconds.
        let cleanup = CleanupShell::start(folder.path())?;

        let ports = FreePorts::choose(2 * AUTHORITIES).map_err(Error::io("choose free ports"))?;
        let (authorities, relays) = identity::create(folder.path(), &ports.numbers, relays)?;
        let bandwidths = folder.path().join("bandwidths");
        let members = authorities.iter().map(|it| &it.relay).chain(&relays);
        fs::write(&bandwidths, torrc::bandwidths(members)).map_err(Error::io("write the relays' bandwidths"))?;
        drop(ports); // From here on any program can bind them: see `ATTEMPTS`.

        let mut network = Self {
            cleanup,
            clients: Vec::new(),
            relays: Vec::new(),
            authorities: Vec::new(),
            folder,
        };
        let lines = torrc::authority_lines(&authorities);
        let torrc = |authority: &Authority, vote| torrc::authority(authority, &lines, &bandwidths, vote);
        // No vote before every relay is known.
        let never = SystemTime::now() + START_TIMEOUT;
        for authority in authorities {
            let Relay { folder, nickname, .. } = &authority.relay;
            let torrc = torrc(&authority, never);
            let tor = Tor::start(&mut network.cleanup, folder, nickname, &torrc)?;
            network.authorities.push((authority, tor));
        }
        for relay in relays {
            let torrc = torrc::relay(&relay, &lines);
            let tor = Tor::start(&mut network.cleanup, &relay.folder, &relay.nickname, &torrc)?;
            network.relays.push(tor);
        }
        network.wait_until(start, consensus::has_descriptors)?;
        let vote = SystemTime::now() + VOTE_DELAY;
        for (authority, tor) in &network.authorities {
            tor.reconfigure(&authority.relay.folder, &torrc(authority, vote))?;
        }
        network.wait_until(start, consensus::is_complete)?;
        Ok(network)
    }

    /// Waits until `holds` is true for the folder of every authority and the number of relays.
    fn wait_until(&mut self, start: Instant, holds: fn(&Path, usize) -> Result<(), String>) -> Result<(), Error> {
        let members = self.authorities.len() + self.relays.len();
        loop {
            let mut states = Vec::new();
            for (authority, tor) in &mut self.authorities {
                tor.check(&mut self.cleanup)?;
                states.push(holds(&authority.relay.folder, members));
            }
            for relay in &mut self.relays {
                relay.check(&mut self.cleanup)?;
            }
            let Some(missing) = states.into_iter().find_map(Result::err) else {
                return Ok(());
            };
            if start.elapsed() > START_TIMEOUT {
                return Err(Error::Timeout {
                    waited: start.elapsed(),
                    state: missing,
                });
            }
            process::pause();
        }
    }

    /// The configuration with which arti uses this network alone: the content of `config.toml`'s `[tor]` table.
    pub fn arti_config(&self) -> toml::Table {
        let authorities: Vec<&Authority> = self.authorities.iter().map(|(authority, _)| authority).collect();
        client::arti_config(&authorities)
    }

    /// The relays that are not authorities, in the order of [`kill_relay`](Self::kill_relay).
    pub fn relays(&self) -> &[Tor] {
        &self.relays
    }

    /// Kills a relay. It stays in the consensus.
    pub fn kill_relay(&mut self, index: usize) {
        self.relays[index].kill(&mut self.cleanup);
    }

    /// Starts C tor as a client of this network. It ends with the network.
    pub fn socks_client(&mut self) -> Result<SocksClient, Error> {
        let nickname = format!("client{}", self.clients.len() + 1);
        let home = self.folder.path().join(&nickname);
        let lines = torrc::authority_lines(self.authorities.iter().map(|(authority, _)| authority));
        process::create_private(&home).map_err(Error::io("make a folder for a client"))?;
        let tor = Tor::start(&mut self.cleanup, &home, &nickname, &torrc::client(&home, &lines))?;
        self.clients.push(tor);
        let tor = self.clients.last_mut().expect("just pushed");
        SocksClient::wait_for(tor, &mut self.cleanup, START_TIMEOUT)
    }

    /// The folder with keys and logs: a subfolder for each process, named after it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The ids of the processes of this network, without those that were killed.
    pub fn process_ids(&self) -> Vec<u32> {
        let authorities = self.authorities.iter().map(|(_, tor)| tor);
        authorities
            .chain(&self.relays)
            .chain(&self.clients)
            .filter_map(Tor::id)
            .collect()
    }
}

/// Free ports, bound until this value is dropped.
struct FreePorts {
    numbers: Vec<u16>,
    _listeners: Vec<TcpListener>,
}

impl FreePorts {
    fn choose(count: usize) -> io::Result<Self> {
        let listeners: Vec<TcpListener> = (0..count)
            .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .collect::<io::Result<_>>()?;
        let numbers = listeners
            .iter()
            .map(|it| it.local_addr().map(|it| it.port()))
            .collect::<io::Result<_>>()?;
        Ok(Self {
            numbers,
            _listeners: listeners,
        })
    }
}
