//! [`Consent`]: what this node and a peer have agreed to, and the requests that lead there.

use crate::kernel::context::Context;
use crate::row::{Event, Key, Relationship, RequestRow, Row};
use crate::wire::link;
use crate::{InviteToken, LinkId, OnionAddress};

pub(crate) struct Consent {
    contact: OnionAddress,
    pub relationship: Relationship,
    /// The note that goes with our request.
    pub note: String,
    /// The invite that came with their friend code.
    pub invite: Option<InviteToken>,
    /// Their request, while it waits for consent.
    pub request: Option<RequestRow>,
    /// Our requests that were sent over that link and not answered: each has one answer, in order.
    unanswered: Option<(LinkId, u32)>,
    /// A friend whose Hello says that we are a stranger. Only their user can change that, and then they come to us; so what
    /// waits is no reason for a dial, until our user asks for something new.
    pub removed_by_peer: bool,
}

/// What a `RequestStatus` says.
pub(crate) enum RequestAnswer {
    /// The request is with them.
    Delivered,
    /// They said no.
    Declined,
    /// Nothing new.
    Nothing,
    /// There was no request to answer.
    Unasked,
}

impl Consent {
    pub fn new(contact: OnionAddress) -> Self {
        Self {
            contact,
            relationship: Relationship::Stranger,
            note: String::new(),
            invite: None,
            request: None,
            unanswered: None,
            removed_by_peer: false,
        }
    }

    fn save(&self, ctx: &mut Context) {
        ctx.gate.put_by_key(Key::Contact(self.contact));
    }

    /// A contact that we want on a link: not one that merely asks.
    pub fn is_ours(&self) -> bool {
        matches!(
            self.relationship,
            Relationship::Friend | Relationship::Requested | Relationship::RequestDelivered
        )
    }

    /// The user asks the peer to be a contact.
    pub fn ask(&mut self, note: String, invite: Option<InviteToken>, ctx: &mut Context) {
        self.relationship = Relationship::Requested;
        self.note = note;
        self.invite = invite;
        self.save(ctx);
    }

    /// Holds the peer's request until the user decides. The same request again is nothing new.
    pub fn hold(&mut self, request: RequestRow, blocked: bool, ctx: &mut Context) {
        let held = self.request.as_ref();
        let known = held.is_some_and(|held| held.session_epoch == request.session_epoch);
        self.relationship = Relationship::Asking;
        self.save(ctx);
        if !known {
            ctx.gate.put(Row::Request(request.clone()));
            self.request = Some(request);
            if !blocked {
                ctx.record(Event::RequestReceived { contact: self.contact });
            }
        }
    }

    pub fn drop_request(&mut self, ctx: &mut Context) {
        if self.request.take().is_some() {
            ctx.gate.delete(Key::Request(self.contact));
        }
    }

    /// Both consented. Says whether that is new.
    pub fn befriend(&mut self, ctx: &mut Context) -> bool {
        self.drop_request(ctx);
        let new = self.relationship != Relationship::Friend;
        if new {
            self.relationship = Relationship::Friend;
            self.note.clear();
            self.invite = None;
            ctx.record(Event::ContactAdded { contact: self.contact });
        }
        self.save(ctx);
        new
    }

    /// The user said no.
    pub fn decline(&mut self, ctx: &mut Context) {
        self.drop_request(ctx);
        self.relationship = Relationship::Declined;
        self.save(ctx);
    }

    /// Our request was sent on a link.
    pub fn request_sent(&mut self, link: LinkId) {
        let before = self.unanswered.filter(|(on, _)| *on == link);
        self.unanswered = Some((link, before.map_or(0, |(_, requests)| requests) + 1));
    }

    /// What became of our request. While a later one on this link is unanswered, only the answer to that one counts: it may
    /// bring an invite, or be sent after the user has asked again.
    pub fn request_answered(&mut self, link: LinkId, status: link::Relationship, ctx: &mut Context) -> RequestAnswer {
        let unanswered = self.unanswered.as_mut().filter(|(on, _)| *on == link);
        let behind = unanswered.map_or(0, |(_, requests)| {
            *requests = requests.saturating_sub(1);
            *requests
        });
        match (self.relationship, status) {
            (Relationship::Requested | Relationship::RequestDelivered, _) if behind > 0 => RequestAnswer::Nothing,
            (Relationship::Requested, link::Relationship::Pending) => {
                self.relationship = Relationship::RequestDelivered;
                self.save(ctx);
                ctx.record(Event::RequestDelivered { contact: self.contact });
                RequestAnswer::Delivered
            }
            (Relationship::Requested | Relationship::RequestDelivered, link::Relationship::Declined) => {
                self.declined(ctx);
                RequestAnswer::Declined
            }
            // To a request that was sent again.
            (Relationship::RequestDelivered, link::Relationship::Pending) => RequestAnswer::Nothing,
            _ => RequestAnswer::Unasked,
        }
    }

    /// The peer said no.
    pub fn declined(&mut self, ctx: &mut Context) {
        self.relationship = Relationship::RequestDeclined;
        self.save(ctx);
        ctx.record(Event::RequestDeclined { contact: self.contact });
    }

    /// The user removes the contact.
    pub fn end(&mut self, ctx: &mut Context) {
        self.drop_request(ctx);
        self.relationship = Relationship::Stranger;
        self.save(ctx);
        ctx.record(Event::ContactRemoved { contact: self.contact });
    }
}
