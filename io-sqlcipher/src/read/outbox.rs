//! What has not been delivered, and why.

use rusqlite::{Connection, Row};
use sotto_core::ConversationId;

use super::Reader;
use super::messages::{MessageView, view_sql};
use crate::StoreError;
use crate::code::{Columns, of};
use crate::message::message_columns;
use crate::tail::Name;

impl Reader {
    /// This node's messages that are queued, sent or failed, the oldest first. Those that wait have the contact's attempts and
    /// next dial; those that failed have the reason in their state.
    pub fn outbox(&self) -> Result<Vec<MessageView>, StoreError> {
        self.read(|at| {
            // A failed message has left the outbox; one that waits has a row in it.
            let mut found = at.views(
                view_sql!("message INDEXED BY failed" => "WHERE message.state IN (4, 5) AND message.author IS ?"),
                [at.own()?],
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

    /// How many messages wait in each conversation that has any. Other contents, such as receipts, are not counted.
    pub fn waiting(&self) -> Result<Vec<(ConversationId, u32)>, StoreError> {
        self.read(|at| {
            let counts =
                "SELECT conversation, COUNT(DISTINCT message) FROM outbox WHERE kind = 0 GROUP BY conversation";
            let counts: Vec<(i64, u32)> = at
                .db
                .prepare_cached(counts)?
                .query_map([], |row| {
                    of("outbox", row, row.get(0).and_then(|of| Ok((of, row.get(1)?))))
                })?
                .collect::<rusqlite::Result<_>>()?;
            counts
                .into_iter()
                .map(|(conversation, count)| Ok((at.numbers.conversation(at.db, conversation)?, count)))
                .collect()
        })
    }
}

/// The keys of the messages that outbox rows deliver (`kind` 0).
fn waiting(db: &Connection) -> rusqlite::Result<Vec<Name>> {
    let name = |row: &Row<'_>| {
        Ok(Name {
            conversation: row.get(0)?,
            author: row.get(1)?,
            id: row.id(2)?,
        })
    };
    db.prepare_cached("SELECT conversation, author, message FROM outbox WHERE kind = 0")?
        .query_map([], |row| of("outbox", row, name(row)))?
        .collect()
}
