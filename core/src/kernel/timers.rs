//! The node's alarm clock: at most one time for each timer, and the earliest of them at hand.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Deadline, DeadlineReason, LinkId, Monotonic, OnionAddress};

/// What may be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// A link's handshake must be done.
    Handshake(LinkId),
    /// A link's silence is to be looked at.
    Heartbeat(LinkId),
    /// A contact is to be dialled.
    Retry(OnionAddress),
    /// A contact's oldest unsealed row expires.
    OutboxExpiry(OnionAddress),
    /// Some message disappears.
    Disappearance,
    /// Messages that a link has taken are to be written down as sent.
    Sent,
}

#[derive(Default)]
pub(crate) struct Timers {
    at: BTreeMap<Timer, Monotonic>,
    order: BTreeSet<(Monotonic, Timer)>,
}

impl Timers {
    pub fn set(&mut self, timer: Timer, at: Monotonic) {
        self.clear(timer);
        self.at.insert(timer, at);
        self.order.insert((at, timer));
    }

    pub fn clear(&mut self, timer: Timer) {
        if let Some(at) = self.at.remove(&timer) {
            self.order.remove(&(at, timer));
        }
    }

    /// Takes a timer whose time has come.
    pub fn due(&mut self, now: Monotonic) -> Option<Timer> {
        let &(at, timer) = self.order.first()?;
        if at > now {
            return None;
        }
        self.clear(timer);
        Some(timer)
    }

    pub fn deadline(&self) -> Option<Deadline> {
        let &(at, timer) = self.order.first()?;
        let reason = match timer {
            Timer::Handshake(_) => DeadlineReason::Handshake,
            Timer::Heartbeat(_) => DeadlineReason::Heartbeat,
            Timer::Retry(_) => DeadlineReason::Retry,
            Timer::OutboxExpiry(_) => DeadlineReason::OutboxExpiry,
            Timer::Disappearance => DeadlineReason::Disappearance,
            Timer::Sent => DeadlineReason::Sent,
        };
        Some(Deadline { at, reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_comes_first_and_a_timer_has_one_time() {
        let mut timers = Timers::default();
        let link = LinkId::Accepted(1);
        timers.set(Timer::Handshake(link), Monotonic(30));
        timers.set(Timer::Disappearance, Monotonic(20));
        timers.set(Timer::Disappearance, Monotonic(40));
        assert_eq!(
            timers.deadline(),
            Some(Deadline {
                at: Monotonic(30),
                reason: DeadlineReason::Handshake
            })
        );
        assert_eq!(timers.due(Monotonic(29)), None);
        assert_eq!(timers.due(Monotonic(50)), Some(Timer::Handshake(link)));
        timers.clear(Timer::Disappearance);
        assert_eq!((timers.due(Monotonic(50)), timers.deadline()), (None, None));
    }
}
