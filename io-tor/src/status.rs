//! How the node stands with Tor, in words for a person and types for a program; and who hears of it when that changes.

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use postage::watch;
use sotto_core::Wall;

/// How things stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// How far the way to being reachable has been gone.
    pub phase: Phase,
    /// Of the bootstrap, 0 to 100.
    pub percent: u8,
    /// Whether others can reach this node, as far as is proven.
    pub reachability: Reachability,
    /// When a stream of our own last came home through our address.
    pub proven_at: Option<Wall>,
    /// What is in the way.
    pub problem: Option<Problem>,
    /// Grows each time that links may have died and peers may have come into reach: after sleep, in another network, with
    /// a fresh client. The listener tells the node.
    pub disturbances: u64,
}

/// The way to being reachable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nothing runs.
    Stopped,
    /// The machine has no network, or no program that it needs to reach Tor; as soon as it has, it goes on.
    Offline,
    /// The Tor network is being reached: `doing` says what arti is at.
    Bootstrapping {
        /// In arti's words, as in "handshaking with Tor relays; fetching a consensus".
        doing: String,
    },
    /// Peers can be dialled; introduction points are being chosen and the address is being published.
    Publishing,
    /// Peers can be dialled, and if somebody listens, the address is published.
    Online,
}

/// Whether others can reach this node. Known by trying: a stream to our own address over circuits of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reachability {
    /// Not tried yet, or not since something changed; or nobody listens.
    Unknown,
    /// The latest try came home.
    Reachable,
    /// It was reachable before; the latest try failed, or arti reports trouble with the service.
    Degraded,
    /// Tries fail.
    Unreachable,
}

/// What is in the way. `Display` is for people, and says what to do where something can be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The machine has no route to anywhere.
    NoNetwork,
    /// Relays cannot be reached at all.
    Unreachable,
    /// Relays are reached, and something keeps us from talking to them.
    Filtered,
    /// This machine's clock is wrong, in arti's words.
    Clock(String),
    /// Directories answer nothing that can be used, in arti's words.
    Directory(String),
    /// Programs of pluggable transports that are configured and not there.
    MissingPrograms(Vec<PathBuf>),
    /// arti cannot use the profile's folder, or cannot start.
    Client(String),
    /// The onion service cannot be launched or published, in arti's words.
    Service(String),
    /// The probe of our own address has failed this many times in a row; and what was done about it last.
    Probe {
        /// Failures in a row.
        failures: u32,
        /// The latest failure.
        cause: String,
        /// What was done about it last.
        remedy: Option<Remedy>,
    },
}

/// What can be done about not being reachable, the gentlest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remedy {
    /// One more introduction point, so that a new descriptor is published.
    Republish,
    /// The service anew, with new introduction points.
    NewIntroductionPoints,
    /// Everything anew: channels, circuits, service. Streams end.
    FreshClient,
}

impl Status {
    pub(crate) const fn stopped() -> Self {
        Self {
            phase: Phase::Stopped,
            percent: 0,
            reachability: Reachability::Unknown,
            proven_at: None,
            problem: None,
            disturbances: 0,
        }
    }

    /// Whether peers can be dialled.
    pub const fn is_online(&self) -> bool {
        matches!(self.phase, Phase::Publishing | Phase::Online)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.phase {
            Phase::Stopped => write!(f, "stopped")?,
            Phase::Offline => write!(f, "offline")?,
            Phase::Bootstrapping { doing } if doing.is_empty() => write!(f, "bootstrapping ({} %)", self.percent)?,
            Phase::Bootstrapping { doing } => write!(f, "bootstrapping ({} %): {doing}", self.percent)?,
            Phase::Publishing => write!(f, "publishing the address")?,
            Phase::Online => write!(f, "online, {}", self.reachability)?,
        }
        match &self.problem {
            Some(problem) => write!(f, "; {problem}"),
            None => Ok(()),
        }
    }
}

impl Phase {
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

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNetwork => f.write_str("this machine has no network"),
            Self::Unreachable => f.write_str("no Tor relay can be reached; is the Internet?"),
            Self::Filtered => f.write_str(
                "Tor relays do not answer as they should; the network may be filtering Tor. Bridges may help: see [tor] bridges",
            ),
            Self::Clock(detail) => write!(f, "this machine's clock seems to be wrong: {detail}. Set it right"),
            Self::Directory(detail) => write!(
                f,
                "no usable Tor directory: {detail} This machine's clock may be wrong, or the network may be filtering Tor",
            ),
            Self::MissingPrograms(paths) => {
                f.write_str("pluggable transport not found or not executable:")?;
                paths.iter().try_for_each(|path| write!(f, " {}", path.display()))?;
                f.write_str(". Install it, or correct [tor] bridges.transports")
            }
            Self::Client(detail) => write!(f, "Tor does not start: {detail}"),
            Self::Service(detail) => write!(f, "the onion service has trouble: {detail}"),
            Self::Probe { failures, cause, remedy } => {
                write!(f, "our own address did not answer ({cause}; {failures} in a row)")?;
                match remedy {
                    Some(remedy) => write!(f, ", tried: {remedy}"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Republish => "publishing anew",
            Self::NewIntroductionPoints => "new introduction points",
            Self::FreshClient => "a fresh Tor client",
        })
    }
}

/// Each change of the status, beginning with how it is; changes that come too quickly are left out, never the latest.
/// Ends with the transport.
pub struct StatusChanges(pub(crate) watch::Receiver<Status>);

impl Stream for StatusChanges {
    type Item = Status;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Status>> {
        Pin::new(&mut self.0).poll_next(cx)
    }
}

impl fmt::Debug for StatusChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusChanges").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt as _, StreamExt as _};

    use super::*;
    use crate::watched::Watched;

    #[test]
    fn changes_are_heard_once_and_sameness_is_not() {
        let board = Watched::new(Status::stopped());
        let mut changes = StatusChanges(board.changes());
        assert_eq!(changes.next().now_or_never(), Some(Some(Status::stopped())));
        board.update(|_| ());
        assert_eq!(changes.next().now_or_never(), None);
        board.update(|status| status.phase = Phase::Online);
        assert_eq!(board.get().phase, Phase::Online);
        assert_eq!(changes.next().now_or_never(), Some(Some(board.get())));
        assert_eq!(changes.next().now_or_never(), None);
        drop(board);
        assert_eq!(changes.next().now_or_never(), Some(None));
    }

    #[test]
    fn a_person_can_read_it() {
        let mut status = Status::stopped();
        status.phase = Phase::Bootstrapping {
            doing: "fetching a consensus".to_owned(),
        };
        status.percent = 15;
        status.problem = Some(Problem::NoNetwork);
        assert_eq!(
            status.to_string(),
            "bootstrapping (15 %): fetching a consensus; this machine has no network"
        );
        let probe = Problem::Probe {
            failures: 2,
            cause: "timed out".to_owned(),
            remedy: Some(Remedy::Republish),
        };
        assert_eq!(
            probe.to_string(),
            "our own address did not answer (timed out; 2 in a row), tried: publishing anew"
        );
    }
}
