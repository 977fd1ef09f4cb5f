//! When to try our own address, and what to do when it does not answer: a state machine without time or network of its
//! own. Failures climb a ladder; a proof, at any height, takes everything back to the ground.
//!
//! ```text
//!  failure │ 1           2           3                        4, 5, …
//!  remedy  │ try again   republish   new introduction points  a fresh client, at growing intervals
//! ```
//!
//! After sleep or in another network the channels to relays are as good as dead, though TCP may take a quarter of an
//! hour to say so, and whatever is built anew would be built over them. So the first failure after a disturbance goes
//! straight to the top of the ladder.

use std::time::Duration;

use sotto_core::{Millis, Monotonic};

use crate::Limits;
use crate::status::{Reachability, Remedy};

/// Where we are on the ladder.
#[derive(Debug)]
pub(crate) struct Healer {
    interval: Millis,
    retry: Millis,
    retry_cap: Millis,
    /// Whether there is anything to probe.
    published: bool,
    /// When to probe next; `None`: as soon as there is something to probe.
    due: Option<Monotonic>,
    /// Failures in a row.
    failures: u32,
    /// Proven since the service was last published.
    proven: bool,
    /// Something has happened that the channels may not have survived.
    disturbed: bool,
    remedy: Option<Remedy>,
}

impl Healer {
    pub fn new(limits: &Limits) -> Self {
        Self {
            interval: millis(limits.probe_interval),
            retry: millis(limits.probe_retry),
            retry_cap: millis(limits.probe_retry_cap),
            published: false,
            due: None,
            failures: 0,
            proven: false,
            disturbed: false,
            remedy: None,
        }
    }

    /// When to probe next. A past moment means now; `None`, that there is nothing to probe.
    pub const fn due(&self) -> Option<Monotonic> {
        if self.published { self.due } else { None }
    }

    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// What was done last, since the last proof.
    pub const fn remedy(&self) -> Option<Remedy> {
        self.remedy
    }

    pub const fn reachability(&self) -> Reachability {
        match (self.failures, self.proven, self.disturbed) {
            (0, true, false) => Reachability::Reachable,
            (1, true, _) => Reachability::Degraded,
            (0, ..) | (1, false, _) => Reachability::Unknown,
            _ => Reachability::Unreachable,
        }
    }

    /// The service is published, as far as arti knows.
    pub fn published(&mut self, now: Monotonic) {
        self.published = true;
        self.due = Some(self.due.unwrap_or(now));
    }

    /// The service or the client is gone, and being made anew.
    pub fn withdrawn(&mut self) {
        (self.published, self.proven) = (false, false);
        // Where the ladder has been climbed, there is a pause to be kept, or remedies would chase each other.
        if self.failures == 0 {
            self.due = None;
        }
    }

    /// The machine slept, or its network changed.
    pub fn disturbed(&mut self, now: Monotonic) {
        self.disturbed = true;
        self.due = self.due.map(|due| due.min(now));
    }

    /// arti reports trouble with the service: if it was well, seen for ourselves soon, since arti may be wrong. Where the
    /// ladder has been climbed, it tells nothing new.
    pub fn doubted(&mut self, now: Monotonic) {
        if self.failures == 0 {
            self.due = self.due.map(|due| due.min(now.after(self.retry)));
        }
    }

    /// A probe has come home. `dice` is any number.
    pub fn proven(&mut self, now: Monotonic, dice: u64) {
        self.failures = 0;
        self.proven = true;
        self.disturbed = false;
        self.remedy = None;
        self.due = Some(now.after(jittered(self.interval, dice)));
    }

    /// A probe has not come home: what to do now. `dice` is any number.
    pub fn failed(&mut self, now: Monotonic, dice: u64) -> Option<Remedy> {
        self.failures = self.failures.saturating_add(1);
        let doublings = self.failures.saturating_sub(1).min(16);
        let pause = Millis(self.retry.0.saturating_mul(1 << doublings).min(self.retry_cap.0));
        self.due = Some(now.after(jittered(pause, dice)));
        let remedy = match self.failures {
            _ if std::mem::take(&mut self.disturbed) => Some(Remedy::FreshClient),
            1 => None,
            2 => Some(Remedy::Republish),
            3 => Some(Remedy::NewIntroductionPoints),
            _ => Some(Remedy::FreshClient),
        };
        self.remedy = remedy.or(self.remedy);
        remedy
    }
}

/// Four fifths to six fifths of a span, so that nodes that met do not keep probing together.
fn jittered(span: Millis, dice: u64) -> Millis {
    let fifth = span.0 / 5;
    Millis(span.0 - fifth + dice % (2 * fifth + 1))
}

