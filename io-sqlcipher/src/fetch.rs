//! The cold rows that the protocol asks for: messages by name, and those whose time is up.

use rusqlite::Connection;
use sotto_core::Wall;
use sotto_core::row::{MessageKey, MessageWithDelivery, Query, Rows};

use crate::code::{Columns, of, ordered};
use crate::message::{message, message_columns, message_key};
use crate::name::{Name, Names};
use crate::peer::Peers;

/// Answers a query.
pub(crate) fn fetch(db: &Connection, peers: &mut Peers, names: &Names, query: &Query) -> rusqlite::Result<Rows> {
    let messages = match query {
        Query::Messages(keys) => by_key(db, peers, names, keys)?,
        Query::Disappearing { until, limit } => disappearing(db, peers, *until, *limit)?,
    };
    let next_disappearance = next_disappearance(db, peers, &messages)?;
    Ok(Rows {
        messages,
        next_disappearance,
    })
}

fn by_key(
    db: &Connection,
    peers: &mut Peers,
    names: &Names,
    keys: &[MessageKey],
) -> rusqlite::Result<Vec<MessageWithDelivery>> {
    let mut statement = db.prepare_cached(concat!("SELECT ", message_columns!(), " FROM message WHERE number = ?"))?;
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        let Some(name) = Name::of(db, peers, key)? else {
            continue;
        };
        let Some(number) = names.find(db, &name)? else {
            continue;
        };
        let mut rows = statement.query([number])?;
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
        " FROM message LEFT JOIN peer ON peer.number = contact WHERE disappears_at <= ? \
         ORDER BY disappears_at, address, direction, id LIMIT ?"
    ))?;
    let mut rows = statement.query((ordered(until.0), limit))?;
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
            return of("message", row, row.wall(3)).map(Some);
        }
    }
    Ok(None)
}
