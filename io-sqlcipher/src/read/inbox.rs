//! What has come in, from everybody.

use super::Reader;
use super::messages::{MessageView, view_sql};
use crate::StoreError;
use crate::message::message_columns;

impl Reader {
    /// The newest `limit` incoming messages, the newest first: all, or those of one thread (whoever it is with), or those
    /// that were not read here.
    pub fn inbox(&self, limit: u32, thread: Option<&str>, unread_only: bool) -> Result<Vec<MessageView>, StoreError> {
        // The conditions repeat those of the indexes `incoming` and `unread` word by word, which is how SQLite knows them.
        self.read(|at| match (thread, unread_only) {
            (None, false) => {
                let sql = view_sql!("message INDEXED BY incoming" =>
                    "WHERE message.direction = 0 ORDER BY message.ordinal DESC LIMIT ?");
                at.views(sql, [limit])
            }
            (None, true) => {
                let sql = view_sql!("message INDEXED BY unread" =>
                    "WHERE message.direction = 0 AND message.state IS NOT 3 AND message.deleted_at IS NULL \
                     ORDER BY message.ordinal DESC LIMIT ?");
                at.views(sql, [limit])
            }
            (Some(thread), false) => {
                let sql = view_sql!("message INDEXED BY thread" =>
                    "WHERE message.thread = ? AND message.direction = 0 ORDER BY message.ordinal DESC LIMIT ?");
                at.views(sql, (thread, limit))
            }
            (Some(thread), true) => {
                let sql = view_sql!("message INDEXED BY unread" =>
                    "WHERE message.direction = 0 AND message.state IS NOT 3 AND message.deleted_at IS NULL \
                     AND message.thread = ? ORDER BY message.ordinal DESC LIMIT ?");
                at.views(sql, (thread, limit))
            }
        })
    }
}
