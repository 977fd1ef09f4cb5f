//! From a message's name to its number.
//!
//! Ids are random, so an index of them that takes in each message as it comes writes a page of its own for each one of a
//! burst. Instead a message's name is at first only in its row, and in memory: it is *fresh*. A thousand fresh names are
//! then settled together, in their order, into the table `name`, so that a page takes in many at a time. Which names are
//! settled is told by the number of their message. (The idea is that of the log-structured merge tree, O'Neil et al.,
//! 1996, with two levels.)

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row};
use sotto_core::row::MessageKey;
use sotto_core::{ConversationId, Direction, MessageId};

use crate::code::{Code, Columns, of};
use crate::peer::Peers;
use crate::side;

/// Fresh names from which on they are settled. Opening reads as many, and so does whoever looks for a name on a connection
/// that does not write.
const MANY: usize = 1024;

/// A message's key, the contact by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    pub contact: i64,
    pub direction: Direction,
    pub id: MessageId,
}

impl Name {
    /// The name of that key; none if no row has ever named the contact.
    pub fn of(db: &Connection, peers: &mut Peers, key: &MessageKey) -> rusqlite::Result<Option<Self>> {
        let ConversationId::Direct(contact) = key.conversation else {
            return Ok(None);
        };
        let direction = side::direction(&contact, &key.author);
        if direction == Direction::Out && peers.own(db)? != Some(key.author) {
            return Ok(None);
        }
        let contact = peers.find(db, &contact)?;
        Ok(contact.map(|contact| Self {
            contact,
            direction,
            id: key.id,
        }))
    }

    fn parameters(&self) -> (i64, i64, [u8; 16]) {
        (self.contact, self.direction.code(), self.id.0)
    }
}

/// The names of one moment. On the connection that writes, of every moment.
pub(crate) struct Names {
    fresh: BTreeMap<Name, i64>,
    /// Above the number of every message that there was at the last settling, and that there is.
    next: i64,
}

impl Names {
    /// Those at hand, or else read now.
    pub fn loaded<'n>(names: &'n mut Option<Self>, db: &Connection) -> rusqlite::Result<&'n mut Self> {
        match names {
            Some(names) => Ok(names),
            none => Ok(none.insert(Self::load(db)?)),
        }
    }

    fn load(db: &Connection) -> rusqlite::Result<Self> {
        let settled: i64 = db
            .prepare_cached("SELECT number FROM settled")?
            .query_row([], |row| of("settled", row, row.get(0)))?;
        let mut statement = db.prepare_cached("SELECT contact, direction, id, number FROM message WHERE number > ?")?;
        let mut rows = statement.query([settled])?;
        let mut names = Self {
            fresh: BTreeMap::new(),
            next: settled.saturating_add(1),
        };
        while let Some(row) = rows.next()? {
            let (name, number) = of("message", row, fresh(row))?;
            names.insert(name, number);
        }
        Ok(names)
    }

    /// The number of the message with that name.
    pub fn find(&self, db: &Connection, name: &Name) -> rusqlite::Result<Option<i64>> {
        if let Some(number) = self.fresh.get(name) {
            return Ok(Some(*number));
        }
        db.prepare_cached("SELECT number FROM name WHERE contact = ? AND direction = ? AND id = ?")?
            .query_row(name.parameters(), |row| of("name", row, row.get(0)))
            .optional()
    }

    /// The numbers of at most `limit` messages with an id in that range, in any conversation.
    pub fn range(
        &self,
        db: &Connection,
        first: MessageId,
        last: MessageId,
        limit: usize,
    ) -> rusqlite::Result<Vec<i64>> {
        let mut statement = db.prepare_cached(
            "SELECT number FROM name WHERE contact IN (SELECT number FROM peer) AND direction IN (0, 1) \
             AND id BETWEEN ? AND ?",
        )?;
        let settled = statement.query_map((first.0, last.0), |row| of("name", row, row.get(0)))?;
        let fresh = self.fresh.iter().filter(|(name, _)| (first..=last).contains(&name.id));
        fresh
            .map(|(_, number)| Ok(*number))
            .chain(settled)
            .take(limit)
            .collect()
    }

    /// The number that the next message gets.
    pub const fn next(&self) -> i64 {
        self.next
    }

    /// A message was written.
    pub fn insert(&mut self, name: Name, number: i64) {
        self.fresh.insert(name, number);
        // The last number there is cannot be given twice: the second message with it would be refused.
        self.next = self.next.max(number.saturating_add(1));
    }

    /// A message was deleted.
    pub fn remove(&mut self, db: &Connection, name: &Name) -> rusqlite::Result<()> {
        if self.fresh.remove(name).is_none() {
            db.prepare_cached("DELETE FROM name WHERE contact = ? AND direction = ? AND id = ?")?
                .execute(name.parameters())?;
        }
        Ok(())
    }

    /// Settles the fresh names, if they are many.
    pub fn settle(&mut self, db: &Connection) -> rusqlite::Result<()> {
        if self.fresh.len() < MANY {
            return Ok(());
        }
        db.execute(
            "INSERT INTO name (contact, direction, id, number) SELECT contact, direction, id, number FROM message \
             WHERE number > (SELECT number FROM settled) ORDER BY contact, direction, id",
            [],
        )?;
        db.execute("UPDATE settled SET number = ?", [self.next - 1])?;
        self.fresh.clear();
        Ok(())
    }
}

fn fresh(row: &Row<'_>) -> rusqlite::Result<(Name, i64)> {
    let name = Name {
        contact: row.get(0)?,
        direction: row.code(1)?,
        id: row.id(2)?,
    };
    Ok((name, row.get(3)?))
}
