//! A value that others wait on.

use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::StreamExt as _;
use postage::watch;

/// The latest value, and all who wait for it to change.
pub(crate) struct Watched<T> {
    sender: Mutex<watch::Sender<T>>,
    receiver: watch::Receiver<T>,
}

impl<T: Clone> Watched<T> {
    pub fn new(value: T) -> Self {
        let (sender, receiver) = watch::channel_with(value);
        Self {
            sender: Mutex::new(sender),
            receiver,
        }
    }

    pub fn get(&self) -> T {
        self.receiver.borrow().clone()
    }

    pub fn set(&self, value: T) {
        *self.lock().borrow_mut() = value;
    }

    /// Changes the value in place; wakes nobody if it is still the same.
    pub fn update(&self, change: impl FnOnce(&mut T))
    where
        T: PartialEq,
    {
        let mut sender = self.lock();
        let mut after = sender.borrow().clone();
        change(&mut after);
        if *sender.borrow() != after {
            *sender.borrow_mut() = after;
        }
    }

    /// The value, and then each later one; ends when this is dropped.
    pub fn changes(&self) -> watch::Receiver<T> {
        self.receiver.clone()
    }

    fn lock(&self) -> MutexGuard<'_, watch::Sender<T>> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until `wanted` finds what it wants in the value; `None` if the value is gone before.
pub(crate) async fn wait_for<T: Clone, W>(
    changes: &mut watch::Receiver<T>,
    mut wanted: impl FnMut(T) -> Option<W>,
) -> Option<W> {
    while let Some(value) = changes.next().await {
        if let Some(found) = wanted(value) {
            return Some(found);
        }
    }
    None
}
