//! What two Hellos come to on a link: a request to be sent, a session that goes on where it was, or a session to be replaced.

use std::collections::BTreeSet;

use prost::Message as _;

use crate::contact::Contact;
use crate::delivery::{Acknowledged, CursorFault};
use crate::kernel::context::Context;
use crate::node::me::{Me, vouches};
use crate::row::{Event, Relationship};
use crate::session::Ratchet;
use crate::session::resume::{Resumption, VERSION, holds_offer_of, is_rolled_back, resumption};
use crate::wire::content::Renewed;
use crate::wire::content::content::Kind;
use crate::wire::link::{self, Bundle, Hello, Request, frame::Body};
use crate::{Limits, LinkId, SessionEpoch, feature};

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

/// The features of a Hello. A peer says them to those alone that it has consented to; of others, nothing is known.
pub(crate) fn features_of(hello: &Hello) -> Option<Vec<u32>> {
    let consents = matches!(
        hello.relationship(),
        link::Relationship::Friend | link::Relationship::Requested
    );
    let known = hello
        .features
        .iter()
        .filter(|number| !feature::RESERVED.contains(number));
    let known: BTreeSet<u32> = known.copied().collect();
    consents.then(|| known.into_iter().collect())
}

impl<S: Clone> Contact<S> {
    /// What we say of where we stand, and of what we understand.
    pub fn greeting(&self, ctx: &mut Context) -> Hello {
        let features = if self.consent.is_ours() {
            ctx.limits.features.clone()
        } else {
            Vec::new()
        };
        Hello {
            features: with_reserved(features, ctx),
            ..self.hello()
        }
    }

    /// Remembers the features of their Hello.
    pub fn learn_features(&mut self, theirs: &Hello) {
        if let Some(features) = features_of(theirs) {
            self.features = Some(features);
        }
    }

    /// Whether a Hello says something new of what a friend has agreed to.
    pub fn would_change_consent(&self, theirs: &Hello) -> bool {
        self.is_friend() && self.consent.would_hear(theirs.relationship())
    }

    fn hello(&self) -> Hello {
        let relationship = match self.consent.relationship {
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
            offered: self.delivery.offered().0,
            features: Vec::new(),
        }
    }

    /// Both Hellos are said: does what our relationship and theirs call for.
    pub fn resume<R: Ratchet<Session = S>>(&mut self, link: LinkId, theirs: &Hello, me: &Me<R>, ctx: &mut Context) {
        match self.consent.relationship {
            Relationship::Friend => self.resume_session(link, theirs, me, ctx),
            Relationship::Requested | Relationship::RequestDelivered => self.resume_request(link, theirs, me, ctx),
            Relationship::Stranger | Relationship::RequestDeclined | Relationship::Asking | Relationship::Declined => {}
        }
    }

