//! The cold rows that the protocol asks for: messages by name, and those whose time is up.

use rusqlite::Connection;
use sotto_core::row::{MessageKey, MessageWithDelivery, Query, Rows};
use sotto_core::{ConversationId, Limits, OnionAddress, Wall};

use crate::code::{Columns, of, ordered};
use crate::message::{message, message_columns, message_key};
use crate::number::Numbers;
use crate::tail::{Name, Tail};

/// Answers a query.
pub(crate) fn fetch(db: &Connection, numbers: &mut Numbers, tail: &Tail, query: &Query) -> rusqlite::Result<Rows> {
    let messages = match query {
        Query::Messages(keys) => by_key(db, numbers, tail, keys)?,
        Query::Disappearing { until, limit } => disappearing(db, numbers, *until, *limit)?,
        Query::StoredBytes { .. } => Vec::new(),
    };
    let stored_bytes = match query {
        Query::StoredBytes { conversation, author } => stored_bytes(db, numbers, conversation, author)?,
        Query::Messages(_) | Query::Disappearing { .. } => 0,
    };
    let next_disappearance = next_disappearance(db, numbers, &messages)?;
    Ok(Rows {
        messages,
        next_disappearance,
        stored_bytes,
    })
}

/// The length of a text is read without the pages that a long one fills.
fn stored_bytes(
    db: &Connection,
    numbers: &mut Numbers,
    conversation: &ConversationId,
    author: &OnionAddress,
) -> rusqlite::Result<u64> {
    let conversation = numbers.find(db, conversation)?;
    let author = numbers.find_peer(db, author)?;
    let (messages, bytes) = db
        .prepare_cached(
            "SELECT count(*), coalesce(sum(octet_length(text)), 0) FROM message WHERE conversation = ? AND author = ?",
        )?
        .query_row((conversation, author), |row| {
            Ok((of("message", row, row.u64(0))?, of("message", row, row.u64(1))?))
        })?;
    Ok(messages.saturating_mul(Limits::MESSAGE_BYTES).saturating_add(bytes))
}

fn by_key(
    db: &Connection,
    numbers: &mut Numbers,
    tail: &Tail,
    keys: &[MessageKey],
) -> rusqlite::Result<Vec<MessageWithDelivery>> {
    let mut statement = db.prepare_cached(concat!("SELECT ", message_columns!(), " FROM message WHERE number = ?"))?;
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        let Some(name) = Name::of(db, numbers, key)? else {
            continue;
        };
        let Some(number) = tail.find(db, &name)? else {
            continue;
        };
        let mut rows = statement.query([number])?;
        if let Some(row) = rows.next()? {
            found.push(message(db, numbers, row)?);
        }
    }
    Ok(found)
}

fn disappearing(
    db: &Connection,
    numbers: &mut Numbers,
    until: Wall,
    limit: u32,
) -> rusqlite::Result<Vec<MessageWithDelivery>> {
    let mut statement = db.prepare_cached(concat!(
        "SELECT ",
        message_columns!(),
        " FROM message LEFT JOIN conversation ON conversation.number = message.conversation \
         LEFT JOIN conversation AS peer ON peer.number = message.author WHERE disappears_at <= ? \
         ORDER BY disappears_at, conversation.kind, conversation.id, peer.id, message.id LIMIT ?"
    ))?;
    let mut rows = statement.query((ordered(until.0), limit))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(message(db, numbers, row)?);
    }
    Ok(found)
}

/// The earliest disappearance of a message that is not among `taken`. What is taken is mostly what comes first in the
/// index, so the walk ends soon after it.
fn next_disappearance(
    db: &Connection,
    numbers: &mut Numbers,
    taken: &[MessageWithDelivery],
) -> rusqlite::Result<Option<Wall>> {
    let mut taken: Vec<MessageKey> = taken.iter().map(|found| found.message.key).collect();
    taken.sort_unstable();
    let mut statement = db.prepare_cached(
        "SELECT conversation, author, id, disappears_at FROM message \
         WHERE disappears_at IS NOT NULL ORDER BY disappears_at",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if taken.binary_search(&message_key(db, numbers, row)?).is_err() {
            return of("message", row, row.wall(3)).map(Some);
        }
    }
    Ok(None)
}
