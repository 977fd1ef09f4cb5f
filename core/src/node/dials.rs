//! Dials: when a contact is dialed, and what follows when its link is lost.

use crate::link::Link;
use crate::link::pool::Phase;
use crate::node::Node;
use crate::session::Ratchet;
use crate::wire::link::Heartbeat;
use crate::wire::link::frame::Body;
use crate::{Availability, Cause, OnionAddress, Presence, Reply};

impl<R: Ratchet> Node<R> {
    /// Has every contact of ours dialed once: friends for their presence, peers that hold our request for its outcome. An
    /// invisible node dials only for what waits: a dial tells the contact that this node is here.
    pub(super) fn look_up_contacts(&mut self) {
        let visible = self.ctx.availability != Availability::Invisible;
        for contact in self.contacts.values_mut() {
            contact.reach.wanted = visible && contact.consent.is_ours();
            if contact.reach.wanted && !contact.has_mail() {
                self.dial_queue.push(contact.address, false, contact.reach.last_seen);
            }
        }
    }

    /// A contact's time for a dial has come, unless the clock says otherwise now.
    pub(super) fn want_dial(&mut self, peer: OnionAddress) {
        let Some(contact) = self.contacts.get(&peer) else {
            return;
        };
        if contact.reach.next_attempt(&self.ctx) > self.ctx.now.wall {
            return self.contacts.touch(peer);
        }
        self.dial_queue.push(peer, contact.has_mail(), contact.reach.last_seen);
    }

    /// Dials the contacts in the queue, as far as there is room.
    pub(super) fn dial_waiting(&mut self) {
        while self.pool.dials() < self.ctx.limits.dials {
            let Some(peer) = self.dial_queue.pop() else {
                break;
            };
            let Some(contact) = self.contacts.get(&peer) else {
                continue;
            };
            let mail = contact.has_mail();
            if self.pool.reaches(&peer) || !(mail || contact.reach.wanted) {
                continue;
            }
            if self.pool.up() + self.pool.dials() >= self.ctx.limits.pooled_links {
                match self.pool.least_used().filter(|_| mail) {
                    Some(idle) => self.ctx.gate.hang_up(idle),
                    None => continue,
                }
            }
            let link = Link::dial(&self.me.secret, peer, self.ctx.entropy.fork());
            self.pool.dial(peer, link, &mut self.ctx);
        }
    }

    /// What was found out about the old network holds no more: neither that a link lives, nor that a peer is out of
    /// reach. How often a peer was tried still counts, so that changes in a row do not become a flood of dials.
    pub(super) fn network_changed(&mut self) -> Reply {
        for id in self.pool.doubt(&mut self.ctx) {
            self.ctx.gate.frame(id, Body::Heartbeat(Heartbeat { reply: true }));
        }
        let waiting: Vec<OnionAddress> = (self.contacts.values())
            .filter(|contact| contact.reach.retry.next_attempt.is_some())
            .map(|contact| contact.address)
            .collect();
        for peer in waiting {
            if let Some(contact) = self.contacts.get_mut(&peer) {
                contact.reach.try_at_once(&mut self.ctx);
            }
        }
        Reply::Done
    }

    /// A link is over, whichever side ended it.
    pub(super) fn lost(&mut self, phase: Phase, cause: Cause) {
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
            contact.admission.forget_link();
            contact.reach.wanted = false;
            if was_up {
                contact.reach.seen(&mut self.ctx);
            }
            let presence = match (contact.presence.presence, cause) {
                (_, Cause::Unreachable) | (Presence::Offline, _) => Presence::Offline,
                _ => Presence::Unknown,
            };
            contact.observe(presence, false, &mut self.ctx);
            if contact.has_mail() && !self.pool.reaches(&peer) {
                if was_up {
                    contact.reach.lost(&mut self.ctx);
                } else {
                    contact.reach.back_off(&mut self.ctx);
                }
            }
        }
    }
}
