//! [`Unsettled`]: the words of the messages that the word index does not have yet, in an index of the same kind, in memory.
//! So a search finds them by the same rules. It is made when a search first needs it, and kept until the store has changed.

use rusqlite::Connection;

use super::Snapshot;
use crate::code::of;
use crate::tail::settled_before_others;
use crate::words::words;

/// An index in memory, of one state of the store.
pub(super) struct Unsettled {
    index: Connection,
    /// `PRAGMA data_version` when it was made: another connection has written since, if it is another.
    version: i64,
}

impl Unsettled {
    fn of(db: &Connection, settled: i64, version: i64) -> rusqlite::Result<Self> {
        let index = Connection::open_in_memory()?;
        // The same columns and the same tokens as those of `word`.
        index.execute_batch(
            "CREATE VIRTUAL TABLE word USING fts5 (
                 text, conversation, content = '', columnsize = 0, tokenize = 'ascii'
             )",
        )?;
        let mut statement = db.prepare_cached("SELECT number, text, conversation FROM message WHERE number > ?")?;
        let mut rows = statement.query([settled])?;
        let transaction = index.unchecked_transaction()?;
        let mut insert = index.prepare("INSERT INTO word (rowid, text, conversation) VALUES (?, ?, ?)")?;
        while let Some(row) = rows.next()? {
            let (number, text, conversation): (i64, String, i64) = of("message", row, row.try_into())?;
            insert.execute((number, words(&text), conversation))?;
        }
        drop(insert);
        transaction.commit()?;
        Ok(Self { index, version })
    }

    /// The numbers of the newest `limit` messages that match and are below a number, the newest first.
    fn search(&self, expression: &str, before: i64, limit: u32) -> rusqlite::Result<Vec<i64>> {
        self.index
            .prepare_cached("SELECT rowid FROM word WHERE word MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?")?
            .query_map((expression, before, limit), |row| row.get(0))?
            .collect()
    }
}

impl Snapshot<'_> {
    /// The numbers of the newest `limit` messages that match, are below a number and are not in the word index yet, the newest
    /// first.
    pub(super) fn search_unsettled(&mut self, expression: &str, before: i64, limit: u32) -> rusqlite::Result<Vec<i64>> {
        let db = self.db;
        let Some(settled) = settled_before_others(db)? else {
            return Ok(Vec::new());
        };
        let version = db.pragma_query_value(None, "data_version", |row| row.get(0))?;
        let index = match self.unsettled.take() {
            Some(index) if index.version == version => index,
            _ => Unsettled::of(db, settled, version)?,
        };
        self.unsettled.insert(index).search(expression, before, limit)
    }
}
