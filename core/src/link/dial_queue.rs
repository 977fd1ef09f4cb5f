//! The dial queue: which contact is dialled next. Pending mail comes first, then the most recently seen; few dials at once.

use std::cmp::Reverse;

use crate::contact::Contact;
use crate::link::Link;
use crate::link::pool::Phase;
use crate::node::Node;
use crate::session::Ratchet;
use crate::wire::link::Heartbeat;
use crate::wire::link::frame::Body;
use crate::{Cause, OnionAddress, Presence, Reply, Wall};

/// A contact that waits for a dial, in the order in which they get one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DialQueueEntry {
    without_mail: bool,
    last_seen: Reverse<Option<Wall>>,
    peer: OnionAddress,
}

impl DialQueueEntry {
    pub fn of<S>(contact: &Contact<S>) -> Self {
        Self {
            without_mail: !contact.has_mail(),
            last_seen: Reverse(contact.row.last_seen),
            peer: contact.row.address,
        }
    }
}

impl<R: Ratchet> Node<R> {
    /// A contact's time for a dial has come, unless the clock says otherwise now.
    pub(crate) fn want_dial(&mut self, peer: OnionAddress) {
        let Some(contact) = self.contacts.get(&peer) else {
            return;
        };
        if contact.next_attempt(&self.ctx) > self.ctx.now.wall {
            return self.contacts.touch(peer);
        }
        self.waiting.insert(DialQueueEntry::of(contact));
    }

    /// Dials the contacts in the queue, as far as there is room.
    pub(crate) fn dial_waiting(&mut self) {
        while self.pool.dials() < self.ctx.limits.dials {
            let Some(candidate) = self.waiting.pop_first() else {
                break;
            };
            let peer = candidate.peer;
            let Some(contact) = self.contacts.get(&peer) else {
                continue;
            };
            let mail = contact.has_mail();
            if self.pool.reaches(&peer) || !(mail || contact.reach_out) {
                continue;
            }
            if self.pool.up() + self.pool.dials() >= self.ctx.limits.pooled_links {
                match self.pool.least_used().filter(|_| mail) {
                    Some(idle) => self.ctx.hang_up(idle),
                    None => continue,
                }
            }
            let link = Link::dial(&self.me.secret, peer, self.ctx.entropy.fork());
            self.pool.dial(peer, link, &mut self.ctx);
        }
    }

    /// What was found out about the old network holds no more: neither that a link lives, nor that a peer is out of
    /// reach. How often a peer was tried still counts, so that changes in a row do not become a flood of dials.
    pub(crate) fn network_changed(&mut self) -> Reply {
        for id in self.pool.doubt(&mut self.ctx) {
            self.ctx.frame(id, Body::Heartbeat(Heartbeat { reply: true }));
        }
        let waiting: Vec<OnionAddress> = (self.contacts.values())
            .filter(|contact| contact.row.retry.next_attempt.is_some())
            .map(|contact| contact.row.address)
            .collect();
        for peer in waiting {
            if let Some(contact) = self.contacts.get_mut(&peer) {
                contact.row.retry.next_attempt = None;
                contact.save(&mut self.ctx);
            }
        }
        Reply::Done
    }

    /// A link is over, whichever side ended it.
    pub(crate) fn lost(&mut self, phase: Phase, cause: Cause) {
        let (peer, was_up) = match phase {
            Phase::Dialling(peer) | Phase::Handshaking(Some(peer)) => (peer, false),
            Phase::Up(peer) => (peer, true),
            Phase::Handshaking(None) | Phase::Closing => return,
        };
        let linked = self.pool.link_of(&peer).is_some();
        if let Some(contact) = self.contacts.get_mut(&peer)
            && !linked
        {
            contact.delivery.forget_link();
            contact.reach_out = false;
            if was_up {
                contact.seen(&mut self.ctx);
            }
            let presence = match (contact.presence, cause) {
                (_, Cause::Unreachable) | (Presence::Offline, _) => Presence::Offline,
                _ => Presence::Unknown,
            };
            contact.observe(presence, false, &mut self.ctx);
            if contact.has_mail() && !self.pool.reaches(&peer) {
                if was_up && contact.row.retry.attempts == 0 {
                    // A dead link is retried once at once.
                    contact.row.retry.attempts = 1;
                    contact.save(&mut self.ctx);
                } else {
                    contact.back_off(&mut self.ctx);
                }
            }
        }
    }
}
