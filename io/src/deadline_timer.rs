//! [`DeadlineTimer`] wakes the driver at a deadline of the monotonic clock. It does not poll the clock.
//!
//! The timers of async runtimes stop while the machine is suspended. On Linux a timerfd on `CLOCK_BOOTTIME` goes on: it has
//! fired by the time that a resumed machine runs this process again. On other systems the timer sleeps on the runtime's
//! timer for at most a minute at a time, and the node gets a `Tick` after each sleep.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use sotto_core::{Millis, Monotonic, Now};

use crate::Runtime;

/// The longest sleep towards a deadline. The node computes a row's deadline, which is in wall time, from both clocks as they
/// were then. This bound limits how late it notices that the wall clock was set.
const LONGEST_SLEEP: Millis = if cfg!(target_os = "linux") {
    Millis::minutes(10)
} else {
    Millis::minutes(1)
};

/// A timer that counts suspended time.
pub struct DeadlineTimer {
    timer: platform::KernelTimer,
    deadline: Option<Monotonic>,
}

impl DeadlineTimer {
    /// A timer that is not set.
    pub fn new(runtime: &Arc<dyn Runtime>) -> io::Result<Self> {
        let timer = platform::KernelTimer::new(runtime)?;
        Ok(Self { timer, deadline: None })
    }

    /// Expires at `deadline`, or earlier if that is more than some minutes away. `None`: never.
    pub fn set(&mut self, deadline: Option<Monotonic>, now: Now) {
        if self.deadline != deadline {
            self.deadline = deadline;
            self.timer
                .set(deadline.map(|at| at.min(now.monotonic.after(LONGEST_SLEEP))), now);
        }
    }

    /// Ready once when the deadline has passed.
    pub fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.timer.poll_fired(cx));
        self.deadline = None;
        Poll::Ready(())
    }

    /// Waits for the deadline. Dropping this future loses nothing.
    pub async fn expired(&mut self) {
        poll_fn(|cx| self.poll_expired(cx)).await;
    }
}

impl std::fmt::Debug for DeadlineTimer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeadlineTimer")
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

#[cfg(target_os = "linux")]
mod platform {
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

    use crate::{AsyncDescriptor, Runtime};

    /// One timerfd with two descriptors: one sets it, and the runtime polls the other.
    pub(super) struct KernelTimer {
        setter: OwnedFd,
        readable: AsyncDescriptor,
    }

    impl KernelTimer {
        pub fn new(runtime: &Arc<dyn Runtime>) -> io::Result<Self> {
            let setter = timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
            let readable = runtime.register(setter.try_clone()?)?;
            Ok(Self { setter, readable })
        }

        pub fn set(&mut self, at: Option<Monotonic>, _: Now) {
            const NEVER: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
            let it_value = at.map_or(NEVER, |Monotonic(millis)| Timespec {
                tv_sec: i64::try_from(millis / 1000).expect("a 64th of i64's range"),
                // Zero would mean `NEVER`.
                tv_nsec: i64::try_from(millis % 1000).expect("below 1000") * 1_000_000 + 1,
            });
            let once = Itimerspec {
                it_interval: NEVER,
                it_value,
            };
            timerfd_settime(&self.setter, TimerfdTimerFlags::ABSTIME, &once).expect("a valid time on a timerfd");
        }

        pub fn poll_fired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
            // A read of a timerfd fails only while the runtime shuts down; then there is nothing left to wake.
            match ready!(Pin::new(&mut self.readable).poll_read(cx, &mut [0; 8])) {
                Ok(_) => Poll::Ready(()),
                Err(_) => Poll::Pending,
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use std::io;
    use std::sync::Arc;
    use std::task::{Context, Poll, ready};
    use std::time::Duration;

    use futures::FutureExt as _;
    use futures::future::BoxFuture;
    use sotto_core::{Monotonic, Now};

    use crate::Runtime;

    pub(super) struct KernelTimer {
        runtime: Arc<dyn Runtime>,
        sleep: Option<BoxFuture<'static, ()>>,
    }

    impl KernelTimer {
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

        pub fn poll_fired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
            let Some(sleep) = &mut self.sleep else {
                // `set` is called by the task that polls, so it needs no waker.
                return Poll::Pending;
            };
            ready!(sleep.poll_unpin(cx));
            self.sleep = None;
            Poll::Ready(())
        }
    }
}
