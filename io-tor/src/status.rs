//! [`TorStatus`] of the transport: typed for programs, readable for people, and a stream of its changes.

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use postage::watch;
use sotto_core::Wall;

/// The state of the transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TorStatus {
    /// The progress towards being reachable.
    pub phase: TorPhase,
    /// The progress of the bootstrap, 0 to 100.
    pub percent: u8,
    /// Whether peers can reach this node, as far as a probe has proven it.
    pub reachability: Reachability,
    /// When a probe of our own address last succeeded.
    pub proven_at: Option<Wall>,
    /// The obstacle, if there is one.
    pub problem: Option<TorProblem>,
    /// Grows with each event by which links may have died and peers may have become reachable: suspension, another network,
    /// a fresh client. The listener reports each to the driver.
    pub network_changes: u64,
    /// The directory in use is valid by this machine's clock. Authorities sign when they made it, so the clock is not ahead by
    /// more than the hours for which a directory is valid.
    pub clock_confirmed: bool,
}

/// The steps to being reachable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TorPhase {
    /// Tor does not run.
    Stopped,
    /// The machine has no network, or a pluggable transport program is missing. Continues by itself when that changes.
    Offline,
    /// The client connects to the Tor network.
    Bootstrapping {
        /// What arti is doing, as in "handshaking with Tor relays; fetching a consensus".
        doing: String,
    },
    /// Peers can be dialled. Introduction points are being chosen and the descriptor is being published.
    Publishing,
    /// Peers can be dialled. If the node listens, its descriptor is published.
    Online,
}

/// Whether peers can reach this node. A probe finds out: it opens a stream to our own address, over circuits of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reachability {
    /// No probe has ended since the last change, or the node does not listen.
    Unknown,
    /// The latest probe succeeded.
    Reachable,
    /// The node was reachable; the latest probe failed, or arti reports a problem of the service.
    Degraded,
    /// Probes fail.
    Unreachable,
}

/// An obstacle to being reachable. `Display` is for people, and says what to do where they can do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TorProblem {
    /// The machine has no route to the Internet.
    NoNetwork,
    /// No relay can be reached.
    Unreachable,
    /// Relays can be reached, but TLS or Tor handshakes with them fail.
    Filtered,
    /// This machine's clock is wrong; how, in arti's words or ours.
    Clock(String),
    /// The clock was ahead and has been set back, and the probe of our own address fails.
    ClockSetBack {
        /// How far the clock that Tor goes on with is still ahead.
        by: Duration,
    },
    /// Another process with this node's key answers at this node's address, as after the profile was copied to a second machine.
    AnotherNode,
    /// The directory servers return nothing usable; in arti's words.
    Directory(String),
    /// Pluggable transport programs that are configured and missing.
    MissingPrograms(Vec<PathBuf>),
    /// arti cannot start, or cannot use the profile's folder; in arti's words.
    Client(String),
    /// The onion service cannot be launched or published; in arti's words.
    Service(String),
    /// The probe of our own address fails.
    Probe {
        /// Consecutive failures.
        failures: u32,
        /// The cause of the latest failure.
        cause: String,
        /// The latest remedy.
        remedy: Option<Remedy>,
    },
}

/// What the transport does about failed probes, from the least to the most disruptive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remedy {
    /// Adds an introduction point, so that arti publishes a new descriptor.
    Republish,
    /// Launches the service again, with new introduction points.
    NewIntroductionPoints,
    /// Replaces the client, and with it all channels, circuits and streams.
    FreshClient,
}

impl TorStatus {
    pub(crate) const fn stopped() -> Self {
        Self {
            phase: TorPhase::Stopped,
            percent: 0,
            reachability: Reachability::Unknown,
            proven_at: None,
            problem: None,
            network_changes: 0,
            clock_confirmed: false,
        }
    }

    /// Whether peers can be dialled.
    pub const fn is_online(&self) -> bool {
        matches!(self.phase, TorPhase::Publishing | TorPhase::Online)
    }
}

impl fmt::Display for TorStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.phase {
            TorPhase::Stopped => write!(f, "stopped")?,
            TorPhase::Offline => write!(f, "offline")?,
            TorPhase::Bootstrapping { doing } if doing.is_empty() => write!(f, "bootstrapping ({} %)", self.percent)?,
            TorPhase::Bootstrapping { doing } => write!(f, "bootstrapping ({} %): {doing}", self.percent)?,
            TorPhase::Publishing => write!(f, "publishing the address")?,
            TorPhase::Online => write!(f, "online, {}", self.reachability)?,
        }
        match &self.problem {
            Some(problem) => write!(f, "; {problem}"),
            None => Ok(()),
        }
    }
}

