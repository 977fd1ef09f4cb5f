//! What is between the two.

use std::time::{Duration, Instant};

use sotto_cli::Stop;
use toml::Table;

use super::eavesdropper::Eavesdropper;
use super::report::Report;
use super::stage::Stage;

/// What is wanted.
#[derive(Clone, Copy, Debug)]
pub enum WayKind {
    /// Unix sockets.
    Sockets,
    /// A Tor network of the demo's own.
    Tor,
}

impl WayKind {
    /// The demo gives up after this long, whatever hangs.
    pub const fn longest(self) -> Duration {
        match self {
            Self::Sockets => Duration::from_secs(20),
            Self::Tor => Duration::from_mins(3),
        }
    }
}

/// What is there.
#[derive(Debug)]
pub enum Way {
    /// Unix sockets, with somebody's ear on them.
    Sockets(Eavesdropper),
    /// Relays; what daemons are told of them.
    Tor(Table),
}

impl Way {
    /// Has it made.
    pub fn made(kind: WayKind, report: &Report, stage: &Stage) -> Result<Self, Stop> {
        match kind {
            WayKind::Sockets => Ok(Self::Sockets(Eavesdropper::default())),
            WayKind::Tor => {
                let since = Instant::now();
                let (members, table) = stage.tor_network()?;
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
