//! [`Traces`]: what is deleted must be gone from the files. `secure_delete` wipes rows where they are deleted, and FTS5's
//! option of that name words. Three kinds of traces stay, and are wiped here after a commit that erases:
//!
//! - [`words`]: the word index finds its pages by the beginnings of words that may be gone.
//! - [`gaps`]: pages of the database keep copies of rows that were moved to another page.
//! - The write-ahead log has pages as they were before. It is emptied into the database.

mod gaps;
mod words;

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use sotto_core::row::{Batch, Change, Key, Row};

use crate::lock::beside;
use crate::open::PATIENCE;

/// How long emptying the log may wait for a reader before it is put off to the next commit.
const LOG_PATIENCE: Duration = Duration::from_millis(50);

/// Whether a batch takes something away that a person wrote.
pub(crate) fn erases(batch: &Batch) -> bool {
    batch.changes.iter().any(|change| match change {
        Change::Delete(key) => matches!(
            key,
            Key::Message(_) | Key::Reaction(..) | Key::Request(_) | Key::Contact(_)
        ),
        Change::Put(Row::Message(row)) => row.deleted_at.is_some() || row.edited_at.is_some(),
        Change::Put(_) | Change::Insert(_) => false,
    })
}

/// Notes, in an erasing batch's own transaction, that traces are to be wiped: a crash may come before that is done.
pub(crate) fn note(db: &Connection) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT INTO trace (number) VALUES (1) ON CONFLICT DO NOTHING")?
        .execute([])?;
    Ok(())
}

/// What one store knows of its traces.
pub(crate) struct Traces {
    /// The log may have erased pages.
    in_log: bool,
    /// The word index and gaps may have what was erased.
    in_pages: bool,
    /// Every gap is known to be empty, but for the log's pages.
    swept: bool,
}

impl Traces {
    /// Of a database just opened: what it says itself, and a log whose content is unknown.
    pub fn of(db: &Connection) -> rusqlite::Result<Self> {
        let noted: bool = db.query_row("SELECT EXISTS (SELECT * FROM trace)", [], |row| row.get(0))?;
        Ok(Self {
            in_log: true,
            in_pages: noted,
            swept: false,
        })
    }

    /// An erasing batch was committed.
    pub fn left(&mut self) {
        self.in_log = true;
        self.in_pages = true;
    }

    /// Wipes what is to be wiped. A reader in the middle of a query or a full disk can be in the way; then the next commit
    /// tries again.
    pub fn wipe(&mut self, db: &mut Connection, path: &Path) {
        if self.in_pages {
            self.in_pages = self.wipe_pages(db, path).is_err();
        }
        if self.in_log {
            self.in_log = !empty_log(db).unwrap_or(false);
        }
    }

    fn wipe_pages(&mut self, db: &mut Connection, path: &Path) -> rusqlite::Result<()> {
        words::renew_separators(db)?;
        gaps::wipe(db, &beside(path, "-wal"), self.swept)?;
        self.swept = true;
        Ok(())
    }
}

/// Moves the log into the database and cuts it to nothing; false if a reader prevents that.
pub(crate) fn empty_log(db: &Connection) -> rusqlite::Result<bool> {
    db.busy_timeout(LOG_PATIENCE)?;
    let busy = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    db.busy_timeout(PATIENCE)?;
    Ok(busy? == 0)
}
