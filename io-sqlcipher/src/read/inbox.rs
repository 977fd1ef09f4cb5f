//! [`InboxQuery`]: the newest messages of all conversations.

use sotto_core::EventSeq;

use super::Reader;
use super::messages::{MessageView, view_sql};
use crate::StoreError;
use crate::message::message_columns;

/// Which messages an inbox has.
#[derive(Clone, Copy, Debug, Default)]
pub struct InboxQuery<'a> {
    /// Only those of the threads with that name.
    pub thread: Option<&'a str>,
    /// Only those of other authors that were not read here.
    pub unread_only: bool,
    /// Also those that this node wrote.
    pub own: bool,
    /// Only those before this place.
    pub before: Option<EventSeq>,
}

impl Reader {
    /// The newest `limit` messages of all conversations, the newest first.
    pub fn inbox(&self, limit: u32, query: &InboxQuery) -> Result<Vec<MessageView>, StoreError> {
        let InboxQuery { thread, own, .. } = *query;
        let before = query
            .before
            .map_or(i64::MAX, |place| i64::try_from(place.0).unwrap_or(i64::MAX));
        // The conditions repeat those of the index `unread` word by word, which is how SQLite knows it.
        self.read(|at| {
            let us = at.own()?;
            match (thread, query.unread_only) {
                (None, false) => at.views(
                    view_sql!("message" => "WHERE (?1 OR message.author IS NOT ?2) AND message.number < ?3 \
                        ORDER BY message.number DESC LIMIT ?4"),
                    (own, us, before, limit),
                ),
                (Some(thread), false) => at.views(
                    view_sql!("message INDEXED BY thread_order" =>
                        "WHERE message.thread = ?1 AND (?2 OR message.author IS NOT ?3) AND message.number < ?4 \
                         ORDER BY message.number DESC LIMIT ?5"),
                    (thread, own, us, before, limit),
                ),
                // All that is unread is sorted, so only the index is read for that.
                (thread, true) => at.views(
                    view_sql!("message" =>
                        "WHERE message.number IN (SELECT number FROM message INDEXED BY unread \
                             WHERE author IS NOT ?3 AND state IS NULL AND deleted_at IS NULL \
                             AND (?1 IS NULL OR thread = ?1) AND number < ?4 ORDER BY number DESC LIMIT ?2) \
                         ORDER BY message.number DESC"),
                    (thread, limit, us, before),
                ),
            }
        })
    }
}
