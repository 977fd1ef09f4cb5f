//! [`TaskLifetime`]: drops a driver that is a future after a number of polls, so that it ends at any of its awaits.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;

/// How often a driver's future may be polled. Clones share the count.
#[derive(Clone, Default)]
pub struct TaskLifetime(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    /// Polls that are left; `None` without a limit.
    polls: Option<usize>,
    over: bool,
}

impl TaskLifetime {
    /// Allows this many polls. At the next one the future is dropped.
    pub fn end_after(&self, polls: usize) {
        self.inner().polls = Some(polls);
    }

    /// Removes the limit, unless the future was dropped. Returns whether it lives.
    pub fn remove_limit(&self) -> bool {
        let mut inner = self.inner();
        inner.polls = None;
        !inner.over
    }

    /// Whether the future was dropped.
    pub fn is_over(&self) -> bool {
        self.inner().over
    }

    /// Runs the future within this lifetime. `None` if it was dropped.
    pub async fn of<F: Future>(self, future: F) -> Option<F::Output> {
        let mut future = Some(Box::pin(future));
        poll_fn(move |cx| {
            let Some(living) = &mut future else {
                return Poll::Ready(None);
            };
            if !self.take_poll() {
                future = None;
                return Poll::Ready(None);
            }
            living.as_mut().poll(cx).map(Some)
        })
        .await
    }

    /// Takes one of the polls that are left. False if there is none.
    fn take_poll(&self) -> bool {
        let mut inner = self.inner();
        inner.over |= inner.polls == Some(0);
        inner.polls = inner.polls.map(|polls| polls.saturating_sub(1));
        !inner.over
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("task lifetime")
    }
}
