//! What comes over links: streams, bytes, frames, silence.

use crate::contact::{self, Contact, Reception};
use crate::delivery::Stalled;
use crate::kernel::alarms::Alarm;
use crate::link::pool::{Phase, Silence};
use crate::link::{Link, LinkEvent};
use crate::node::Node;
use crate::row::Relationship;
use crate::sabotage::{Rule, breaks};
use crate::session::Ratchet;
use crate::session::resume::acceptable;
use crate::wire::link::{self, Frame, Hello, frame::Body};
use crate::{Cause, FaultKind, LinkId, OnionAddress, Output, Presence};

impl<R: Ratchet> Node<R> {
    pub(super) fn accepted(&mut self, id: LinkId) {
        let link = Link::accept(&self.me.secret, self.ctx.entropy.fork());
        self.pool.accept(id, link, &mut self.ctx);
    }

    pub(super) fn drained(&mut self, id: LinkId) {
        let Some((peer, messages)) = self.pool.drained(id) else {
            return;
        };
        if self.handed_over.is_empty() && !messages.is_empty() {
            let soon = self.ctx.now.monotonic.after(self.ctx.limits.sent_delay);
            self.ctx.wake(Alarm::Sent, soon);
        }
        self.handed_over.extend(messages.into_iter().map(|key| (peer, key)));
    }

    /// Writes down what was sent and is not acknowledged yet: on a quick link, hardly anything.
    pub(super) fn note_sent(&mut self) {
        for (peer, key) in std::mem::take(&mut self.handed_over) {
            if let Some(contact) = self.contacts.get_mut(&peer) {
                contact.delivery.sent(key, &mut self.ctx);
            }
        }
    }

    pub(super) fn closed(&mut self, id: LinkId, cause: Cause) {
        if let Some(phase) = self.pool.closed(id, &mut self.ctx) {
            self.lost(phase, cause);
        }
    }

    /// The hang-up's turn has come.
    pub(super) fn hung_up(&mut self, id: LinkId) {
        let Some((phase, last_words)) = self.pool.close(id, &mut self.ctx) else {
            return;
        };
        if let Some(bytes) = last_words {
            self.outputs.push_back(Output::Transmit(id, bytes));
        }
        self.outputs.push_back(Output::Hangup(id));
        self.lost(phase, Cause::HungUp);
    }

    /// The peer of this link broke a rule.
    pub(super) fn fault(&mut self, id: LinkId, kind: FaultKind) {
        let peer = self.pool.peer_of(id);
        self.ctx.fault(peer, kind);
        if let Some(entry) = self.pool.get(id) {
            entry.doomed = true;
            if let Phase::Up(peer) = entry.phase
                && let Some(contact) = self.contacts.get_mut(&peer)
            {
                contact.reach.penalize(&mut self.ctx);
            }
        }
        self.ctx.hang_up(id);
    }

    pub(super) fn check_liveness(&mut self, id: LinkId) {
        match self.pool.check_liveness(id, &mut self.ctx) {
            Silence::Nothing => {}
            Silence::SayHeartbeat if breaks(Rule::HeartbeatNotSent) => {}
            Silence::SayHeartbeat => self.ctx.frame(id, Body::Heartbeat(link::Heartbeat { reply: true })),
            Silence::Dead | Silence::Idle => self.ctx.hang_up(id),
        }
    }

    /// Takes what a link has, as far as its peer may go on.
    pub(super) fn pull(&mut self, id: LinkId) {
        let mut peer = None;
        while let Some(entry) = self.pool.get(id) {
            if entry.doomed || entry.phase == Phase::Closing {
                break;
            }
            if let Phase::Up(up) = entry.phase {
                peer = Some(up);
                if self
                    .contacts
                    .get(&up)
                    .is_some_and(|contact| contact.delivery.stalled.is_some())
                {
                    break;
                }
            }
            let Some(entry) = self.pool.get(id) else { break };
            match entry.link.event() {
                Ok(None) => break,
                Ok(Some(LinkEvent::Authenticated(up))) => self.authenticated(id, up),
                Ok(Some(LinkEvent::Frame(frame))) => {
                    let Some(peer) = peer else { break };
                    // A link that has lost to another one is only waiting for its end.
                    if self.pool.link_of(&peer) != Some(id) {
                        break;
                    }
                    self.on_frame(id, peer, frame);
                }
                Err(_) => {
                    self.fault(id, FaultKind::Record);
                    break;
                }
            }
        }
    }

