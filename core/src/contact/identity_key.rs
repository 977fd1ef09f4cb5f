//! [`IdentityKey`]: a contact's Signal identity key, and what the user knows of it, which decides whether the user's contents may
//! be sealed to it. A key that replaces a verified one is untrusted until the user accepts it: what waits is held. What the
//! contact sends under it is received: the link has proven the contact's onion key, and a ciphertext that is not taken would only
//! be sent again.

use crate::OnionAddress;
use crate::kernel::context::Context;
use crate::row::{Event, Verification};

#[derive(Default)]
pub(crate) struct IdentityKey {
    /// Serialised (33 bytes), once a session exists.
    pub key: Option<Vec<u8>>,
    pub verification: Verification,
}

/// Which rows of the outbox may be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sealing {
    /// Every row.
    Everything,
    /// Only the content that opens the session; it has nothing that the user wrote.
    OpeningOnly,
}

impl IdentityKey {
    /// A session has begun under this key. If it replaces one, that is told; and with another key, whatever the user verified
    /// does not hold any more.
    pub fn session_began(&mut self, contact: OnionAddress, key: Vec<u8>, ctx: &mut Context) {
        let Some(known) = self.key.replace(key) else {
            return;
        };
        let identity_changed = self.key.as_ref() != Some(&known);
        ctx.record(Event::ContactRekeyed {
            contact,
            identity_changed,
        });
        if identity_changed && self.verification == Verification::Verified {
            self.change(contact, Verification::Untrusted, ctx);
        }
    }

    /// What may be sealed to the key.
    pub fn sealing(&self) -> Sealing {
        match self.verification {
            Verification::Unverified | Verification::Verified => Sealing::Everything,
            Verification::Untrusted => Sealing::OpeningOnly,
        }
    }

    /// The user has compared the safety number. Says whether that changed anything.
    pub fn verify(&mut self, contact: OnionAddress, ctx: &mut Context) -> bool {
        self.change(contact, Verification::Verified, ctx)
    }

    /// The user takes the verified mark away. Says whether that changed anything.
    pub fn unverify(&mut self, contact: OnionAddress, ctx: &mut Context) -> bool {
        self.verification == Verification::Verified && self.change(contact, Verification::Unverified, ctx)
    }

    /// The user accepts the key without having compared it. Says whether that changed anything.
    pub fn accept(&mut self, contact: OnionAddress, ctx: &mut Context) -> bool {
        self.verification == Verification::Untrusted && self.change(contact, Verification::Unverified, ctx)
    }

    /// The contact was removed: what the user knew of its key counts no more.
    pub fn forget(&mut self) {
        self.verification = Verification::Unverified;
    }

    fn change(&mut self, contact: OnionAddress, to: Verification, ctx: &mut Context) -> bool {
        let from = std::mem::replace(&mut self.verification, to);
        if from == to {
            return false;
        }
        for (state, entered) in [(from, false), (to, true)] {
            match state {
                Verification::Unverified => continue,
                Verification::Verified => ctx.record(Event::ContactVerified {
                    contact,
                    verified: entered,
                }),
                Verification::Untrusted => ctx.record(Event::ContactUntrusted {
                    contact,
                    untrusted: entered,
                }),
            };
        }
        true
    }
}
