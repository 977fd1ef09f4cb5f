//! Ciphertexts that come in: each is decrypted once, in order.

use prost::Message as _;

use crate::FaultKind;
use crate::delivery::{Delivery, Received};
use crate::kernel::context::Context;
use crate::node::me::Me;
use crate::sabotage::{Rule, breaks};
use crate::session::Ratchet;
use crate::wire::content::Content;
use crate::wire::link::Ciphertext;

/// What a ciphertext comes to.
pub(crate) enum Reception<S> {
    /// The next content. It is received when `Delivery::advance` has taken its session.
    Content(Received<S>),
    /// It was received before, is of another session, or holds nothing.
    Nothing,
    /// The peer broke a rule: the link has to end.
    Fault(FaultKind),
}

impl<S> Delivery<S> {
    /// Whether a ciphertext is of the session in use, and was not received before.
    pub fn is_new(&self, ciphertext: &Ciphertext) -> bool {
        self.session.is_some()
            && ciphertext.session_epoch == self.cursors.session_epoch.0
            && ciphertext.sequence > self.cursors.received
    }

    /// Decrypts the next ciphertext of the session.
    pub fn receive<R: Ratchet<Session = S>>(
        &mut self,
        ciphertext: &Ciphertext,
        me: &Me<R>,
        ctx: &mut Context,
    ) -> Reception<S> {
        let of_session = |_: &&S| ciphertext.session_epoch == self.cursors.session_epoch.0;
        let Some(session) = self.session.as_ref().filter(of_session) else {
            // Of a session that has been replaced; or, where both have agreed on one, of another that they have opened
            // since. Neither would listen to the other until the next link, so that comes now.
            if self.established.is_some() {
                return Reception::Fault(FaultKind::SessionEpoch);
            }
            ctx.fault(Some(self.contact), FaultKind::SessionEpoch);
            return Reception::Nothing;
        };
        let sequence = ciphertext.sequence;
        if sequence <= self.cursors.received && !breaks(Rule::SequenceUnchecked) {
            self.ack_due = true;
            return Reception::Nothing;
        }
        if sequence != self.cursors.received + 1 && !breaks(Rule::SequenceUnchecked) {
            return Reception::Fault(FaultKind::Sequence);
        }
        let Ok(opened) = me
            .ratchet
            .decrypt(&self.contact, session, &ciphertext.ciphertext, &mut ctx.entropy)
        else {
            self.break_session(ctx);
            return Reception::Fault(FaultKind::Decryption);
        };
        let Ok(content) = Content::decode(opened.plaintext.as_slice()) else {
            // Taken all the same: it would not get better by being sent again.
            ctx.fault(Some(self.contact), FaultKind::Content);
            self.advance(opened.session, sequence, ctx);
            return Reception::Nothing;
        };
        Reception::Content(Received {
            session: opened.session,
            sequence,
            content,
        })
    }
}
