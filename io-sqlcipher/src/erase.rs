//! What is deleted is to be gone from the files. `secure_delete` wipes rows where they are deleted, and FTS5's option of
//! that name words; two kinds of traces stay, and are wiped here after a commit that erases:
//!
//! - The write-ahead log has pages as they were before. It is emptied into the database.
//! - When SQLite balances a tree it moves rows to a neighbouring page, and may leave copies of them in the gap between the
//!   old page's cell pointers and its cells, which no later delete reaches. Those gaps are filled with zeros, by
//!   `sqlite_dbpage`. A SQLite that was built without it rebuilds the whole database instead, which takes much longer.
//!
//! A gap can only come about on a page that was written, and the log names every such page until it is emptied. So after a
//! first look at the whole database, it is enough to look at the pages in the log.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use sotto_core::row::{Batch, Change, Key, Row};

use crate::lock::beside;
use crate::open::{PAGE, PATIENCE};

/// How long emptying the log may wait for a reader before it is put off to the next commit.
const LOG_PATIENCE: Duration = Duration::from_millis(50);

/// The log's header, and that of each page in it (sqlite.org/fileformat2.html, section 4.1).
const LOG_HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;

/// From this length on SQLite may have moved the log into the database by itself (`wal_autocheckpoint`), and begun anew.
const LOG_UNBROKEN: u64 = LOG_HEADER + 1000 * (FRAME_HEADER + PAGE);

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
    /// Gaps may have copies of erased rows.
    in_gaps: bool,
    /// Every gap outside the log's pages is known to be empty.
    swept: bool,
}

impl Traces {
    /// Of a database just opened: what it says itself, and a log that nobody knows.
    pub fn of(db: &Connection) -> rusqlite::Result<Self> {
        let noted: bool = db.query_row("SELECT EXISTS (SELECT * FROM trace)", [], |row| row.get(0))?;
        Ok(Self {
            in_log: true,
            in_gaps: noted,
            swept: false,
        })
    }

    /// An erasing batch was committed.
    pub fn left(&mut self) {
        self.in_log = true;
        self.in_gaps = true;
    }

    /// Wipes what is to be wiped. A reader in the middle of a query or a full disk can be in the way; then the next commit
    /// tries again.
    pub fn wipe(&mut self, db: &mut Connection, path: &Path) {
        if self.in_gaps {
            self.in_gaps = self.wipe_gaps(db, path).is_err();
        }
        if self.in_log {
            self.in_log = !empty_log(db).unwrap_or(false);
        }
    }

    fn wipe_gaps(&mut self, db: &mut Connection, path: &Path) -> rusqlite::Result<()> {
        if !has_raw_pages(db)? {
            db.execute_batch("VACUUM; DELETE FROM trace")?;
            return Ok(());
        }
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        match pages_in_log(&beside(path, "-wal")) {
            Ok(Some(pages)) if self.swept => wipe_gaps_of(&transaction, pages)?,
            Ok(_) | Err(_) => {
                let last: u32 = transaction.pragma_query_value(None, "page_count", |row| row.get(0))?;
                wipe_gaps_of(&transaction, 1..=last)?;
            }
        }
        transaction.execute("DELETE FROM trace", [])?;
        transaction.commit()?;
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

fn has_raw_pages(db: &Connection) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT EXISTS (SELECT * FROM pragma_module_list WHERE name = 'sqlite_dbpage')")?
        .query_row([], |row| row.get(0))
}

/// The pages that the log has, if that is all that were written since it was last emptied.
fn pages_in_log(log: &Path) -> io::Result<Option<BTreeSet<u32>>> {
    let file = File::open(log)?;
    if file.metadata()?.len() >= LOG_UNBROKEN {
        return Ok(None);
    }
    let mut log = BufReader::new(file);
    io::copy(&mut log.by_ref().take(LOG_HEADER), &mut io::sink())?;
    let mut pages = BTreeSet::new();
    let mut number = [0; 4];
    loop {
        match log.read_exact(&mut number) {
            Ok(()) => pages.insert(u32::from_be_bytes(number)),
            Err(end) if end.kind() == io::ErrorKind::UnexpectedEof => return Ok(Some(pages)),
            Err(error) => return Err(error),
        };
        // A page that was rolled back may be named too, which does no harm.
        log.seek_relative((FRAME_HEADER - 4 + PAGE).cast_signed())?;
    }
}

fn wipe_gaps_of(db: &Connection, pages: impl IntoIterator<Item = u32>) -> rusqlite::Result<()> {
    let mut read = db.prepare_cached("SELECT data FROM sqlite_dbpage WHERE pgno = ?")?;
    let mut write = db.prepare_cached("UPDATE sqlite_dbpage SET data = ?2 WHERE pgno = ?1")?;
    for number in pages {
        let mut rows = read.query([number])?;
        let Some(row) = rows.next()? else {
            continue;
        };
        let page = row.get_ref(0)?.as_blob()?;
        let gap = gap(number, page);
        if page[gap.clone()].iter().all(|byte| *byte == 0) {
            continue;
        }
        let mut page = page.to_vec();
        drop(rows);
        page[gap].fill(0);
        write.execute((number, page))?;
    }
    Ok(())
}

/// Where a page of a tree has neither cell pointers nor cells (sqlite.org/fileformat2.html, section 1.6); empty for any
/// other page.
fn gap(number: u32, page: &[u8]) -> Range<usize> {
    // The first page begins with the database's header.
    let header = if number == 1 { 100 } else { 0 };
    let at = |offset: usize| usize::from(u16::from_be_bytes([page[header + offset], page[header + offset + 1]]));
    // Other pages begin with the number of one, so with a zero in any database of less than 64 GiB.
    let pointers = match page[header] {
        2 | 5 => header + 12,
        10 | 13 => header + 8,
        _ => return 0..0,
    };
    let (start, end) = (pointers + 2 * at(3), at(5));
    if start < end && end <= page.len() {
        start..end
    } else {
        0..0
    }
}