impl TorPhase {
    /// One word, for programs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Offline => "offline",
            Self::Bootstrapping { .. } => "bootstrapping",
            Self::Publishing => "publishing",
            Self::Online => "online",
        }
    }
}

impl Reachability {
    /// One word, for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Reachable => "reachable",
            Self::Degraded => "degraded",
            Self::Unreachable => "unreachable",
        }
    }
}

impl fmt::Display for Reachability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "not yet proven reachable",
            other => other.name(),
        })
    }
}

impl fmt::Display for TorProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNetwork => f.write_str("this machine has no network"),
            Self::Unreachable => f.write_str("cannot reach any Tor relay; check the Internet connection"),
            Self::Filtered => f.write_str(
                "Tor relays do not answer properly; the network may be filtering Tor. Try bridges: see [tor] bridges",
            ),
            Self::Clock(detail) => write!(f, "this machine's clock seems to be wrong: {detail}. Set the clock"),
            Self::ClockSetBack { by } => write!(
                f,
                "this machine's clock was set back. Tor directories may refuse our new address record, so for Tor the clock is \
                 still {} ahead, and catches up; no action is needed",
                minutes(*by)
            ),
            Self::AnotherNode => f.write_str(
                "another machine answers at this node's address: it runs with a copy of this profile. Stop one of the two",
            ),
            Self::Directory(detail) => write!(
                f,
                "no usable Tor directory: {detail} This machine's clock may be wrong, or the network may be filtering Tor",
            ),
            Self::MissingPrograms(paths) => {
                f.write_str("pluggable transport not found or not executable:")?;
                paths.iter().try_for_each(|path| write!(f, " {}", path.display()))?;
                f.write_str(". Install it, or correct [tor] bridges.transports")
            }
            Self::Client(detail) => write!(f, "Tor cannot start: {detail}"),
            Self::Service(detail) => write!(f, "problem with the onion service: {detail}"),
            Self::Probe {
                failures,
                cause,
                remedy,
            } => {
                write!(f, "our own address did not answer ({cause}; {failures} in a row)")?;
                match remedy {
                    Some(remedy) => write!(f, ", tried: {remedy}"),
                    None => Ok(()),
                }
            }
        }
    }
}

/// `5 min`, `3 h 0 min`.
pub(crate) fn minutes(span: Duration) -> String {
    let minutes = span.as_secs() / 60;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Republish => "republishing",
            Self::NewIntroductionPoints => "new introduction points",
            Self::FreshClient => "a fresh Tor client",
        })
    }
}

/// The current status, then each later one. A slow reader misses intermediate statuses, but never the latest. Ends when the
/// transport is dropped.
pub struct TorStatusChanges(pub(crate) watch::Receiver<TorStatus>);

impl Stream for TorStatusChanges {
    type Item = TorStatus;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<TorStatus>> {
        Pin::new(&mut self.0).poll_next(cx)
    }
}

impl fmt::Debug for TorStatusChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TorStatusChanges").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt as _, StreamExt as _};

    use super::*;
    use crate::watch_cell::WatchCell;

    #[test]
    fn a_change_is_delivered_once_and_an_equal_status_is_not() {
        let cell = WatchCell::new(TorStatus::stopped());
        let mut changes = TorStatusChanges(cell.changes());
        assert_eq!(changes.next().now_or_never(), Some(Some(TorStatus::stopped())));
        cell.update(|_| ());
        assert_eq!(changes.next().now_or_never(), None);
        cell.update(|status| status.phase = TorPhase::Online);
        assert_eq!(cell.get().phase, TorPhase::Online);
        assert_eq!(changes.next().now_or_never(), Some(Some(cell.get())));
        assert_eq!(changes.next().now_or_never(), None);
        drop(cell);
        assert_eq!(changes.next().now_or_never(), Some(None));
    }

    #[test]
    fn the_status_is_readable() {
        let mut status = TorStatus::stopped();
        status.phase = TorPhase::Bootstrapping {
            doing: "fetching a consensus".to_owned(),
        };
        status.percent = 15;
        status.problem = Some(TorProblem::NoNetwork);
        assert_eq!(
            status.to_string(),
            "bootstrapping (15 %): fetching a consensus; this machine has no network"
        );
        let probe = TorProblem::Probe {
            failures: 2,
            cause: "timed out".to_owned(),
            remedy: Some(Remedy::Republish),
        };
        assert_eq!(
            probe.to_string(),
            "our own address did not answer (timed out; 2 in a row), tried: republishing"
        );
        let set_back = TorProblem::ClockSetBack {
            by: Duration::from_mins(125),
        };
        assert!(set_back.to_string().contains("still 2 h 5 min ahead"), "{set_back}");
    }
}
