//! A message as columns: what core asks for and what people read begin with the same ones.

use rusqlite::{Connection, Row};
use sotto_core::EventSeq;
use sotto_core::row::{DeliveryRow, MessageKey, MessageRow, MessageWithDelivery};

use crate::code::{Columns, of};
use crate::number::Numbers;

/// The columns of `message` that [`message`] reads, in its order. A macro, so that statements stay literals.
macro_rules! message_columns {
    () => {
        "message.conversation, message.author, message.id, message.number, message.text, message.content_type, \
         message.thread, message.reply_to, message.ttl, message.sent_at, message.at, message.edited_at, \
         message.deleted_at, message.state, message.state_at, message.disappears_at, message.hops"
    };
}
pub(crate) use message_columns;

/// How many columns that is.
pub(crate) const MESSAGE_COLUMNS: usize = 17;

/// A message and its delivery, of a row that begins with the message columns.
pub(crate) fn message(db: &Connection, numbers: &mut Numbers, row: &Row<'_>) -> rusqlite::Result<MessageWithDelivery> {
    let key = message_key(db, numbers, row)?;
    of("message", row, with_delivery(key, row))
}

fn with_delivery(key: MessageKey, row: &Row<'_>) -> rusqlite::Result<MessageWithDelivery> {
    let message = MessageRow {
        key,
        order: EventSeq(row.u64(3)?),
        text: row.get(4)?,
        content_type: row.code(5)?,
        thread: row.get(6)?,
        reply_to: row.maybe_id(7)?,
        ttl: row.get(8)?,
        hops: row.get(16)?,
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

pub(crate) fn message_key(db: &Connection, numbers: &mut Numbers, row: &Row<'_>) -> rusqlite::Result<MessageKey> {
    Ok(MessageKey {
        conversation: numbers.conversation(db, of("message", row, row.get(0))?)?,
        author: numbers.peer(db, of("message", row, row.get(1))?)?,
        id: of("message", row, row.id(2))?,
    })
}
