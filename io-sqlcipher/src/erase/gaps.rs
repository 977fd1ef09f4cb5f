//! Gaps in pages. When SQLite balances a tree it moves rows to a neighbouring page, and may leave copies of them in the gap
//! between the old page's cell pointers and its cells, which no later delete reaches. The gaps are filled with zeros, by
//! `sqlite_dbpage`. A SQLite that was built without it rebuilds the whole database instead, which takes much longer.
//!
//! A gap can only come about on a page that was written, and the log names every such page until it is emptied. So after a
//! first look at the whole database, it is enough to look at the pages in the log.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::open::{LOG_PAGES, PAGE};

/// The log's header, and that of each page in it (sqlite.org/fileformat2.html, section 4.1).
const LOG_HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;

/// From this length on SQLite may have moved the log into the database by itself, and begun anew.
const LOG_UNBROKEN: u64 = LOG_HEADER + LOG_PAGES * (FRAME_HEADER + PAGE);

/// Wipes every gap, and takes the note of it away; `swept` says that those of pages outside the log are known to be empty.
pub(super) fn wipe(db: &mut Connection, log: &Path, swept: bool) -> rusqlite::Result<()> {
    if !has_raw_pages(db)? {
        return db.execute_batch("VACUUM; DELETE FROM trace");
    }
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match pages_in_log(log) {
        Ok(Some(pages)) if swept => wipe_pages(&transaction, pages)?,
        Ok(_) | Err(_) => {
            let last: u32 = transaction.pragma_query_value(None, "page_count", |row| row.get(0))?;
            wipe_pages(&transaction, 1..=last)?;
        }
    }
    transaction.execute("DELETE FROM trace", [])?;
    transaction.commit()
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

fn wipe_pages(db: &Connection, pages: impl IntoIterator<Item = u32>) -> rusqlite::Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_lies_between_pointers_and_cells() {
        let mut page = vec![0; 4016];
        // A leaf of a table: two cells, their content from 4000 on.
        page[..8].copy_from_slice(&[13, 0, 0, 0, 2, 0x0f, 0xa0, 0]);
        assert_eq!(gap(2, &page), 12..4000);
        page[0] = 5;
        assert_eq!(gap(2, &page), 16..4000, "an inner page has four bytes more");
        page.copy_within(0..8, 100);
        assert_eq!(gap(1, &page), 116..4000, "the first page has the database's header");
        page[0] = 0;
        assert_eq!(gap(2, &page), 0..0, "a page of no tree");
        page[..8].copy_from_slice(&[10, 0, 0, 1, 0, 0x02, 0x00, 0]);
        assert_eq!(gap(2, &page), 0..0, "more pointers than there is room");
        page[..8].copy_from_slice(&[10, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(gap(2, &page), 0..0, "content that begins at 65536");
    }
}
