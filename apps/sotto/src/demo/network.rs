//! [`DemoNetwork`] between the two participants.

use std::time::{Duration, Instant};

use sotto_cli::Stop;
use toml::Table;

use super::eavesdropper::Eavesdropper;
use super::report::Report;
use super::sandbox::Sandbox;

/// The kind of network.
#[derive(Clone, Copy, Debug)]
pub enum NetworkKind {
    /// Unix sockets.
    Sockets,
    /// A Tor network of the demo's own.
    Tor,
}

impl NetworkKind {
    /// The demo gives up after this long, whatever hangs.
    pub const fn longest(self) -> Duration {
        match self {
            Self::Sockets => Duration::from_secs(20),
            Self::Tor => Duration::from_mins(3),
        }
    }
}

/// The network.
#[derive(Debug)]
pub enum DemoNetwork {
    /// Unix sockets, with an eavesdropper on them.
    Sockets(Eavesdropper),
    /// A private Tor network; the `[tor]` table for the daemons.
    Tor(Table),
}

impl DemoNetwork {
    /// Starts it.
    pub fn made(kind: NetworkKind, report: &Report, sandbox: &Sandbox) -> Result<Self, Stop> {
        match kind {
            NetworkKind::Sockets => Ok(Self::Sockets(Eavesdropper::default())),
            NetworkKind::Tor => {
                let since = Instant::now();
                let (members, table) = sandbox.tor_network()?;
                let what = format!("a Tor network has come up on this machine: {members} relays and authorities");
                report.done("tor_network", since, &what, "")?;
                Ok(Self::Tor(table))
            }
        }
    }

    /// How long anything may take before the demo calls it failed.
    pub const fn patience_seconds(&self) -> u32 {
        match self {
            Self::Sockets(_) => 10,
            Self::Tor(_) => 60,
        }
    }
}
