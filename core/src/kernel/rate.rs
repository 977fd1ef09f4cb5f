//! Token buckets for frames that no window pays for.

use crate::{Limits, Monotonic};

/// A bucket of tokens that refills with time.
pub(crate) struct Bucket {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_paid_and_then_a_trickle() {
        let limits = Limits {
            rate_per_second: 5,
            rate_burst: 20,
            ..Limits::default()
        };
        let mut bucket = Bucket::full(&limits, Monotonic(0));
        let mut paid = |at| (0..100).filter(|_| bucket.take(&limits, Monotonic(at))).count();
        assert_eq!(paid(0), 20);
        assert_eq!(paid(1000), 5);
        assert_eq!(paid(1100), 0);
        assert_eq!(paid(1200), 1, "halves of tokens are not lost");
        assert_eq!(paid(1_000_000), 20, "and a long silence saves up no more than a burst");
    }
}
