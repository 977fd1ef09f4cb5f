//! [`SureTime`]: how late it is at least, by which running timers are judged.
//!
//! A wall clock that is far ahead, at the start or for a while, would end every running timer at once, and what has disappeared
//! does not come back. So a clock that is ahead of what is known to have passed is *doubted*: known is the latest moment that the
//! store has, and what the monotonic clock has counted since. The doubt ends when the driver confirms the clock (Tor's directory
//! is signed, and says when it was made), or when the clock has said the same for `Limits::clock_grace`.

use crate::{Millis, Monotonic, Now, Wall};

pub(crate) struct SureTime {
    /// It was at least `wall` at `at`.
    wall: Wall,
    at: Monotonic,
    doubt: Option<Doubt>,
}

/// The wall clock said `wall` when the doubt began, at `since`.
#[derive(Clone, Copy)]
struct Doubt {
    wall: Wall,
    since: Monotonic,
}

impl SureTime {
    /// `known` is the latest moment that the store has.
    pub fn new(known: Wall, now: Now) -> Self {
        Self {
            wall: known,
            at: now.monotonic,
            doubt: None,
        }
    }

    /// Looks at the clocks. A difference of `grace` raises no doubt, and a doubt lasts for as long.
    pub fn observe(&mut self, now: Now, grace: Millis) {
        let sure = self.wall.after(now.monotonic.since(self.at));
        if now.wall <= sure.after(grace) {
            return self.confirm(now);
        }
        let doubt = self.doubt.filter(|doubt| {
            let expected = doubt.wall.after(now.monotonic.since(doubt.since));
            now.wall.since(expected).max(expected.since(now.wall)) <= grace
        });
        match doubt {
            Some(doubt) if now.monotonic.since(doubt.since) >= grace => self.confirm(now),
            Some(_) => {}
            None => {
                self.doubt = Some(Doubt {
                    wall: now.wall,
                    since: now.monotonic,
                });
            }
        }
    }

    /// The wall clock is right.
    pub fn confirm(&mut self, now: Now) {
        *self = Self::new(now.wall, now);
    }

    /// Whether the wall clock is doubted, and when it is believed if it goes on to say the same.
    pub fn doubted_until(&self, grace: Millis) -> Option<Monotonic> {
        self.doubt.map(|doubt| doubt.since.after(grace))
    }

    /// The wall clock; while it is doubted, how late it is at least.
    pub fn known(&self, now: Now) -> Wall {
        match self.doubt {
            Some(_) => self.wall.after(now.monotonic.since(self.at)),
            None => now.wall,
        }
    }

    /// Whether a timer that ran for `span` and ends at `end` has surely ended, the wall clock saying so. A timer that began
    /// under the clock that is doubted has: it is the same clock.
    pub fn has_ended(&self, end: Wall, span: Millis, now: Now) -> bool {
        let Some(doubt) = self.doubt else { return true };
        let sure = self.wall.after(now.monotonic.since(self.at));
        end <= sure || end.0.saturating_sub(span.0) >= doubt.wall.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Millis = Millis::hours(1);
    const DAY: u64 = 24 * 3_600_000;

    /// So many minutes after the start, with a clock that is so many days ahead.
    fn at(minutes: u64, days_ahead: u64) -> Now {
        Now {
            monotonic: Monotonic(minutes * 60_000),
            wall: Wall(1000 * DAY + days_ahead * DAY + minutes * 60_000),
        }
    }

    fn started(now: Now) -> SureTime {
        let mut time = SureTime::new(Wall(1000 * DAY), now);
        time.observe(now, GRACE);
        time
    }

    #[test]
    fn a_clock_far_ahead_ends_no_timer_that_was_running() {
        let mut time = started(at(0, 40));
        assert!(time.doubted_until(GRACE).is_some());
        let (now, ttl) = (at(0, 40), Millis(DAY));
        assert!(!time.has_ended(Wall(1001 * DAY), ttl, now));
        assert!(time.has_ended(Wall(1000 * DAY), ttl, now), "that time has passed");
        let begun_now = now.wall.after(Millis(1));
        assert!(time.has_ended(begun_now, Millis(1), now), "it began under this clock");
        // Set right: nothing is left of it.
        time.observe(at(30, 0), GRACE);
        assert_eq!(time.doubted_until(GRACE), None);
    }

    #[test]
    fn a_clock_that_says_the_same_for_an_hour_or_is_confirmed_is_believed() {
        let mut time = started(at(0, 40));
        time.observe(at(59, 40), GRACE);
        assert!(time.doubted_until(GRACE).is_some());
        time.observe(at(60, 40), GRACE);
        assert_eq!(time.doubted_until(GRACE), None);

        let mut time = started(at(0, 40));
        time.confirm(at(1, 40));
        time.observe(at(2, 40), GRACE);
        assert_eq!(time.doubted_until(GRACE), None);
    }

    #[test]
    fn a_clock_that_jumps_on_is_doubted_anew() {
        let mut time = started(at(0, 40));
        time.observe(at(50, 80), GRACE);
        time.observe(at(70, 80), GRACE);
        assert_eq!(time.doubted_until(GRACE), Some(Monotonic(110 * 60_000)));
        // It jumps while the node runs, from a time that was sure.
        let mut time = started(at(0, 0));
        time.observe(at(10, 3), GRACE);
        assert!(!time.has_ended(Wall(1001 * DAY), Millis(DAY), at(10, 3)));
    }

    #[test]
    fn a_small_step_and_a_step_back_raise_no_doubt() {
        let mut time = started(at(0, 0));
        for now in [
            at(50, 0),
            Now {
                wall: Wall(0),
                ..at(51, 0)
            },
        ] {
            time.observe(now, GRACE);
            assert_eq!(time.doubted_until(GRACE), None);
        }
    }
}
