//! [`Recovery`] decides when to probe our own address, and which remedy follows a failed probe. It is a state machine
//! without clock or network. Each failure leads to a stronger remedy; a success, after any number of failures, resets it.
//!
//! ```text
//!  failure │ 1            2           3                        4, 5, …
//!  remedy  │ probe again  republish   new introduction points  a fresh client, at growing intervals
//! ```
//!
//! After suspension or in another network, the channels to relays are dead, but TCP may take a quarter of an hour to notice,
//! and every new circuit would use them. So the first failure after a network change leads to a fresh client at once.

use sotto_core::{Millis, Monotonic};

use crate::TorLimits;
use crate::limits::millis;
use crate::status::{Reachability, Remedy};

#[derive(Debug)]
pub(crate) struct Recovery {
    interval: Millis,
    retry: Millis,
    retry_cap: Millis,
    service: Service,
    channels: Channels,
    /// When to probe next; `None`: as soon as the service is published.
    due: Option<Monotonic>,
    /// Consecutive failed probes.
    failures: u32,
    /// The latest remedy since the last successful probe.
    remedy: Option<Remedy>,
}

/// What is known of the onion service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    /// There is nothing to probe.
    Withdrawn,
    Published,
    /// Published, and a probe has succeeded since then.
    Proven,
    /// Published, and the latest probe was answered by another process with our key.
    Elsewhere,
}

/// What is known of the client's channels to relays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Channels {
    Trusted,
    /// They are older than the last change of the network, and no probe has ended since then.
    Suspect,
}

impl Recovery {
    pub fn new(limits: &TorLimits) -> Self {
        Self {
            interval: millis(limits.probe_interval),
            retry: millis(limits.probe_retry),
            retry_cap: millis(limits.probe_retry_cap),
            service: Service::Withdrawn,
            channels: Channels::Trusted,
            due: None,
            failures: 0,
            remedy: None,
        }
    }

    /// When to probe next. A time in the past means now; `None` means that there is nothing to probe.
    pub const fn due(&self) -> Option<Monotonic> {
        match self.service {
            Service::Withdrawn => None,
            Service::Published | Service::Proven | Service::Elsewhere => self.due,
        }
    }

    pub const fn failures(&self) -> u32 {
        self.failures
    }

    pub const fn remedy(&self) -> Option<Remedy> {
        self.remedy
    }

    pub const fn reachability(&self) -> Reachability {
        match (self.failures, self.service, self.channels) {
            (_, Service::Elsewhere, _) => Reachability::Unreachable,
            (0, Service::Proven, Channels::Trusted) => Reachability::Reachable,
            (1, Service::Proven, _) => Reachability::Degraded,
            (0 | 1, ..) => Reachability::Unknown,
            _ => Reachability::Unreachable,
        }
    }

    /// arti reports the service as published.
    pub fn published(&mut self, now: Monotonic) {
        if self.service == Service::Withdrawn {
            self.service = Service::Published;
        }
        self.due = Some(self.due.unwrap_or(now));
    }

    /// The service or the client has been dropped and is launched again.
    pub fn withdrawn(&mut self) {
        self.service = Service::Withdrawn;
        // After a failure the next probe stays due when it is, or a remedy would follow at once on the last one.
        if self.failures == 0 {
            self.due = None;
        }
    }

    /// The machine was suspended, or its network changed.
    pub fn network_changed(&mut self, now: Monotonic) {
        self.channels = Channels::Suspect;
        self.due = self.due.map(|due| due.min(now));
    }

    /// arti reports a problem of the service. arti may be wrong, so a probe follows soon. After a failed probe the report
    /// brings nothing new.
    pub fn problem_reported(&mut self, now: Monotonic) {
        if self.failures == 0 {
            self.due = self.due.map(|due| due.min(now.after(self.retry)));
        }
    }

