//! Conversations and the threads within them. Both counts come from indexes that hold all they need, so that a list of
//! threads does not read the messages.

use std::collections::BTreeMap;

use rusqlite::Connection;
use sotto_core::Wall;

use super::Reader;
use super::contacts::Who;
use crate::StoreError;
use crate::code::{Columns, of};
use crate::sanitise;

/// One thread of one conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadView {
    /// With whom.
    pub who: Who,
    /// Its name; `None` for what is in no thread.
    pub thread: Option<String>,
    /// How many messages it holds.
    pub messages: u64,
    /// How many of them came in and were not read here.
    pub unread: u64,
    /// Our clock when its last message was queued or received.
    pub last_at: Wall,
}

/// A contact's number and a thread's name.
type Name = (i64, Option<String>);

#[derive(Default)]
struct Counts {
    messages: u64,
    unread: u64,
    last: i64,
}

impl Reader {
    /// The `limit` threads that were used last, the most recent first. Each conversation has one more entry, for what is
    /// in no thread, if there is any.
    pub fn threads(&self, limit: u32) -> Result<Vec<ThreadView>, StoreError> {
        self.read(|at| {
            let mut threads: Vec<(Name, Counts)> = count(at.db)?.into_iter().collect();
            threads.sort_unstable_by_key(|(_, counts)| std::cmp::Reverse(counts.last));
            threads.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            let mut last_at = at
                .db
                .prepare_cached("SELECT max(at) AS at FROM message WHERE contact = ? AND ordinal = ?")?;
            threads
                .into_iter()
                .map(|((contact, thread), counts)| {
                    Ok(ThreadView {
                        who: at.who(contact)?,
                        thread,
                        messages: counts.messages,
                        unread: counts.unread,
                        last_at: last_at.query_row((contact, counts.last), |row| of("message", row, row.wall(0)))?,
                    })
                })
                .collect()
        })
    }
}

fn count(db: &Connection) -> rusqlite::Result<BTreeMap<Name, Counts>> {
    let mut threads = BTreeMap::<Name, Counts>::new();
    for_each(
        db,
        "SELECT contact, thread, ordinal FROM message INDEXED BY conversation",
        |name, ordinal| {
            let first = Counts {
                last: ordinal,
                ..Counts::default()
            };
            let counts = threads.entry(name).or_insert(first);
            counts.messages += 1;
            counts.last = counts.last.max(ordinal);
        },
    )?;
    for_each(
        db,
        "SELECT contact, thread, ordinal FROM message INDEXED BY unread \
         WHERE direction = 0 AND state IS NOT 3 AND deleted_at IS NULL",
        |name, _| threads.entry(name).or_default().unread += 1,
    )?;
    Ok(threads)
}

fn for_each(db: &Connection, sql: &str, mut each: impl FnMut(Name, i64)) -> rusqlite::Result<()> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (contact, thread, ordinal): (i64, Option<String>, i64) = of("message", row, row.try_into())?;
        // Two names that look the same are the same to a reader.
        each((contact, thread.map(sanitise::line)), ordinal);
    }
    Ok(())
}
