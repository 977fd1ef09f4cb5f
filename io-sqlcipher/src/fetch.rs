//! The cold rows that the protocol asks for: messages by name, and those whose time is up.

use rusqlite::{Connection, Row};
use sotto_core::row::{DeliveryRow, MessageKey, MessageRow, MessageWithDelivery, Query, Rows};
use sotto_core::{EventSeq, Wall};

use crate::code::{Code, Columns, ordered};
use crate::peer::Peers;

/// Answers a query.
pub(crate) fn fetch(db: &Connection, peers: &mut Peers, query: &Query) -> rusqlite::Result<Rows> {
    let messages = match query {
        Query::Messages(keys) => by_key(db, peers, keys)?,
        Query::Disappearing { until, limit } => disappearing(db, peers, *until, *limit)?,
    };
    let next_disappearance = next_disappearance(db, peers, &messages)?;
    Ok(Rows {
        messages,
        next_disappearance,
    })
}

/// The columns of `message` that [`message`] reads, in its order. A macro, so that statements stay literals.
macro_rules! message_columns {
    () => {
        "message.contact, message.direction, message.id, message.ordinal, message.text, message.content_type, \
         message.thread, message.reply_to, message.ttl, message.sent_at, message.at, message.edited_at, \
         message.deleted_at, message.state, message.state_at, message.disappears_at"
    };
}
pub(crate) use message_columns;

/// How many columns that is.
pub(crate) const MESSAGE_COLUMNS: usize = 16;

/// A message and its delivery, of a row that begins with the message columns.
pub(crate) fn message(db: &Connection, peers: &mut Peers, row: &Row<'_>) -> rusqlite::Result<MessageWithDelivery> {
    let key = message_key(db, peers, row)?;
    let message = MessageRow {
        key,
        order: EventSeq(row.u64(3)?),
        text: row.get(4)?,
        content_type: row.code(5)?,
        thread: row.get(6)?,
        reply_to: row.maybe_id(7)?,
        ttl: row.get(8)?,
        sent_at: row.wall(9)?,
        at: row.wall(10)?,
        edited_at: row.maybe_wall(11)?,
        deleted_at: row.maybe_wall(12)?,
    };
    let delivery = match row.maybe_code(13)? {
        Some(state) => Some(DeliveryRow {
            key,
            state,
            at: row.wall(14)?,
            disappears_at: row.maybe_wall(15)?,
        }),
        None => None,
    };
    Ok(MessageWithDelivery { message, delivery })
}

fn message_key(db: &Connection, peers: &mut Peers, row: &Row<'_>) -> rusqlite::Result<MessageKey> {
    Ok(MessageKey {
        contact: peers.address(db, row.get(0)?)?,
        direction: row.code(1)?,
        id: row.id(2)?,
    })
}

fn by_key(db: &Connection, peers: &mut Peers, keys: &[MessageKey]) -> rusqlite::Result<Vec<MessageWithDelivery>> {
    let mut statement = db.prepare_cached(concat!(
        "SELECT ",
        message_columns!(),
        " FROM message WHERE id = ? AND contact = ? AND direction = ?"
    ))?;
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        let Some(contact) = peers.find(db, &key.contact)? else {
            continue;
        };
        let mut rows = statement.query((key.id.0, contact, key.direction.code()))?;
        if let Some(row) = rows.next()? {
            found.push(message(db, peers, row)?);
        }
    }
    Ok(found)
}

fn disappearing(
    db: &Connection,
    peers: &mut Peers,
    until: Wall,
    limit: u32,
) -> rusqlite::Result<Vec<MessageWithDelivery>> {
    let mut statement = db.prepare_cached(concat!(
        "SELECT ",
        message_columns!(),
        " FROM message JOIN peer ON peer.number = contact WHERE disappears_at <= ? \
         ORDER BY disappears_at, address, direction, id LIMIT ?"
    ))?;
    let mut rows = statement.query((ordered(until), limit))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(message(db, peers, row)?);
    }
    Ok(found)
}

/// The earliest disappearance of a message that is not among `taken`. What is taken is mostly what comes first in the
/// index, so the walk ends soon after it.
fn next_disappearance(
    db: &Connection,
    peers: &mut Peers,
    taken: &[MessageWithDelivery],
) -> rusqlite::Result<Option<Wall>> {
    let mut taken: Vec<MessageKey> = taken.iter().map(|found| found.message.key).collect();
    taken.sort_unstable();
    let mut statement = db.prepare_cached(
        "SELECT contact, direction, id, disappears_at FROM message \
         WHERE disappears_at IS NOT NULL ORDER BY disappears_at",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if taken.binary_search(&message_key(db, peers, row)?).is_err() {
            return Ok(Some(row.wall(3)?));
        }
    }
    Ok(None)
}
