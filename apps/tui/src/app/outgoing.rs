//! [`Outgoing`]: the messages that were written and that no daemon has taken yet.

use std::collections::VecDeque;

use sotto_api::Send;

/// How long a daemon may take for a message before the status line says that it is kept here.
const ANSWER: u64 = 1_000;

/// Between two attempts to send the same message.
const PAUSE: u64 = 250;

/// Messages in the order in which they were written, with times in milliseconds. Only the first is with the daemon, so that they go out
/// in order whichever connection breaks when. Each has an idempotency key: it is one message however often it is tried.
#[derive(Debug, Default)]
pub struct Outgoing {
    /// Each with the time when it was written.
    waiting: VecDeque<(Send, u64)>,
    /// The first of them is with the daemon.
    asked: bool,
    /// When the next attempt may be made.
    not_before: u64,
}

impl Outgoing {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// One was written.
    pub fn push(&mut self, send: Send, now: u64) {
        self.waiting.push_back((send, now));
    }

    /// The one to ask a daemon that answers for.
    pub fn next(&mut self, now: u64) -> Option<Send> {
        let (send, _) = self.waiting.front().filter(|_| !self.asked && self.not_before <= now)?;
        self.asked = true;
        Some(send.clone())
    }

    /// A daemon has taken or refused it. False if that is known already: it was asked for on two connections.
    pub fn settled(&mut self, send: &Send) -> bool {
        let first = self.is_first(send);
        if first {
            self.asked = false;
            self.waiting.pop_front();
        }
        first
    }

    /// No daemon has answered for it.
    pub fn failed(&mut self, send: &Send, now: u64) {
        if self.is_first(send) {
            self.asked = false;
            self.not_before = now + PAUSE;
        }
    }

    /// A daemon answers again. An answer of the one before may never come.
    pub fn retry(&mut self) {
        self.asked = false;
        self.not_before = 0;
    }

    fn is_first(&self, send: &Send) -> bool {
        self.waiting.front().is_some_and(|(first, _)| first.id == send.id)
    }

    /// A daemon takes long, or has not answered.
    pub fn is_late(&self, now: u64) -> bool {
        self.late_at().is_some_and(|at| at <= now) || self.not_before > now
    }

    /// When time alone changes something; `up` is whether a daemon answers.
    pub fn deadline(&self, now: u64, up: bool) -> Option<u64> {
        let late = self.late_at().filter(|at| *at > now);
        let next = Some(self.not_before).filter(|_| up && !self.asked && !self.waiting.is_empty());
        late.into_iter().chain(next).min()
    }

    fn late_at(&self) -> Option<u64> {
        self.waiting.front().map(|(_, written)| written + ANSWER)
    }
}
