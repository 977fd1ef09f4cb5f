//! Ciphertexts that come in: each is taken once, in order, and in one commit with all that it changes.

use std::collections::BTreeMap;

use prost::Message as _;

use crate::contact::Contact;
use crate::delivery::Received;
use crate::kernel::context::Context;
use crate::node::me::{Me, vouches};
use crate::row::MessageWithDelivery;
use crate::sabotage::{Rule, breaks};
use crate::session::{Opened, Ratchet};
use crate::wire::content::content::Kind;
use crate::wire::content::{Content, Timer};
use crate::wire::link::Ciphertext;
use crate::{FaultKind, Limits, MessageKey, SessionEpoch};

/// Cold rows that were asked for, by key; a key without a row is one that is not there.
pub(crate) type Found = BTreeMap<MessageKey, MessageWithDelivery>;

/// What became of a ciphertext.
pub(crate) enum Reception<S> {
    /// It is taken, or was taken before, or does not concern us.
    Taken,
    /// A new session began with it: ciphertexts may go.
    Opened,
    /// These messages have to be read before the content can be applied.
    Wants(Vec<MessageKey>, Received<S>),
    /// The peer broke a rule: the link has to end.
    Fault(FaultKind),
}

impl<S: Clone> Contact<S> {
    /// Takes a ciphertext.
    pub fn on_ciphertext<R: Ratchet<Session = S>>(
        &mut self,
        ciphertext: &Ciphertext,
        me: &Me<R>,
        ctx: &mut Context,
    ) -> Reception<S> {
        if ciphertext.session_epoch != 0 && ciphertext.session_epoch == self.offered().0 {
            return self.on_opening(ciphertext, me, ctx);
        }
        let is_friend = self.is_friend();
        let delivery = &mut self.delivery;
        let session = match &delivery.session {
            Some(session) if is_friend && ciphertext.session_epoch == delivery.cursors.session_epoch.0 => session,
            _ => {
                // Not a friend's, or of a session that has been replaced.
                ctx.fault(Some(self.row.address), FaultKind::SessionEpoch);
                return Reception::Taken;
            }
        };
        let sequence = ciphertext.sequence;
        if sequence <= delivery.cursors.received && !breaks(Rule::SequenceUnchecked) {
            delivery.ack_due = true;
            return Reception::Taken;
        }
        if sequence != delivery.cursors.received + 1 && !breaks(Rule::SequenceUnchecked) {
            return Reception::Fault(FaultKind::Sequence);
        }
        let Ok(opened) = me
            .ratchet
            .decrypt(&self.row.address, session, &ciphertext.ciphertext, &mut ctx.entropy)
        else {
            delivery.break_session(ctx);
            return Reception::Fault(FaultKind::Decryption);
        };
        let Ok(content) = Content::decode(opened.plaintext.as_slice()) else {
            // Taken all the same: it would not get better by being sent again.
            ctx.fault(Some(self.row.address), FaultKind::Content);
            delivery.advance(opened.session, sequence, ctx);
            return Reception::Taken;
        };
        let received = Received {
            session: opened.session,
            sequence,
            content,
        };
        let wanted = self.wants(&received.content, ctx);
        if wanted.is_empty() {
            self.take(received, &Found::new(), ctx);
            Reception::Taken
        } else {
            Reception::Wants(wanted, received)
        }
    }

    /// Applies a received content, in one commit with the session that decrypted it. `found` has the rows that it wanted.
    pub fn take(&mut self, received: Received<S>, found: &Found, ctx: &mut Context) {
        self.apply(received.content, found, ctx);
        self.delivery.advance(received.session, received.sequence, ctx);
    }

    /// The first ciphertext of a session that they opened with our offer: their consent, or a replacement.
    fn on_opening<R: Ratchet<Session = S>>(
        &mut self,
        sealed: &Ciphertext,
        me: &Me<R>,
        ctx: &mut Context,
    ) -> Reception<S> {
        let Some(offer) = self.offer.as_ref().filter(|_| sealed.sequence == 1) else {
            return Reception::Fault(FaultKind::Opening);
        };
        let opened = me
            .ratchet
            .accept(&self.row.address, &offer.secrets, &sealed.ciphertext, &mut ctx.entropy);
        let Some((opened, name)) = opened.ok().and_then(|opened| self.consenting(opened)) else {
            // Perhaps it answers an offer that our store has forgotten: the next one is another.
            self.drop_offer(ctx);
            return Reception::Fault(FaultKind::Opening);
        };
        let renewal = self.row.identity_key.is_some();
        self.begin_session(opened.session, SessionEpoch(sealed.session_epoch), ctx);
        self.delivery.cursors.received = 1;
        self.delivery.save_cursors(ctx);
        self.delivery.requeue(renewal, ctx);
        self.row.claimed_name = name;
        if renewal {
            self.rekeyed(&opened.identity_key, ctx);
        } else {
            self.row.identity_key = Some(opened.identity_key);
        }
        self.drop_request(ctx);
        self.befriend(ctx);
        // Until they have opened something of ours, all that they seal carries what opens the session, and after 30 days
        // they could seal no more. So something goes back at once; where our timer stands is worth saying. Whatever change
        // of it still waits comes after it.
        let seconds = self.conversation.timer(&ctx.own);
        self.queue_opening(Kind::Timer(Timer { seconds }), ctx);
        self.delivery.ack_due = true;
        Reception::Opened
    }

    /// The opening, if it says what it must and their onion key vouches for the identity key that it came with.
    fn consenting(&self, opened: Opened<S>) -> Option<(Opened<S>, String)> {
        let (name, signature) = match Content::decode(opened.plaintext.as_slice()).ok()?.kind? {
            Kind::Accept(accept) => (accept.name, accept.identity_signature),
            Kind::Renewed(renewed) if self.is_friend() => (renewed.name, renewed.identity_signature),
            _ => return None,
        };
        let valid = name.len() <= Limits::NAME_BYTES && vouches(&self.row.address, &opened.identity_key, &signature);
        valid.then_some((opened, name))
    }
}
