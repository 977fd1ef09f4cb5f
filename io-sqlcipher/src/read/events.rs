//! The event log as its consumers see it.

use rusqlite::{OptionalExtension, Row};
use sotto_core::row::{Event, EventRow, MessageKey};
use sotto_core::{EventSeq, OnionAddress};

use super::contacts::Who;
use super::messages::MessageView;
use super::{Reader, Snapshot};
use crate::StoreError;
use crate::code::{Columns, of, ordered, undecodable};
use crate::event::EventColumns;
use crate::image::event_end;

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
    /// With whom.
    pub who: Who,
    /// The message that it is about, as it stands now; `None` if it is about none, if that has disappeared, or if another
    /// one had come under its id before.
    pub message: Option<MessageView>,
}

impl Reader {
    /// The first `limit` events after `since`.
    pub fn events(&self, since: EventSeq, limit: u32) -> Result<EventsView, StoreError> {
        self.read(|at| {
            let mut statement = at.db.prepare_cached(
                "SELECT seq, at, kind, contact, direction, message, value FROM event WHERE seq > ? ORDER BY seq LIMIT ?",
            )?;
            let mut rows = statement.query((ordered(since.0), limit))?;
            let mut events = Vec::new();
            while let Some(row) = rows.next()? {
                events.push(at.event(row)?);
            }
            Ok(EventsView {
                events,
                first: event_end(at.db, "SELECT min(seq) FROM event")?,
                last: event_end(at.db, "SELECT max(seq) FROM event")?,
            })
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
        let contact = of("event", row, row.get(3))?;
        let address = self.peers.address(self.db, contact)?;
        let own = self.peers.own(self.db)?;
        let row = of("event", row, event(own, address, row))?;
        let message = match message_key(&row.event) {
            // A bad contact can say an id twice: what came first was stored, and announced by the event of its place.
            Some(key) => self
                .view_of(&key)?
                .filter(|message| !matches!(row.event, Event::MessageReceived { .. }) || message.order == row.seq),
            None => None,
        };
        Ok(EventView {
            row,
            who: self.who(contact)?,
            message,
        })
    }
}

fn event(own: Option<OnionAddress>, contact: OnionAddress, row: &Row<'_>) -> rusqlite::Result<EventRow> {
    let columns = EventColumns {
        kind: row.get(2)?,
        contact,
        direction: row.maybe_code(4)?,
        message: row.maybe_id(5)?,
        value: row.get(6)?,
    };
    Ok(EventRow {
        seq: EventSeq(row.u64(0)?),
        at: row.wall(1)?,
        event: columns.event(own).ok_or_else(|| undecodable(2, "known event"))?,
    })
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
        | Event::ContactRekeyed { .. } => None,
    }
}
