//! [`Contacts`]: every contact, and which of them were touched since the node last followed up.

use std::collections::{BTreeMap, BTreeSet};

use super::Contact;
use super::expiry::Term;
use crate::kernel::alarms::Alarm;
use crate::kernel::context::Context;
use crate::kernel::rate::Bucket;
use crate::row::{Key, Relationship, Verification};
use crate::{ContactObstacle, Limits, Monotonic, OnionAddress, Refusal, Table};

pub(crate) struct Contacts<S> {
    by_address: BTreeMap<OnionAddress, Contact<S>>,
    /// Handed out for a change. What a change calls for is done for these by `Node::follow_up`, so that no caller has to
    /// remember it.
    touched: BTreeSet<OnionAddress>,
}

impl<S> Contacts<S> {
    pub fn new() -> Self {
        Self {
            by_address: BTreeMap::new(),
            touched: BTreeSet::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.by_address.len()
    }

    pub fn values(&self) -> impl Iterator<Item = &Contact<S>> {
        self.by_address.values()
    }

    pub fn get(&self, peer: &OnionAddress) -> Option<&Contact<S>> {
        self.by_address.get(peer)
    }

    /// For a change.
    pub fn get_mut(&mut self, peer: &OnionAddress) -> Option<&mut Contact<S>> {
        let contact = self.by_address.get_mut(peer)?;
        self.touched.insert(*peer);
        Some(contact)
    }

    /// All of them, for a change.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Contact<S>> {
        self.touched.extend(self.by_address.keys());
        self.by_address.values_mut()
    }

    /// While a node is put together from its rows: nothing has changed by that.
    pub fn restore(&mut self, peer: &OnionAddress) -> Option<&mut Contact<S>> {
        self.by_address.get_mut(peer)
    }

    pub fn insert(&mut self, contact: Contact<S>) {
        self.by_address.insert(contact.address, contact);
    }

    pub fn remove(&mut self, peer: &OnionAddress) {
        self.by_address.remove(peer);
    }

    /// Room for one more stranger's request without an invite. The oldest request gives way if its time to be seen has passed;
    /// a younger one does not, or 64 junk requests would push out every other as quickly as they can be sent. False if there is
    /// no room. The peer then gets no answer, so that its node asks again: it will be taken when a place is free.
    pub fn make_room(&mut self, pace: &mut Bucket, ctx: &mut Context) -> bool {
        let requests = || self.values().filter_map(|contact| contact.consent.request.as_ref());
        let held = requests().count();
        let displaced = if held >= ctx.limits.requests {
            let oldest = requests().min_by_key(|request| request.received_at);
            let seen = oldest.filter(|request| ctx.now.wall.since(request.received_at) >= ctx.limits.request_hold);
            seen.map(|request| request.contact)
        } else if self.len() >= ctx.limits.contacts {
            self.longest_declined()
        } else {
            None
        };
        let room = displaced.is_some() || (held < ctx.limits.requests && self.len() < ctx.limits.contacts);
        if !room || !pace.take(ctx.limits.request_rate(), 0, ctx.now.monotonic) {
            return false;
        }
        if let Some(peer) = displaced {
            self.discard(peer, ctx);
        }
        true
    }

    /// Drops what is kept of strangers for too long, and declined strangers beyond their number; says when to look again.
    pub fn expire_strangers(&mut self, ctx: &mut Context) {
        let (mut over, mut next) = (Vec::new(), None::<Monotonic>);
        let latest = ctx.now.monotonic.after(ctx.limits.retry_cap);
        for contact in self.by_address.values_mut() {
            let Some(since) = contact.stranger_since() else {
                continue;
            };
            let again = match contact.expiry.judge(since, ctx) {
                Term::Until(at) => at,
                Term::Over => {
                    over.push(contact.address);
                    continue;
                }
                Term::Restart => {
                    contact.restart_expiry(ctx);
                    latest
                }
            };
            next = Some(next.map_or(again, |next| next.min(again)));
        }
        for peer in over {
            self.discard(peer, ctx);
        }
        let declined = self.values().filter(|contact| contact.is_declined_stranger()).count();
        for _ in ctx.limits.declined..declined {
            if let Some(peer) = self.longest_declined() {
                self.discard(peer, ctx);
            }
        }
        match next {
            Some(at) => ctx.wake(Alarm::RequestExpiry, at),
            None => ctx.alarms.clear(Alarm::RequestExpiry),
        }
    }