    /// A probe has succeeded. `random` is any number.
    pub fn probe_succeeded(&mut self, now: Monotonic, random: u64) {
        self.failures = 0;
        self.service = Service::Proven;
        self.channels = Channels::Trusted;
        self.remedy = None;
        self.due = Some(now.after(jittered(self.interval, random)));
    }

    /// Another process has answered the probe. No remedy helps: what is published anew is replaced by what the other one
    /// publishes next.
    pub fn answered_elsewhere(&mut self, now: Monotonic, random: u64) {
        self.fail(now, random);
        self.service = Service::Elsewhere;
        self.channels = Channels::Trusted;
        self.remedy = None;
    }

    /// Whether another process has answered the latest probe.
    pub fn is_elsewhere(&self) -> bool {
        self.service == Service::Elsewhere
    }

    fn fail(&mut self, now: Monotonic, random: u64) {
        self.failures = self.failures.saturating_add(1);
        let doublings = self.failures.saturating_sub(1).min(16);
        let delay = Millis(self.retry.0.saturating_mul(1 << doublings).min(self.retry_cap.0));
        self.due = Some(now.after(jittered(delay, random)));
    }

    /// A probe has failed. Returns the remedy to apply now. `random` is any number.
    pub fn probe_failed(&mut self, now: Monotonic, random: u64) -> Option<Remedy> {
        self.fail(now, random);
        if self.service == Service::Elsewhere {
            self.service = Service::Published;
        }
        let channels = std::mem::replace(&mut self.channels, Channels::Trusted);
        let remedy = match (channels, self.failures) {
            (Channels::Trusted, 1) => None,
            (Channels::Trusted, 2) => Some(Remedy::Republish),
            (Channels::Trusted, 3) => Some(Remedy::NewIntroductionPoints),
            _ => Some(Remedy::FreshClient),
        };
        self.remedy = remedy.or(self.remedy);
        remedy
    }
}

