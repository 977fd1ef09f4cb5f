//! Conversations and the threads within them. Both counts come from indexes that hold all they need, so that a list of
//! threads does not read the messages.

use std::collections::BTreeMap;

use rusqlite::{Params, Row};
use sotto_core::{ConversationId, Wall};

use super::contacts::Who;
use super::{Reader, Snapshot};
use crate::StoreError;
use crate::code::{Columns, of};
use crate::sanitise;

/// One thread of one conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadView {
    /// The conversation that it is in.
    pub conversation: ConversationId,
    /// The peer of a direct conversation; `None` for other kinds.
    pub peer: Option<Who>,
    /// Its name; `None` for what is in no thread.
    pub thread: Option<String>,
    /// How many messages it holds.
    pub messages: u64,
    /// How many of them are of other authors and were not read here.
    pub unread: u64,
    /// Our clock when its last message was queued or received.
    pub last_at: Wall,
}

/// A conversation's number and a thread's name.
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
            let mut threads: Vec<(Name, Counts)> = count(at)?.into_iter().collect();
            threads.sort_unstable_by_key(|(_, counts)| std::cmp::Reverse(counts.last));
            threads.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            let mut last_at = at.db.prepare_cached("SELECT at FROM message WHERE number = ?")?;
            let views = threads.into_iter().map(|((conversation, thread), counts)| {
                Ok(ThreadView {
                    conversation: at.numbers.conversation(at.db, conversation)?,
                    peer: at.peer_of(conversation)?,
                    thread,
                    messages: counts.messages,
                    unread: counts.unread,
                    last_at: last_at.query_row([counts.last], |row| of("message", row, row.wall(0)))?,
                })
            });
            views.collect()
        })
    }
}

fn count(at: &Snapshot<'_>) -> rusqlite::Result<BTreeMap<Name, Counts>> {
    let mut threads = BTreeMap::<Name, Counts>::new();
    for_each(
        at,
        "SELECT conversation, thread, number FROM message INDEXED BY conversation_order",
        [],
        |name, number| {
            let first = Counts {
                last: number,
                ..Counts::default()
            };
            let counts = threads.entry(name).or_insert(first);
            counts.messages += 1;
            counts.last = counts.last.max(number);
        },
    )?;
    for_each(
        at,
        "SELECT conversation, thread, number FROM message INDEXED BY unread \
         WHERE author IS NOT ? AND state IS NULL AND deleted_at IS NULL",
        [at.own()?],
        |name, _| threads.entry(name).or_default().unread += 1,
    )?;
    Ok(threads)
}

fn for_each(
    at: &Snapshot<'_>,
    sql: &str,
    parameters: impl Params,
    mut each: impl FnMut(Name, i64),
) -> rusqlite::Result<()> {
    let mut statement = at.db.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    while let Some(row) = rows.next()? {
        let (conversation, thread, number): (i64, Option<String>, i64) = of("message", row, columns(row))?;
        // Two names that look the same are the same to a reader.
        each((conversation, thread.map(sanitise::line)), number);
    }
    Ok(())
}

fn columns(row: &Row<'_>) -> rusqlite::Result<(i64, Option<String>, i64)> {
    row.try_into()
}
