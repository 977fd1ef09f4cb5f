//! First contact: requests, consent, refusal.
//!
//! A stranger's bundle is stored unread. Only consent opens a session with it: the user's, a valid invite's, or a request
//! of our own that crosses theirs.

use std::collections::BTreeMap;

use prost::Message as _;

use crate::contact::Contact;
use crate::contact::consent::RequestAnswer;
use crate::delivery::outbox::Queued;
use crate::kernel::context::Context;
use crate::node::me::Me;
use crate::row::{InviteRow, Key, Relationship, RequestRow};
use crate::session::Ratchet;
use crate::wire::content::content::Kind;
use crate::wire::content::{Accept, Timer};
use crate::wire::link::{self, Bundle, Request, RequestStatus, frame::Body};
use crate::{FaultKind, InviteToken, Limits, LinkId, OnionAddress, SessionEpoch, Wall};

/// The request is malformed.
pub(crate) struct Malformed;

/// A request whose fields are as long as they may be. Nothing of a longer one is held, not even for a moment.
pub(crate) struct CheckedRequest {
    row: RequestRow,
    name: String,
    pub invite: Option<InviteToken>,
    /// Its number on the link.
    number: u32,
}

impl CheckedRequest {
    pub fn new(peer: OnionAddress, request: Request, now: Wall) -> Result<Self, Malformed> {
        let well_formed = (1..=Limits::SESSION_EPOCH).contains(&request.session_epoch)
            && request.name.len() <= Limits::NAME_BYTES
            && request.note.len() <= Limits::NOTE_BYTES;
        let short = |bundle: &Bundle| well_formed && bundle.encoded_len() <= Limits::BUNDLE_BYTES;
        let bundle = request.bundle.filter(short).ok_or(Malformed)?;
        let invite = match request.invite.len() {
            0 => None,
            _ => Some(InviteToken(request.invite.try_into().map_err(|_| Malformed)?)),
        };
        let row = RequestRow {
            contact: peer,
            session_epoch: SessionEpoch(request.session_epoch),
            bundle: bundle.encode_to_vec(),
            note: request.note,
            received_at: now,
        };
        Ok(Self {
            row,
            name: request.name,
            invite,
            number: request.number,
        })
    }
}

impl<S: Clone> Contact<S> {
    /// Whether a request of the friend opens a session in place of the present one.
    pub fn would_replace(&self, request: &CheckedRequest) -> bool {
        self.is_friend() && self.delivery.session_epoch() != request.row.session_epoch
    }

    /// A request came. The contact is new, or known in whatever relationship.
    pub fn on_request<R: Ratchet<Session = S>>(
        &mut self,
        link: LinkId,
        request: CheckedRequest,
        invites: &mut BTreeMap<InviteToken, InviteRow>,
        me: &Me<R>,
        ctx: &mut Context,
    ) -> Result<(), Malformed> {
        let CheckedRequest {
            row,
            name,
            invite,
            number,
        } = request;
        self.consent.asked = Some((link, number));
        match self.consent.relationship {
            Relationship::Friend if self.delivery.session_epoch() == row.session_epoch => Ok(()), // our consent is on its way
            Relationship::Requested | Relationship::RequestDelivered if me.address < self.address => {
                // They ask, too, and our offer stands: theirs is consent to it.
                Ok(())
            }
            Relationship::Friend | Relationship::Requested | Relationship::RequestDelivered => {
                // A friend that asks has lost its store or removed us, and what it had acknowledged may be gone.
                self.rolled_back = self.is_friend() && self.delivery.cursors.acknowledged > 0;
                self.claim(name, ctx);
                self.accept(Some(link), &row, me, ctx)
            }
            Relationship::Declined => {
                self.answer(link, link::Relationship::Declined, ctx);
                Ok(())
            }
            Relationship::Stranger | Relationship::RequestDeclined | Relationship::Asking => {
                if let Some(token) = invite.filter(|token| !self.blocked && invites.contains_key(token)) {
                    self.accept(Some(link), &row, me, ctx)?;
                    self.claim(name, ctx);
                    invites.remove(&token);
                    ctx.gate.delete(Key::Invite(token));
                    return Ok(());
                }
                let renamed = name != self.claimed_name;
                if self.consent.hold(row, renamed, self.blocked, ctx) {
                    self.claim(name, ctx);
                }
                self.answer(link, link::Relationship::Pending, ctx);
                Ok(())
            }
        }
    }

