//! [`NetworkMonitor`] notices that the machine was suspended, and that its network changed.
//!
//! Both are polled. The kernel reports every change of an address (by rtnetlink on Linux, by other means elsewhere), but
//! most of these changes do not matter. What matters is the source address of packets to the Internet. The routing table
//! gives it when a UDP socket is connected, which sends no packet and works alike on every Unix.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use sotto_core::Monotonic;
use sotto_io::Clock;

use crate::limits::millis;

/// The monotonic clock, which counts the time in which the machine is suspended.
pub(crate) fn now() -> Monotonic {
    Clock::default().now().monotonic
}

/// The source addresses of this machine's packets to the Internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SourceAddresses {
    v4: Option<IpAddr>,
    v6: Option<IpAddr>,
}

impl SourceAddresses {
    pub fn current() -> Self {
        // Addresses reserved for documentation (RFC 5737, RFC 3849), which are routed like any other of the Internet.
        Self {
            v4: source_address(
                (Ipv4Addr::UNSPECIFIED, 0).into(),
                (Ipv4Addr::new(192, 0, 2, 1), 9).into(),
            ),
            v6: source_address(
                (Ipv6Addr::UNSPECIFIED, 0).into(),
                (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1), 9).into(),
            ),
        }
    }

    /// There is no route to the Internet.
    pub const fn are_absent(self) -> bool {
        self.v4.is_none() && self.v6.is_none()
    }
}

fn source_address(unspecified: SocketAddr, internet: SocketAddr) -> Option<IpAddr> {
    let socket = UdpSocket::bind(unspecified).ok()?;
    socket.connect(internet).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// A check that is later than this was delayed by suspension; a busy machine is hardly ever so late.
const TOLERANCE: Duration = Duration::from_secs(30);

/// The result of the last check, to compare the next one with.
#[derive(Debug)]
pub(crate) struct NetworkMonitor {
    addresses: SourceAddresses,
    checked_at: Monotonic,
}

/// What has happened since the last check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NetworkChange {
    /// The machine was suspended: much more time has passed than the interval between two checks.
    Resumed,
    /// Packets leave from another address, or can leave again.
    Moved,
    /// Packets cannot leave any more.
    Lost,
}

impl NetworkMonitor {
    pub fn new(addresses: SourceAddresses, now: Monotonic) -> Self {
        Self {
            addresses,
            checked_at: now,
        }
    }

    /// The addresses at the last check.
    pub const fn addresses(&self) -> SourceAddresses {
        self.addresses
    }

    /// `interval`: the planned time between the last check and this one.
    pub fn check(&mut self, addresses: SourceAddresses, now: Monotonic, interval: Duration) -> Option<NetworkChange> {
        let before = std::mem::replace(&mut self.addresses, addresses);
        let checked_at = std::mem::replace(&mut self.checked_at, now);
        if before != addresses {
            Some(if addresses.are_absent() {
                NetworkChange::Lost
            } else {
                NetworkChange::Moved
            })
        } else if now.since(checked_at) > millis(interval.saturating_add(TOLERANCE)) {
            Some(NetworkChange::Resumed)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(10);
    const HOME: SourceAddresses = addresses(1);
    const CAFE: SourceAddresses = addresses(2);
    const NONE: SourceAddresses = SourceAddresses { v4: None, v6: None };

    const fn addresses(last: u8) -> SourceAddresses {
        SourceAddresses {
            v4: Some(IpAddr::V4(Ipv4Addr::new(192, 168, 0, last))),
            v6: None,
        }
    }

    #[test]
    fn only_differences_are_reported() {
        let mut monitor = NetworkMonitor::new(HOME, Monotonic(0));
        assert_eq!(monitor.check(HOME, Monotonic(10_000), INTERVAL), None);
        assert_eq!(monitor.check(HOME, Monotonic(25_000), INTERVAL), None);
        assert_eq!(
            monitor.check(HOME, Monotonic(100_000), INTERVAL),
            Some(NetworkChange::Resumed)
        );
        assert_eq!(
            monitor.check(CAFE, Monotonic(110_000), INTERVAL),
            Some(NetworkChange::Moved)
        );
        assert_eq!(
            monitor.check(NONE, Monotonic(120_000), INTERVAL),
            Some(NetworkChange::Lost)
        );
        assert_eq!(monitor.check(NONE, Monotonic(130_000), INTERVAL), None);
        assert_eq!(
            monitor.check(CAFE, Monotonic(140_000), INTERVAL),
            Some(NetworkChange::Moved)
        );
        // Resumed in another network: the change of network is reported.
        assert_eq!(
            monitor.check(HOME, Monotonic(999_000), INTERVAL),
            Some(NetworkChange::Moved)
        );
        assert_eq!(monitor.addresses(), HOME);
    }

    #[test]
    fn addresses_are_present_or_absent() {
        assert!(NONE.are_absent() && !HOME.are_absent());
        let loopback = source_address((Ipv4Addr::UNSPECIFIED, 0).into(), (Ipv4Addr::LOCALHOST, 9).into());
        assert_eq!(loopback, Some(Ipv4Addr::LOCALHOST.into()));
    }
}