    fn authenticated(&mut self, id: LinkId, peer: OnionAddress) {
        if peer == self.me.address {
            return self.fault(id, FaultKind::OwnKey);
        }
        if let Err(loser) = self.pool.authenticated(id, peer, &self.me.address, &mut self.ctx) {
            if let Some(entry) = self.pool.get(loser) {
                entry.doomed = true;
            }
            self.ctx.hang_up(loser);
            if loser == id {
                return;
            }
        }
        let hello = match self.contacts.get_mut(&peer) {
            Some(contact) => {
                contact.delivery.forget_link();
                contact.greeting(&mut self.ctx)
            }
            None => contact::hello_to_stranger(&mut self.ctx),
        };
        self.ctx.frame(id, Body::Hello(hello));
        let contacts = &self.contacts;
        let is_stranger = |peer| !contacts.get(&peer).is_some_and(|contact| contact.consent.is_ours());
        if is_stranger(peer) {
            self.pool.thin_out(
                |phase| matches!(phase, Phase::Up(peer) if is_stranger(peer)),
                &mut self.ctx,
            );
        }
    }

    fn on_frame(&mut self, id: LinkId, peer: OnionAddress, frame: Frame) {
        let Some(entry) = self.pool.get(id) else { return };
        let greeted = entry.greeted;
        if !matches!(frame.body, Some(Body::Heartbeat(_))) {
            entry.last_traffic = self.ctx.now.monotonic;
        }
        match frame.body {
            Some(Body::Hello(hello)) if !greeted => self.on_hello(id, peer, &hello),
            Some(Body::Hello(_)) => self.fault(id, FaultKind::FrameOrder),
            Some(_) if !greeted => self.fault(id, FaultKind::FrameOrder),
            Some(Body::Ciphertext(ciphertext)) => self.on_ciphertext(id, peer, &ciphertext),
            Some(Body::Ack(ack)) => self.on_ack(id, peer, &ack),
            Some(body) if self.pays(&peer) => self.on_other(id, peer, body),
            // Both sides would wait until the link is idle; the next one repeats the offer.
            Some(Body::PreKeyOffer(_)) => self.fault(id, FaultKind::RateLimit),
            Some(_) => self.ctx.fault(Some(peer), FaultKind::RateLimit),
            // A later version's frame.
            None => {}
        }
    }

    /// Takes a token from the peer's bucket, for what no window pays for.
    fn pays(&mut self, peer: &OnionAddress) -> bool {
        let bucket = match self.contacts.get_mut(peer) {
            Some(contact) if contact.consent.relationship != Relationship::Stranger => &mut contact.bucket,
            _ => &mut self.strangers,
        };
        bucket.take(&self.ctx.limits, self.ctx.now.monotonic)
    }

    fn on_hello(&mut self, id: LinkId, peer: OnionAddress, hello: &Hello) {
        if !acceptable(hello, &self.ctx.limits) {
            return self.fault(id, FaultKind::Hello);
        }
        if !self.pays(&peer) {
            return self.fault(id, FaultKind::RateLimit);
        }
        if let Some(entry) = self.pool.get(id) {
            entry.greeted = true;
        }
        if let Some(contact) = self.contacts.get_mut(&peer) {
            contact.learn_features(hello);
            contact.reach.seen(&mut self.ctx);
            contact.resume(id, hello, &self.me, &mut self.ctx);
        }
    }

