//! Wakes the driver at a moment of its monotonic clock, and not before: nothing here polls.
//!
//! tokio's own timers stand still while the machine is suspended. On Linux a timerfd on `CLOCK_BOOTTIME` does not: it
//! has fired by the time a resumed machine runs this process again. Elsewhere tokio's timer is slept on in stretches of
//! at most a minute, after each of which the node is told the time.

use std::io;

use sotto_core::{Millis, Monotonic, Now};

/// Longest sleep towards a deadline. The node computes the deadlines of rows, which are in wall time, from both clocks
/// as they were; a look this often bounds how late it notices that somebody has set the wall clock.
const LONGEST: Millis = if cfg!(target_os = "linux") {
    Millis::minutes(10)
} else {
    Millis::minutes(1)
};

/// An alarm clock that counts suspended time.
pub(crate) struct Timer {
    alarm: alarm::Alarm,
    deadline: Option<Monotonic>,
}

impl Timer {
    pub fn new() -> io::Result<Self> {
        let alarm = alarm::Alarm::new()?;
        Ok(Self { alarm, deadline: None })
    }

    /// To expire at `deadline`, or early if that is more than [`LONGEST`] away; never for `None`.
    pub fn set(&mut self, deadline: Option<Monotonic>, now: Now) {
        if self.deadline != deadline {
            self.deadline = deadline;
            self.alarm
                .set(deadline.map(|at| at.min(now.monotonic.after(LONGEST))), now);
        }
    }

    /// Waits for the moment last set, once. Loses nothing when it is dropped before.
    pub async fn expired(&mut self) {
        self.alarm.rung().await;
        self.deadline = None;
    }
}

#[cfg(target_os = "linux")]
mod alarm {
    use std::io;
    use std::os::fd::OwnedFd;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
    };
    use sotto_core::{Monotonic, Now};
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    pub(super) struct Alarm(AsyncFd<OwnedFd>);

    impl Alarm {
        #[expect(
            deprecated,
            reason = "sound for a descriptor that is owned; what replaces it is an unsafe fn"
        )]
        pub fn new() -> io::Result<Self> {
            let fd = timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
            Ok(Self(AsyncFd::with_interest(fd, Interest::READABLE)?))
        }

        pub fn set(&mut self, at: Option<Monotonic>, _: Now) {
            const NEVER: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
            let it_value = at.map_or(NEVER, |Monotonic(millis)| Timespec {
                tv_sec: i64::try_from(millis / 1000).expect("a 64th of i64's range"),
                // Zero would be NEVER.
                tv_nsec: i64::try_from(millis % 1000).expect("below 1000") * 1_000_000 + 1,
            });
            let once = Itimerspec {
                it_interval: NEVER,
                it_value,
            };
            timerfd_settime(&self.0, TimerfdTimerFlags::ABSTIME, &once).expect("a valid time on a timerfd");
        }

        pub async fn rung(&mut self) {
            let read = |fd: &OwnedFd| Ok(rustix::io::read(fd, &mut [0; 8])?);
            // Only ever `WouldBlock`, which waits on.
            while self.0.async_io(Interest::READABLE, read).await.is_err() {}
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod alarm {
    use std::io;
    use std::pin::Pin;
    use std::time::Duration;

    use sotto_core::{Monotonic, Now};
    use tokio::time::{Instant, Sleep, sleep};

    pub(super) struct Alarm {
        sleep: Pin<Box<Sleep>>,
        armed: bool,
    }

    impl Alarm {
        #[expect(clippy::unnecessary_wraps, reason = "a timerfd can fail")]
        pub fn new() -> io::Result<Self> {
            let sleep = Box::pin(sleep(Duration::ZERO));
            Ok(Self { sleep, armed: false })
        }

        pub fn set(&mut self, at: Option<Monotonic>, now: Now) {
            self.armed = at.is_some();
            if let Some(at) = at {
                let wait = Duration::from_millis(at.since(now.monotonic).0);
                self.sleep.as_mut().reset(Instant::now() + wait);
            }
        }

        pub async fn rung(&mut self) {
            if !self.armed {
                std::future::pending::<()>().await;
            }
            self.sleep.as_mut().await;
            self.armed = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::clock::Clock;

    const SOON: Duration = Duration::from_secs(20);

    fn after(millis: u64) -> (Now, Option<Monotonic>) {
        let now = Clock::default().now();
        (now, Some(now.monotonic.after(Millis(millis))))
    }

    #[tokio::test]
    async fn expires_once_and_not_early() {
        let mut timer = Timer::new().expect("timer");
        let (now, deadline) = after(50);
        timer.set(deadline, now);
        timeout(SOON, timer.expired()).await.expect("expires");
        assert!(Clock::default().now().monotonic >= deadline.expect("set"));
        let again = timeout(Duration::from_millis(50), timer.expired()).await;
        assert!(again.is_err(), "expired twice");
    }

    #[tokio::test]
    async fn a_past_deadline_expires_each_time_it_is_set() {
        let mut timer = Timer::new().expect("timer");
        for deadline in [Monotonic(0), Monotonic(1), Monotonic(1)] {
            timer.set(Some(deadline), Clock::default().now());
            timeout(SOON, timer.expired()).await.expect("expires");
        }
    }

    #[tokio::test]
    async fn a_deadline_can_be_moved_and_taken_away() {
        let mut timer = Timer::new().expect("timer");
        let (now, soon) = after(10);
        timer.set(soon, now);
        tokio::time::sleep(Duration::from_millis(30)).await;
        timer.set(None, now);
        let taken_away = timeout(Duration::from_millis(50), timer.expired()).await;
        assert!(taken_away.is_err(), "expired though taken away");

        timer.set(Some(now.monotonic.after(Millis::hours(1))), now);
        timer.set(soon, now);
        timeout(SOON, timer.expired()).await.expect("the nearer one counts");
    }

    #[tokio::test]
    async fn waiting_survives_being_dropped() {
        let mut timer = Timer::new().expect("timer");
        let (now, deadline) = after(50);
        timer.set(deadline, now);
        timeout(Duration::from_millis(1), timer.expired())
            .await
            .unwrap_or_default();
        timer.set(deadline, now);
        timeout(SOON, timer.expired()).await.expect("expires");
    }
}
