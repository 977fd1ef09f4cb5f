//! [`DoubleOpen`]: a program that is started twice. A store has one owner, which holds the lock for as long as the
//! store is open (`sotto-io-sqlcipher`, `lock`), so the second process ends before it has read a row. Without the lock
//! two nodes would go on from the same rows. The feature `sabotage` can remove the lock.

use super::{NodeIndex, World};

/// What has happened to the first node.
#[must_use]
#[cfg_attr(not(feature = "sabotage"), derive(Clone, Copy))]
pub enum DoubleOpen {
    /// It runs on. The second was refused.
    Refused,
    /// The second runs in its place.
    #[cfg(feature = "sabotage")]
    Displaced(two_nodes::DisplacedNode),
}

impl World {
    /// Starts the program again. If it does not run, this is an ordinary start.
    pub fn open_second(&mut self, peer: NodeIndex) -> DoubleOpen {
        if !self.is_on(peer) {
            self.switch_on(peer);
            return DoubleOpen::Refused;
        }
        #[cfg(feature = "sabotage")]
        if let Some(first) = self.displace(peer) {
            return DoubleOpen::Displaced(first);
        }
        self.timeline.fault(self.now, &[peer], || {
            "is started again and refused: the store is in use".to_owned()
        });
        DoubleOpen::Refused
    }

    /// Ends the second node, if there is one. The first goes on.
    pub fn close_second(&mut self, first: DoubleOpen) {
        match first {
            DoubleOpen::Refused => {}
            #[cfg(feature = "sabotage")]
            DoubleOpen::Displaced(first) => self.put_back(first),
        }
    }
}

/// What the lock prevents.
#[cfg(feature = "sabotage")]
mod two_nodes {
    use sotto_core::{Cause, Input, LinkId, Machine, Millis};

    use super::super::host::CLOCK_ORIGINS;
    use super::super::{InFlight, NodeIndex, World};
    use crate::rules::Rule;

    /// A node in whose place another runs.
    pub struct DisplacedNode {
        peer: NodeIndex,
        node: Box<dyn Machine>,
        links: Vec<LinkId>,
        started: Millis,
        incarnation: u32,
    }

    impl World {
        pub(super) fn displace(&mut self, peer: NodeIndex) -> Option<DisplacedNode> {
            if !Rule::StoreShared.is_in(self.broken) || self.is_committing(peer) {
                return None;
            }
            let host = &mut self.hosts[peer.0];
            let first = DisplacedNode {
                peer,
                links: host.links.keys().copied().collect(),
                started: host.started,
                incarnation: host.incarnation,
                node: host.node.take()?,
            };
            self.power_off(peer, InFlight::Lost);
            self.same_clock(peer, first.incarnation);
            self.switch_on(peer);
            Some(first)
        }

        pub(super) fn put_back(&mut self, first: DisplacedNode) {
            let peer = first.peer;
            self.power_off(peer, InFlight::Lost);
            self.same_clock(peer, first.incarnation);
            let host = &mut self.hosts[peer.0];
            host.started = first.started;
            host.armed = None;
            host.node = Some(first.node);
            for link in first.links {
                self.feed(peer, Input::Closed(link, Cause::Ended));
            }
            self.drain(peer);
        }

        /// Both run on one machine: the monotonic clock has the same origin.
        fn same_clock(&mut self, peer: NodeIndex, incarnation: u32) {
            let host = &mut self.hosts[peer.0];
            while host.incarnation % CLOCK_ORIGINS != incarnation % CLOCK_ORIGINS {
                host.incarnation += 1;
            }
        }
    }
}
