//! What has not been delivered, and why.

use super::Reader;
use super::messages::{MessageView, view_sql};
use crate::StoreError;
use crate::message::message_columns;

impl Reader {
    /// Messages of ours that are queued, sent or failed, the oldest first. Those that wait have the contact's attempts and
    /// next try; those that failed have the reason in their state.
    pub fn outbox(&self) -> Result<Vec<MessageView>, StoreError> {
        self.read(|at| {
            // A failed message has left the outbox; one that waits has a row in it.
            let mut found = at.views(
                view_sql!("message INDEXED BY failed" => "WHERE message.state IN (4, 5) AND message.direction = 1"),
                [],
            )?;
            found.extend(at.views(
                view_sql!("outbox CROSS JOIN message ON message.id = outbox.message \
                           AND message.contact = outbox.contact AND message.direction = 1" =>
                    "WHERE outbox.message IS NOT NULL AND message.state IN (0, 1)"),
                [],
            )?);
            found.sort_by_key(|message| (message.order, message.key));
            found.dedup_by_key(|message| message.key);
            Ok(found)
        })
    }
}
