//! [`Tail`]: the newest messages, which are not in the indexes by key and by word yet.
//!
//! Ids are random, so an index of them that takes in each message as it comes writes a page of its own for each one of a
//! burst; and the word index writes a segment for each commit, which it merges with others again and again. Instead a
//! message is at first only in its own row, and its key in memory: it is in the *tail*. When many are there, all of them are
//! taken into an index at once, in the transaction of the batch that made them many: first into that of words (then they are
//! *settled*), and later into that of keys (then they are *named*). Which messages are, is told by their number.
//! What is deleted before has never been in an index. (The idea is that of the log-structured merge tree, O'Neil et
//! al., 1996, with two levels.)

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row};
use sotto_core::MessageId;
use sotto_core::row::MessageKey;

use crate::code::{Columns, of};
use crate::number::Numbers;

/// Messages that are not settled from which on they are. A search has to look for its words in all of them.
const MANY: usize = 512;

/// Bytes of their texts from which on they are, too.
const LONG: usize = 256 * 1024;

/// Messages that are not named from which on they are. The first commit after opening reads as many, and so does a reader
/// that looks for a key. The index's pages are then written, all of them if it is small.
const MANY_KEYS: usize = 2048;

const INSERT_NAME: &str = "INSERT INTO name (conversation, author, id, number) VALUES (?, ?, ?, ?)";

/// A message's key, by numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    pub conversation: i64,
    pub author: i64,
    pub id: MessageId,
}

impl Name {
    /// Of that key; none if no row has ever named its conversation or author.
    pub fn of(db: &Connection, numbers: &mut Numbers, key: &MessageKey) -> rusqlite::Result<Option<Self>> {
        let Some(conversation) = numbers.find(db, &key.conversation)? else {
            return Ok(None);
        };
        let author = numbers.find_peer(db, &key.author)?;
        Ok(author.map(|author| Self {
            conversation,
            author,
            id: key.id,
        }))
    }

    fn parameters(&self) -> (i64, i64, [u8; 16]) {
        (self.conversation, self.author, self.id.0)
    }
}

