//! What a contact's ciphertexts bring: each is taken once, in order, and in one commit with all that it changes. The first of
//! a session that the contact opened with our offer is its consent, or replaces the session.

use prost::Message as _;

use crate::contact::Contact;
use crate::conversation::contents::Found;
use crate::delivery::Received;
use crate::delivery::inbox::Reception as Arrival;
use crate::kernel::context::Context;
use crate::node::me::{Me, vouches};
use crate::session::{Opened, Ratchet};
use crate::wire::content::content::Kind;
use crate::wire::content::{Content, Timer};
use crate::wire::link::Ciphertext;
use crate::{FaultKind, Limits, MessageKey, SessionEpoch};

/// What became of a ciphertext.
pub(crate) enum Reception<S> {
    /// It is taken, or was taken before, or does not concern us, or is dropped unopened.
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
        if ciphertext.session_epoch != 0 && ciphertext.session_epoch == self.delivery.offered().0 {
            return self.on_opening(ciphertext, me, ctx);
        }
        if !self.is_friend() {
            ctx.fault(Some(self.address), FaultKind::SessionEpoch);
            return Reception::Taken;
        }
        if self.delivery.is_new(ciphertext) && self.admission.drops(self.delivery.cursors.stored, ctx) {
            return Reception::Taken;
        }
        let received = match self.delivery.receive(ciphertext, me, ctx) {
            Arrival::Content(received) => received,
            Arrival::Nothing => return Reception::Taken,
            Arrival::Fault(kind) => return Reception::Fault(kind),
        };
        let wanted = if self.blocked {
            Vec::new()
        } else {
            self.conversation.wants(self.address, &received.content, ctx)
        };
        if wanted.is_empty() {
            self.take(received, &Found::new(), ctx);
            Reception::Taken
        } else {
            Reception::Wants(wanted, received)
        }
    }

    /// Applies a received content, in one commit with the session that decrypted it. `found` has the rows that it wanted.
    pub fn take(&mut self, received: Received<S>, found: &Found, ctx: &mut Context) {
        let Received {
            session,
            sequence,
            content,
        } = received;
        let bytes = Limits::MESSAGE_BYTES + content.encoded_len() as u64;
        let before = ctx.last_event.0;
        // How many of our messages it names is bounded by what we have sent.
        let is_receipt = matches!(content.kind, Some(Kind::Read(_)));
        if !self.blocked {
            let is_text = matches!(content.kind, Some(Kind::Text(_)));
            let applied = self
                .conversation
                .apply(self.address, content, found, &mut self.delivery, ctx);
            match applied {
                None => ctx.fault(Some(self.address), FaultKind::Content),
                Some(growth) => self.delivery.grown(growth),
            }
            if applied.is_some() && is_text && self.presence.typing {
                self.observe(self.presence.presence, false, ctx);
            }
        }
        let events = if is_receipt { 0 } else { ctx.last_event.0 - before };
        self.admission.spend(bytes, events, ctx);
        ctx.take_space(bytes);
        self.delivery.advance(session, sequence, ctx);
    }

    /// The first ciphertext of a session that they opened with our offer: their consent, or a replacement.
    fn on_opening<R: Ratchet<Session = S>>(
        &mut self,
        ciphertext: &Ciphertext,
        me: &Me<R>,
        ctx: &mut Context,
    ) -> Reception<S> {
        if self.is_friend() && !self.admission.admits_session(ctx) {
            return Reception::Fault(FaultKind::RateLimit);
        }
        let opened = self.delivery.offer.as_ref().filter(|_| ciphertext.sequence == 1);
        let opened = opened.and_then(|offer| {
            let ciphertext = &ciphertext.ciphertext;
            me.ratchet
                .accept(&self.address, &offer.secrets, ciphertext, &mut ctx.entropy)
                .ok()
        });
        let Some((opened, name)) = opened.and_then(|opened| self.consenting(opened)) else {
            // Perhaps our store has forgotten that the offer was used: the next one is another.
            self.delivery.drop_offer(ctx);
            return Reception::Fault(FaultKind::Opening);
        };
        let session_epoch = SessionEpoch(ciphertext.session_epoch);
        self.begin_session(opened.session, session_epoch, opened.identity_key, ctx);
        self.delivery.opening_received(ctx);
        self.claimed_name = name;
        self.befriend(ctx);
        // Until they have opened something of ours, all that they seal carries what opens the session, and after 30 days
        // they could seal no more. So something goes back at once; where our timer stands is worth saying. Whatever change
        // of it still waits comes after it.
        let seconds = self.conversation.timer(&ctx.own);
        self.delivery.queue_opening(Kind::Timer(Timer { seconds }), ctx);
        Reception::Opened
    }

    /// The opening, if it says what it must and their onion key vouches for the identity key that it came with.
    fn consenting(&self, opened: Opened<S>) -> Option<(Opened<S>, String)> {
        let (name, signature) = match Content::decode(opened.plaintext.as_slice()).ok()?.kind? {
            Kind::Accept(accept) => (accept.name, accept.identity_signature),
            Kind::Renewed(renewed) if self.is_friend() => (renewed.name, renewed.identity_signature),
            _ => return None,
        };
        let valid = name.len() <= Limits::NAME_BYTES && vouches(&self.address, &opened.identity_key, &signature);
        valid.then_some((opened, name))
    }
}
