//! A program that is started twice. A store has one owner, who holds the lock for as long as it has the store open
//! (`sotto-io-sqlcipher`, `lock`), so the second ends before it has read a row. Were it otherwise, two nodes would go on from
//! the same rows, each with its own idea of them: with the feature `sabotage` it can be.

use super::{Peer, World};

/// What has become of the node that was there first.
#[must_use]
#[cfg_attr(not(feature = "sabotage"), derive(Clone, Copy))]
pub enum First {
    /// It is there as before; the second was refused.
    Alone,
    /// The second has its place for now.
    #[cfg(feature = "sabotage")]
    SetAside(two_nodes::SetAside),
}

impl World {
    /// Somebody starts the program once more. If it is not running just now, that is a start like any other.
    pub fn start_again(&mut self, peer: Peer) -> First {
        if !self.is_on(peer) {
            self.switch_on(peer);
            return First::Alone;
        }
        #[cfg(feature = "sabotage")]
        if let Some(first) = self.set_aside(peer) {
            return First::SetAside(first);
        }
        self.trace.fault(self.now, &[peer], || {
            "starts once more, and is refused: the store is in use".to_owned()
        });
        First::Alone
    }

    /// The second is ended, if it ever began, and the first goes on.
    pub fn end_the_second(&mut self, first: First) {
        match first {
            First::Alone => {}
            #[cfg(feature = "sabotage")]
            First::SetAside(first) => self.put_back(first),
        }
    }
}

/// What the lock is there to prevent.
#[cfg(feature = "sabotage")]
mod two_nodes {
    use sotto_core::sabotage::Rule;
    use sotto_core::{Cause, Input, LinkId, Machine, Millis};

    use super::super::host::CLOCKS;
    use super::super::{InFlight, Peer, World};

    /// A node whose place another has.
    pub struct SetAside {
        peer: Peer,
        node: Box<dyn Machine>,
        links: Vec<LinkId>,
        started: Millis,
        incarnation: u32,
    }

    impl World {
        pub(super) fn set_aside(&mut self, peer: Peer) -> Option<SetAside> {
            if self.broken & Rule::StoreShared.bit() == 0 || self.is_committing(peer) {
                return None;
            }
            let host = &mut self.hosts[peer.0];
            let first = SetAside {
                peer,
                links: host.links.keys().copied().collect(),
                started: host.started,
                incarnation: host.incarnation,
                node: host.node.take()?,
            };
            self.die(peer, InFlight::Lost);
            self.same_clock(peer, first.incarnation);
            self.switch_on(peer);
            Some(first)
        }

        pub(super) fn put_back(&mut self, first: SetAside) {
            let peer = first.peer;
            self.die(peer, InFlight::Lost);
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

        /// It is one machine: the clock begins where that incarnation's did.
        fn same_clock(&mut self, peer: Peer, incarnation: u32) {
            let host = &mut self.hosts[peer.0];
            while host.incarnation % CLOCKS != incarnation % CLOCKS {
                host.incarnation += 1;
            }
        }
    }
}
