//! [`Contact`]: one contact, with everything about it that is held in memory.

mod commands;
mod contacts;
pub(crate) mod requests;

pub(crate) use contacts::Contacts;

use crate::conversation::Conversation;
use crate::delivery::outbox::Queued;
use crate::delivery::{Acknowledged, CursorFault, Delivery};
use crate::kernel::context::Context;
use crate::kernel::rate::Bucket;
use crate::row::{ContactRow, Key, OfferRow, Relationship, RequestRow, Retry, Row};
use crate::sabotage::{Rule, breaks};
use crate::wire::content::content::Kind;
use crate::{ContactPresence, ConversationId, LinkId, Notice, OnionAddress, Presence, SessionEpoch, Wall};

pub(crate) struct Contact<S> {
    pub row: ContactRow,
    pub conversation: Conversation,
    pub delivery: Delivery<S>,
    /// The bundle that we have offered and that was not used yet.
    pub offer: Option<OfferRow>,
    /// Their request, while it waits for consent.
    pub request: Option<RequestRow>,
    /// Our requests that were sent over that link and not answered: each has one answer, in order.
    pub unanswered: Option<(LinkId, u32)>,
    pub bucket: Bucket,
    pub presence: Presence,
    pub as_of: Option<Wall>,
    pub typing: bool,
    /// To be dialled once after the start, mail or not.
    pub reach_out: bool,
    /// A friend who says that we are a stranger. Only their person can change that, and then they come to us; so what waits
    /// is no reason for a dial, until the user asks for something new.
    pub estranged: bool,
}

impl<S> Contact<S> {
    pub fn new(row: ContactRow, ctx: &Context) -> Self {
        Self {
            conversation: Conversation::new(ConversationId::Direct(row.address)),
            delivery: Delivery::new(row.address),
            row,
            offer: None,
            request: None,
            unanswered: None,
            bucket: Bucket::full(&ctx.limits, ctx.now.monotonic),
            presence: Presence::Unknown,
            as_of: None,
            typing: false,
            reach_out: false,
            estranged: false,
        }
    }

    pub fn is_friend(&self) -> bool {
        self.row.relationship == Relationship::Friend
    }

    /// A contact that we want on a link: not one that merely asks.
    pub fn is_ours(&self) -> bool {
        matches!(
            self.row.relationship,
            Relationship::Friend | Relationship::Requested | Relationship::RequestDelivered
        )
    }

    /// Whether something here can only go on when they are reached.
    pub fn has_mail(&self) -> bool {
        match self.row.relationship {
            Relationship::Friend => !self.delivery.outbox.is_empty() && !self.estranged,
            Relationship::Requested => true,
            _ => false,
        }
    }

    pub fn offered(&self) -> SessionEpoch {
        self.offer.as_ref().map_or(SessionEpoch(0), |offer| offer.session_epoch)
    }

    pub fn save(&self, ctx: &mut Context) {
        ctx.gate.put(Row::Contact(self.row.clone()));
    }

    /// Takes a session into use, from its beginning.
    pub fn begin_session(&mut self, session: S, session_epoch: SessionEpoch, ctx: &mut Context) {
        self.delivery.begin_session(session, session_epoch, ctx);
        self.drop_offer(ctx);
    }

    /// The peer has committed everything up to `received`.
    pub fn acknowledge(&mut self, received: u64, ctx: &mut Context) -> Result<(), CursorFault> {
        if self.delivery.acknowledge(received, ctx)? == Acknowledged::Progress {
            self.progressed(ctx);
        }
        Ok(())
    }

    pub fn drop_offer(&mut self, ctx: &mut Context) {
        if self.offer.take().is_some() {
            ctx.gate.delete(Key::Offer(self.row.address));
        }
    }

    pub fn drop_request(&mut self, ctx: &mut Context) {
        if self.request.take().is_some() {
            ctx.gate.delete(Key::Request(self.row.address));
        }
    }

    /// Appends to the outbox.
    pub fn queue(&mut self, queued: Queued, ctx: &mut Context) {
        self.estranged = false;
        self.delivery.queue(queued, ctx);
    }

    /// Puts the first content of a new session before everything else.
    pub fn queue_opening(&mut self, kind: Kind, ctx: &mut Context) {
        self.estranged = false;
        self.delivery.queue_opening(kind, ctx);
    }

    /// The next try is due after a wait that doubles, from half to the whole of it at random.
    pub fn back_off(&mut self, ctx: &mut Context) {
        let doublings = self.row.retry.attempts.min(20);
        let span = (ctx.limits.retry_first.0 << doublings).min(ctx.limits.retry_cap.0);
        let wait = span / 2 + ctx.entropy.below(span / 2 + 1);
        let next = if breaks(Rule::MonotonicStored) {
            Wall(ctx.now.monotonic.after(crate::Millis(wait)).0)
        } else {
            ctx.now.wall.after(crate::Millis(wait))
        };
        self.row.retry = Retry {
            attempts: self.row.retry.attempts.saturating_add(1),
            next_attempt: Some(next),
        };
        self.save(ctx);
    }

    /// They are, or were just now, on a link.
    pub fn seen(&mut self, ctx: &mut Context) {
        self.row.last_seen = Some(ctx.now.wall);
        self.reach_out = false;
        self.save(ctx);
    }

    /// Something has come through: tries count from the beginning again. Being reached alone is not enough, or a peer
    /// that ends every link would be dialled without a pause.
    pub fn progressed(&mut self, ctx: &mut Context) {
        if self.row.retry != Retry::default() {
            self.row.retry = Retry::default();
            self.save(ctx);
        }
    }

    /// They broke a rule. Whatever has come through before, the next dial is not at once: one who breaks every session, and
    /// acknowledges a little in each, would be dialled without a pause.
    pub fn penalize(&mut self, ctx: &mut Context) {
        if self.row.retry.attempts == 0 {
            self.row.retry.attempts = 1;
            self.save(ctx);
        }
    }

    /// When the next dial may be. One that lies further ahead than any wait was written by a clock that has been set back
    /// since, and is due now.
    pub fn next_attempt(&self, ctx: &Context) -> Wall {
        let latest = ctx.now.wall.after(ctx.limits.retry_cap);
        let planned = self.row.retry.next_attempt.filter(|at| *at <= latest);
        planned.unwrap_or(ctx.now.wall)
    }

    /// Notes what is known of the contact's presence, and says so if it is a friend.
    pub fn observe(&mut self, presence: Presence, typing: bool, ctx: &mut Context) {
        let changed = (presence, typing) != (self.presence, self.typing);
        self.presence = presence;
        self.typing = typing;
        self.as_of = Some(ctx.now.wall);
        if changed && self.is_friend() && !self.row.blocked {
            ctx.notify(Notice::Presence(self.peer()));
        }
    }

    pub fn peer(&self) -> ContactPresence {
        ContactPresence {
            contact: self.row.address,
            presence: self.presence,
            as_of: self.as_of,
            typing: self.typing,
        }
    }
}

/// The row of a peer that was not known so far.
pub(crate) fn unknown(address: OnionAddress, relationship: Relationship, now: Wall) -> ContactRow {
    ContactRow {
        address,
        relationship,
        petname: String::new(),
        claimed_name: String::new(),
        note: String::new(),
        invite: None,
        identity_key: None,
        verified: false,
        blocked: false,
        features: None,
        created_at: now,
        last_seen: None,
        retry: Retry::default(),
    }
}
