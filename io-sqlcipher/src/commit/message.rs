//! Messages, what hangs on them, and the words in them.
//!
//! The word index follows by statements of its own, not by triggers: SQLite guards a statement that fires triggers with a
//! savepoint, and FTS5 answers a savepoint by writing a segment. A batch of messages would then be as many segments, which
//! are merged again and again; so it is one.

use rusqlite::{Connection, params};
use sotto_core::OnionAddress;
use sotto_core::row::{DeliveryRow, MessageKey, MessageRow, ReactionRow};

use super::{Commit, Mode, REACTION, Statements};
use crate::code::{Code, named, of, ordered};
use crate::name::Name;
use crate::side;

impl Commit<'_> {
    pub(super) fn write_message(&mut self, mode: Mode, row: &MessageRow) -> rusqlite::Result<usize> {
        let contact = side::contact(&row.key.conversation)?;
        let name = Name {
            contact: self.peers.intern(self.db, &contact)?,
            direction: side::direction(&contact, &row.key.author),
            id: row.key.id,
        };
        match (mode, self.names.find(self.db, &name)?) {
            (_, None) => {
                let number = self.names.next();
                self.statements
                    .insert(number, &name, row, self.states.remove(&row.key))?;
                self.names.insert(name, number);
                self.statements.index(number, name.contact, &row.text)
            }
            (Mode::Insert, Some(_)) => Ok(0),
            (Mode::Put, Some(number)) => {
                let old = text(self.db, number)?;
                self.statements.update(number, row)?;
                if old == row.text {
                    return Ok(1);
                }
                self.statements.unindex(number, name.contact, &old)?;
                self.statements.index(number, name.contact, &row.text)
            }
        }
    }

    pub(super) fn delete_message(&mut self, key: &MessageKey) -> rusqlite::Result<usize> {
        let Some((name, number)) = self.find(key)? else {
            return Ok(0);
        };
        self.statements.unindex(number, name.contact, &text(self.db, number)?)?;
        self.names.remove(self.db, &name)?;
        self.statements
            .run("DELETE FROM message WHERE number = ?", params![number])
    }

    /// The message with that key, by its name and number.
    fn find(&mut self, key: &MessageKey) -> rusqlite::Result<Option<(Name, i64)>> {
        let Some(name) = Name::of(self.db, self.peers, key)? else {
            return Ok(None);
        };
        let number = self.names.find(self.db, &name)?;
        Ok(number.map(|number| (name, number)))
    }
}

impl Statements<'_> {
    /// Writes a new message, and its state if it has one.
    fn insert(
        &mut self,
        number: i64,
        name: &Name,
        row: &MessageRow,
        state: Option<&DeliveryRow>,
    ) -> rusqlite::Result<usize> {
        self.run(
            "INSERT INTO message (number, contact, direction, id, ordinal, text, content_type, thread, reply_to, ttl, \
         sent_at, at, edited_at, deleted_at, state, state_at, disappears_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                number,
                name.contact,
                name.direction.code(),
                name.id.0,
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
            ],
        )
    }

    /// Writes a message in place of the one with its key; the state stays.
    fn update(&mut self, number: i64, row: &MessageRow) -> rusqlite::Result<usize> {
        self.run("UPDATE message SET ordinal = ?, text = ?, content_type = ?, thread = ?, reply_to = ?, ttl = ?, sent_at = ?, \
         at = ?, edited_at = ?, deleted_at = ? WHERE number = ?", params![
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

    /// Also of an empty text: the index has a row for each message, as FTS5 would build it anew.
    fn index(&mut self, number: i64, contact: i64, text: &str) -> rusqlite::Result<usize> {
        self.run(
            "INSERT INTO word (rowid, text, contact) VALUES (?, ?, ?)",
            params![number, text, contact],
        )
    }

    /// The index keeps no copy, so it has to be told what to take out.
    fn unindex(&mut self, number: i64, contact: i64, text: &str) -> rusqlite::Result<usize> {
        self.run(
            "INSERT INTO word (word, rowid, text, contact) VALUES ('delete', ?, ?, ?)",
            params![number, text, contact],
        )
    }
}

/// A message's text as it is.
fn text(db: &Connection, number: i64) -> rusqlite::Result<String> {
    let mut statement = db.prepare_cached("SELECT text FROM message WHERE number = ?")?;
    let text = statement.query_row([number], |row| of("message", row, row.get(0)));
    named("message", number, text)
}

// What hangs on a message: where that is not there, nothing happens.
impl Commit<'_> {
    pub(super) fn write_delivery(&mut self, mode: Mode, row: &DeliveryRow) -> rusqlite::Result<usize> {
        if self.states.remove(&row.key).is_none() {
            // It was written with its message.
            return Ok(1);
        }
        let Some((_, number)) = self.find(&row.key)? else {
            return Ok(0);
        };
        let sql = match mode {
            Mode::Put => "UPDATE message SET state = ?2, state_at = ?3, disappears_at = ?4 WHERE number = ?1",
            Mode::Insert => {
                "UPDATE message SET state = ?2, state_at = ?3, disappears_at = ?4 WHERE number = ?1 AND state IS NULL"
            }
        };
        let disappears_at = row.disappears_at.map(|at| ordered(at.0));
        let at = row.at.0.cast_signed();
        self.statements
            .run(sql, params![number, row.state.code(), at, disappears_at])
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
        let author = side::direction(&side::contact(&row.target.conversation)?, &row.author);
        let parameters = params![number, author.code(), row.emoji, row.at.0.cast_signed()];
        self.statements.run(REACTION.write(mode), parameters)
    }

    pub(super) fn delete_reaction(&mut self, key: &MessageKey, author: &OnionAddress) -> rusqlite::Result<usize> {
        let Some((_, number)) = self.find(key)? else {
            return Ok(0);
        };
        let author = side::direction(&side::contact(&key.conversation)?, author);
        self.statements.run(REACTION.delete, params![number, author.code()])
    }
}