/// The tail and the row of table `mark`, at one moment. On the connection that writes, at every moment.
pub(crate) struct Tail {
    keys: BTreeMap<Name, i64>,
    /// Messages that are not settled.
    unsettled: usize,
    /// Bytes of text written since the last settling.
    bytes: usize,
    /// The highest number of a message.
    last: i64,
    mark: Mark,
    /// As it is in the database.
    written: Mark,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Mark {
    settled: i64,
    named: i64,
    dropped: i64,
}

impl Tail {
    /// The one at hand, or else read now.
    pub fn loaded<'t>(tail: &'t mut Option<Self>, db: &Connection) -> rusqlite::Result<&'t mut Self> {
        match tail {
            Some(tail) => Ok(tail),
            none => Ok(none.insert(Self::load(db)?)),
        }
    }

    fn load(db: &Connection) -> rusqlite::Result<Self> {
        let mark = db
            .prepare_cached("SELECT settled, named, dropped FROM mark")?
            .query_row([], |row| of("mark", row, mark(row)))?;
        let mut tail = Self {
            keys: BTreeMap::new(),
            unsettled: 0,
            bytes: 0,
            last: mark.settled.max(mark.named),
            mark,
            written: mark,
        };
        let mut statement = db.prepare_cached(
            "SELECT conversation, author, id, number, octet_length(text) AS text FROM message WHERE number > ? ORDER BY number",
        )?;
        let mut rows = statement.query([mark.settled.min(mark.named)])?;
        while let Some(row) = rows.next()? {
            let (name, number, bytes) = of("message", row, unsettled(row))?;
            if !tail.is_named(number) {
                tail.keys.insert(name, number);
            }
            if !tail.is_settled(number) {
                tail.unsettled += 1;
                tail.bytes = tail.bytes.saturating_add(bytes);
            }
            tail.last = tail.last.max(number);
        }
        Ok(tail)
    }

    /// The number of the message with that key.
    pub fn find(&self, db: &Connection, name: &Name) -> rusqlite::Result<Option<i64>> {
        if let Some(number) = self.keys.get(name) {
            return Ok(Some(*number));
        }
        db.prepare_cached("SELECT number FROM name WHERE conversation = ? AND author = ? AND id = ?")?
            .query_row(name.parameters(), |row| of("name", row, row.get(0)))
            .optional()
    }

    /// The numbers of the messages with an id in that range, in every conversation: of each author at most so many, because an
    /// author can choose ids without end that begin like another author's.
    pub fn range(
        &self,
        db: &Connection,
        first: MessageId,
        last: MessageId,
        of_each: usize,
    ) -> rusqlite::Result<Vec<i64>> {
        let mut conversations = db.prepare_cached("SELECT number FROM conversation")?;
        let mut conversations = conversations.query([])?;
        let mut found = Vec::new();
        while let Some(row) = conversations.next()? {
            found.extend(self.range_within(db, row.get(0)?, first, last, of_each)?);
        }
        Ok(found)
    }

    /// The same, in one conversation.
    fn range_within(
        &self,
        db: &Connection,
        conversation: i64,
        first: MessageId,
        last: MessageId,
        of_each: usize,
    ) -> rusqlite::Result<Vec<i64>> {
        // The ids of each author are in order. Each author is found from the one before.
        let mut statement = db.prepare_cached(
            "WITH RECURSIVE authors (author) AS (
                 SELECT min(author) FROM name WHERE conversation = ?1
                 UNION ALL
                 SELECT (SELECT min(name.author) FROM name WHERE conversation = ?1 AND name.author > authors.author)
                 FROM authors WHERE authors.author IS NOT NULL
             )
             SELECT author, number FROM authors CROSS JOIN name USING (author)
             WHERE name.conversation = ?1 AND name.id IN (
                 SELECT id FROM name AS own
                 WHERE own.conversation = ?1 AND own.author = authors.author AND own.id BETWEEN ?2 AND ?3 LIMIT ?4
             )",
        )?;
        let limit = i64::try_from(of_each).unwrap_or(i64::MAX);
        let settled = statement.query_map((conversation, first.0, last.0, limit), |row| {
            Ok((of("name", row, row.get(0))?, of("name", row, row.get(1))?))
        })?;
        let within = |name: &Name| name.conversation == conversation && (first..=last).contains(&name.id);
        let fresh = self.keys.iter().filter(|(name, _)| within(name));
        let mut counts = BTreeMap::<i64, usize>::new();
        let mut found = Vec::new();
        for one in fresh.map(|(name, number)| Ok((name.author, *number))).chain(settled) {
            let (author, number): (i64, i64) = one?;
            let count = counts.entry(author).or_default();
            *count += 1;
            if *count <= of_each {
                found.push(number);
            }
        }
        Ok(found)
    }

    /// Whether that message is in the index of words.
    pub const fn is_settled(&self, number: i64) -> bool {
        number <= self.mark.settled
    }

    /// Whether that message is in the index of keys.
    const fn is_named(&self, number: i64) -> bool {
        number <= self.mark.named
    }

    /// The highest number of a message that there is or was at the last settling.
    pub const fn last(&self) -> i64 {
        self.last
    }

    /// Whether the event of that number has been dropped, in its turn, from the log.
    pub const fn is_dropped(&self, seq: i64) -> bool {
        seq <= self.mark.dropped
    }

    /// The event of that number is not in the log any more.
    pub fn drop_event(&mut self, seq: i64) {
        if self.mark.dropped.checked_add(1) == Some(seq) {
            self.mark.dropped = seq;
        }
    }

    /// A message was written.
    pub fn insert(&mut self, db: &Connection, name: Name, number: i64, text: &str) -> rusqlite::Result<()> {
        self.last = self.last.max(number);
        if self.is_named(number) {
            let (conversation, author, id) = name.parameters();
            db.prepare_cached(INSERT_NAME)?
                .execute((conversation, author, id, number))?;
        } else {
            self.keys.insert(name, number);
        }
        if self.is_settled(number) {
            return index(db, &name, number, text);
        }
        self.unsettled += 1;
        self.bytes = self.bytes.saturating_add(text.len());
        Ok(())
    }

    /// A message's text was replaced.
    pub fn replace(&mut self, db: &Connection, name: &Name, number: i64, old: &str, new: &str) -> rusqlite::Result<()> {
        if self.is_settled(number) {
            unindex(db, name, number, old)?;
            return index(db, name, number, new);
        }
        self.bytes = self.bytes.saturating_add(new.len());
        Ok(())
    }

    /// A message is being deleted.
    pub fn remove(&mut self, db: &Connection, name: &Name, number: i64, text: &str) -> rusqlite::Result<()> {
        if self.is_settled(number) {
            unindex(db, name, number, text)?;
        } else {
            self.unsettled = self.unsettled.saturating_sub(1);
        }
        if self.is_named(number) {
            db.prepare_cached("DELETE FROM name WHERE conversation = ? AND author = ? AND id = ?")?
                .execute(name.parameters())?;
        } else {
            self.keys.remove(name);
        }
        Ok(())
    }

    /// The end of a batch: takes what is not in the indexes into them if it is much, and writes the marks if they have moved.
    pub fn finish(&mut self, db: &Connection) -> rusqlite::Result<()> {
        if self.keys.len() >= MANY_KEYS {
            // In the order of the index, so that each of its pages is looked up once.
            let mut insert = db.prepare_cached(INSERT_NAME)?;
            for (name, number) in std::mem::take(&mut self.keys) {
                let (conversation, author, id) = name.parameters();
                insert.execute((conversation, author, id, number))?;
            }
            self.mark.named = self.last;
        }
        if self.unsettled >= MANY || self.bytes >= LONG {
            // One statement, so one segment of the index.
            db.prepare_cached(
                "INSERT INTO word (rowid, text, conversation) SELECT number, words(text), conversation FROM message \
                 WHERE number > ? ORDER BY number",
            )?
            .execute([self.mark.settled])?;
            self.mark.settled = self.last;
            self.unsettled = 0;
            self.bytes = 0;
        }
        if self.mark != self.written {
            self.written = self.mark;
            db.prepare_cached("UPDATE mark SET settled = ?, named = ?, dropped = ?")?
                .execute((self.mark.settled, self.mark.named, self.mark.dropped))?;
        }
        Ok(())
    }
}

