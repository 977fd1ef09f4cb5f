//! [`Delivery`]: what is sent to one contact, from the outbox to its acknowledgement, and how far its ciphertexts have come.

pub(crate) mod inbox;
pub(crate) mod outbox;
pub(crate) mod sending;

use prost::Message as _;

use crate::conversation::contents::Growth;
use crate::kernel::context::Context;
use crate::node::me::Me;
use crate::row::{CursorsRow, Key, PreKeyOfferRow, Row};
use crate::sabotage::{Rule, breaks};
use crate::session::Ratchet;
use crate::wire::content::Content;
use crate::wire::link::{self, Bundle};
use crate::{FetchId, LinkId, OnionAddress, SessionEpoch};
use outbox::Outbox;

pub(crate) struct Delivery<S> {
    contact: OnionAddress,
    pub session: Option<S>,
    pub cursors: CursorsRow,
    /// The bundle that we have offered and that was not used yet.
    pub offer: Option<PreKeyOfferRow>,
    pub outbox: Outbox,
    /// The link over which ciphertexts may go: both sides have agreed on where they are.
    pub established: Option<LinkId>,
    /// A content that waits for cold rows. Until they are here, nothing else of the contact is looked at, and nothing is
    /// sealed for it: the session that decrypted this content is to replace the present one.
    pub stalled: Option<Stalled<S>>,
    /// The contact is owed an `Ack`.
    pub ack_due: bool,
    /// The contact is owed a word about our presence.
    pub presence_due: bool,
}

/// A decrypted content and the session that results from decrypting it.
pub(crate) struct Received<S> {
    pub session: S,
    pub sequence: u64,
    pub content: Content,
}

/// A received content that waits for a fetch.
pub(crate) struct Stalled<S> {
    pub fetch: FetchId,
    pub link: LinkId,
    pub received: Received<S>,
}

/// What an acknowledgement has covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acknowledged {
    /// Nothing new, or the first content of a session alone. A peer can begin sessions without end: that they begin is
    /// nothing that has come through.
    NoProgress,
    /// Something that waited has come through.
    Progress,
}

/// The peer acknowledges what was never sent.
pub(crate) struct CursorFault;

impl<S> Delivery<S> {
    pub fn new(contact: OnionAddress) -> Self {
        Self {
            contact,
            session: None,
            cursors: beginning(contact, SessionEpoch(0)),
            offer: None,
            outbox: Outbox::default(),
            established: None,
            stalled: None,
            ack_due: false,
            presence_due: false,
        }
    }

    /// The session epoch of the session in use; 0 without one.
    pub fn session_epoch(&self) -> SessionEpoch {
        if self.session.is_some() {
            self.cursors.session_epoch
        } else {
            SessionEpoch(0)
        }
    }

    pub fn save_cursors(&self, ctx: &mut Context) {
        ctx.gate.put(Row::Cursors(self.cursors));
    }

    /// The session epoch of the bundle that we have offered; 0 without one.
    pub fn offered(&self) -> SessionEpoch {
        self.offer.as_ref().map_or(SessionEpoch(0), |offer| offer.session_epoch)
    }

    /// Our outstanding offer if its session epoch is above `known`, else a fresh one that is.
    pub fn offer_above<R: Ratchet<Session = S>>(
        &mut self,
        known: u64,
        me: &Me<R>,
        ctx: &mut Context,
    ) -> &PreKeyOfferRow {
        if self.offered().0 <= known {
            let prekeys = me.ratchet.generate_prekeys(&mut ctx.entropy);
            let bundle = Bundle {
                identity_signature: me.identity_signature(),
                ..prekeys.bundle
            };
            let row = PreKeyOfferRow {
                contact: self.contact,
                // Steps are random, so a session epoch names one offer even if a node forgot everything in between.
                session_epoch: SessionEpoch(known.max(self.offered().0) + 1 + ctx.entropy.below(1 << 32)),
                bundle: bundle.encode_to_vec(),
                secrets: prekeys.secrets.to_vec(),
            };
            ctx.gate.put(Row::PreKeyOffer(row.clone()));
            self.offer = Some(row);
        }
        self.offer.as_ref().expect("just made, or above `known`")
    }

