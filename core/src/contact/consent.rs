//! [`Consent`]: what this node and a peer have agreed to, and the requests that lead there.

use crate::kernel::context::Context;
use crate::row::{Event, Key, Relationship, RequestRow, Row};
use crate::wire::link::{self, RequestStatus};
use crate::{InviteToken, LinkId, Monotonic, OnionAddress};

pub(crate) struct Consent {
    contact: OnionAddress,
    pub relationship: Relationship,
    /// The note that goes with our request.
    pub note: String,
    /// The invite that came with their friend code.
    pub invite: Option<InviteToken>,
    /// Their request, while it waits for consent.
    pub request: Option<RequestRow>,
    /// When it was last replaced by another one, in this run.
    request_replaced: Option<Monotonic>,
    /// Our requests on the link over which the last one was sent.
    sent: Option<SentRequests>,
    /// The number of their last request, on the link over which it came.
    pub asked: Option<(LinkId, u32)>,
    /// A friend whose Hello says that we are none. Only a request changes that, theirs or ours; so what waits is no reason for
    /// a dial, and goes out after the request is accepted.
    pub removed_by_peer: bool,
}

/// Our requests on one link.
struct SentRequests {
    link: LinkId,
    /// The last one has this number.
    last: u32,
    /// Those without an answer, if each has one, in order: for peers whose answers have no number.
    unanswered: u32,
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
            request_replaced: None,
            sent: None,
            asked: None,
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
        self.removed_by_peer = false;
        self.note = note;
        self.invite = invite;
        self.save(ctx);
    }

    /// Whether a request of the peer would be held that is not held yet.
    pub fn would_hold(&self) -> bool {
        matches!(
            self.relationship,
            Relationship::Stranger | Relationship::RequestDeclined
        )
    }

    /// Holds the peer's request until the user decides, in place of the one that is held. False if it is nothing new, or comes
    /// too soon after another. Only the first is an event, and the replacements keep its age: a peer that asks again and
    /// again writes neither the log nor the disk without a pause, and does not keep its place for longer.
    pub fn hold(&mut self, mut request: RequestRow, renamed: bool, blocked: bool, ctx: &mut Context) -> bool {
        let now = ctx.now.monotonic;
        if let Some(held) = &self.request {
            request.received_at = held.received_at;
            let pause = ctx.limits.request_replacement;
            let too_soon = self.request_replaced.is_some_and(|at| now.since(at) < pause);
            if too_soon || (*held == request && !renamed) {
                return false;
            }
        } else if !blocked {
            ctx.record(Event::RequestReceived { contact: self.contact });
        }
        self.request_replaced = Some(now);
        ctx.gate.put(Row::Request(request.clone()));
        self.request = Some(request);
        self.relationship = Relationship::Asking;
        self.save(ctx);
        true
    }

    /// Nothing is agreed any more, and the user has done nothing.
    pub fn lapse(&mut self, ctx: &mut Context) {
        self.drop_request(ctx);
        self.relationship = Relationship::Stranger;
        self.save(ctx);
    }

    pub fn drop_request(&mut self, ctx: &mut Context) {
        if self.request.take().is_some() {
            ctx.gate.delete(Key::Request(self.contact));
        }
    }

    /// Both consented. Says whether that is new.
    pub fn befriend(&mut self, ctx: &mut Context) -> bool {
        self.drop_request(ctx);
        if std::mem::take(&mut self.removed_by_peer) {
            let contact = self.contact;
            ctx.record(Event::RemovedByPeer {
                contact,
                removed: false,
            });
        }
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

    /// Our request goes out on a link. Returns its number.
    pub fn request_sent(&mut self, link: LinkId) -> u32 {
        let before = self.sent.take().filter(|sent| sent.link == link);
        let (last, unanswered) = before.map_or((0, 0), |sent| (sent.last, sent.unanswered));
        self.sent = Some(SentRequests {
            link,
            last: last.saturating_add(1),
            unanswered: unanswered.saturating_add(1),
        });
        last.saturating_add(1)
    }

    /// Whether an answer is to our last request on this link: a later one may bring an invite, or be sent after the user has
    /// asked again. A request can be without an answer, so only its number tells.
    fn answers_the_last(&mut self, link: LinkId, request: u32) -> bool {
        let Some(sent) = self.sent.as_mut().filter(|sent| sent.link == link) else {
            return true;
        };
        sent.unanswered = sent.unanswered.saturating_sub(1);
        if request == 0 {
            sent.unanswered == 0
        } else {
            request == sent.last
        }
    }

    /// What became of our request.
    pub fn request_answered(&mut self, link: LinkId, status: RequestStatus, ctx: &mut Context) -> RequestAnswer {
        let last = self.answers_the_last(link, status.request);
        match (self.relationship, status.relationship()) {
            (Relationship::Requested | Relationship::RequestDelivered, _) if !last => RequestAnswer::Nothing,
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

    /// Whether a friend's Hello changes where it stands with us.
    pub fn would_hear(&self, theirs: link::Relationship) -> bool {
        self.removed_by_peer != is_removal(theirs)
    }

    /// A friend's Hello says where it stands with us. One that was restored may say so again.
    pub fn hear(&mut self, theirs: link::Relationship, ctx: &mut Context) {
        let removed = is_removal(theirs);
        if self.removed_by_peer != removed {
            self.removed_by_peer = removed;
            self.save(ctx);
            let contact = self.contact;
            ctx.record(Event::RemovedByPeer { contact, removed });
        }
    }

    /// The user removes the contact.
    pub fn end(&mut self, ctx: &mut Context) {
        self.drop_request(ctx);
        self.relationship = Relationship::Stranger;
        self.removed_by_peer = false;
        self.save(ctx);
        ctx.record(Event::ContactRemoved { contact: self.contact });
    }
}

/// What a friend's Hello says when its node has removed this one.
fn is_removal(theirs: link::Relationship) -> bool {
    matches!(theirs, link::Relationship::Stranger | link::Relationship::Declined)
}
