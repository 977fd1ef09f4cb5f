//! What two Hellos come to: a request to be sent, a session that goes on where it was, or a session to be replaced.
//!
//! Whether a session has to be replaced is a symmetric function of the two Hellos, so both sides come to the same outcome
//! without another word. The offer of the smaller onion key stands; the larger side accepts it.

use std::collections::BTreeSet;

use crate::contact::Contact;
use crate::kernel::context::Context;
use crate::node::me::{Me, vouches};
use crate::row::{Event, OfferRow, Relationship, Row};
use crate::sabotage::{Rule, breaks};
use crate::session::Ratchet;
use crate::wire::content::Renewed;
use crate::wire::content::content::Kind;
use crate::wire::link::{self, Bundle, Hello, Request, frame::Body};
use crate::{Availability, Limits, LinkId, SessionEpoch, feature};
use prost::Message as _;

/// The protocol version spoken here.
pub(crate) const VERSION: u32 = 1;

/// What a pair of Hellos says about the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resumption {
    /// Both are where the other thinks.
    Continue,
    /// They hold a session from our offer, and will say so with its first ciphertext.
    AwaitOpening,
    /// The store of one side is old, or one side has no session.
    Replace,
}

fn resumption(ours: &Hello, theirs: &Hello) -> Resumption {
    if ours.session_epoch != 0 && ours.session_epoch == theirs.session_epoch {
        let consistent = theirs.received <= ours.sent
            && ours.received <= theirs.sent
            && theirs.acknowledged <= ours.received
            && ours.acknowledged <= theirs.received
            || breaks(Rule::RollbackUndetected);
        return if consistent {
            Resumption::Continue
        } else {
            Resumption::Replace
        };
    }
    if ours.session_epoch != 0 && ours.session_epoch == theirs.offered {
        return Resumption::Continue;
    }
    if theirs.session_epoch != 0 && theirs.session_epoch == ours.offered {
        return Resumption::AwaitOpening;
    }
    Resumption::Replace
}

/// Whether there is a version that both speak, and the numbers are within their bounds.
pub(crate) fn acceptable(theirs: &Hello, limits: &Limits) -> bool {
    theirs.features.len() <= limits.hello_features
        && (theirs.version_min..=theirs.version_max).contains(&VERSION)
        && theirs.session_epoch <= Limits::SESSION_EPOCH
        && theirs.offered <= Limits::SESSION_EPOCH
}

/// Our Hello to a peer that is not known here.
pub(crate) fn hello_to_stranger(ctx: &mut Context) -> Hello {
    Hello {
        version_min: VERSION,
        version_max: VERSION,
        features: with_reserved(Vec::new(), ctx),
        ..Hello::default()
    }
}

/// The features with one reserved number, at random.
fn with_reserved(mut features: Vec<u32>, ctx: &mut Context) -> Vec<u32> {
    let (first, last) = (*feature::RESERVED.start(), *feature::RESERVED.end());
    let offset = ctx.entropy.below(u64::from(last - first) + 1);
    features.push(first + u32::try_from(offset).expect("below a thousand"));
    features
}

impl<S: Clone> Contact<S> {
    /// What we say of where we stand, and of what we understand.
    pub fn greeting(&self, ctx: &mut Context) -> Hello {
        let features = if self.is_ours() {
            ctx.limits.features.clone()
        } else {
            Vec::new()
        };
        Hello {
            features: with_reserved(features, ctx),
            ..self.hello()
        }
    }

    /// Remembers the features of their Hello. A peer says them to those alone that it has consented to.
    pub fn learn_features(&mut self, theirs: &Hello) {
        if matches!(
            theirs.relationship(),
            link::Relationship::Friend | link::Relationship::Requested
        ) {
            let known = theirs
                .features
                .iter()
                .filter(|number| !feature::RESERVED.contains(number));
            let known: BTreeSet<u32> = known.copied().collect();
            self.row.features = Some(known.into_iter().collect());
        }
    }

    fn hello(&self) -> Hello {
        let relationship = match self.row.relationship {
            Relationship::Stranger | Relationship::RequestDeclined => link::Relationship::Stranger,
            Relationship::Requested | Relationship::RequestDelivered => link::Relationship::Requested,
            Relationship::Asking => link::Relationship::Pending,
            Relationship::Declined => link::Relationship::Declined,
            Relationship::Friend => link::Relationship::Friend,
        };
        let cursors = self.delivery.session.as_ref().map(|_| self.delivery.cursors);
        Hello {
            version_min: VERSION,
            version_max: VERSION,
            relationship: relationship.into(),
            session_epoch: self.delivery.session_epoch().0,
            sent: cursors.map_or(0, |cursors| cursors.sent),
            received: cursors.map_or(0, |cursors| cursors.received),
            acknowledged: cursors.map_or(0, |cursors| cursors.acknowledged),
            offered: self.offered().0,
            features: Vec::new(),
        }
    }

