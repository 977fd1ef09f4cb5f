//! [`Outgoing`]: what was written and no daemon has taken yet: messages, and edits of messages.

use std::collections::{BTreeSet, VecDeque};

use sotto_api::{Edit, Send};

use crate::request::Request;

/// How long a daemon may take for a message before the status line says that it is kept here.
const ANSWER: u64 = 1_000;

/// Between two attempts to send the same message.
const PAUSE: u64 = 250;

/// Something that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsent {
    /// A message. It has an idempotency key: it is one message however often it is tried.
    Message(Box<Send>),
    /// Another text for a message. Made twice, it is the same text.
    Edit(Box<Edit>),
}

impl Unsent {
    /// The call that has a daemon take it.
    pub fn request(&self) -> Request {
        match self {
            Self::Message(send) => Request::Send((**send).clone()),
            Self::Edit(edit) => Request::Edit((**edit).clone()),
        }
    }
}

/// What was written, in that order, with times in milliseconds. Only the first is with the daemon, so that all go out in order whichever
/// connection breaks when.
#[derive(Debug, Default)]
pub struct Outgoing {
    /// Each with the time when it was written.
    waiting: VecDeque<(Unsent, u64)>,
    /// The first of them is with the daemon.
    asked: bool,
    /// The daemon takes nothing before the user has proven to be the owner.
    held: bool,
    /// When the next attempt may be made.
    not_before: u64,
    /// Approvals that the daemon has made of what the user sends, before it took the user for the owner.
    own_approvals: BTreeSet<String>,
    /// Approvals that were requested while the first was with the daemon: of it, or of an agent. The answer tells.
    requested: BTreeSet<String>,
}

impl Outgoing {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// One was written.
    pub fn push(&mut self, unsent: Unsent, now: u64) {
        self.waiting.push_back((unsent, now));
    }

    /// The one to ask a daemon that answers for.
    pub fn next(&mut self, now: u64) -> Option<Unsent> {
        let may = !self.asked && !self.held && self.not_before <= now;
        let (unsent, _) = self.waiting.front().filter(|_| may)?;
        self.asked = true;
        Some(unsent.clone())
    }

    /// A daemon has taken or refused it. False if that is known already: it was asked for on two connections.
    pub fn settled(&mut self, unsent: &Unsent) -> bool {
        let first = self.is_first(unsent);
        if first {
            self.asked = false;
            self.waiting.pop_front();
        }
        first
    }

    /// No daemon has answered for it.
    pub fn failed(&mut self, unsent: &Unsent, now: u64) {
        if self.is_first(unsent) {
            self.asked = false;
            self.not_before = now + PAUSE;
        }
    }

    /// The daemon takes it from the owner alone: it waits for the passphrase.
    pub fn hold(&mut self, unsent: &Unsent) {
        if self.is_first(unsent) {
            self.asked = false;
            self.held = true;
        }
    }

    /// A daemon answers again, or the user has proven to be the owner. An answer of the one before may never come.
    pub fn retry(&mut self) {
        self.asked = false;
        self.held = false;
        self.not_before = 0;
    }

    /// The user is not asked for the passphrase any more: what waited for it, in the order in which it was written.
    pub fn give_up(&mut self) -> Vec<Unsent> {
        if !std::mem::take(&mut self.held) {
            return Vec::new();
        }
        self.waiting.drain(..).map(|(unsent, _)| unsent).collect()
    }

    /// An approval was requested. True if that is known to be of an agent.
    pub fn requested(&mut self, approval: &str) -> bool {
        if self.asked && !self.is_own(approval) {
            self.requested.insert(approval.to_owned());
        }
        !self.asked && !self.is_own(approval)
    }

    /// An approval was decided, or has expired.
    pub fn decided(&mut self, approval: &str) {
        self.requested.remove(approval);
    }

    /// The daemon has answered for the first; `own` is the approval that it has made of it. One that an agent has requested meanwhile.
    pub fn answered(&mut self, own: Option<&str>) -> Option<String> {
        self.own_approvals.extend(own.map(str::to_owned));
        let requested = std::mem::take(&mut self.requested);
        requested.into_iter().rfind(|approval| !self.is_own(approval))
    }

    /// The approval is of what the user sends.
    pub fn is_own(&self, approval: &str) -> bool {
        self.own_approvals.contains(approval)
    }

    fn is_first(&self, unsent: &Unsent) -> bool {
        self.waiting.front().is_some_and(|(first, _)| first == unsent)
    }

    /// A daemon takes long, or has not answered.
    pub fn is_late(&self, now: u64) -> bool {
        self.late_at().is_some_and(|at| at <= now) || self.not_before > now
    }

    /// When time alone changes something; `up` is whether a daemon answers.
    pub fn deadline(&self, now: u64, up: bool) -> Option<u64> {
        let late = self.late_at().filter(|at| *at > now);
        let waits = up && !self.asked && !self.held && !self.waiting.is_empty();
        let next = Some(self.not_before).filter(|_| waits);
        late.into_iter().chain(next).min()
    }

    fn late_at(&self) -> Option<u64> {
        self.waiting.front().map(|(_, written)| written + ANSWER)
    }
}
