//! What comes over links: streams, bytes, frames, silence.

use crate::contact::{self, CheckedRequest, Contact, Contacts, Reception};
use crate::delivery::Stalled;
use crate::kernel::alarms::Alarm;
use crate::link::pool::{Phase, Silence};
use crate::link::{Link, LinkEvent};
use crate::node::Node;
use crate::sabotage::{Rule, breaks};
use crate::session::Ratchet;
use crate::session::resume::acceptable;
use crate::wire::link::{self, Frame, Hello, frame::Body};
use crate::{Cause, CircuitId, FaultKind, LinkId, OnionAddress, Output, Presence};

impl<R: Ratchet> Node<R> {
    pub(super) fn accepted(&mut self, id: LinkId, circuit: CircuitId) {
        let link = Link::accept(&self.me.secret, self.ctx.entropy.fork());
        self.pool.accept(id, circuit, link, &mut self.ctx);
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
        self.ctx.gate.hang_up(id);
    }

    pub(super) fn check_liveness(&mut self, id: LinkId) {
        match self.pool.check_liveness(id, &mut self.ctx) {
            Silence::Nothing => {}
            Silence::SayHeartbeat if breaks(Rule::HeartbeatNotSent) => {}
            Silence::SayHeartbeat => self
                .ctx
                .gate
                .frame(id, Body::Heartbeat(link::Heartbeat { reply: true })),
            Silence::Dead | Silence::Idle => self.ctx.gate.hang_up(id),
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
            self.ctx.identity_elsewhere(peer);
            return self.fault(id, FaultKind::OwnKey);
        }
        if let Err(loser) = self.pool.authenticated(id, peer, &self.me.address, &mut self.ctx) {
            if let Some(entry) = self.pool.get(loser) {
                entry.doomed = true;
            }
            self.ctx.gate.hang_up(loser);
            if loser == id {
                return;
            }
        }
        let hello = match self.contacts.get_mut(&peer) {
            Some(contact) => {
                contact.delivery.forget_link();
                contact.admission.forget_link();
                contact.greeting(&mut self.ctx)
            }
            None => contact::hello_to_stranger(&mut self.ctx),
        };
        self.ctx.gate.frame(id, Body::Hello(hello));
        if self.is_stranger(&peer) {
            let most = self.ctx.limits.stranger_links;
            let contacts = &self.contacts;
            self.pool.thin_out(
                most,
                |phase| matches!(phase, Phase::Up(peer) if is_stranger(contacts, &peer)),
                &mut self.ctx,
            );
        }
    }

