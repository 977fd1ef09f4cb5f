//! A contact's ratchet and its cursors, which are one row: either half may be there without the other.

use rusqlite::params;
use sotto_core::OnionAddress;
use sotto_core::row::{CursorsRow, SessionRow};

use super::{Commit, Mode};

const PUT_RECORD: &str = "INSERT INTO session (contact, record) VALUES (?, ?) \
     ON CONFLICT (contact) DO UPDATE SET record = excluded.record";
const INSERT_RECORD: &str = "INSERT INTO session (contact, record) VALUES (?, ?) \
     ON CONFLICT (contact) DO UPDATE SET record = excluded.record WHERE record IS NULL";
const PUT_CURSORS: &str = "INSERT INTO session (contact, session_epoch, sent, acknowledged, received, stored) VALUES (?, ?, ?, ?, ?, ?) \
     ON CONFLICT (contact) DO UPDATE SET session_epoch = excluded.session_epoch, sent = excluded.sent, \
     acknowledged = excluded.acknowledged, received = excluded.received, stored = excluded.stored";
const INSERT_CURSORS: &str = "INSERT INTO session (contact, session_epoch, sent, acknowledged, received, stored) VALUES (?, ?, ?, ?, ?, ?) \
     ON CONFLICT (contact) DO UPDATE SET session_epoch = excluded.session_epoch, sent = excluded.sent, \
     acknowledged = excluded.acknowledged, received = excluded.received, stored = excluded.stored WHERE session_epoch IS NULL";
const PUT_BOTH: &str = "INSERT INTO session (contact, session_epoch, sent, acknowledged, received, stored, record) \
     VALUES (?, ?, ?, ?, ?, ?, ?) \
     ON CONFLICT (contact) DO UPDATE SET session_epoch = excluded.session_epoch, sent = excluded.sent, \
     acknowledged = excluded.acknowledged, received = excluded.received, stored = excluded.stored, record = excluded.record";

impl Commit<'_> {
    pub(super) fn write_session(&mut self, mode: Mode, row: &SessionRow) -> rusqlite::Result<usize> {
        let contact = self.numbers.intern_peer(self.db, &row.contact)?;
        let sql = match mode {
            Mode::Put => match self.cursors.remove(&row.contact) {
                Some(cursors) => {
                    return self.statements.run(
                        PUT_BOTH,
                        params![
                            contact,
                            cursors.session_epoch.0.cast_signed(),
                            cursors.sent.cast_signed(),
                            cursors.acknowledged.cast_signed(),
                            cursors.received.cast_signed(),
                            cursors.stored.cast_signed(),
                            row.record,
                        ],
                    );
                }
                None => PUT_RECORD,
            },
            Mode::Insert => INSERT_RECORD,
        };
        self.statements.run(sql, params![contact, row.record])
    }

    pub(super) fn write_cursors(&mut self, mode: Mode, row: &CursorsRow) -> rusqlite::Result<usize> {
        let sql = match mode {
            // They were written with their session.
            Mode::Put if self.cursors.remove(&row.contact).is_none() => return Ok(1),
            Mode::Put => PUT_CURSORS,
            Mode::Insert => INSERT_CURSORS,
        };
        self.statements.run(
            sql,
            params![
                self.numbers.intern_peer(self.db, &row.contact)?,
                row.session_epoch.0.cast_signed(),
                row.sent.cast_signed(),
                row.acknowledged.cast_signed(),
                row.received.cast_signed(),
                row.stored.cast_signed(),
            ],
        )
    }

    pub(super) fn delete_session(&mut self, contact: &OnionAddress) -> rusqlite::Result<usize> {
        self.delete_half(contact, "UPDATE session SET record = NULL WHERE contact = ?")
    }

    pub(super) fn delete_cursors(&mut self, contact: &OnionAddress) -> rusqlite::Result<usize> {
        let sql = "UPDATE session SET session_epoch = NULL, sent = NULL, acknowledged = NULL, received = NULL, stored = NULL \
                   WHERE contact = ?";
        self.delete_half(contact, sql)
    }

    /// The row goes with its last half.
    fn delete_half(&mut self, contact: &OnionAddress, sql: &'static str) -> rusqlite::Result<usize> {
        let Some(contact) = self.numbers.find_peer(self.db, contact)? else {
            return Ok(0);
        };
        self.statements.run(sql, params![contact])?;
        self.statements.run(
            "DELETE FROM session WHERE contact = ? AND record IS NULL AND session_epoch IS NULL",
            params![contact],
        )
    }
}
