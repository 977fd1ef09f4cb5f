//! [`Recent`]: what events have changed while answers are on their way. Events and answers come by connections of their own: an answer
//! that was read before an event can come after it, and would undo what that changed; one that was read after it has it already.

use std::collections::VecDeque;

/// Changes of events, for answers of one kind.
#[derive(Debug)]
pub struct Recent<T> {
    /// The newest event of the answer that was taken last.
    last_seq: u64,
    /// Answers that were asked for and have not come.
    awaited: usize,
    /// In the order of their events, whose numbers they have.
    changes: VecDeque<(u64, T)>,
    /// At most so many.
    most: usize,
    /// The newest event of which nothing is kept, because there were too many.
    dropped: u64,
}

impl<T: Clone> Recent<T> {
    /// Keeps at most so many changes.
    pub const fn new(most: usize) -> Self {
        Self {
            last_seq: 0,
            awaited: 0,
            changes: VecDeque::new(),
            most,
            dropped: 0,
        }
    }

    /// One more answer is asked for.
    pub const fn ask(&mut self) {
        self.awaited += 1;
    }

    /// One of the answers was taken, or does not come.
    pub fn answered(&mut self) {
        self.awaited = self.awaited.saturating_sub(1);
        if self.awaited == 0 {
            self.changes.clear();
            self.dropped = 0;
        }
    }

    /// Events have other numbers from now on: those of another store, perhaps.
    pub fn renumber(&mut self) {
        self.last_seq = 0;
        self.dropped = 0;
        self.changes.clear();
    }

    /// Keeps a change for the answers that are on their way. False if the answer that was taken has it.
    pub fn is_new(&mut self, event: Option<u64>, change: &T) -> bool {
        // Without a number, it is in no answer.
        let Some(event) = event else { return true };
        if event <= self.last_seq {
            return false;
        }
        if self.awaited > 0 {
            self.changes.push_back((event, change.clone()));
            if self.changes.len() > self.most {
                self.dropped = self.changes.pop_front().map_or(0, |(event, _)| event);
            }
        }
        true
    }

    /// Alters what is kept, or forgets it.
    pub fn retain(&mut self, mut is_kept: impl FnMut(&mut T) -> bool) {
        self.changes.retain_mut(|(_, change)| is_kept(change));
    }

    /// The answer that is taken has the events up to this one.
    pub const fn begin(&mut self, last_seq: u64) {
        self.last_seq = last_seq;
    }

    /// What followed the events that an answer has, as far as it was kept.
    pub fn after(&self, last_seq: u64) -> Vec<T> {
        let later = self.changes.iter().filter(|(event, _)| *event > last_seq);
        later.map(|(_, change)| change.clone()).collect()
    }

    /// All of it was kept; else the same has to be asked again.
    pub const fn is_whole_after(&self, last_seq: u64) -> bool {
        self.dropped <= last_seq
    }
}
