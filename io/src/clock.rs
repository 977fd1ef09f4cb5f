//! [`Clock`] reads both of core's clocks from the machine. The monotonic clock counts the time in which the machine was
//! suspended: a laptop that slept for an hour is an hour closer to every deadline.

use std::time::SystemTime;

use rustix::time::{ClockId, clock_gettime};
use sotto_core::{Monotonic, Now, Wall};

#[cfg(any(target_os = "linux", target_os = "android"))]
const SUSPEND_AWARE: ClockId = ClockId::Boottime;
// On macOS `CLOCK_MONOTONIC` counts suspended time; `std::time::Instant` there does not.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const SUSPEND_AWARE: ClockId = ClockId::Monotonic;

/// Reads the clocks. Its monotonic time never decreases, even if the machine's does.
#[derive(Debug, Default)]
pub struct Clock {
    latest: Monotonic,
}

impl Clock {
    /// The current time.
    pub fn now(&mut self) -> Now {
        let time = clock_gettime(SUSPEND_AWARE);
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        let millis = u64::try_from(time.tv_nsec).unwrap_or(0) / 1_000_000;
        self.latest = self
            .latest
            .max(Monotonic(seconds.saturating_mul(1000).saturating_add(millis)));
        Now {
            monotonic: self.latest,
            wall: wall(),
        }
    }
}

/// A time before 1970 reads as 1970.
fn wall() -> Wall {
    let since_epoch = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Wall(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monotonic_time_never_decreases_even_if_the_machines_does() {
        let ahead = Monotonic(u64::MAX - 1);
        let mut clock = Clock { latest: ahead };
        assert_eq!(clock.now().monotonic, ahead);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn both_clocks_agree_with_the_machine() {
        let now = Clock::default().now();
        let uptime = std::fs::read_to_string("/proc/uptime").expect("proc");
        let uptime: f64 = uptime.split(' ').next().expect("a number").parse().expect("a number");
        let monotonic = std::time::Duration::from_millis(now.monotonic.0).as_secs_f64();
        assert!(
            (uptime - monotonic).abs() < 60.0,
            "{uptime} s up, {monotonic} s on the clock"
        );
        assert!(now.wall > Wall(1_700_000_000_000), "{:?}", now.wall);
    }
}
