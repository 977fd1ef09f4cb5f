//! [`Reach`]: when a contact was last on a link, and when it may be dialed next.

use crate::kernel::context::Context;
use crate::row::{Key, Retry};
use crate::sabotage::{Rule, breaks};
use crate::{Millis, OnionAddress, Wall};

pub(crate) struct Reach {
    contact: OnionAddress,
    pub last_seen: Option<Wall>,
    pub retry: Retry,
    /// To be dialed once after the start, mail or not.
    pub wanted: bool,
}

impl Reach {
    pub fn new(contact: OnionAddress) -> Self {
        Self {
            contact,
            last_seen: None,
            retry: Retry::default(),
            wanted: false,
        }
    }

    fn save(&self, ctx: &mut Context) {
        ctx.gate.put_by_key(Key::Contact(self.contact));
    }

    /// The contact is, or was just now, on a link.
    pub fn seen(&mut self, ctx: &mut Context) {
        self.last_seen = Some(ctx.known_wall());
        self.wanted = false;
        self.save(ctx);
    }

    /// The next try is due after a wait that doubles, from half to the whole of it at random.
    pub fn back_off(&mut self, ctx: &mut Context) {
        let doublings = self.retry.attempts.min(20);
        let span = (ctx.limits.retry_first.0 << doublings).min(ctx.limits.retry_cap.0);
        let wait = span / 2 + ctx.entropy.below(span / 2 + 1);
        let next = if breaks(Rule::MonotonicStored) {
            Wall(ctx.now.monotonic.after(Millis(wait)).0)
        } else {
            ctx.now.wall.after(Millis(wait))
        };
        self.retry = Retry {
            attempts: self.retry.attempts.saturating_add(1),
            next_attempt: Some(next),
        };
        self.save(ctx);
    }

    /// A link that was up is lost while something waits: the first time the next dial is at once.
    pub fn lost(&mut self, ctx: &mut Context) {
        if self.retry.attempts == 0 {
            self.retry.attempts = 1;
            self.save(ctx);
        } else {
            self.back_off(ctx);
        }
    }

    /// Something has come through: tries count from the beginning again. Being reached alone is not enough, or a peer
    /// that ends every link would be dialed without a pause.
    pub fn progressed(&mut self, ctx: &mut Context) {
        if self.retry != Retry::default() {
            self.retry = Retry::default();
            self.save(ctx);
        }
    }

    /// The contact broke a rule. Whatever has come through before, the next dial is not at once: a peer that breaks every
    /// session, and acknowledges a little in each, would be dialed without a pause.
    pub fn penalize(&mut self, ctx: &mut Context) {
        if self.retry.attempts == 0 {
            self.retry.attempts = 1;
            self.save(ctx);
        }
    }

    /// The node has started: the user expects a try at once, and the next ones soon after. What failed before the start says
    /// little about now.
    pub fn restarted(&mut self, ctx: &mut Context) {
        self.progressed(ctx);
    }

    /// The next dial may be at once. How often the contact was tried still counts.
    pub fn try_at_once(&mut self, ctx: &mut Context) {
        if self.retry.next_attempt.take().is_some() {
            self.save(ctx);
        }
    }

    /// When the next dial may be. One that lies further ahead than any wait was written by a clock that has been set back
    /// since, and is due now.
    pub fn next_attempt(&self, ctx: &Context) -> Wall {
        let latest = ctx.now.wall.after(ctx.limits.retry_cap);
        let planned = self.retry.next_attempt.filter(|at| *at <= latest);
        planned.unwrap_or(ctx.now.wall)
    }
}