    /// Both Hellos are said: does what our relationship and theirs call for.
    pub fn resume<R: Ratchet<Session = S>>(&mut self, link: LinkId, theirs: &Hello, me: &Me<R>, ctx: &mut Context) {
        match self.row.relationship {
            Relationship::Friend => self.resume_session(link, theirs, me, ctx),
            Relationship::Requested | Relationship::RequestDelivered => self.resume_request(link, theirs, me, ctx),
            Relationship::Stranger | Relationship::RequestDeclined | Relationship::Asking | Relationship::Declined => {}
        }
    }

    fn resume_session<R: Ratchet<Session = S>>(&mut self, link: LinkId, theirs: &Hello, me: &Me<R>, ctx: &mut Context) {
        let ours = self.hello();
        self.estranged = theirs.relationship() == link::Relationship::Stranger;
        match theirs.relationship() {
            link::Relationship::Friend => {}
            // They have not seen our consent yet: it waits, sealed for the offer in their request.
            link::Relationship::Requested if theirs.offered != 0 && theirs.offered == ours.session_epoch => {}
            // They have lost or removed us. Only a request of theirs, or of ours, changes that.
            _ => return,
        }
        if theirs.session_epoch == self.delivery.cursors.session_epoch.0 {
            // Even before a replacement, what they hold need not be sent again.
            let _ = self.acknowledge(theirs.received, ctx);
        }
        match resumption(&ours, theirs) {
            Resumption::Continue => {
                // An offer that is still out answered a Hello that came late; they have not used it.
                self.drop_offer(ctx);
                self.establish(link, ctx);
            }
            Resumption::Replace if me.address < self.row.address => {
                let known = ours
                    .session_epoch
                    .max(theirs.session_epoch)
                    .max(theirs.offered)
                    .max(self.delivery.cursors.session_epoch.0);
                let offer = self.offer_above(known, me, ctx);
                if let Ok(bundle) = Bundle::decode(offer.bundle.as_slice()) {
                    let session_epoch = offer.session_epoch.0;
                    ctx.frame(
                        link,
                        Body::PreKeyOffer(link::PreKeyOffer {
                            session_epoch,
                            bundle: Some(bundle),
                        }),
                    );
                }
            }
            // It is their turn: to open the session that we offered, or to offer one.
            Resumption::AwaitOpening | Resumption::Replace => {}
        }
    }

    fn resume_request<R: Ratchet<Session = S>>(&mut self, link: LinkId, theirs: &Hello, me: &Me<R>, ctx: &mut Context) {
        let delivered = self.row.relationship == Relationship::RequestDelivered;
        match theirs.relationship() {
            link::Relationship::Pending if delivered => {}
            link::Relationship::Declined if delivered => self.declined(ctx),
            // Their consent is on its way.
            link::Relationship::Friend if theirs.session_epoch != 0 && theirs.session_epoch == self.offered().0 => {}
            _ => self.send_request(link, me, ctx),
        }
    }

    /// Sends our request; the same bytes each time.
    pub fn send_request<R: Ratchet<Session = S>>(&mut self, link: LinkId, me: &Me<R>, ctx: &mut Context) {
        let offer = match &self.offer {
            Some(offer) => offer,
            None => self.offer_above(self.delivery.cursors.session_epoch.0, me, ctx),
        };
        let request = Request {
            session_epoch: offer.session_epoch.0,
            bundle: Bundle::decode(offer.bundle.as_slice()).ok(),
            name: me.row.name.clone(),
            note: self.row.note.clone(),
            invite: self.row.invite.map(|token| token.0.to_vec()).unwrap_or_default(),
        };
        let before = self.unanswered.filter(|(on, _)| *on == link);
        self.unanswered = Some((link, before.map_or(0, |(_, requests)| requests) + 1));
        ctx.frame(link, Body::Request(request));
    }

    /// Our outstanding offer if its session epoch is above `known`, else a fresh one that is.
    pub fn offer_above<R: Ratchet<Session = S>>(&mut self, known: u64, me: &Me<R>, ctx: &mut Context) -> &OfferRow {
        if self.offered().0 <= known {
            let offer = me.ratchet.offer(&mut ctx.entropy);
            let bundle = Bundle {
                identity_signature: me.identity_signature(),
                ..offer.bundle
            };
            let row = OfferRow {
                contact: self.row.address,
                // Steps are random, so a session epoch names one offer even if a node forgot everything in between.
                session_epoch: SessionEpoch(known.max(self.offered().0) + 1 + ctx.entropy.below(1 << 32)),
                bundle: bundle.encode_to_vec(),
                secrets: offer.secrets.to_vec(),
            };
            ctx.gate.put(Row::Offer(row.clone()));
            self.offer = Some(row);
        }
        self.offer.as_ref().expect("just made, or above `known`")
    }

    /// Ciphertexts may go: first those that they may have missed, then what waits. Our presence comes after them: one of
    /// them may be our consent, before which they do not listen to it.
    pub fn establish(&mut self, link: LinkId, ctx: &mut Context) {
        self.delivery.established = Some(link);
        self.seen(ctx);
        self.delivery.resend(ctx);
        self.delivery.presence_due = true;
    }

