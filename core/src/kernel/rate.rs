//! [`Bucket`]: a token bucket, for what a peer may cause and no window paces.

use crate::{Millis, Monotonic};

/// How fast a bucket refills, and how much it holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    /// Tokens of a full bucket.
    pub burst: u64,
    pub per_hour: u64,
}

/// A bucket of tokens that refills with time.
pub(crate) struct Bucket {
    /// In parts of a token: a rate of one token an hour adds one part each millisecond.
    level: u64,
    at: Monotonic,
}

/// Parts of a token.
const TOKEN: u64 = 3_600_000;

impl Bucket {
    pub fn full(rate: Rate, now: Monotonic) -> Self {
        Self {
            level: rate.burst * TOKEN,
            at: now,
        }
    }

    /// Takes one token, if that leaves `reserve` tokens in the bucket.
    pub fn take(&mut self, rate: Rate, reserve: u64, now: Monotonic) -> bool {
        self.refill(rate, now);
        let paid = self.level >= (1 + reserve) * TOKEN;
        if paid {
            self.level -= TOKEN;
        }
        paid
    }

    /// Takes tokens for what has happened already: as many as there are, if it cost more.
    pub fn spend(&mut self, rate: Rate, tokens: u64, now: Monotonic) {
        self.refill(rate, now);
        self.level = self.level.saturating_sub(tokens.saturating_mul(TOKEN));
    }

    /// How long it takes until the bucket holds so many tokens.
    pub fn until(&mut self, rate: Rate, tokens: u64, now: Monotonic) -> Millis {
        self.refill(rate, now);
        let missing = tokens.min(rate.burst).saturating_mul(TOKEN).saturating_sub(self.level);
        Millis(missing.div_ceil(rate.per_hour.max(1)))
    }

    fn refill(&mut self, rate: Rate, now: Monotonic) {
        let refill = now.since(self.at).0.saturating_mul(rate.per_hour);
        self.level = self.level.saturating_add(refill).min(rate.burst.saturating_mul(TOKEN));
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        burst: 20,
        per_hour: 5 * 3600,
    };

    #[test]
    fn a_burst_is_paid_and_then_a_trickle() {
        let mut bucket = Bucket::full(RATE, Monotonic(0));
        let mut paid = |at| (0..100).filter(|_| bucket.take(RATE, 0, Monotonic(at))).count();
        assert_eq!(paid(0), 20);
        assert_eq!(paid(1000), 5);
        assert_eq!(paid(1100), 0);
        assert_eq!(paid(1200), 1, "halves of tokens are not lost");
        assert_eq!(paid(1_000_000), 20, "and a long silence saves up no more than a burst");
    }

    #[test]
    fn what_respects_the_reserve_leaves_it_to_what_may_use_it() {
        let mut bucket = Bucket::full(RATE, Monotonic(0));
        let mut paid = |reserve| (0..100).filter(|_| bucket.take(RATE, reserve, Monotonic(0))).count();
        assert_eq!((paid(2), paid(2), paid(0)), (18, 0, 2));
    }

    #[test]
    fn what_costs_more_than_there_is_empties_the_bucket_and_the_wait_is_known() {
        let mut bucket = Bucket::full(RATE, Monotonic(0));
        assert_eq!(bucket.until(RATE, 20, Monotonic(0)), Millis(0));
        bucket.spend(RATE, 15, Monotonic(0));
        assert_eq!(bucket.until(RATE, 5, Monotonic(0)), Millis(0));
        bucket.spend(RATE, 1000, Monotonic(0));
        assert_eq!(bucket.until(RATE, 1, Monotonic(0)), Millis(200));
        assert_eq!(bucket.until(RATE, 10, Monotonic(1000)), Millis(1000));
        assert_eq!(
            bucket.until(RATE, 1000, Monotonic(1000)),
            Millis(3000),
            "more than a burst is a burst"
        );
    }
}
