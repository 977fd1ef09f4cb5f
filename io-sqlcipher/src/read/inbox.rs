//! What has come in, from everybody.

use super::Reader;
use super::messages::{MessageView, view_sql};
use crate::StoreError;
use crate::message::message_columns;

impl Reader {
    /// The newest `limit` incoming messages, the newest first: all, or those of one thread (whoever it is with), or those
    /// that were not read here.
    pub fn inbox(&self, limit: u32, thread: Option<&str>, unread_only: bool) -> Result<Vec<MessageView>, StoreError> {
        // The conditions repeat those of the index `unread` word by word, which is how SQLite knows it.
        self.read(|at| match (thread, unread_only) {
            (None, false) => at.views(
                view_sql!("message" => "WHERE message.direction = 0 ORDER BY message.number DESC LIMIT ?"),
                [limit],
            ),
            (Some(thread), false) => at.views(
                view_sql!("message INDEXED BY thread" =>
                    "WHERE message.thread = ? AND message.direction = 0 ORDER BY message.ordinal DESC LIMIT ?"),
                (thread, limit),
            ),
            // All that is unread is sorted, so only the index is read for that.
            (thread, true) => at.views(
                view_sql!("message" =>
                    "WHERE message.number IN (SELECT number FROM message INDEXED BY unread \
                         WHERE direction = 0 AND state IS NOT 3 AND deleted_at IS NULL AND (?1 IS NULL OR thread = ?1) \
                         ORDER BY ordinal DESC LIMIT ?2) \
                     ORDER BY message.ordinal DESC"),
                (thread, limit),
            ),
        })
    }
}
