//! [`DialQueue`]: which contact is dialed next. Pending mail comes first, then the most recently seen.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::{OnionAddress, Wall};

/// Contacts that want a dial and wait for room.
#[derive(Default)]
pub(crate) struct DialQueue {
    entries: BTreeSet<DialQueueEntry>,
}

/// In the order in which they are dialed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct DialQueueEntry {
    without_mail: bool,
    last_seen: Reverse<Option<Wall>>,
    peer: OnionAddress,
}

impl DialQueue {
    pub fn push(&mut self, peer: OnionAddress, has_mail: bool, last_seen: Option<Wall>) {
        self.entries.insert(DialQueueEntry {
            without_mail: !has_mail,
            last_seen: Reverse(last_seen),
            peer,
        });
    }

    pub fn pop(&mut self) -> Option<OnionAddress> {
        self.entries.pop_first().map(|entry| entry.peer)
    }
}
