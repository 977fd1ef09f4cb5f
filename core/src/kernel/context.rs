//! What every part of the node writes into: the clocks of this moment, the gate, the alarms, randomness and limits.

use crate::fault::Faults;
use crate::kernel::alarms::{Alarm, Alarms};
use crate::kernel::gate::Gate;
use crate::kernel::sure_time::SureTime;
use crate::row::{Event, EventRow, Key, Row};
use crate::{Availability, Elsewhere, Entropy, EventSeq, FaultKind, Limits, Monotonic, Now, OnionAddress, Wall};

pub(crate) struct Context {
    /// Our own address.
    pub own: OnionAddress,
    pub now: Now,
    pub gate: Gate,
    pub alarms: Alarms,
    pub entropy: Entropy,
    pub limits: Limits,
    pub faults: Faults,
    pub first_event: EventSeq,
    pub last_event: EventSeq,
    pub next_disappearance: Option<Wall>,
    pub sure_time: SureTime,
    pub availability: Availability,
    /// Our timer in conversations that begin, in seconds; 0 is off.
    pub default_timer: u32,
    /// Bytes that the store may still take up, as far as the driver has said.
    pub free_space: Option<u64>,
    /// What has shown in this run that another running node has this identity, and when by the monotonic clock.
    pub elsewhere: Option<(Elsewhere, Monotonic)>,
}

impl Context {
    /// Appends to the event log, and drops what is too old for it.
    pub fn record(&mut self, event: Event) -> EventSeq {
        let seq = EventSeq(self.last_event.0 + 1);
        self.last_event = seq;
        if self.first_event == EventSeq(0) {
            self.first_event = seq;
        }
        // Two at a time, so a lowered limit is reached in small steps.
        for _ in 0..2 {
            if seq.0 - self.first_event.0 >= self.limits.events {
                self.gate.delete(Key::Event(self.first_event));
                self.first_event.0 += 1;
            }
        }
        self.gate.put(Row::Event(EventRow {
            seq,
            at: self.now.wall,
            event,
        }));
        seq
    }

    /// A content of so many bytes is written: until the driver measures again, so much less space is free.
    pub fn take_space(&mut self, bytes: u64) {
        if let Some(free) = &mut self.free_space {
            *free = free.saturating_sub(bytes.saturating_mul(Limits::STORE_FACTOR));
        }
    }

    /// Another running node has this identity. The log tells it once, and again after a day in which nothing has shown it: a
    /// contact may show it with each link.
    pub fn identity_elsewhere(&mut self, shown_by: OnionAddress) {
        let known = self.elsewhere().is_some();
        let at = self.now.wall;
        self.elsewhere = Some((Elsewhere { shown_by, at }, self.now.monotonic));
        if !known {
            self.record(Event::IdentityElsewhere { shown_by });
        }
    }

    /// Whether another running node has this identity, as shown within the last day.
    pub fn elsewhere(&self) -> Option<Elsewhere> {
        let (elsewhere, since) = self.elsewhere?;
        (self.now.monotonic.since(since) < Limits::ELSEWHERE).then_some(elsewhere)
    }

    /// Counts what a peer must not do.
    pub fn fault(&mut self, peer: Option<OnionAddress>, kind: FaultKind) {
        self.faults.count(peer, kind);
    }

    /// Sets an alarm by the wall clock. It fires after at most the backoff cap, so that a clock that was set back
    /// delays nothing for longer; its handler looks at the clock again.
    pub fn wake_at(&mut self, alarm: Alarm, wall: Wall) {
        let latest = self.now.monotonic.after(self.limits.retry_cap);
        self.alarms.set(alarm, self.now.monotonic_at(wall).min(latest));
    }

    pub fn wake(&mut self, alarm: Alarm, at: Monotonic) {
        self.alarms.set(alarm, at);
    }

    /// A new moment, in which nothing has happened yet.
    pub fn advance(&mut self, now: Now) {
        self.now = now;
        self.sure_time.observe(now, self.limits.clock_grace);
    }

    /// The wall clock; while it is doubted, the latest moment that is sure. What is stored of it is known after a restart.
    pub fn known_wall(&self) -> Wall {
        self.sure_time.known(self.now)
    }

    /// The wall clock alone says that a message's time is up, since then. It is looked at again when the clock is believed.
    pub fn holds_disappearance(&mut self, since: Wall) {
        self.next_disappearance = Some(self.next_disappearance.map_or(since, |next| next.min(since)));
        if let Some(until) = self.sure_time.doubted_until(self.limits.clock_grace) {
            // The clock may be set in the meantime.
            let latest = self.now.monotonic.after(self.limits.retry_cap);
            self.alarms.set_earlier(Alarm::Disappearance, until.min(latest));
        }
    }

    /// A message will disappear then.
    pub fn disappears(&mut self, at: Wall) {
        let next = self.next_disappearance.map_or(at, |next| next.min(at));
        self.next_disappearance = Some(next);
        self.wake_at(Alarm::Disappearance, next);
    }
}