    fn resume_session<R: Ratchet<Session = S>>(&mut self, link: LinkId, theirs: &Hello, me: &Me<R>, ctx: &mut Context) {
        let ours = self.hello();
        self.consent.hear(theirs.relationship(), ctx);
        match theirs.relationship() {
            link::Relationship::Friend => {}
            // They have not seen our consent yet: it waits, sealed for the offer in their request.
            link::Relationship::Requested if holds_offer_of(&ours, theirs) => {}
            // They have lost or removed us. Only a request of theirs, or of ours, changes that.
            _ => return,
        }
        self.rolled_back = is_rolled_back(&ours, theirs);
        if self.shows_another_node(&ours, theirs) {
            ctx.identity_elsewhere(self.address);
        }
        if theirs.session_epoch != 0 && theirs.session_epoch == self.delivery.cursors.session_epoch.0 {
            // Even before a replacement, what they hold need not be sent again.
            let _ = self.acknowledge(theirs.received, ctx);
        }
        match resumption(&ours, theirs) {
            Resumption::Continue => {
                // An offer that is still out answered a Hello that came late; they have not used it.
                self.delivery.drop_offer(ctx);
                self.establish(link, ctx);
            }
            Resumption::Replace if me.address < self.address => {
                let known = ours
                    .session_epoch
                    .max(theirs.session_epoch)
                    .max(theirs.offered)
                    .max(self.delivery.cursors.session_epoch.0);
                let offer = self.delivery.offer_above(known, me, ctx);
                if let Ok(bundle) = Bundle::decode(offer.bundle.as_slice()) {
                    let session_epoch = offer.session_epoch.0;
                    ctx.gate.frame(
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

    /// Whether their Hello shows that another node with our identity has talked with them: they know more of us than we have
    /// said, and in this run both sides have agreed on where we are. At the first agreement of a run our store may be a
    /// backup; later it is older than nothing that we have said.
    fn shows_another_node(&self, ours: &Hello, theirs: &Hello) -> bool {
        let Some(agreed) = self.agreed else { return false };
        // A session that we have left in this run is one that their store has gone back to.
        let is_left = theirs.session_epoch != ours.session_epoch && theirs.session_epoch <= agreed.0;
        !is_left && is_rolled_back(theirs, ours)
    }

    fn resume_request<R: Ratchet<Session = S>>(&mut self, link: LinkId, theirs: &Hello, me: &Me<R>, ctx: &mut Context) {
        let delivered = self.consent.relationship == Relationship::RequestDelivered;
        match theirs.relationship() {
            link::Relationship::Pending if delivered => {}
            link::Relationship::Declined if delivered => {
                self.consent.declined(ctx);
                self.void_request(ctx);
            }
            // Their consent is on its way.
            link::Relationship::Friend if holds_offer_of(theirs, &self.hello()) => {}
            // They consented to a request that is forgotten here, or to this one before its answer was forgotten.
            link::Relationship::Friend => {
                // The first content of a session from this offer is a timer: beyond it, something that waits may have come.
                let is_of_offer = theirs.session_epoch != 0 && theirs.session_epoch == self.delivery.offered().0;
                if !is_of_offer || theirs.received > 1 {
                    self.delivery.mark_repeat(ctx);
                }
                let known = theirs.session_epoch.max(theirs.offered);
                self.delivery.offer_above(known, me, ctx);
                self.send_request(link, me, ctx);
            }
            _ => self.send_request(link, me, ctx),
        }
    }

    /// Sends our request; the same bytes each time.
    pub fn send_request<R: Ratchet<Session = S>>(&mut self, link: LinkId, me: &Me<R>, ctx: &mut Context) {
        let offer = if let Some(offer) = &self.delivery.offer {
            offer
        } else {
            let known = self.delivery.cursors.session_epoch.0;
            self.delivery.offer_above(known, me, ctx)
        };
        let number = self.consent.request_sent(link);
        let request = Request {
            session_epoch: offer.session_epoch.0,
            bundle: Bundle::decode(offer.bundle.as_slice()).ok(),
            name: me.row.name.clone(),
            note: self.consent.note.clone(),
            invite: self.consent.invite.map(|token| token.0.to_vec()).unwrap_or_default(),
            number,
        };
        ctx.gate.frame(link, Body::Request(request));
    }

    /// The peer has committed everything up to `received`.
    pub fn acknowledge(&mut self, received: u64, ctx: &mut Context) -> Result<(), CursorFault> {
        if self.delivery.acknowledge(received, ctx)? == Acknowledged::Progress {
            self.reach.progressed(ctx);
        }
        Ok(())
    }

    /// Ciphertexts may go: first those that they may have missed, then what waits. Our presence comes after them: one of
    /// them may be our consent, before which they do not listen to it.
    pub fn establish(&mut self, link: LinkId, ctx: &mut Context) {
        self.reach.seen(ctx);
        self.agreed = self.agreed.max(Some(self.delivery.session_epoch()));
        self.delivery.establish(link, ctx);
    }

    /// A `PreKeyOffer`: the smaller key wants the session replaced. False if it must not be so.
    pub fn renew<R: Ratchet<Session = S>>(
        &mut self,
        link: LinkId,
        offer: &link::PreKeyOffer,
        me: &Me<R>,
        ctx: &mut Context,
    ) -> bool {
        let acceptable = self.is_friend()
            && self.address < me.address
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
        self.delivery.queue_opening(Kind::Renewed(renewed), ctx);
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
        if !vouches(&self.address, &bundle.identity_key, &bundle.identity_signature) {
            return false;
        }
        let Ok(session) = me
            .ratchet
            .initiate(&self.address, bundle, ctx.now.wall, &mut ctx.entropy)
        else {
            return false;
        };
        let renewal = self.identity_key.key.is_some();
        self.begin_session(session, session_epoch, bundle.identity_key.clone(), ctx);
        if renewal {
            // Their store may have forgotten it, or it was the answer to an opening that did not arrive.
            let seconds = self.conversation.timer(&ctx.own);
            self.delivery.repeat_timer(seconds, ctx);
        }
        true
    }

    /// Takes a session into use, from its beginning, with the identity key that it came with. What waits is sealed under it.
    pub fn begin_session(&mut self, session: S, session_epoch: SessionEpoch, identity_key: Vec<u8>, ctx: &mut Context) {
        let renewal = self.identity_key.key.is_some();
        self.delivery.begin_session(session, session_epoch, renewal, ctx);
        self.identity_key.session_began(self.address, identity_key, ctx);
        if std::mem::take(&mut self.rolled_back) {
            ctx.record(Event::ContactRolledBack { contact: self.address });
        }
        self.save(ctx);
    }
}