    fn on_ack(&mut self, id: LinkId, peer: OnionAddress, ack: &link::Ack) {
        let Some(contact) = self.contacts.get_mut(&peer) else {
            return self.fault(id, FaultKind::NotAContact);
        };
        if ack.session_epoch == 0 || contact.delivery.session_epoch().0 != ack.session_epoch {
            return; // of a session that has been replaced, or of none
        }
        if contact.acknowledge(ack.received, &mut self.ctx).is_err() {
            self.fault(id, FaultKind::Ack);
        }
    }

    fn on_ciphertext(&mut self, id: LinkId, peer: OnionAddress, ciphertext: &link::Ciphertext) {
        let Some(contact) = self.contacts.get_mut(&peer) else {
            self.ctx.fault(Some(peer), FaultKind::NotAContact);
            return;
        };
        match contact.on_ciphertext(ciphertext, &self.me, &mut self.ctx) {
            Reception::Taken => {}
            Reception::Opened => contact.establish(id, &mut self.ctx),
            Reception::Wants(keys, received) => {
                let fetch = self.fetch_for_ciphertext(peer, keys);
                if let Some(contact) = self.contacts.get_mut(&peer) {
                    contact.delivery.stalled = Some(Stalled {
                        fetch,
                        link: id,
                        received,
                    });
                }
            }
            Reception::Fault(kind) => self.fault(id, kind),
        }
    }

    fn on_other(&mut self, id: LinkId, peer: OnionAddress, body: Body) {
        if let Body::Request(request) = body {
            return self.on_request(id, peer, request);
        }
        let Some(contact) = self.contacts.get_mut(&peer) else {
            // One who takes us for a friend may ask whether we live. That is no fault, and gets no answer.
            if !matches!(body, Body::Heartbeat(_)) {
                self.ctx.fault(Some(peer), FaultKind::NotAContact);
            }
            return;
        };
        match body {
            Body::RequestStatus(answer) => contact.on_request_status(id, answer, &mut self.ctx),
            Body::PreKeyOffer(offer) => {
                let renewed = contact.renew(id, &offer, &self.me, &mut self.ctx);
                if !renewed {
                    self.fault(id, FaultKind::PreKeyOffer);
                }
            }
            Body::Heartbeat(heartbeat) if heartbeat.reply => {
                self.ctx.frame(id, Body::Heartbeat(link::Heartbeat { reply: false }));
            }
            Body::Presence(presence) if contact.is_friend() => {
                let presence = match presence.availability() {
                    link::Availability::Online => Presence::Online,
                    link::Availability::Away => Presence::Away,
                    link::Availability::Unsaid => Presence::Offline,
                };
                contact.observe(presence, contact.presence.typing, &mut self.ctx);
            }
            Body::Typing(typing) if contact.is_friend() => {
                contact.observe(contact.presence.presence, typing.typing, &mut self.ctx);
            }
            _ => {}
        }
    }

    fn on_request(&mut self, id: LinkId, peer: OnionAddress, request: link::Request) {
        let fresh = self.contacts.get(&peer).is_none();
        if fresh {
            let asking = self
                .contacts
                .values()
                .filter(|contact| contact.consent.relationship == Relationship::Asking)
                .count();
            let full = asking >= self.ctx.limits.requests;
            if full || self.contacts.len() >= self.ctx.limits.contacts {
                self.ctx.fault(Some(peer), FaultKind::TooManyRequests);
                return;
            }
            self.contacts.insert(Contact::new(peer, &self.ctx));
        }
        let Some(contact) = self.contacts.get_mut(&peer) else {
            return;
        };
        let taken = contact.on_request(id, request, &mut self.invites, &self.me, &mut self.ctx);
        if taken.is_err() {
            // A stranger who cannot even ask leaves nothing behind.
            if fresh {
                self.contacts.remove(&peer);
                self.ctx.gate.delete(crate::row::Key::Contact(peer));
            }
            self.fault(id, FaultKind::Request);
        }
    }
}
