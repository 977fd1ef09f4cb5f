//! [`Conversation`]: the timers of one conversation, and what its contents and commands change.

pub(crate) mod commands;
pub(crate) mod contents;
pub(crate) mod id;

use std::collections::BTreeMap;

use crate::kernel::context::Context;
use crate::row::{Event, Key, Row, TimerRow};
use crate::{ConversationId, OnionAddress};

pub(crate) struct Conversation {
    id: ConversationId,
    /// Seconds, by author; an author whose timer is off is not in it.
    timers: BTreeMap<OnionAddress, u32>,
}

impl Conversation {
    pub fn new(id: ConversationId) -> Self {
        Self {
            id,
            timers: BTreeMap::new(),
        }
    }

    pub fn restore(&mut self, row: TimerRow) {
        self.timers.insert(row.author, row.seconds);
    }

    /// An author's timer, in seconds; 0 is off.
    pub fn timer(&self, author: &OnionAddress) -> u32 {
        self.timers.get(author).copied().unwrap_or(0)
    }

    pub fn timers(&self) -> Vec<TimerRow> {
        self.timers
            .iter()
            .map(|(author, seconds)| self.row(*author, *seconds))
            .collect()
    }

    /// Sets an author's timer; 0 turns it off. Says whether it was another one before.
    pub fn set_timer(&mut self, author: OnionAddress, seconds: u32, ctx: &mut Context) -> bool {
        if self.timer(&author) == seconds {
            return false;
        }
        if seconds == 0 {
            self.timers.remove(&author);
            ctx.gate.delete(Key::Timer(self.id, author));
        } else {
            self.timers.insert(author, seconds);
            ctx.gate.put(Row::Timer(self.row(author, seconds)));
        }
        ctx.record(Event::TimerChanged {
            conversation: self.id,
            author,
            seconds,
        });
        true
    }

    /// Of a message's own time to live and the conversation's timers, the shortest holds; 0 is off.
    pub fn shortest(&self, ttl: u32) -> u32 {
        let timers = self.timers.values().copied();
        timers.chain([ttl]).filter(|seconds| *seconds > 0).min().unwrap_or(0)
    }

    fn row(&self, author: OnionAddress, seconds: u32) -> TimerRow {
        TimerRow {
            conversation: self.id,
            author,
            seconds,
        }
    }
}
