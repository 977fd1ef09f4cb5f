//! Token buckets for frames that no window pays for.

use crate::{Limits, Monotonic};

/// A bucket of tokens that refills with time.
pub(super) struct Bucket {
    /// Thousandths of a token.
    level: u64,
    at: Monotonic,
}

impl Bucket {
    pub fn full(limits: &Limits, now: Monotonic) -> Self {
        Self {
            level: limits.rate_burst * 1000,
            at: now,
        }
    }

    /// Takes one token, if there is one.
    pub fn take(&mut self, limits: &Limits, now: Monotonic) -> bool {
        let refill = now.since(self.at).0.saturating_mul(limits.rate_per_second);
        self.level = self.level.saturating_add(refill).min(limits.rate_burst * 1000);
        self.at = now;
        let paid = self.level >= 1000;
        if paid {
            self.level -= 1000;
        }
        paid
    }
}
