//! [`Verification`]: a contact's Signal identity key, whether the user has compared its safety number, and whether the user's
//! contents may be sealed to it. A key that replaces a verified one is untrusted until the user accepts it: what waits is
//! held. What the contact sends under it is received: the link has proven the contact's onion key, and a ciphertext that is
//! not taken would only be sent again.

use crate::OnionAddress;
use crate::kernel::context::Context;
use crate::row::Event;

#[derive(Default)]
pub(crate) struct Verification {
    /// Serialised (33 bytes), once a session exists.
    pub identity_key: Option<Vec<u8>>,
    pub verified: bool,
    /// The key has replaced a verified one, and the user has not accepted it.
    pub untrusted: bool,
}

/// Which rows of the outbox may be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sealing {
    /// Every row.
    Everything,
    /// Only the content that opens the session; it has nothing that the user wrote.
    OpeningOnly,
}

impl Verification {
    /// A session has begun under this identity key. If it replaces one, that is told; and with another key, whatever the
    /// user verified does not hold any more.
    pub fn session_began(&mut self, contact: OnionAddress, identity_key: Vec<u8>, ctx: &mut Context) {
        let Some(known) = self.identity_key.replace(identity_key) else {
            return;
        };
        let identity_changed = self.identity_key.as_ref() != Some(&known);
        ctx.record(Event::ContactRekeyed {
            contact,
            identity_changed,
        });
        if identity_changed && self.verified {
            self.mark(contact, false, ctx);
            self.distrust(contact, true, ctx);
        }
    }

    /// What may be sealed to the identity key.
    pub fn sealing(&self) -> Sealing {
        if self.untrusted {
            Sealing::OpeningOnly
        } else {
            Sealing::Everything
        }
    }

    /// The user accepts the identity key. Says whether that changed anything.
    pub fn accept(&mut self, contact: OnionAddress, ctx: &mut Context) -> bool {
        self.distrust(contact, false, ctx)
    }

    /// The contact was removed: what the user knew of its key counts no more.
    pub fn forget(&mut self) {
        self.verified = false;
        self.untrusted = false;
    }

    fn distrust(&mut self, contact: OnionAddress, untrusted: bool, ctx: &mut Context) -> bool {
        let changed = self.untrusted != untrusted;
        self.untrusted = untrusted;
        if changed {
            ctx.record(Event::ContactUntrusted { contact, untrusted });
        }
        changed
    }

    /// Sets or takes away the verified mark. Says whether that changed it.
    pub fn mark(&mut self, contact: OnionAddress, verified: bool, ctx: &mut Context) -> bool {
        let changed = self.verified != verified;
        self.verified = verified;
        if changed {
            ctx.record(Event::ContactVerified { contact, verified });
        }
        changed
    }
}
