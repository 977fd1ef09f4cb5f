//! Messages, what hangs on them, and the events that they tell by their own rows.

use rusqlite::{Connection, Row, params};
use sotto_core::OnionAddress;
use sotto_core::row::{DeliveryRow, MessageKey, MessageRow, ReactionRow};

use super::{Commit, Mode, REACTION};
use crate::code::{Code, named, of, ordered};
use crate::event::EventColumns;
use crate::tail::Name;

impl Commit<'_> {
    pub(super) fn write_message(&mut self, mode: Mode, row: &MessageRow) -> rusqlite::Result<usize> {
        let name = Name {
            conversation: self.numbers.intern(self.db, &row.key.conversation)?,
            author: self.numbers.intern_peer(self.db, &row.key.author)?,
            id: row.key.id,
        };
        match (mode, self.tail.find(self.db, &name)?) {
            (_, None) => {
                self.insert(&name, row)?;
                self.tail.insert(self.db, name, number(row), &row.text)?;
                Ok(1)
            }
            (Mode::Insert, Some(_)) => Ok(0),
            (Mode::Put, Some(number)) => self.update(&name, number, row),
        }
    }

    pub(super) fn delete_message(&mut self, key: &MessageKey) -> rusqlite::Result<usize> {
        let Some((name, number)) = self.find(key)? else {
            return Ok(0);
        };
        let old = old(self.db, number)?;
        self.tail.remove(self.db, &name, number, &old.text)?;
        self.erased.words |= self.tail.is_settled(number);
        if old.announced {
            self.give_announcement(number)?;
        }
        self.statements
            .run("DELETE FROM message WHERE number = ?", params![number])
    }

    /// The message with that key, by its numbers.
    fn find(&mut self, key: &MessageKey) -> rusqlite::Result<Option<(Name, i64)>> {
        let Some(name) = Name::of(self.db, self.numbers, key)? else {
            return Ok(None);
        };
        let number = self.tail.find(self.db, &name)?;
        Ok(number.map(|number| (name, number)))
    }

    /// Writes a new message, its state if it has one, and the event that announces it if the batch has that.
    fn insert(&mut self, name: &Name, row: &MessageRow) -> rusqlite::Result<usize> {
        let announced = self.announcement(row)?;
        let state = self.states.remove(&row.key);
        self.statements.run(
            "INSERT INTO message (number, conversation, author, id, announced, text, content_type, thread, reply_to, ttl, \
             sent_at, at, edited_at, deleted_at, state, state_at, disappears_at, hops) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                number(row),
                name.conversation,
                name.author,
                name.id.0,
                announced,
                row.text,
                row.content_type.code(),
                row.thread,
                row.reply_to.map(|id| id.0),
                row.ttl,
                row.sent_at.0.cast_signed(),
                row.at.0.cast_signed(),
                row.edited_at.map(|at| at.0.cast_signed()),
                row.deleted_at.map(|at| at.0.cast_signed()),
                state.map(|state| state.state.code()),
                state.map(|state| state.at.0.cast_signed()),
                state.and_then(|state| state.disappears_at).map(|at| ordered(at.0)),
                row.hops,
            ],
        )
    }

    /// The kind of the batch's event that says of a new message what the message's own row says.
    fn announcement(&mut self, row: &MessageRow) -> rusqlite::Result<Option<i64>> {
        let Some(event) = self.announcements.get(&row.order) else {
            return Ok(None);
        };
        let columns = EventColumns::of(&event.event);
        let same = columns.conversation == row.key.conversation
            && columns.author == Some(row.key.author)
            && columns.message == Some(row.key.id)
            && event.at == row.at;
        if !same || self.tail.is_dropped(number(row)) {
            return Ok(None);
        }
        self.told.insert(row.order);
        // Core numbers events upwards, so there is none yet; another host may replace one.
        if number(row) < self.first_new {
            self.statements
                .run("DELETE FROM event WHERE seq = ?", params![number(row)])?;
        }
        Ok(Some(columns.kind))
    }

    /// Writes a message in place of the one with its key; state and reactions stay.
    fn update(&mut self, name: &Name, at: i64, row: &MessageRow) -> rusqlite::Result<usize> {
        let old = old(self.db, at)?;
        let number = number(row);
        if old.announced && (number != at || old.at != row.at.0.cast_signed()) {
            self.give_announcement(at)?;
        }
        if old.text != row.text {
            self.erased.rows = true;
            self.erased.words |= self.tail.is_settled(at);
        }
        if number == at {
            if old.text != row.text {
                self.tail.replace(self.db, name, at, &old.text, &row.text)?;
            }
        } else {
            self.tail.remove(self.db, name, at, &old.text)?;
            self.tail.insert(self.db, *name, number, &row.text)?;
        }
        self.statements.run(
            "UPDATE message SET number = ?, text = ?, content_type = ?, thread = ?, reply_to = ?, ttl = ?, sent_at = ?, \
             at = ?, edited_at = ?, deleted_at = ?, hops = ? WHERE number = ?",
            params![
                number,
                row.text,
                row.content_type.code(),
                row.thread,
                row.reply_to.map(|id| id.0),
                row.ttl,
                row.sent_at.0.cast_signed(),
                row.at.0.cast_signed(),
                row.edited_at.map(|at| at.0.cast_signed()),
                row.deleted_at.map(|at| at.0.cast_signed()),
                row.hops,
                at,
            ],
        )
    }

    /// Whether the message with that number tells the event of that number.
    pub(super) fn is_announced(&self, number: i64) -> rusqlite::Result<bool> {
        self.db
            .prepare_cached("SELECT EXISTS (SELECT * FROM message WHERE number = ? AND announced IS NOT NULL)")?
            .query_row([number], |row| row.get(0))
    }

    /// A message no longer tells the event of its number.
    pub(super) fn take_announcement(&mut self, number: i64) -> rusqlite::Result<usize> {
        let sql = "UPDATE message SET announced = NULL WHERE number = ? AND announced IS NOT NULL";
        self.statements.run(sql, params![number])
    }

    /// The event that a message tells gets a row of its own: the message is about to say something else, or nothing.
    fn give_announcement(&mut self, number: i64) -> rusqlite::Result<usize> {
        self.statements.run(
            "INSERT INTO event (seq, at, kind, conversation, author, message) \
             SELECT number, at, announced, conversation, author, id FROM message WHERE number = ?",
            params![number],
        )?;
        self.take_announcement(number)
    }
}

