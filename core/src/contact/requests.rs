//! First contact: requests, consent, refusal.
//!
//! A stranger's bundle is stored unread. Only consent opens a session with it: a person's, a valid invite's, or a request
//! of our own that crosses theirs.

use std::collections::BTreeMap;

use prost::Message as _;

use crate::contact::Contact;
use crate::kernel::context::Context;
use crate::node::me::Me;
use crate::row::{Event, InviteRow, Key, Relationship, RequestRow, Row};
use crate::session::Ratchet;
use crate::wire::content::Accept;
use crate::wire::content::content::Kind;
use crate::wire::link::{self, Bundle, Request, RequestStatus, frame::Body};
use crate::{FaultKind, InviteToken, Limits, LinkId, SessionEpoch};

/// The request is malformed.
pub(crate) struct Malformed;

impl<S: Clone> Contact<S> {
    /// A request came. The contact is new, or known in whatever relationship.
    pub fn on_request<R: Ratchet<Session = S>>(
        &mut self,
        link: LinkId,
        request: Request,
        invites: &mut BTreeMap<InviteToken, InviteRow>,
        me: &Me<R>,
        ctx: &mut Context,
    ) -> Result<(), Malformed> {
        let well_formed = (1..=Limits::SESSION_EPOCH).contains(&request.session_epoch)
            && request.name.len() <= Limits::NAME_BYTES
            && request.note.len() <= Limits::NOTE_BYTES;
        let bundle = request.bundle.filter(|_| well_formed).ok_or(Malformed)?;
        let invite = match request.invite.len() {
            0 => None,
            _ => Some(InviteToken(request.invite.try_into().map_err(|_| Malformed)?)),
        };
        let row = RequestRow {
            contact: self.row.address,
            session_epoch: SessionEpoch(request.session_epoch),
            bundle: bundle.encode_to_vec(),
            note: request.note,
            received_at: ctx.now.wall,
        };
        match self.row.relationship {
            Relationship::Friend if self.delivery.session_epoch() == row.session_epoch => Ok(()), // our consent is on its way
            Relationship::Requested | Relationship::RequestDelivered if me.address < self.row.address => {
                // They ask, too, and our offer stands: theirs is consent to it.
                Ok(())
            }
            Relationship::Friend | Relationship::Requested | Relationship::RequestDelivered => {
                self.claim(request.name, ctx);
                self.consent(Some(link), &row, me, ctx)
            }
            Relationship::Declined => {
                answer(link, link::Relationship::Declined, ctx);
                Ok(())
            }
            Relationship::Stranger | Relationship::RequestDeclined | Relationship::Asking => {
                self.claim(request.name, ctx);
                if let Some(token) = invite.filter(|token| !self.row.blocked && invites.contains_key(token)) {
                    self.consent(Some(link), &row, me, ctx)?;
                    invites.remove(&token);
                    ctx.gate.delete(Key::Invite(token));
                    return Ok(());
                }
                self.hold(row, ctx);
                answer(link, link::Relationship::Pending, ctx);
                Ok(())
            }
        }
    }

    fn claim(&mut self, name: String, ctx: &mut Context) {
        self.row.claimed_name = name;
        self.save(ctx);
    }

    fn hold(&mut self, row: RequestRow, ctx: &mut Context) {
        let known = self
            .request
            .as_ref()
            .is_some_and(|held| held.session_epoch == row.session_epoch);
        self.row.relationship = Relationship::Asking;
        self.save(ctx);
        if !known {
            ctx.gate.put(Row::Request(row.clone()));
            self.request = Some(row);
            if !self.row.blocked {
                ctx.record(Event::RequestReceived {
                    contact: self.row.address,
                });
            }
        }
    }

    /// Both want it: opens the session that the request offers, and says so with its first ciphertext.
    pub fn consent<R: Ratchet<Session = S>>(
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
        self.drop_request(ctx);
        self.befriend(ctx);
        let accept = Accept {
            name: me.row.name.clone(),
            identity_signature: me.identity_signature(),
        };
        self.queue_opening(Kind::Accept(accept), ctx);
        if let Some(link) = link {
            self.establish(link, ctx);
        }
        Ok(())
    }

    /// Both consented.
    pub fn befriend(&mut self, ctx: &mut Context) {
        if self.row.relationship != Relationship::Friend {
            self.row.relationship = Relationship::Friend;
            self.row.note.clear();
            self.row.invite = None;
            self.progressed(ctx);
            ctx.record(Event::ContactAdded {
                contact: self.row.address,
            });
        }
        self.save(ctx);
    }

    /// A person said no.
    pub fn reject(&mut self, link: Option<LinkId>, ctx: &mut Context) {
        self.drop_request(ctx);
        self.row.relationship = Relationship::Declined;
        self.save(ctx);
        if let Some(link) = link {
            answer(link, link::Relationship::Declined, ctx);
        }
    }

    /// What became of our request. While a later one on this link is unanswered, only the answer to that one counts.
    pub fn on_request_status(&mut self, link: LinkId, answer: RequestStatus, ctx: &mut Context) {
        let unanswered = self.unanswered.as_mut().filter(|(on, _)| *on == link);
        let behind = unanswered.map_or(0, |(_, requests)| {
            *requests = requests.saturating_sub(1);
            *requests
        });
        match (self.row.relationship, answer.relationship()) {
            // The later one may bring an invite, or be sent after the user has asked again.
            (Relationship::Requested | Relationship::RequestDelivered, _) if behind > 0 => {}
            (Relationship::Requested, link::Relationship::Pending) => {
                self.row.relationship = Relationship::RequestDelivered;
                self.progressed(ctx);
                self.save(ctx);
                ctx.record(Event::RequestDelivered {
                    contact: self.row.address,
                });
            }
            (Relationship::Requested | Relationship::RequestDelivered, link::Relationship::Declined) => {
                self.declined(ctx);
            }
            // To a request that was said again.
            (Relationship::RequestDelivered, link::Relationship::Pending) => {}
            // An answer to no question.
            _ => ctx.fault(Some(self.row.address), FaultKind::RequestStatus),
        }
    }

    /// They said no. The offer is void: nothing that they send can be taken for consent any more.
    pub fn declined(&mut self, ctx: &mut Context) {
        self.row.relationship = Relationship::RequestDeclined;
        self.drop_offer(ctx);
        self.progressed(ctx);
        self.save(ctx);
        ctx.record(Event::RequestDeclined {
            contact: self.row.address,
        });
    }

    /// They are a contact no more.
    pub fn remove(&mut self, ctx: &mut Context) {
        self.delivery.abandon(ctx);
        self.delivery.break_session(ctx);
        self.drop_offer(ctx);
        self.drop_request(ctx);
        self.row.relationship = Relationship::Stranger;
        self.row.verified = false;
        self.progressed(ctx);
        self.save(ctx);
        ctx.record(Event::ContactRemoved {
            contact: self.row.address,
        });
    }
}

fn answer(link: LinkId, relationship: link::Relationship, ctx: &mut Context) {
    ctx.frame(
        link,
        Body::RequestStatus(RequestStatus {
            relationship: relationship.into(),
        }),
    );
}
