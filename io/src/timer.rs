//! Wakes the driver at a moment of its monotonic clock, and not before: nothing here polls.
//!
//! The timers of runtimes stand still while the machine is suspended. On Linux a timerfd on `CLOCK_BOOTTIME` does not:
//! it has fired by the time a resumed machine runs this process again. Elsewhere the runtime's timer is slept on in
//! stretches of at most a minute, after each of which the node is told the time.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use sotto_core::{Millis, Monotonic, Now};

use crate::Runtime;

/// Longest sleep towards a deadline. The node computes the deadlines of rows, which are in wall time, from both clocks
/// as they were; a look this often bounds how late it notices that somebody has set the wall clock.
const LONGEST: Millis = if cfg!(target_os = "linux") {
    Millis::minutes(10)
} else {
    Millis::minutes(1)
};

/// An alarm clock that counts suspended time.
pub struct Timer {
    alarm: alarm::Alarm,
    deadline: Option<Monotonic>,
}

impl Timer {
    /// Not set.
    pub fn new(runtime: &Arc<dyn Runtime>) -> io::Result<Self> {
        let alarm = alarm::Alarm::new(runtime)?;
        Ok(Self { alarm, deadline: None })
    }

    /// To expire at `deadline`, or early if that is more than some minutes away; never for `None`.
    pub fn set(&mut self, deadline: Option<Monotonic>, now: Now) {
        if self.deadline != deadline {
            self.deadline = deadline;
            self.alarm
                .set(deadline.map(|at| at.min(now.monotonic.after(LONGEST))), now);
        }
    }

    /// Whether the moment last set has come; says so once.
    pub fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.alarm.poll_rung(cx));
        self.deadline = None;
        Poll::Ready(())
    }

    /// Waits for the moment last set, once. Loses nothing when it is dropped before.
    pub async fn expired(&mut self) {
        poll_fn(|cx| self.poll_expired(cx)).await;
    }
}

impl std::fmt::Debug for Timer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Timer")
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

#[cfg(target_os = "linux")]
mod alarm {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, ready};

    use futures::io::AsyncRead as _;
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
    };
    use sotto_core::{Monotonic, Now};

    use crate::{Runtime, Watch};

    /// One timer, under two descriptors: one to set it by, one for the runtime to watch.
    pub(super) struct Alarm {
        timer: OwnedFd,
        watch: Watch,
    }

    impl Alarm {
        pub fn new(runtime: &Arc<dyn Runtime>) -> io::Result<Self> {
            let timer = timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
            let watch = runtime.watch(timer.try_clone()?)?;
            Ok(Self { timer, watch })
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
            timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &once).expect("a valid time on a timerfd");
        }

        pub fn poll_rung(&mut self, cx: &mut Context<'_>) -> Poll<()> {
            // A timerfd's reads do not fail, unless the runtime is shutting down; then there is nothing to wake for.
            match ready!(Pin::new(&mut self.watch).poll_read(cx, &mut [0; 8])) {
                Ok(_) => Poll::Ready(()),
                Err(_) => Poll::Pending,
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod alarm {
    use std::io;
    use std::sync::Arc;
    use std::task::{Context, Poll, ready};
    use std::time::Duration;

    use futures::FutureExt as _;
    use futures::future::BoxFuture;
    use sotto_core::{Monotonic, Now};

    use crate::Runtime;

    pub(super) struct Alarm {
        runtime: Arc<dyn Runtime>,
        sleep: Option<BoxFuture<'static, ()>>,
    }

    impl Alarm {
        #[expect(clippy::unnecessary_wraps, reason = "a timerfd can fail")]
        pub fn new(runtime: &Arc<dyn Runtime>) -> io::Result<Self> {
            let runtime = Arc::clone(runtime);
            Ok(Self { runtime, sleep: None })
        }

        pub fn set(&mut self, at: Option<Monotonic>, now: Now) {
            self.sleep = at.map(|at| {
                let wait = Duration::from_millis(at.since(now.monotonic).0);
                self.runtime.sleep(wait)
            });
        }

        pub fn poll_rung(&mut self, cx: &mut Context<'_>) -> Poll<()> {
            let Some(sleep) = &mut self.sleep else {
                // Set from the task that polls.
                return Poll::Pending;
            };
            ready!(sleep.poll_unpin(cx));
            self.sleep = None;
            Poll::Ready(())
        }
    }
}
