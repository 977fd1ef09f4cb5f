//! What the user does with contacts: ask, consent, refuse, remove, name, block, verify.
//!
//! `link` is the link on which the contact has said Hello, if there is one.

use crate::contact::{Contact, Contacts};
use crate::kernel::context::Context;
use crate::node::commands::{Outcome, in_range};
use crate::node::me::Me;
use crate::row::{Event, Relationship};
use crate::session::Ratchet;
use crate::{Argument, ContactObstacle, FriendCode, Limits, LinkId, OnionAddress, Refusal, Reply, SafetyNumber, Table};

impl<S: Clone> Contacts<S> {
    pub fn add<R: Ratchet<Session = S>>(
        &mut self,
        code: FriendCode,
        petname: Option<String>,
        note: String,
        link: Option<LinkId>,
        me: &Me<R>,
        ctx: &mut Context,
    ) -> Outcome {
        let peer = code.address;
        if peer == me.address {
            return Err(Refusal::Ourselves);
        }
        in_range(Argument::Note, note.len() <= Limits::NOTE_BYTES)?;
        check_petname(petname.as_deref())?;
        match self
            .get(&peer)
            .map(|contact| (contact.consent.relationship, contact.blocked))
        {
            Some((_, true)) => return wrong(peer, ContactObstacle::Blocked),
            Some((Relationship::Friend, _)) if !self.known(peer)?.consent.removed_by_peer => {
                return wrong(peer, ContactObstacle::AlreadyAContact);
            }
            Some((Relationship::Asking, _)) => return self.accept(peer, petname, link, me, ctx),
            Some(_) => {}
            None if self.len() >= ctx.limits.contacts => return Err(Refusal::Full(Table::Contacts)),
            None => self.insert(Contact::new(peer, ctx)),
        }
        let contact = self.known_mut(peer)?;
        let began = contact.consent.is_ours();
        contact.consent.ask(note, code.invite, ctx);
        if !began {
            contact.conversation_began(ctx);
        }
        contact.reach.try_at_once(ctx);
        if let Some(petname) = petname {
            contact.petname = petname;
        }
        if let Some(link) = link {
            contact.send_request(link, me, ctx);
        }
        Ok(Reply::Contact(peer))
    }

    pub fn accept<R: Ratchet<Session = S>>(
        &mut self,
        peer: OnionAddress,
        petname: Option<String>,
        link: Option<LinkId>,
        me: &Me<R>,
        ctx: &mut Context,
    ) -> Outcome {
        check_petname(petname.as_deref())?;
        let contact = self.known_mut(peer)?;
        if contact.is_friend() {
            // Once more, after an answer that was lost. The petname is the user's wish all the same.
            return match petname {
                Some(petname) => self.rename(peer, petname, ctx),
                None => Ok(Reply::Contact(peer)),
            };
        }
        let Some(request) = contact.consent.request.clone() else {
            return wrong(peer, ContactObstacle::HasNotAsked);
        };
        if contact.blocked {
            return wrong(peer, ContactObstacle::Blocked);
        }
        if contact.accept(link, &request, me, ctx).is_err() {
            contact.reject(link, ctx);
            self.expire_strangers(ctx);
            return wrong(peer, ContactObstacle::InvalidRequest);
        }
        if let Some(petname) = petname {
            contact.petname = petname;
        }
        contact.save(ctx);
        Ok(Reply::Contact(peer))
    }

    pub fn reject(&mut self, peer: OnionAddress, link: Option<LinkId>, ctx: &mut Context) -> Outcome {
        let contact = self.known_mut(peer)?;
        match contact.consent.relationship {
            Relationship::Asking => {
                contact.reject(link, ctx);
                self.expire_strangers(ctx);
            }
            Relationship::Declined => {}
            _ => return wrong(peer, ContactObstacle::HasNotAsked),
        }
        Ok(Reply::Contact(peer))
    }