    /// An `Offer`: the smaller key wants the session replaced. False if it must not be so.
    pub fn renew<R: Ratchet<Session = S>>(
        &mut self,
        link: LinkId,
        offer: &link::PreKeyOffer,
        me: &Me<R>,
        ctx: &mut Context,
    ) -> bool {
        let acceptable = self.is_friend()
            && self.row.address < me.address
            && offer.session_epoch > self.delivery.session_epoch().0
            && offer.session_epoch <= Limits::SESSION_EPOCH;
        let Some(bundle) = offer.bundle.as_ref().filter(|_| acceptable) else {
            return false;
        };
        if !self.open_with(bundle, SessionEpoch(offer.session_epoch), me, ctx) {
            return false;
        }
        let renewed = Renewed {
            name: me.row.name.clone(),
            identity_signature: me.identity_signature(),
        };
        self.queue_opening(Kind::Renewed(renewed), ctx);
        self.establish(link, ctx);
        true
    }

    /// Opens a session with a peer's bundle, in place of any older one. False, and nothing changed, if the bundle is bad.
    pub fn open_with<R: Ratchet<Session = S>>(
        &mut self,
        bundle: &Bundle,
        session_epoch: SessionEpoch,
        me: &Me<R>,
        ctx: &mut Context,
    ) -> bool {
        if !vouches(&self.row.address, &bundle.identity_key, &bundle.identity_signature) {
            return false;
        }
        let Ok(session) = me
            .ratchet
            .initiate(&self.row.address, bundle, ctx.now.wall, &mut ctx.entropy)
        else {
            return false;
        };
        let renewal = self.row.identity_key.is_some();
        self.begin_session(session, session_epoch, ctx);
        self.delivery.requeue(renewal, ctx);
        if renewal {
            self.rekeyed(&bundle.identity_key, ctx);
        } else {
            self.row.identity_key = Some(bundle.identity_key.clone());
            self.save(ctx);
        }
        true
    }

    /// A session has been replaced. With another identity key, whatever a person verified does not hold any more.
    pub fn rekeyed(&mut self, identity_key: &[u8], ctx: &mut Context) {
        let contact = self.row.address;
        let identity_changed = self
            .row
            .identity_key
            .as_deref()
            .is_some_and(|known| known != identity_key);
        self.row.identity_key = Some(identity_key.to_vec());
        ctx.record(Event::ContactRekeyed {
            contact,
            identity_changed,
        });
        if identity_changed && self.row.verified {
            self.row.verified = false;
            ctx.record(Event::ContactVerified {
                contact,
                verified: false,
            });
        }
        self.save(ctx);
    }
}

fn wire_availability(availability: Availability) -> link::Availability {
    match availability {
        Availability::Online => link::Availability::Online,
        Availability::Away => link::Availability::Away,
        Availability::Invisible => link::Availability::Unsaid,
    }
}

/// What a contact is told of our presence.
pub(crate) fn presence_frame(availability: Availability) -> Body {
    Body::Presence(link::Presence {
        availability: wire_availability(availability).into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(session_epoch: u64, sent: u64, received: u64, acknowledged: u64, offered: u64) -> Hello {
        Hello {
            session_epoch,
            sent,
            received,
            acknowledged,
            offered,
            ..Hello::default()
        }
    }

    #[test]
    fn equal_cursors_flow_and_every_rollback_is_seen_by_both() {
        let (ours, theirs) = (hello(1, 5, 3, 4, 0), hello(1, 3, 5, 3, 0));
        assert_eq!(resumption(&ours, &theirs), Resumption::Continue);
        assert_eq!(resumption(&theirs, &ours), Resumption::Continue);
        // Lost acks and lost ciphertexts are no rollback.
        let behind = hello(1, 3, 4, 0, 0);
        assert_eq!(resumption(&ours, &behind), Resumption::Continue);
        for old in [
            hello(1, 2, 5, 2, 0),
            hello(1, 3, 3, 3, 0),
            hello(1, 3, 6, 3, 0),
            hello(2, 3, 5, 3, 0),
        ] {
            assert_eq!(resumption(&ours, &old), Resumption::Replace, "{old:?}");
            assert_eq!(resumption(&old, &ours), Resumption::Replace, "{old:?}");
        }
    }

    #[test]
    fn no_session_is_never_in_step() {
        assert_eq!(
            resumption(&hello(0, 0, 0, 0, 0), &hello(0, 0, 0, 0, 0)),
            Resumption::Replace
        );
    }

    #[test]
    fn a_used_offer_waits_for_its_opening() {
        let (offerer, acceptor) = (hello(1, 5, 3, 4, 2), hello(2, 1, 0, 0, 0));
        assert_eq!(resumption(&offerer, &acceptor), Resumption::AwaitOpening);
        assert_eq!(resumption(&acceptor, &offerer), Resumption::Continue);
    }
}
