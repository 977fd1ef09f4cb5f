//! [`Verification`]: a contact's Signal identity key, and whether the user has compared its safety number.

use crate::OnionAddress;
use crate::kernel::context::Context;
use crate::row::Event;

#[derive(Default)]
pub(crate) struct Verification {
    /// Serialised (33 bytes), once a session exists.
    pub identity_key: Option<Vec<u8>>,
    pub verified: bool,
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
        }
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
