//! The life of a driver that is a future, so that it can end at any of its awaits.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;

/// How often a driver's future may be polled. Clones are the same life.
#[derive(Clone, Default)]
pub struct Life(Arc<Mutex<Left>>);

#[derive(Default)]
struct Left {
    /// `None` for ever.
    polls: Option<usize>,
    over: bool,
}

impl Life {
    /// So many polls are left; when it would be polled once more, it is dropped.
    pub fn end_after(&self, polls: usize) {
        self.left().polls = Some(polls);
    }

    /// Lets it live on, unless it is over; whether it lives.
    pub fn spare(&self) -> bool {
        let mut left = self.left();
        left.polls = None;
        !left.over
    }

    /// Whether it was dropped.
    pub fn is_over(&self) -> bool {
        self.left().over
    }

    /// The future, as long as it lives: `None` once it was dropped.
    pub async fn of<F: Future>(self, future: F) -> Option<F::Output> {
        let mut future = Some(Box::pin(future));
        poll_fn(move |cx| {
            let Some(living) = &mut future else {
                return Poll::Ready(None);
            };
            if !self.take() {
                future = None;
                return Poll::Ready(None);
            }
            living.as_mut().poll(cx).map(Some)
        })
        .await
    }

    /// Takes one of the polls that are left; if none is, this is its end.
    fn take(&self) -> bool {
        let mut left = self.left();
        left.over |= left.polls == Some(0);
        left.polls = left.polls.map(|polls| polls.saturating_sub(1));
        !left.over
    }

    fn left(&self) -> MutexGuard<'_, Left> {
        self.0.lock().expect("life")
    }
}
