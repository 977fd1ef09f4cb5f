//! [`Traces`]: what is deleted must be gone from the files. `secure_delete` wipes rows where they are deleted, and FTS5's
//! option of that name words. Three kinds of traces stay, and are wiped here soon after a commit that erases:
//!
//! - [`words`]: the word index finds its pages by the beginnings of words that may be gone.
//! - [`gaps`]: pages of the database keep copies of rows that were moved to another page.
//! - The write-ahead log has pages as they were before. It is emptied into the database.
//!
//! Wiping may read the whole database, and a peer can cause it by deleting a message. So it is a step of its own, which no
//! commit waits for, and one for several commits: it is due [`QUIET`] after the last of them, and [`LATEST`] after the first.
//! Closing the store does it at once. A row in table `trace` says after a crash that it is still to be done.

mod gaps;
mod words;

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::lock::beside;
use crate::open::PATIENCE;

/// How long emptying the log may wait for a reader before it is put off.
const LOG_PATIENCE: Duration = Duration::from_millis(50);

/// Without another erasing commit, traces are wiped after this.
const QUIET: Duration = Duration::from_millis(500);

/// After an erasing commit, its traces are wiped after this.
const LATEST: Duration = Duration::from_secs(5);

/// When a reader or a full disk was in the way.
const AGAIN: Duration = Duration::from_secs(1);

/// What a batch took away that a person wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Erased {
    /// Text of rows.
    pub rows: bool,
    /// Words of the word index; then rows too.
    pub words: bool,
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
    /// What gaps may have, and perhaps the word index.
    in_pages: Erased,
    /// Every gap is known to be empty, but for the log's pages.
    swept: bool,
    due: Option<Due>,
}

/// When traces are to be wiped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Due {
    at: Instant,
    /// Later erasing commits do not put it off beyond this.
    latest: Instant,
}

impl Traces {
    /// Of a database just opened: what it says itself, and a log whose content is unknown.
    pub fn of(db: &Connection, now: Instant) -> rusqlite::Result<Self> {
        let noted: bool = db.query_row("SELECT EXISTS (SELECT * FROM trace)", [], |row| row.get(0))?;
        let mut traces = Self {
            in_log: true,
            in_pages: Erased {
                rows: noted,
                words: noted,
            },
            swept: false,
            due: None,
        };
        traces.postpone(now);
        Ok(traces)
    }

    /// A batch that erased this was committed.
    pub fn left(&mut self, erased: Erased, now: Instant) {
        self.in_log = true;
        self.in_pages.rows = true;
        self.in_pages.words |= erased.words;
        self.postpone(now);
    }

    /// How long until they are to be wiped; `None` if there are none.
    pub fn due(&self, now: Instant) -> Option<Duration> {
        self.due.map(|due| due.at.saturating_duration_since(now))
    }

    /// Wipes all of them. A reader in the middle of a query or a full disk can be in the way; then they are due again.
    pub fn wipe(&mut self, db: &mut Connection, path: &Path) {
        if self.in_pages.words {
            self.in_pages.words = words::renew_separators(db).is_err();
        }
        if self.in_pages.rows && !self.in_pages.words {
            self.in_pages.rows = gaps::wipe(db, &beside(path, "-wal"), self.swept).is_err();
            self.swept |= !self.in_pages.rows;
        }
        if self.in_log {
            self.in_log = !empty_log(db).unwrap_or(false);
        }
        self.due = (self.in_log || self.in_pages.rows).then(|| {
            let at = Instant::now() + AGAIN;
            Due { at, latest: at }
        });
    }

    fn postpone(&mut self, now: Instant) {
        let latest = self.due.map_or(now + LATEST, |due| due.latest);
        let at = latest.min(now + QUIET);
        self.due = Some(Due { at, latest });
    }
}

/// Moves the log into the database and cuts it to nothing; false if a reader prevents that.
pub(crate) fn empty_log(db: &Connection) -> rusqlite::Result<bool> {
    db.busy_timeout(LOG_PATIENCE)?;
    let busy = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    db.busy_timeout(PATIENCE)?;
    Ok(busy? == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wiping_waits_for_a_pause_and_not_for_ever() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE trace (number)").unwrap();
        let start = Instant::now();
        let mut traces = Traces::of(&db, start).unwrap();
        assert_eq!(traces.due(start), Some(QUIET), "the log of a store just opened");
        let step = Duration::from_millis(400);
        for n in 1..=12 {
            let now = start + n * step;
            traces.left(Erased::default(), now);
            let due = traces.due(now).unwrap();
            assert_eq!(due, QUIET.min(LATEST.saturating_sub(n * step)), "after {n}");
        }
        assert_eq!(traces.due(start + LATEST), Some(Duration::ZERO));
    }
}