    /// Removes a contact; the link with it, whether it has said Hello or not, ends.
    pub fn end(&mut self, peer: OnionAddress, link: Option<LinkId>, ctx: &mut Context) -> Outcome {
        let contact = self.known_mut(peer)?;
        if contact.consent.relationship != Relationship::Stranger {
            contact.remove(ctx);
            if let Some(link) = link {
                ctx.gate.hang_up(link);
            }
        }
        Ok(Reply::Contact(peer))
    }

    /// Deletes what is kept of a peer with which nothing is agreed, or whose request waits: the peer is as unknown as any
    /// other. The history stays.
    pub fn forget(&mut self, peer: OnionAddress, link: Option<LinkId>, ctx: &mut Context) -> Outcome {
        let contact = self.known_mut(peer)?;
        if contact.blocked {
            return wrong(peer, ContactObstacle::Blocked);
        }
        if contact.consent.is_ours() {
            return wrong(peer, ContactObstacle::NotRemoved);
        }
        contact.remove(ctx);
        self.erase(peer, ctx);
        if let Some(link) = link {
            ctx.gate.hang_up(link);
        }
        Ok(Reply::Contact(peer))
    }

    pub fn rename(&mut self, peer: OnionAddress, petname: String, ctx: &mut Context) -> Outcome {
        check_petname(Some(&petname))?;
        let contact = self.known_mut(peer)?;
        contact.petname = petname;
        contact.save(ctx);
        Ok(Reply::Contact(peer))
    }

    pub fn block(&mut self, peer: OnionAddress, blocked: bool, ctx: &mut Context) -> Outcome {
        let contact = self.known_mut(peer)?;
        if contact.blocked != blocked {
            contact.blocked = blocked;
            contact.save(ctx);
            ctx.record(Event::ContactBlocked { contact: peer, blocked });
        }
        Ok(Reply::Contact(peer))
    }

    pub fn safety_number<R: Ratchet>(&self, peer: OnionAddress, me: &Me<R>) -> Result<SafetyNumber, Refusal> {
        let contact = self.known(peer)?;
        let key = contact.identity_key.key.as_deref();
        me.ratchet
            .safety_number(&me.address, &peer, key.ok_or(Refusal::NoSession(peer))?)
            .map_err(|_| Refusal::NoSession(peer))
    }

    pub fn verify<R: Ratchet>(
        &mut self,
        peer: OnionAddress,
        number: Option<String>,
        me: &Me<R>,
        ctx: &mut Context,
    ) -> Outcome {
        let verified = match number {
            Some(number) => {
                self.compare(peer, &number, me)?;
                true
            }
            None => false,
        };
        let contact = self.known_mut(peer)?;
        let changed = if verified {
            contact.identity_key.verify(peer, ctx)
        } else {
            contact.identity_key.unverify(peer, ctx)
        };
        if changed {
            contact.save(ctx);
        }
        Ok(Reply::Contact(peer))
    }

    /// The user accepts the identity key whose safety number that is, compared or not: what waits may be sealed to it.
    pub fn accept_key<R: Ratchet>(
        &mut self,
        peer: OnionAddress,
        number: &str,
        me: &Me<R>,
        ctx: &mut Context,
    ) -> Outcome {
        self.compare(peer, number, me)?;
        let contact = self.known_mut(peer)?;
        if contact.identity_key.accept(peer, ctx) {
            contact.save(ctx);
        }
        Ok(Reply::Contact(peer))
    }

    /// The number must be the current one: a key that has changed in between is another.
    fn compare<R: Ratchet>(&self, peer: OnionAddress, number: &str, me: &Me<R>) -> Result<(), Refusal> {
        let digits: String = number.chars().filter(|c| !c.is_whitespace()).collect();
        if digits == self.safety_number(peer, me)?.digits {
            Ok(())
        } else {
            Err(Refusal::SafetyNumberMismatch(peer))
        }
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
