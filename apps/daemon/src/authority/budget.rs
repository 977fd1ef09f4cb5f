//! [`Budget`]: how often something may happen, as one moment. It is the virtual scheduling algorithm of ITU-T I.371: up to the
//! whole number at once, then one for each part of the period.

use serde::{Deserialize, Serialize};
use sotto_api::scope::Rate;

/// When the next one would be due, were they spread evenly: Unix milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Budget(u64);

impl Budget {
    /// The budget after one more, or how long to wait for it, in milliseconds.
    pub fn take(self, rate: Rate, now: u64) -> Result<Self, u64> {
        let interval = (rate.period / rate.count).max(1);
        // A clock that was set back delays the next one by no more than the period.
        let due = self.0.min(now.saturating_add(rate.period));
        let earliest = due.saturating_sub(rate.period.saturating_sub(interval));
        if now < earliest {
            return Err(earliest - now);
        }
        Ok(Self(due.max(now).saturating_add(interval)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { count: 3, period: 300 };

    #[test]
    fn so_many_at_once_and_then_one_after_the_other() {
        let mut budget = Budget::default();
        for _ in 0..3 {
            budget = budget.take(RATE, 1000).expect("within the rate");
        }
        assert_eq!(budget.take(RATE, 1000), Err(100));
        assert_eq!(budget.take(RATE, 1099), Err(1));
        budget = budget.take(RATE, 1100).expect("one is due");
        assert!(budget.take(RATE, 1100).is_err());
        for _ in 0..3 {
            budget = budget.take(RATE, 9000).expect("a rest restores it");
        }
        assert!(budget.take(RATE, 9000).is_err());
    }

    #[test]
    fn a_clock_that_was_set_back_costs_at_most_the_period() {
        let budget = Budget(1_000_000);
        let wait = budget.take(RATE, 1000).expect_err("used up");
        assert!(wait <= RATE.period, "{wait}");
    }
}