/// The number up to which messages are in the index of words, if there is any after it.
pub(crate) fn settled_before_others(db: &Connection) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached("SELECT settled FROM mark WHERE EXISTS (SELECT * FROM message WHERE number > settled)")?
        .query_row([], |row| of("mark", row, row.get(0)))
        .optional()
}

/// Also of an empty text: the index has a row for each message, as FTS5 would build it anew.
fn index(db: &Connection, name: &Name, number: i64, text: &str) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT INTO word (rowid, text, conversation) VALUES (?, words(?), ?)")?
        .execute((number, text, name.conversation))?;
    Ok(())
}

/// The index keeps no copy, so it has to be told what to take out.
fn unindex(db: &Connection, name: &Name, number: i64, text: &str) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT INTO word (word, rowid, text, conversation) VALUES ('delete', ?, words(?), ?)")?
        .execute((number, text, name.conversation))?;
    Ok(())
}

fn mark(row: &Row<'_>) -> rusqlite::Result<Mark> {
    Ok(Mark {
        settled: row.get(0)?,
        named: row.get(1)?,
        dropped: row.get(2)?,
    })
}

fn unsettled(row: &Row<'_>) -> rusqlite::Result<(Name, i64, usize)> {
    let name = Name {
        conversation: row.get(0)?,
        author: row.get(1)?,
        id: row.id(2)?,
    };
    let bytes: u32 = row.get(4)?;
    Ok((name, row.get(3)?, usize::try_from(bytes).unwrap_or(usize::MAX)))
}
