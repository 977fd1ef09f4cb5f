//! [`Contacts`]: every contact, and which of them were touched since the node last followed up.

use std::collections::{BTreeMap, BTreeSet};

use super::Contact;
use crate::row::Relationship;
use crate::{ContactObstacle, Limits, OnionAddress, Refusal, Table};

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
                } else if contact.verification.untrusted {
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
