//! [`Expiry`]: when that which is kept of a stranger expires, by a wall clock that may be wrong.
//!
//! Nothing is dropped because of what the wall clock says alone: it must have said the same for `Limits::clock_grace` of the
//! monotonic clock. So a clock that is far ahead at the start, or for a while, erases nothing that came recently.

use crate::kernel::context::Context;
use crate::{Monotonic, Wall};

#[derive(Default)]
pub(crate) struct Expiry {
    /// What the wall clock says, other than that there is time left, and since when it has said so.
    claim: Option<(Claim, Monotonic)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Claim {
    /// The time is up.
    Due,
    /// The time has not begun: the clock was ahead then, or is behind now.
    NotBegun,
}

/// What follows.
pub(crate) enum Term {
    /// Look again at this moment.
    Until(Monotonic),
    /// The time is up.
    Over,
    /// The time began under a clock that was ahead: it begins now.
    Restart,
}

impl Expiry {
    /// Judges a time that began at `since`.
    pub fn judge(&mut self, since: Wall, ctx: &Context) -> Term {
        let (now, limits) = (ctx.now, &ctx.limits);
        let end = since.after(limits.request_expiry);
        // The clock may be set in the meantime.
        let latest = now.monotonic.after(limits.retry_cap);
        let claim = if since > now.wall {
            Claim::NotBegun
        } else if end <= now.wall {
            Claim::Due
        } else {
            self.claim = None;
            return Term::Until(now.monotonic_at(end).min(latest));
        };
        let first = match self.claim {
            Some((known, first)) if known == claim => first,
            _ => now.monotonic,
        };
        self.claim = Some((claim, first));
        let believed = first.after(limits.clock_grace);
        match claim {
            _ if now.monotonic < believed => Term::Until(believed.min(latest)),
            Claim::Due => Term::Over,
            Claim::NotBegun => {
                self.claim = None;
                Term::Restart
            }
        }
    }
}
