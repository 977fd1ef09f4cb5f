//! What has come in, from every conversation.

use super::Reader;
use super::messages::{MessageView, view_sql};
use crate::StoreError;
use crate::message::message_columns;

impl Reader {
    /// The newest `limit` messages of other authors, the newest first: all, or those of the threads with that name, or those
    /// that were not read here.
    pub fn inbox(&self, limit: u32, thread: Option<&str>, unread_only: bool) -> Result<Vec<MessageView>, StoreError> {
        // The conditions repeat those of the index `unread` word by word, which is how SQLite knows it.
        self.read(|at| {
            let own = at.own()?;
            match (thread, unread_only) {
                (None, false) => at.views(
                    view_sql!("message" => "WHERE message.author IS NOT ? ORDER BY message.number DESC LIMIT ?"),
                    (own, limit),
                ),
                (Some(thread), false) => at.views(
                    view_sql!("message INDEXED BY thread_order" =>
                        "WHERE message.thread = ? AND message.author IS NOT ? ORDER BY message.number DESC LIMIT ?"),
                    (thread, own, limit),
                ),
                // All that is unread is sorted, so only the index is read for that.
                (thread, true) => at.views(
                    view_sql!("message" =>
                        "WHERE message.number IN (SELECT number FROM message INDEXED BY unread \
                             WHERE author IS NOT ?3 AND state IS NULL AND deleted_at IS NULL \
                             AND (?1 IS NULL OR thread = ?1) ORDER BY number DESC LIMIT ?2) \
                         ORDER BY message.number DESC"),
                    (thread, limit, own),
                ),
            }
        })
    }
}
