//! [`WatchCell`], a shared value whose changes can be awaited.

use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::StreamExt as _;
use postage::watch;

/// The latest value, and the senders and receivers of its changes.
pub(crate) struct WatchCell<T> {
    sender: Mutex<watch::Sender<T>>,
    receiver: watch::Receiver<T>,
}

impl<T: Clone> WatchCell<T> {
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

    /// Changes the value in place. Wakes no receiver if the value stays equal.
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

    /// The current value, and then each later one. Ends when the cell is dropped.
    pub fn changes(&self) -> watch::Receiver<T> {
        self.receiver.clone()
    }

    fn lock(&self) -> MutexGuard<'_, watch::Sender<T>> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until `select` returns a result for a value. `None` if the cell is dropped before.
pub(crate) async fn wait_for<T: Clone, W>(
    changes: &mut watch::Receiver<T>,
    mut select: impl FnMut(T) -> Option<W>,
) -> Option<W> {
    while let Some(value) = changes.next().await {
        if let Some(result) = select(value) {
            return Some(result);
        }
    }
    None
}
