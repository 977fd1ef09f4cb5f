//! What a person does with contacts: ask, consent, refuse, remove, name, block, verify.

use crate::contact::{self, Contact};
use crate::node::Node;
use crate::node::commands::{Outcome, in_range};
use crate::row::{Event, Relationship};
use crate::session::Ratchet;
use crate::{Argument, ContactObstacle, FriendCode, Limits, OnionAddress, Refusal, Reply, SafetyNumber, Table};

impl<R: Ratchet> Node<R> {
    pub(crate) fn add_contact(&mut self, code: FriendCode, petname: Option<String>, note: String) -> Outcome {
        let peer = code.address;
        if peer == self.me.address {
            return Err(Refusal::Ourselves);
        }
        in_range(Argument::Note, note.len() <= Limits::NOTE_BYTES)?;
        check_petname(petname.as_deref())?;
        match self
            .contacts
            .get(&peer)
            .map(|contact| (contact.row.relationship, contact.row.blocked))
        {
            Some((_, true)) => return wrong(peer, ContactObstacle::Blocked),
            Some((Relationship::Friend, _)) => return wrong(peer, ContactObstacle::AlreadyAContact),
            Some((Relationship::Asking, _)) => return self.accept_contact(peer, petname),
            Some(_) => {}
            None if self.contacts.len() >= self.ctx.limits.contacts => return Err(Refusal::Full(Table::Contacts)),
            None => {
                let row = contact::unknown(peer, Relationship::Stranger, self.ctx.now.wall);
                self.contacts.insert(Contact::new(row, &self.ctx));
            }
        }
        let contact = self.contacts.get_mut(&peer).expect("there, or just added");
        contact.row.relationship = Relationship::Requested;
        contact.row.note = note;
        contact.row.invite = code.invite;
        contact.row.petname = petname.unwrap_or_else(|| std::mem::take(&mut contact.row.petname));
        contact.row.retry.next_attempt = None;
        contact.save(&mut self.ctx);
        // Should they be on a link already, the request goes at once.
        if let Some(link) = self.pool.link_of(&peer)
            && self.pool.get(link).is_some_and(|entry| entry.greeted)
        {
            contact.send_request(link, &self.me, &mut self.ctx);
        }
        Ok(Reply::Contact(peer))
    }

    pub(crate) fn accept_contact(&mut self, peer: OnionAddress, petname: Option<String>) -> Outcome {
        check_petname(petname.as_deref())?;
        let link = self
            .pool
            .link_of(&peer)
            .filter(|link| self.pool.get(*link).is_some_and(|entry| entry.greeted));
        let contact = self.contacts.known_mut(peer)?;
        if contact.is_friend() {
            return Ok(Reply::Contact(peer)); // once more, after an answer that was lost
        }
        let Some(request) = contact.request.clone() else {
            return wrong(peer, ContactObstacle::HasNotAsked);
        };
        if contact.row.blocked {
            return wrong(peer, ContactObstacle::Blocked);
        }
        if contact.consent(link, &request, &self.me, &mut self.ctx).is_err() {
            contact.reject(link, &mut self.ctx);
            return wrong(peer, ContactObstacle::InvalidRequest);
        }
        if let Some(petname) = petname {
            contact.row.petname = petname;
        }
        contact.save(&mut self.ctx);
        Ok(Reply::Contact(peer))
    }

    pub(crate) fn reject_contact(&mut self, peer: OnionAddress) -> Outcome {
        let link = self.pool.link_of(&peer);
        let contact = self.contacts.known_mut(peer)?;
        match contact.row.relationship {
            Relationship::Asking => contact.reject(link, &mut self.ctx),
            Relationship::Declined => {}
            _ => return wrong(peer, ContactObstacle::HasNotAsked),
        }
        Ok(Reply::Contact(peer))
    }

    pub(crate) fn remove_contact(&mut self, peer: OnionAddress) -> Outcome {
        let link = self.pool.link_of(&peer);
        let contact = self.contacts.known_mut(peer)?;
        if contact.row.relationship != Relationship::Stranger {
            contact.remove(&mut self.ctx);
            if let Some(link) = link {
                self.ctx.hang_up(link);
            }
        }
        Ok(Reply::Contact(peer))
    }

    pub(crate) fn rename_contact(&mut self, peer: OnionAddress, petname: String) -> Outcome {
        check_petname(Some(&petname))?;
        let contact = self.contacts.known_mut(peer)?;
        contact.row.petname = petname;
        contact.save(&mut self.ctx);
        Ok(Reply::Contact(peer))
    }

    pub(crate) fn block_contact(&mut self, peer: OnionAddress, blocked: bool) -> Outcome {
        let contact = self.contacts.known_mut(peer)?;
        if contact.row.blocked != blocked {
            contact.row.blocked = blocked;
            contact.save(&mut self.ctx);
            self.ctx.record(Event::ContactBlocked { contact: peer, blocked });
        }
        Ok(Reply::Contact(peer))
    }

    pub(crate) fn safety_number(&self, peer: OnionAddress) -> Result<SafetyNumber, Refusal> {
        let contact = self.contacts.known(peer)?;
        let key = contact.row.identity_key.as_deref().ok_or(Refusal::NoSession(peer))?;
        self.me
            .ratchet
            .safety_number(&self.me.address, &peer, key)
            .map_err(|_| Refusal::NoSession(peer))
    }

    pub(crate) fn verify_contact(&mut self, peer: OnionAddress, number: Option<String>) -> Outcome {
        let verified = match number {
            Some(number) => {
                let digits: String = number.chars().filter(|c| !c.is_whitespace()).collect();
                if digits != self.safety_number(peer)?.digits {
                    return Err(Refusal::SafetyNumberMismatch(peer));
                }
                true
            }
            None => false,
        };
        let contact = self.contacts.known_mut(peer)?;
        if contact.row.verified != verified {
            contact.row.verified = verified;
            contact.save(&mut self.ctx);
            self.ctx.record(Event::ContactVerified {
                contact: peer,
                verified,
            });
        }
        Ok(Reply::Contact(peer))
    }
}

fn wrong(contact: OnionAddress, obstacle: ContactObstacle) -> Outcome {
    Err(Refusal::WrongRelationship { contact, obstacle })
}

fn check_petname(petname: Option<&str>) -> Result<(), Refusal> {
    in_range(
        Argument::Petname,
        petname.is_none_or(|petname| petname.len() <= Limits::NAME_BYTES),
    )
}