/// Four fifths to six fifths of a span, so that two nodes do not keep probing at the same moments.
fn jittered(span: Millis, random: u64) -> Millis {
    let fifth = span.0 / 5;
    Millis(span.0 - fifth + random % (2 * fifth + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: TorLimits = TorLimits::DEFAULT;

    fn at(seconds: u64) -> Monotonic {
        Monotonic(seconds * 1000)
    }

    #[test]
    fn no_probe_is_due_before_the_service_is_published() {
        let mut recovery = Recovery::new(&LIMITS);
        assert_eq!(recovery.due(), None);
        recovery.network_changed(at(1));
        assert_eq!(recovery.due(), None);
        recovery.published(at(2));
        assert_eq!(recovery.due(), Some(at(2)));
        assert_eq!(recovery.reachability(), Reachability::Unknown);
    }

    #[test]
    fn failures_lead_to_stronger_remedies_and_a_success_resets_them() {
        let mut recovery = Recovery::new(&LIMITS);
        recovery.published(at(0));
        recovery.probe_succeeded(at(1), 0);
        assert_eq!(recovery.reachability(), Reachability::Reachable);
        assert_eq!(recovery.probe_failed(at(2), 0), None);
        assert_eq!(recovery.reachability(), Reachability::Degraded);
        assert_eq!(recovery.probe_failed(at(3), 0), Some(Remedy::Republish));
        assert_eq!(recovery.reachability(), Reachability::Unreachable);
        assert_eq!(recovery.probe_failed(at(4), 0), Some(Remedy::NewIntroductionPoints));
        for second in 5..9 {
            assert_eq!(recovery.probe_failed(at(second), 0), Some(Remedy::FreshClient));
        }
        assert_eq!(recovery.remedy(), Some(Remedy::FreshClient));
        recovery.probe_succeeded(at(9), 0);
        assert_eq!(
            (recovery.reachability(), recovery.failures()),
            (Reachability::Reachable, 0)
        );
        assert_eq!(recovery.remedy(), None);
        assert_eq!(recovery.probe_failed(at(10), 0), None);
    }

    #[test]
    fn a_network_change_is_probed_at_once_and_a_failure_leads_to_a_fresh_client() {
        let mut recovery = Recovery::new(&LIMITS);
        recovery.published(at(0));
        recovery.probe_succeeded(at(1), 0);
        recovery.network_changed(at(2));
        assert_eq!(recovery.due(), Some(at(2)));
        assert_eq!(recovery.reachability(), Reachability::Unknown);
        assert_eq!(recovery.probe_failed(at(3), 0), Some(Remedy::FreshClient));
        // The fresh client has no old channels, so from here the remedies follow in their order.
        assert_eq!(recovery.probe_failed(at(4), 0), Some(Remedy::Republish));
    }

    #[test]
    fn a_service_that_is_published_again_without_a_failure_is_probed_at_once() {
        let mut recovery = Recovery::new(&LIMITS);
        recovery.published(at(0));
        recovery.probe_succeeded(at(1), 0);
        recovery.withdrawn();
        assert_eq!(recovery.reachability(), Reachability::Unknown);
        recovery.published(at(2));
        assert_eq!(recovery.due(), Some(at(2)));
        assert_eq!(recovery.reachability(), Reachability::Unknown);
    }

    #[test]
    fn a_reported_problem_is_probed_soon() {
        let mut recovery = Recovery::new(&LIMITS);
        recovery.published(at(0));
        recovery.probe_succeeded(at(1), 0);
        recovery.problem_reported(at(2));
        assert_eq!(recovery.due(), Some(at(2).after(millis(LIMITS.probe_retry))));
    }

    #[test]
    fn a_success_after_a_network_change_proves_the_channels() {
        let mut recovery = Recovery::new(&LIMITS);
        recovery.published(at(0));
        recovery.network_changed(at(2));
        recovery.probe_succeeded(at(3), 0);
        assert_eq!(recovery.probe_failed(at(4), 0), None);
    }

    #[test]
    fn while_another_process_answers_no_remedy_is_applied() {
        let mut recovery = Recovery::new(&LIMITS);
        recovery.published(at(0));
        recovery.probe_succeeded(at(1), 0);
        for second in 2..6 {
            recovery.answered_elsewhere(at(second), 0);
            assert_eq!(
                (recovery.reachability(), recovery.remedy(), recovery.is_elsewhere()),
                (Reachability::Unreachable, None, true)
            );
        }
        // The other process has ended, and its descriptor leads nowhere.
        assert_eq!(recovery.probe_failed(at(7), 0), Some(Remedy::FreshClient));
        assert!(!recovery.is_elsewhere());
        recovery.answered_elsewhere(at(8), 0);
        recovery.probe_succeeded(at(9), 0);
        assert_eq!(
            (recovery.reachability(), recovery.is_elsewhere()),
            (Reachability::Reachable, false)
        );
    }

    proptest! {
        #[test]
        fn delays_grow_to_a_cap_and_no_further(random in any::<u64>(), failures in 1_u32..80) {
            let mut recovery = Recovery::new(&LIMITS);
            recovery.published(at(0));
            for _ in 0..failures {
                recovery.probe_failed(at(0), random);
            }
            let delay = recovery.due().expect("a next probe").0;
            let cap = millis(LIMITS.probe_retry_cap).0;
            let plain = (millis(LIMITS.probe_retry).0 << (failures - 1).min(30)).min(cap);
            prop_assert!(delay >= plain - plain / 5 && delay <= plain + plain / 5, "{delay} after {failures}");
        }

        #[test]
        fn a_relaunched_service_is_not_probed_before_its_delay_has_passed(random in any::<u64>()) {
            let mut recovery = Recovery::new(&LIMITS);
            recovery.published(at(0));
            recovery.probe_failed(at(0), random);
            recovery.probe_failed(at(0), random);
            let due = recovery.due();
            recovery.withdrawn();
            prop_assert_eq!(recovery.due(), None);
            recovery.published(at(1));
            // arti reports problems of a service that is unreachable.
            recovery.problem_reported(at(2));
            prop_assert_eq!(recovery.due(), due);
        }
    }
}
