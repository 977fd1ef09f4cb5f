//! Two questions to the machine: has it slept, and is it still in the same network?
//!
//! Both are polled. The kernel could tell of every address (rtnetlink on Linux, another thing elsewhere), most of which
//! means nothing; what matters is from which address packets would leave for the Internet, and that the routing table
//! answers when a UDP socket is connected. No packet is sent, and it works alike on every Unix.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use sotto_core::{Monotonic, Now};
use sotto_io::Clock;

use crate::heal::millis;

/// Both clocks; the monotonic one goes on while the machine sleeps.
pub(crate) fn clocks() -> Now {
    Clock::default().now()
}

/// The monotonic one.
pub(crate) fn now() -> Monotonic {
    clocks().monotonic
}

/// The addresses from which this machine talks to the Internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    v4: Option<IpAddr>,
    v6: Option<IpAddr>,
}

impl Network {
    pub fn here() -> Self {
        // Addresses of documentation (RFC 5737, RFC 3849): they are routed like any other of the Internet.
        Self {
            v4: source(
                (Ipv4Addr::UNSPECIFIED, 0).into(),
                (Ipv4Addr::new(192, 0, 2, 1), 9).into(),
            ),
            v6: source(
                (Ipv6Addr::UNSPECIFIED, 0).into(),
                (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1), 9).into(),
            ),
        }
    }

    /// No way to anywhere.
    pub const fn is_down(self) -> bool {
        self.v4.is_none() && self.v6.is_none()
    }
}

fn source(unspecified: SocketAddr, internet: SocketAddr) -> Option<IpAddr> {
    let socket = UdpSocket::bind(unspecified).ok()?;
    socket.connect(internet).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// A busy machine is late as well, but hardly by this much.
const TOLERANCE: Duration = Duration::from_secs(30);

/// Remembers how things were, and says when they are different.
#[derive(Debug)]
pub(crate) struct Watch {
    network: Network,
    looked_at: Monotonic,
}

/// What has happened since the last look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disturbance {
    /// The machine slept, or stood still, for much longer than was agreed between two looks.
    Slept,
    /// Packets leave from another address, or can leave again.
    Moved,
    /// Packets cannot leave any more.
    Lost,
}

impl Watch {
    pub fn new(network: Network, now: Monotonic) -> Self {
        Self {
            network,
            looked_at: now,
        }
    }

    pub const fn network(&self) -> Network {
        self.network
    }

    /// `expected`: how long after the last look this one was to be.
    pub fn look(&mut self, network: Network, now: Monotonic, expected: Duration) -> Option<Disturbance> {
        let before = std::mem::replace(&mut self.network, network);
        let looked_at = std::mem::replace(&mut self.looked_at, now);
        if before != network {
            Some(if network.is_down() {
                Disturbance::Lost
            } else {
                Disturbance::Moved
            })
        } else if now.since(looked_at) > millis(expected.saturating_add(TOLERANCE)) {
            Some(Disturbance::Slept)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED: Duration = Duration::from_secs(10);
    const HOME: Network = network(1);
    const CAFE: Network = network(2);
    const NOWHERE: Network = Network { v4: None, v6: None };

    const fn network(last: u8) -> Network {
        Network {
            v4: Some(IpAddr::V4(Ipv4Addr::new(192, 168, 0, last))),
            v6: None,
        }
    }

    #[test]
    fn only_what_is_different_is_told() {
        let mut watch = Watch::new(HOME, Monotonic(0));
        assert_eq!(watch.look(HOME, Monotonic(10_000), EXPECTED), None);
        assert_eq!(watch.look(HOME, Monotonic(25_000), EXPECTED), None);
        assert_eq!(watch.look(HOME, Monotonic(100_000), EXPECTED), Some(Disturbance::Slept));
        assert_eq!(watch.look(CAFE, Monotonic(110_000), EXPECTED), Some(Disturbance::Moved));
        assert_eq!(
            watch.look(NOWHERE, Monotonic(120_000), EXPECTED),
            Some(Disturbance::Lost)
        );
        assert_eq!(watch.look(NOWHERE, Monotonic(130_000), EXPECTED), None);
        assert_eq!(watch.look(CAFE, Monotonic(140_000), EXPECTED), Some(Disturbance::Moved));
        // Asleep and elsewhere is elsewhere.
        assert_eq!(watch.look(HOME, Monotonic(999_000), EXPECTED), Some(Disturbance::Moved));
        assert_eq!(watch.network(), HOME);
    }

    #[test]
    fn a_network_is_told_from_none() {
        assert!(NOWHERE.is_down() && !HOME.is_down());
        let loopback = source((Ipv4Addr::UNSPECIFIED, 0).into(), (Ipv4Addr::LOCALHOST, 9).into());
        assert_eq!(loopback, Some(Ipv4Addr::LOCALHOST.into()));
    }
}
