//! The event log as its consumers see it.

use rusqlite::{OptionalExtension, Row};
use sotto_core::EventSeq;
use sotto_core::row::{Event, EventRow, MessageKey};

use super::contacts::Who;
use super::messages::MessageView;
use super::{Reader, Snapshot};
use crate::StoreError;
use crate::code::{Columns, of, ordered};
use crate::event;

/// Part of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventsView {
    /// The events, the oldest first.
    pub events: Vec<EventView>,
    /// The oldest event still in the log; 0 if there is none. A consumer that is not at `first - 1` or later has missed
    /// what was dropped in between.
    pub first: EventSeq,
    /// The newest event; 0 if there is none.
    pub last: EventSeq,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventView {
    /// Its place, its time, and what it was.
    pub row: EventRow,
    /// The peer that it is about; `None` if it is about a conversation of another kind.
    pub peer: Option<Who>,
    /// The message that it is about, as it stands now; `None` if it is about none, if that has disappeared, or if another
    /// one had come under its id before.
    pub message: Option<MessageView>,
}

impl Reader {
    /// The first `limit` events after `since`.
    pub fn events(&self, since: EventSeq, limit: u32) -> Result<EventsView, StoreError> {
        self.read(|at| {
            let mut statement = at.db.prepare_cached(event::LOG)?;
            let mut rows = statement.query((ordered(since.0), limit))?;
            let mut events = Vec::new();
            while let Some(row) = rows.next()? {
                events.push(at.event(row)?);
            }
            let (first, last) = event::ends(at.db)?;
            Ok(EventsView { events, first, last })
        })
    }

    /// How far a named consumer has acknowledged the log; `None` if it never has.
    pub fn consumer(&self, name: &str) -> Result<Option<EventSeq>, StoreError> {
        self.read(|at| {
            at.db
                .prepare_cached("SELECT acknowledged FROM consumer WHERE name = ?")?
                .query_row([name], |row| of("consumer", row, row.u64(0)).map(EventSeq))
                .optional()
        })
    }
}

impl Snapshot<'_> {
    fn event(&mut self, row: &Row<'_>) -> rusqlite::Result<EventView> {
        let conversation = of("event", row, row.get(3))?;
        let row = event::event(self.db, self.numbers, row)?;
        let message = match message_key(&row.event) {
            // A contact can send an id twice: what came first was stored, and announced by the event of its number.
            Some(key) => self
                .view_of(&key)?
                .filter(|message| !matches!(row.event, Event::MessageReceived { .. }) || message.order == row.seq),
            None => None,
        };
        Ok(EventView {
            row,
            peer: self.peer_of(conversation)?,
            message,
        })
    }
}

fn message_key(event: &Event) -> Option<MessageKey> {
    match *event {
        Event::MessageQueued { key }
        | Event::MessageReceived { key }
        | Event::MessageState { key, .. }
        | Event::MessageEdited { key }
        | Event::MessageDeleted { key }
        | Event::MessageReacted { key, .. }
        | Event::MessageDisappeared { key } => Some(key),
        Event::TimerChanged { .. }
        | Event::RequestReceived { .. }
        | Event::RequestDelivered { .. }
        | Event::RequestDeclined { .. }
        | Event::ContactAdded { .. }
        | Event::ContactRemoved { .. }
        | Event::ContactBlocked { .. }
        | Event::ContactVerified { .. }
        | Event::ContactRekeyed { .. }
        | Event::ContactRolledBack { .. }
        | Event::ContactPaused { .. }
        | Event::ContactUntrusted { .. }
        | Event::RemovedByPeer { .. }
        | Event::IdentityElsewhere { .. }
        | Event::Application(_) => None,
    }
}