    fn claim(&mut self, name: String, ctx: &mut Context) {
        self.claimed_name = name;
        self.save(ctx);
    }

    /// Both want it: opens the session that the request offers, and says so with its first ciphertext.
    pub fn accept<R: Ratchet<Session = S>>(
        &mut self,
        link: Option<LinkId>,
        request: &RequestRow,
        me: &Me<R>,
        ctx: &mut Context,
    ) -> Result<(), Malformed> {
        let bundle = Bundle::decode(request.bundle.as_slice()).map_err(|_| Malformed)?;
        if !self.open_with(&bundle, request.session_epoch, me, ctx) {
            return Err(Malformed);
        }
        self.befriend(ctx);
        let accept = Accept {
            name: me.row.name.clone(),
            identity_signature: me.identity_signature(),
        };
        self.delivery.queue_opening(Kind::Accept(accept), ctx);
        if let Some(link) = link {
            self.establish(link, ctx);
        }
        Ok(())
    }

    /// Both consented.
    pub fn befriend(&mut self, ctx: &mut Context) {
        let began = self.consent.is_ours();
        if self.consent.befriend(ctx) {
            self.reach.progressed(ctx);
        }
        if !began {
            self.conversation_began(ctx);
        }
    }

    /// We may write to the contact from now on: under the default timer, unless there is one of ours already.
    pub fn conversation_began(&mut self, ctx: &mut Context) {
        if self.conversation.timer(&ctx.own) == 0 {
            self.set_timer(ctx.default_timer, ctx);
        }
    }

    /// Sets our timer, and tells the contact.
    pub fn set_timer(&mut self, seconds: u32, ctx: &mut Context) {
        if self.conversation.set_timer(ctx.own, seconds, ctx) {
            let timer = Queued::unfollowed(Kind::Timer(Timer { seconds }), ctx);
            self.delivery.queue(timer, ctx);
        }
    }

    /// The user said no.
    pub fn reject(&mut self, link: Option<LinkId>, ctx: &mut Context) {
        self.consent.decline(ctx);
        if let Some(link) = link {
            self.answer(link, link::Relationship::Declined, ctx);
        }
    }

    /// What became of our request.
    pub fn on_request_status(&mut self, link: LinkId, status: RequestStatus, ctx: &mut Context) {
        match self.consent.request_answered(link, status, ctx) {
            RequestAnswer::Delivered => self.reach.progressed(ctx),
            RequestAnswer::Declined => self.void_request(ctx),
            RequestAnswer::Nothing => {}
            RequestAnswer::Unasked => ctx.fault(Some(self.address), FaultKind::RequestStatus),
        }
    }

    /// They said no. The offer is void: nothing that they send can be taken for consent any more.
    pub fn void_request(&mut self, ctx: &mut Context) {
        self.delivery.drop_offer(ctx);
        self.reach.progressed(ctx);
    }

    /// They are a contact no more.
    pub fn remove(&mut self, ctx: &mut Context) {
        self.delivery.abandon(ctx);
        self.delivery.break_session(ctx);
        self.delivery.drop_offer(ctx);
        self.identity_key.forget();
        self.reach.progressed(ctx);
        self.consent.end(ctx);
    }

    /// Answers their last request. It has a number on the link over which it came.
    fn answer(&self, link: LinkId, relationship: link::Relationship, ctx: &mut Context) {
        let number = self.consent.asked.filter(|(on, _)| *on == link);
        ctx.gate.frame(
            link,
            Body::RequestStatus(RequestStatus {
                relationship: relationship.into(),
                request: number.map_or(0, |(_, number)| number),
            }),
        );
    }
}
