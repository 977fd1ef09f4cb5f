//! [`Alarms`]: what the node waits for. Each alarm has at most one time, and the earliest is at hand.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Deadline, DeadlineReason, LinkId, Monotonic, OnionAddress};

/// What may be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Alarm {
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
    /// A request, or what is kept of a declined stranger, expires.
    RequestExpiry,
    /// A contact's pace allows more.
    Pace(OnionAddress),
    /// Messages that a link has taken are to be written down as sent.
    Sent,
}

#[derive(Default)]
pub(crate) struct Alarms {
    at: BTreeMap<Alarm, Monotonic>,
    order: BTreeSet<(Monotonic, Alarm)>,
}

impl Alarms {
    pub fn set(&mut self, alarm: Alarm, at: Monotonic) {
        self.clear(alarm);
        self.at.insert(alarm, at);
        self.order.insert((at, alarm));
    }

    /// Sets an alarm, unless it is set to an earlier time.
    pub fn set_earlier(&mut self, alarm: Alarm, at: Monotonic) {
        let at = self.at.get(&alarm).map_or(at, |set| at.min(*set));
        self.set(alarm, at);
    }

    pub fn clear(&mut self, alarm: Alarm) {
        if let Some(at) = self.at.remove(&alarm) {
            self.order.remove(&(at, alarm));
        }
    }

    /// Takes an alarm whose time has come.
    pub fn due(&mut self, now: Monotonic) -> Option<Alarm> {
        let &(at, alarm) = self.order.first()?;
        if at > now {
            return None;
        }
        self.clear(alarm);
        Some(alarm)
    }

    pub fn deadline(&self) -> Option<Deadline> {
        let &(at, alarm) = self.order.first()?;
        let reason = match alarm {
            Alarm::Handshake(_) => DeadlineReason::Handshake,
            Alarm::Heartbeat(_) => DeadlineReason::Heartbeat,
            Alarm::Retry(_) => DeadlineReason::Retry,
            Alarm::OutboxExpiry(_) => DeadlineReason::OutboxExpiry,
            Alarm::Disappearance => DeadlineReason::Disappearance,
            Alarm::RequestExpiry => DeadlineReason::RequestExpiry,
            Alarm::Pace(_) => DeadlineReason::Pace,
            Alarm::Sent => DeadlineReason::Sent,
        };
        Some(Deadline { at, reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_comes_first_and_a_timer_has_one_time() {
        let mut alarms = Alarms::default();
        let link = LinkId::Accepted(1);
        alarms.set(Alarm::Handshake(link), Monotonic(30));
        alarms.set(Alarm::Disappearance, Monotonic(20));
        alarms.set(Alarm::Disappearance, Monotonic(40));
        assert_eq!(
            alarms.deadline(),
            Some(Deadline {
                at: Monotonic(30),
                reason: DeadlineReason::Handshake
            })
        );
        assert_eq!(alarms.due(Monotonic(29)), None);
        assert_eq!(alarms.due(Monotonic(50)), Some(Alarm::Handshake(link)));
        alarms.clear(Alarm::Disappearance);
        assert_eq!((alarms.due(Monotonic(50)), alarms.deadline()), (None, None));
    }
}
