//! A whole Tor network of our own: directory authorities and relays from Debian's `tor` package, on loopback alone, for
//! tests and for the demo. Nothing in it knows the public network, and several can run at once.
//!
//! [`TorNetwork::start`] returns when every relay is in a signed consensus with all that an onion service needs of it.
//! Dropping the network ends its processes and removes its folder, and so does the end of this process, however it comes.
//!
//! A loopback network differs from the public one in what is said here: relays share one address, so path rules must
//! not keep them apart; authorities vote once everybody is there, and then only after half an hour, so a relay that is
//! killed stays in the consensus and clients must find out; and there is no shared randomness: where an onion descriptor is
//! kept follows from its period alone.

mod client;
mod consensus;
mod guard;
mod identity;
mod process;
mod torrc;

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use tempfile::TempDir;

pub use client::SocksClient;
use guard::Guard;
use identity::{Authority, Relay};
pub use process::{Death, Tor};

const AUTHORITIES: usize = 3;
const RELAYS: usize = 6;

/// On two idle cores a start takes about fifteen seconds. This is for a machine that has other things to do.
const PATIENCE: Duration = Duration::from_mins(2);

/// From the moment when everybody is there to the consensus. To vote and to sign takes four seconds (see [`torrc`]), and
/// until then the authorities must have heard of it, or they do not vote for half an hour.
const VOTE: Duration = Duration::from_secs(8);

/// How often a start is repeated because somebody else took a port between our choice and `tor`'s use of it.
const ATTEMPTS: usize = 3;

/// A running network; see the [module](self).
#[derive(Debug)]
pub struct TorNetwork {
    // Dropped first: its end is everybody's.
    guard: Guard,
    clients: Vec<Tor>,
    relays: Vec<Tor>,
    authorities: Vec<(Authority, Tor)>,
    folder: TempDir,
}

/// Why there is no network.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program of Debian's `tor` package cannot be found.
    #[error("`{program}` is not installed; it is in the package `tor` (as root: apt-get install tor)")]
    Missing {
        /// `tor` or `tor-gencert`.
        program: &'static str,
    },
    /// The machine did not let us work.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What was said.
        source: io::Error,
    },
    /// A program ended, or said something that we do not understand.
    #[error(transparent)]
    Died(#[from] Death),
    /// Everything runs, but the consensus is not what it should be.
    #[error("no consensus after {} s: {state}", waited.as_secs())]
    Late {
        /// How long we waited.
        waited: Duration,
        /// What there is instead.
        state: String,
    },
}

impl Error {
    fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }
}

impl TorNetwork {
    /// Three authorities and six relays, up and in the consensus.
    pub fn start() -> Result<Self, Error> {
        Self::start_with(RELAYS)
    }

    /// The same with another number of relays. Authorities carry next to nothing, and a circuit to an onion service needs
    /// four relays on each side: whoever means to lose some wants more of them.
    pub fn start_with(relays: usize) -> Result<Self, Error> {
        let mut attempt = 1;
        loop {
            match Self::attempt(relays) {
                Err(Error::Died(death)) if death.port_was_taken() && attempt < ATTEMPTS => attempt += 1,
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
        // Before there is anything in it: to make the keys takes seconds.
        let guard = Guard::over(folder.path())?;

        let ports = FreePorts::choose(2 * AUTHORITIES).map_err(Error::io("choose free ports"))?;
        let (authorities, relays) = identity::create(folder.path(), &ports.numbers, relays)?;
        let bandwidths = folder.path().join("bandwidths");
        let everybody = authorities.iter().map(|it| &it.relay).chain(&relays);
        fs::write(&bandwidths, torrc::bandwidths(everybody)).map_err(Error::io("write the relays' bandwidths"))?;
        drop(ports); // From here on `tor` can have them, and so can others: see `ATTEMPTS`.

        let mut network = Self {
            guard,
            clients: Vec::new(),
            relays: Vec::new(),
            authorities: Vec::new(),
            folder,
        };
        let lines = torrc::authority_lines(&authorities);
        let torrc = |authority: &Authority, vote| torrc::authority(authority, &lines, &bandwidths, vote);
        // Nobody votes before everybody is there.
        let never = SystemTime::now() + PATIENCE;
        for authority in authorities {
            let Relay { folder, nickname, .. } = &authority.relay;
            let torrc = torrc(&authority, never);
            let tor = Tor::start(&mut network.guard, folder, nickname, &torrc)?;
            network.authorities.push((authority, tor));
        }
        for relay in relays {
            let torrc = torrc::relay(&relay, &lines);
            let tor = Tor::start(&mut network.guard, &relay.folder, &relay.nickname, &torrc)?;
            network.relays.push(tor);
        }
        network.wait_until(start, consensus::is_told)?;
        let vote = SystemTime::now() + VOTE;
        for (authority, tor) in &network.authorities {
            tor.reconfigure(&authority.relay.folder, &torrc(authority, vote))?;
        }
        network.wait_until(start, consensus::is_complete)?;
        Ok(network)
    }

    /// Until this holds for every authority's folder, and the number of all relays.
    fn wait_until(&mut self, start: Instant, holds: fn(&Path, usize) -> Result<(), String>) -> Result<(), Error> {
        let members = self.authorities.len() + self.relays.len();
        loop {
            let mut states = Vec::new();
            for (authority, tor) in &mut self.authorities {
                tor.check(&mut self.guard)?;
                states.push(holds(&authority.relay.folder, members));
            }
            for relay in &mut self.relays {
                relay.check(&mut self.guard)?;
            }
            let Some(missing) = states.into_iter().find_map(Result::err) else {
                return Ok(());
            };
            if start.elapsed() > PATIENCE {
                return Err(Error::Late {
                    waited: start.elapsed(),
                    state: missing,
                });
            }
            process::pause();
        }
    }

    /// What arti must know to use this network and no other: the content of `config.toml`'s `[tor]` table.
    pub fn arti_config(&self) -> toml::Table {
        let authorities: Vec<&Authority> = self.authorities.iter().map(|(authority, _)| authority).collect();
        client::arti_config(&authorities)
    }

    /// The relays that are not authorities. Their order is the numbering of [`kill_relay`](Self::kill_relay).
    pub fn relays(&self) -> &[Tor] {
        &self.relays
    }

    /// Kills a relay the hard way. The consensus goes on listing it.
    pub fn kill_relay(&mut self, index: usize) {
        self.relays[index].kill(&mut self.guard);
    }

    /// Starts C tor as a client of this network. It lives as long as the network, at most.
    pub fn socks_client(&mut self) -> Result<SocksClient, Error> {
        let nickname = format!("client{}", self.clients.len() + 1);
        let home = self.folder.path().join(&nickname);
        let lines = torrc::authority_lines(self.authorities.iter().map(|(authority, _)| authority));
        process::create_private(&home).map_err(Error::io("make a folder for a client"))?;
        let tor = Tor::start(&mut self.guard, &home, &nickname, &torrc::client(&home, &lines))?;
        self.clients.push(tor);
        let tor = self.clients.last_mut().expect("just pushed");
        SocksClient::wait_for(tor, &mut self.guard, PATIENCE)
    }

    /// Where everybody keeps keys and logs, each in a folder named after itself.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The ids of all processes of this network that we have not ended.
    pub fn process_ids(&self) -> Vec<u32> {
        let authorities = self.authorities.iter().map(|(_, tor)| tor);
        authorities
            .chain(&self.relays)
            .chain(&self.clients)
            .filter_map(Tor::id)
            .collect()
    }
}

/// Ports that nobody else has: they are ours until this value is dropped.
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