    pub fn drop_offer(&mut self, ctx: &mut Context) {
        if self.offer.take().is_some() {
            ctx.gate.delete(Key::PreKeyOffer(self.contact));
        }
    }

    /// Takes a session into use, from its beginning. What waits is sealed anew under it; if it replaces an older session
    /// (`renewal`), what waits is marked as perhaps received.
    pub fn begin_session(&mut self, session: S, session_epoch: SessionEpoch, renewal: bool, ctx: &mut Context) {
        self.session = Some(session);
        self.stalled = None;
        self.cursors = CursorsRow {
            stored: self.cursors.stored,
            ..beginning(self.contact, session_epoch)
        };
        ctx.gate.put_by_key(Key::Session(self.contact));
        self.save_cursors(ctx);
        self.drop_offer(ctx);
        self.requeue(renewal, ctx);
    }

    /// The first ciphertext of the peer's was what opened the session.
    pub fn opening_received(&mut self, ctx: &mut Context) {
        self.cursors.received = 1;
        self.save_cursors(ctx);
        self.ack_due = true;
    }

    /// Both sides have agreed on where they are: ciphertexts may go on this link. First those that the peer may have missed.
    pub fn establish(&mut self, link: LinkId, ctx: &mut Context) {
        self.established = Some(link);
        self.resend(ctx);
        self.presence_due = true;
    }

    /// The session is of no use any more; the next Hellos will find so, and replace it.
    pub fn break_session(&mut self, ctx: &mut Context) {
        self.session = None;
        self.stalled = None;
        ctx.gate.delete(Key::Session(self.contact));
        self.established = None;
    }

    /// A ciphertext was taken: the session that decrypted it, and how far that is.
    pub fn advance(&mut self, session: S, sequence: u64, ctx: &mut Context) {
        self.session = Some(session);
        self.cursors.received = sequence;
        ctx.gate.put_by_key(Key::Session(self.contact));
        self.save_cursors(ctx);
        self.ack_due = true;
    }

    /// The contact's messages take up so much more here, or less. [`advance`](Self::advance) stores it.
    pub fn grown(&mut self, growth: Growth) {
        self.cursors.stored = self.cursors.stored.saturating_add_signed(growth);
    }

    /// Messages of the contact are gone from here.
    pub fn freed(&mut self, bytes: u64, ctx: &mut Context) {
        if bytes > 0 {
            self.cursors.stored = self.cursors.stored.saturating_sub(bytes);
            self.save_cursors(ctx);
        }
    }

    /// The store has counted `taken` bytes at a moment at which `before` were counted here. What has changed since stays.
    pub fn recounted(&mut self, before: u64, taken: u64, ctx: &mut Context) {
        let stored = taken.saturating_add(self.cursors.stored).saturating_sub(before);
        if stored != self.cursors.stored {
            self.cursors.stored = stored;
            self.save_cursors(ctx);
        }
    }

    /// The links begin anew: nothing that belonged to an earlier one counts.
    pub fn forget_link(&mut self) {
        self.established = None;
        self.outbox.forget_ready();
        self.stalled = None;
        self.ack_due = false;
    }

    /// Pays what acks are owed, with one that covers all.
    fn pay_ack(&mut self, link: LinkId, ctx: &mut Context) {
        if std::mem::take(&mut self.ack_due) && !breaks(Rule::AckNotSent) {
            let ack = link::Ack {
                session_epoch: self.cursors.session_epoch.0,
                received: self.cursors.received + 1000 * u64::from(breaks(Rule::AckOfUnsent)),
            };
            ctx.gate.frame(link, link::frame::Body::Ack(ack));
        }
    }
}

fn beginning(contact: OnionAddress, session_epoch: SessionEpoch) -> CursorsRow {
    CursorsRow {
        contact,
        session_epoch,
        sent: 0,
        acknowledged: 0,
        received: 0,
        stored: 0,
    }
}
