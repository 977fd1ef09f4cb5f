//! Messages, what hangs on them, and the words in them.
//!
//! The word index follows by statements of its own, not by triggers: SQLite guards a statement that fires triggers with a
//! savepoint, and FTS5 answers a savepoint by writing a segment. A batch of messages would then be as many segments, which
//! are merged again and again; so it is one.

use rusqlite::{Connection, OptionalExtension, ToSql, params};
use sotto_core::Direction;
use sotto_core::row::{DeliveryRow, MessageKey, MessageRow, ReactionRow};

use super::{Commit, Mode};
use crate::code::{Code, ordered};

impl Commit<'_> {
    pub(super) fn write_message(&mut self, mode: Mode, row: &MessageRow) -> rusqlite::Result<usize> {
        let contact = self.peers.intern(self.db, &row.key.contact)?;
        let state = self.states.get(&row.key).copied();
        if insert(self.db, contact, row, state)? == 1 {
            self.states.remove(&row.key);
            return index(self.db, self.db.last_insert_rowid(), contact, &row.text);
        }
        match (mode, find(self.db, contact, &row.key)?) {
            (Mode::Put, Some((number, old))) => {
                update(self.db, number, row)?;
                if old == row.text {
                    return Ok(1);
                }
                unindex(self.db, number, contact, &old)?;
                index(self.db, number, contact, &row.text)
            }
            (Mode::Insert, _) | (Mode::Put, None) => Ok(0),
        }
    }

    pub(super) fn delete_message(&mut self, key: &MessageKey) -> rusqlite::Result<usize> {
        let Some(contact) = self.peers.find(self.db, &key.contact)? else {
            return Ok(0);
        };
        let Some((number, old)) = find(self.db, contact, key)? else {
            return Ok(0);
        };
        unindex(self.db, number, contact, &old)?;
        self.db
            .prepare_cached("DELETE FROM message WHERE number = ?")?
            .execute([number])
    }
}

/// Writes a message, and its state if it has one; 0 if its key is taken.
fn insert(db: &Connection, contact: i64, row: &MessageRow, state: Option<&DeliveryRow>) -> rusqlite::Result<usize> {
    db.prepare_cached(
        "INSERT INTO message (contact, direction, id, ordinal, text, content_type, thread, reply_to, ttl, sent_at, at, \
         edited_at, deleted_at, state, state_at, disappears_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
         ON CONFLICT (contact, direction, id) DO NOTHING",
    )?
    .execute(params![
        contact,
        row.key.direction.code(),
        row.key.id.0,
        row.order.0.cast_signed(),
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
    ])
}

/// Writes a message in place of the one with its key; the state stays.
fn update(db: &Connection, number: i64, row: &MessageRow) -> rusqlite::Result<usize> {
    db.prepare_cached(
        "UPDATE message SET ordinal = ?, text = ?, content_type = ?, thread = ?, reply_to = ?, ttl = ?, sent_at = ?, \
         at = ?, edited_at = ?, deleted_at = ? WHERE number = ?",
    )?
    .execute(params![
        row.order.0.cast_signed(),
        row.text,
        row.content_type.code(),
        row.thread,
        row.reply_to.map(|id| id.0),
        row.ttl,
        row.sent_at.0.cast_signed(),
        row.at.0.cast_signed(),
        row.edited_at.map(|at| at.0.cast_signed()),
        row.deleted_at.map(|at| at.0.cast_signed()),
        number,
    ])
}