pub(crate) fn millis(span: Duration) -> Millis {
    Millis(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits::DEFAULT;

    fn at(seconds: u64) -> Monotonic {
        Monotonic(seconds * 1000)
    }

    #[test]
    fn nothing_is_tried_before_anything_is_published() {
        let mut healer = Healer::new(&LIMITS);
        assert_eq!(healer.due(), None);
        healer.disturbed(at(1));
        assert_eq!(healer.due(), None);
        healer.published(at(2));
        assert_eq!(healer.due(), Some(at(2)));
        assert_eq!(healer.reachability(), Reachability::Unknown);
    }

    #[test]
    fn failures_climb_the_ladder_and_a_proof_comes_down() {
        let mut healer = Healer::new(&LIMITS);
        healer.published(at(0));
        healer.proven(at(1), 0);
        assert_eq!(healer.reachability(), Reachability::Reachable);
        assert_eq!(healer.failed(at(2), 0), None);
        assert_eq!(healer.reachability(), Reachability::Degraded);
        assert_eq!(healer.failed(at(3), 0), Some(Remedy::Republish));
        assert_eq!(healer.reachability(), Reachability::Unreachable);
        assert_eq!(healer.failed(at(4), 0), Some(Remedy::NewIntroductionPoints));
        for second in 5..9 {
            assert_eq!(healer.failed(at(second), 0), Some(Remedy::FreshClient));
        }
        assert_eq!(healer.remedy(), Some(Remedy::FreshClient));
        healer.proven(at(9), 0);
        assert_eq!((healer.reachability(), healer.failures()), (Reachability::Reachable, 0));
        assert_eq!(healer.remedy(), None);
        assert_eq!(healer.failed(at(10), 0), None);
    }

    #[test]
    fn a_disturbance_is_looked_into_at_once_and_its_failure_ends_at_the_top() {
        let mut healer = Healer::new(&LIMITS);
        healer.published(at(0));
        healer.proven(at(1), 0);
        healer.disturbed(at(2));
        assert_eq!(healer.due(), Some(at(2)));
        assert_eq!(healer.reachability(), Reachability::Unknown);
        assert_eq!(healer.failed(at(3), 0), Some(Remedy::FreshClient));
        // The fresh client has nothing of before: from here the ladder is climbed as ever.
        assert_eq!(healer.failed(at(4), 0), Some(Remedy::Republish));
    }

    #[test]
    fn what_is_published_again_after_good_times_is_tried_at_once() {
        let mut healer = Healer::new(&LIMITS);
        healer.published(at(0));
        healer.proven(at(1), 0);
        healer.withdrawn();
        assert_eq!(healer.reachability(), Reachability::Unknown);
        healer.published(at(2));
        assert_eq!(healer.due(), Some(at(2)));
        assert_eq!(healer.reachability(), Reachability::Unknown);
    }

    #[test]
    fn what_is_doubted_is_seen_soon() {
        let mut healer = Healer::new(&LIMITS);
        healer.published(at(0));
        healer.proven(at(1), 0);
        healer.doubted(at(2));
        assert_eq!(healer.due(), Some(at(2).after(millis(LIMITS.probe_retry))));
    }

    #[test]
    fn what_was_disturbed_and_answers_is_left_alone() {
        let mut healer = Healer::new(&LIMITS);
        healer.published(at(0));
        healer.disturbed(at(2));
        healer.proven(at(3), 0);
        assert_eq!(healer.failed(at(4), 0), None);
    }

    proptest! {
        #[test]
        fn pauses_grow_to_a_cap_and_no_further(dice in any::<u64>(), failures in 1_u32..80) {
            let mut healer = Healer::new(&LIMITS);
            healer.published(at(0));
            for _ in 0..failures {
                healer.failed(at(0), dice);
            }
            let pause = healer.due().expect("a next time").0;
            let cap = millis(LIMITS.probe_retry_cap).0;
            let plain = (millis(LIMITS.probe_retry).0 << (failures - 1).min(30)).min(cap);
            prop_assert!(pause >= plain - plain / 5 && pause <= plain + plain / 5, "{pause} after {failures}");
        }

        #[test]
        fn a_remade_service_is_not_probed_before_its_pause_is_over(dice in any::<u64>()) {
            let mut healer = Healer::new(&LIMITS);
            healer.published(at(0));
            healer.failed(at(0), dice);
            healer.failed(at(0), dice);
            let due = healer.due();
            healer.withdrawn();
            prop_assert_eq!(healer.due(), None);
            healer.published(at(1));
            // An unreachable service is one that arti has doubts about.
            healer.doubted(at(2));
            prop_assert_eq!(healer.due(), due);
        }
    }
}