    /// The declined stranger that was not there for the longest time.
    fn longest_declined(&self) -> Option<OnionAddress> {
        let declined = self.values().filter(|contact| contact.is_declined_stranger());
        declined
            .min_by_key(|contact| contact.last_there())
            .map(|contact| contact.address)
    }

    /// Drops a stranger's request, and all that is kept of the stranger. A peer that the user knows stays, with nothing agreed.
    fn discard(&mut self, peer: OnionAddress, ctx: &mut Context) {
        match self.get_mut(&peer) {
            Some(contact) if contact.is_mere_stranger() => self.erase(peer, ctx),
            Some(contact) => contact.consent.lapse(ctx),
            None => {}
        }
    }

    /// Deletes every row of a peer with which nothing is agreed. A row that no node leaves there goes too: without the contact
    /// it would keep the store from being opened.
    pub fn erase(&mut self, peer: OnionAddress, ctx: &mut Context) {
        if let Some(mut contact) = self.by_address.remove(&peer) {
            contact.consent.drop_request(ctx);
            contact.delivery.abandon(ctx);
            contact.delivery.break_session(ctx);
            contact.delivery.drop_offer(ctx);
            for timer in contact.conversation.timers() {
                ctx.gate.delete(Key::Timer(timer.conversation, timer.author));
            }
            ctx.gate.delete(Key::Cursors(peer));
            ctx.gate.delete(Key::Contact(peer));
        }
    }

    /// Asks for a follow-up, though nothing has changed but the time.
    pub fn touch(&mut self, peer: OnionAddress) {
        self.touched.insert(peer);
    }

    /// A contact that was touched, once.
    pub fn next_touched(&mut self) -> Option<&mut Contact<S>> {
        while let Some(peer) = self.touched.pop_first() {
            if self.by_address.contains_key(&peer) {
                return self.by_address.get_mut(&peer);
            }
        }
        None
    }

    pub fn known(&self, peer: OnionAddress) -> Result<&Contact<S>, Refusal> {
        self.get(&peer).ok_or(Refusal::UnknownContact(peer))
    }

    pub fn known_mut(&mut self, peer: OnionAddress) -> Result<&mut Contact<S>, Refusal> {
        self.get_mut(&peer).ok_or(Refusal::UnknownContact(peer))
    }

    /// A contact that the user may queue something for.
    pub fn correspondent(&mut self, peer: OnionAddress, limits: &Limits) -> Result<&mut Contact<S>, Refusal> {
        let contact = self.known_mut(peer)?;
        let obstacle = match contact.consent.relationship {
            _ if contact.blocked => ContactObstacle::Blocked,
            Relationship::Friend | Relationship::Requested | Relationship::RequestDelivered => {
                if contact.delivery.outbox.len() >= limits.outbox_rows {
                    return Err(Refusal::Full(Table::Outbox));
                }
                if contact.consent.removed_by_peer {
                    ContactObstacle::RemovedByPeer
                } else if contact.identity_key.verification == Verification::Untrusted {
                    return Err(Refusal::UntrustedKey(peer));
                } else {
                    return Ok(contact);
                }
            }
            Relationship::Asking => ContactObstacle::Asking,
            Relationship::RequestDeclined => ContactObstacle::RequestDeclined,
            Relationship::Declined | Relationship::Stranger => ContactObstacle::NotAContact,
        };
        Err(Refusal::WrongRelationship {
            contact: peer,
            obstacle,
        })
    }
}