/// The message's number and its text as it is.
fn find(db: &Connection, contact: i64, key: &MessageKey) -> rusqlite::Result<Option<(i64, String)>> {
    db.prepare_cached("SELECT number, text FROM message WHERE contact = ? AND direction = ? AND id = ?")?
        .query_row((contact, key.direction.code(), key.id.0), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()
}

/// Also of an empty text: the index has a row for each message, as FTS5 would build it anew.
fn index(db: &Connection, number: i64, contact: i64, text: &str) -> rusqlite::Result<usize> {
    db.prepare_cached("INSERT INTO word (rowid, text, contact) VALUES (?, ?, ?)")?
        .execute((number, text, contact))
}

/// The index keeps no copy, so it has to be told what to take out.
fn unindex(db: &Connection, number: i64, contact: i64, text: &str) -> rusqlite::Result<usize> {
    db.prepare_cached("INSERT INTO word (word, rowid, text, contact) VALUES ('delete', ?, ?, ?)")?
        .execute((number, text, contact))
}

// What hangs on a message. The first three parameters are the message's key; where it is not there, nothing happens.

impl Commit<'_> {
    pub(super) fn write_delivery(&mut self, mode: Mode, row: &DeliveryRow) -> rusqlite::Result<usize> {
        if self.states.remove(&row.key).is_none() {
            // It was written with its message.
            return Ok(1);
        }
        let sql = match mode {
            Mode::Put => {
                "UPDATE message SET state = ?4, state_at = ?5, disappears_at = ?6 \
             WHERE contact = ?1 AND direction = ?2 AND id = ?3"
            }
            Mode::Insert => {
                "UPDATE message SET state = ?4, state_at = ?5, disappears_at = ?6 \
             WHERE contact = ?1 AND direction = ?2 AND id = ?3 AND state IS NULL"
            }
        };
        let disappears_at = row.disappears_at.map(|at| ordered(at.0));
        let columns = params![row.state.code(), row.at.0.cast_signed(), disappears_at];
        self.on_message(sql, &row.key, columns)
    }

    pub(super) fn delete_delivery(&mut self, key: &MessageKey) -> rusqlite::Result<usize> {
        let sql = "UPDATE message SET state = NULL, state_at = NULL, disappears_at = NULL \
               WHERE contact = ?1 AND direction = ?2 AND id = ?3";
        self.on_message(sql, key, &[])
    }

    pub(super) fn write_reaction(&mut self, mode: Mode, row: &ReactionRow) -> rusqlite::Result<usize> {
        let sql = match mode {
            Mode::Put => {
                "INSERT INTO reaction (message, author, emoji, at) SELECT number, ?4, ?5, ?6 FROM message \
             WHERE contact = ?1 AND direction = ?2 AND id = ?3 \
             ON CONFLICT (message, author) DO UPDATE SET emoji = excluded.emoji, at = excluded.at"
            }
            Mode::Insert => {
                "INSERT INTO reaction (message, author, emoji, at) SELECT number, ?4, ?5, ?6 FROM message \
             WHERE contact = ?1 AND direction = ?2 AND id = ?3 ON CONFLICT (message, author) DO NOTHING"
            }
        };
        let columns = params![row.author.code(), row.emoji, row.at.0.cast_signed()];
        self.on_message(sql, &row.target, columns)
    }

    pub(super) fn delete_reaction(&mut self, key: &MessageKey, author: Direction) -> rusqlite::Result<usize> {
        let sql = "DELETE FROM reaction WHERE author = ?4 AND message = \
               (SELECT number FROM message WHERE contact = ?1 AND direction = ?2 AND id = ?3)";
        self.on_message(sql, key, &[&author.code()])
    }

    fn on_message(&mut self, sql: &str, key: &MessageKey, more: &[&dyn ToSql]) -> rusqlite::Result<usize> {
        let Some(contact) = self.peers.find(self.db, &key.contact)? else {
            return Ok(0);
        };
        let mut statement = self.db.prepare_cached(sql)?;
        statement.raw_bind_parameter(1, contact)?;
        statement.raw_bind_parameter(2, key.direction.code())?;
        statement.raw_bind_parameter(3, key.id.0)?;
        for (index, value) in (4..).zip(more) {
            statement.raw_bind_parameter(index, value)?;
        }
        statement.raw_execute()
    }
}