/// The number of a message is its order.
const fn number(row: &MessageRow) -> i64 {
    row.order.0.cast_signed()
}

/// What a message was before a change.
struct Old {
    text: String,
    at: i64,
    announced: bool,
}

fn old(db: &Connection, number: i64) -> rusqlite::Result<Old> {
    let read = |row: &Row<'_>| {
        let announced: Option<i64> = row.get(2)?;
        Ok(Old {
            text: row.get(0)?,
            at: row.get(1)?,
            announced: announced.is_some(),
        })
    };
    let mut statement = db.prepare_cached("SELECT text, at, announced FROM message WHERE number = ?")?;
    let old = statement.query_row([number], |row| of("message", row, read(row)));
    named("message", number, old)
}

// What hangs on a message: where that is not there, nothing happens.
impl<'b> Commit<'b> {
    pub(super) fn write_delivery(&mut self, mode: Mode, row: &'b DeliveryRow) -> rusqlite::Result<usize> {
        if self.states.remove(&row.key).is_none() {
            // It was written with its message.
            return Ok(1);
        }
        let Some((_, number)) = self.find(&row.key)? else {
            return Ok(0);
        };
        match mode {
            Mode::Put => {
                self.changed_states.push((number, row));
                Ok(1)
            }
            Mode::Insert => self.statements.run(
                "UPDATE message SET state = ?, state_at = ?, disappears_at = ? WHERE number = ? AND state IS NULL",
                params![
                    row.state.code(),
                    row.at.0.cast_signed(),
                    row.disappears_at.map(|at| ordered(at.0)),
                    number
                ],
            ),
        }
    }

    /// Messages that follow each other and have come equally far, as those of an acknowledgement have, are one statement.
    pub(super) fn write_changed_states(&mut self) -> rusqlite::Result<()> {
        let mut changed = std::mem::take(&mut self.changed_states);
        changed.sort_unstable_by_key(|(number, _)| *number);
        let follows = |(one, first): &(i64, &DeliveryRow), (next, second): &(i64, &DeliveryRow)| {
            let state = |row: &DeliveryRow| (row.state, row.at, row.disappears_at);
            one.checked_add(1) == Some(*next) && state(first) == state(second)
        };
        for run in changed.chunk_by(follows) {
            let ([(first, row), ..], [.., (last, _)]) = (run, run) else {
                continue;
            };
            self.statements.run(
                "UPDATE message SET state = ?, state_at = ?, disappears_at = ? WHERE number BETWEEN ? AND ?",
                params![
                    row.state.code(),
                    row.at.0.cast_signed(),
                    row.disappears_at.map(|at| ordered(at.0)),
                    first,
                    last
                ],
            )?;
        }
        Ok(())
    }

    pub(super) fn delete_delivery(&mut self, key: &MessageKey) -> rusqlite::Result<usize> {
        let Some((_, number)) = self.find(key)? else {
            return Ok(0);
        };
        let sql = "UPDATE message SET state = NULL, state_at = NULL, disappears_at = NULL WHERE number = ?";
        self.statements.run(sql, params![number])
    }

    pub(super) fn write_reaction(&mut self, mode: Mode, row: &ReactionRow) -> rusqlite::Result<usize> {
        let Some((_, number)) = self.find(&row.target)? else {
            return Ok(0);
        };
        let author = self.numbers.intern_peer(self.db, &row.author)?;
        let parameters = params![number, author, row.emoji, row.at.0.cast_signed()];
        self.statements.run(REACTION.write(mode), parameters)
    }

    pub(super) fn delete_reaction(&mut self, key: &MessageKey, author: &OnionAddress) -> rusqlite::Result<usize> {
        let Some((_, number)) = self.find(key)? else {
            return Ok(0);
        };
        let author = self.numbers.find_peer(self.db, author)?;
        self.statements.run(REACTION.delete, params![number, author])
    }
}