    /// Whether a peer is neither a friend nor asked by us.
    pub(super) fn is_stranger(&self, peer: &OnionAddress) -> bool {
        is_stranger(&self.contacts, peer)
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
            body if self.pays(id, &peer, body.as_ref()) => self.on_paid(id, peer, body),
            // A stranger has no reason to say so much. Its next link costs it a handshake.
            _ if self.contacts.get(&peer).is_none() => self.fault(id, FaultKind::Flood),
            // Both sides would wait until the link is idle; the next one repeats the offer.
            Some(Body::PreKeyOffer(_)) => self.fault(id, FaultKind::RateLimit),
            _ => self.ctx.fault(Some(peer), FaultKind::RateLimit),
        }
    }

    fn on_paid(&mut self, id: LinkId, peer: OnionAddress, body: Option<Body>) {
        match body {
            Some(Body::Ciphertext(ciphertext)) => self.on_ciphertext(id, peer, &ciphertext),
            Some(Body::Ack(ack)) => self.on_ack(id, peer, &ack),
            Some(body) => self.on_other(id, peer, body),
            // A later version's frame.
            None => {}
        }
    }

    /// Takes a token for what no window paces: from the bucket of the contact, and for an unknown peer from its link's. What
    /// begins a first contact may take the last ones.
    fn pays(&mut self, id: LinkId, peer: &OnionAddress, body: Option<&Body>) -> bool {
        let paced = matches!(body, Some(Body::Ciphertext(_) | Body::Ack(_)));
        let reserve = match body {
            Some(Body::Hello(_) | Body::Request(_)) => 0,
            _ => self.ctx.limits.rate_reserve,
        };
        let bucket = match self.contacts.get_mut(peer) {
            Some(_) if body.is_none() => return true,
            Some(contact) if paced && contact.consent.is_ours() => return true,
            Some(contact) => Some(&mut contact.bucket),
            None => self.pool.get(id).map(|entry| &mut entry.bucket),
        };
        bucket.is_some_and(|bucket| bucket.take(self.ctx.limits.frame_rate(), reserve, self.ctx.now.monotonic))
    }

    fn on_hello(&mut self, id: LinkId, peer: OnionAddress, hello: &Hello) {
        if !acceptable(hello, &self.ctx.limits) {
            return self.fault(id, FaultKind::Hello);
        }
        if !self.pays(id, &peer, Some(&Body::Hello(Hello::default()))) {
            return self.fault(id, FaultKind::RateLimit);
        }
        let unknown = self.contacts.get(&peer).is_none();
        if let Some(entry) = self.pool.get(id) {
            entry.greeted = true;
            entry.features = contact::features_of(hello).filter(|_| unknown);
        }
        if let Some(contact) = self.contacts.get_mut(&peer) {
            // The log tells of each change, so a contact that changes its mind without end is not listened to.
            if contact.would_change_consent(hello) && !contact.admission.admits_session(&self.ctx) {
                return self.fault(id, FaultKind::RateLimit);
            }
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
            // A peer that takes us for a friend may ask whether we live. That is no fault, and gets no answer.
            if !matches!(body, Body::Heartbeat(_)) {
                self.ctx.fault(Some(peer), FaultKind::NotAContact);
            }
            return;
        };
        match body {
            Body::RequestStatus(answer) => contact.on_request_status(id, answer, &mut self.ctx),
            Body::PreKeyOffer(_) if contact.is_friend() && !contact.admission.admits_session(&self.ctx) => {
                self.fault(id, FaultKind::RateLimit);
            }
            Body::PreKeyOffer(offer) => {
                let renewed = contact.renew(id, &offer, &self.me, &mut self.ctx);
                if !renewed {
                    self.fault(id, FaultKind::PreKeyOffer);
                }
            }
            Body::Heartbeat(heartbeat) if heartbeat.reply => {
                self.ctx
                    .gate
                    .frame(id, Body::Heartbeat(link::Heartbeat { reply: false }));
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
        let Ok(request) = CheckedRequest::new(peer, request, self.ctx.now.wall) else {
            return self.fault(id, FaultKind::Request);
        };
        let replaces = |contact: &&mut Contact<R::Session>| contact.would_replace(&request);
        if let Some(friend) = self.contacts.get_mut(&peer).filter(replaces)
            && !friend.admission.admits_session(&self.ctx)
        {
            return self.fault(id, FaultKind::RateLimit);
        }
        let contact = self.contacts.get(&peer);
        let fresh = contact.is_none();
        // The invite is looked at before every bound: no number of requests keeps its bearer out.
        let invited = !contact.is_some_and(|contact| contact.blocked)
            && request.invite.is_some_and(|token| self.invites.contains_key(&token));
        let needs_place = contact.is_none_or(|contact| contact.consent.would_hold());
        if needs_place && !invited && !self.contacts.make_room(&mut self.requests, &mut self.ctx) {
            self.ctx.fault(Some(peer), FaultKind::TooManyRequests);
            return;
        }
        if fresh {
            let features = self.pool.get(id).and_then(|entry| entry.features.take());
            self.contacts.insert(Contact::asking(peer, features, &self.ctx));
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
        if needs_place {
            self.contacts.expire_strangers(&mut self.ctx);
        }
    }
}

fn is_stranger<S>(contacts: &Contacts<S>, peer: &OnionAddress) -> bool {
    !contacts.get(peer).is_some_and(|contact| contact.consent.is_ours())
}
