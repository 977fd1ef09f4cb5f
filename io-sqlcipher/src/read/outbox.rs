//! What has not been delivered, and why.

use rusqlite::Connection;
use sotto_core::Direction;

use super::Reader;
use super::messages::{MessageView, view_sql};
use crate::StoreError;
use crate::code::{Columns, of};
use crate::message::message_columns;
use crate::name::Name;

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
            for name in waiting(at.db)? {
                if let Some(number) = at.number(&name)? {
                    found.extend(at.view_of_number(number)?.filter(MessageView::is_waiting));
                }
            }
            found.sort_by_key(|message| (message.order, message.key));
            found.dedup_by_key(|message| message.key);
            Ok(found)
        })
    }
}

fn waiting(db: &Connection) -> rusqlite::Result<Vec<Name>> {
    db.prepare_cached("SELECT contact, message FROM outbox WHERE message IS NOT NULL")?
        .query_map([], |row| {
            Ok(Name {
                contact: of("outbox", row, row.get(0))?,
                direction: Direction::Out,
                id: of("outbox", row, row.id(1))?,
            })
        })?
        .collect()
}
