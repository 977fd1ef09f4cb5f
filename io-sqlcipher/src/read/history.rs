//! A conversation, page by page.

use sotto_core::{MessageId, OnionAddress};

use super::Reader;
use super::messages::{MessageView, view_sql};
use crate::StoreError;
use crate::message::message_columns;

impl Reader {
    /// The newest `limit` messages of a conversation, or the newest of those before the message `before`; the oldest of
    /// them first. Nothing comes before a message that is not there.
    pub fn history(
        &self,
        contact: &OnionAddress,
        limit: u32,
        before: Option<MessageId>,
    ) -> Result<Vec<MessageView>, StoreError> {
        self.read(|at| {
            let Some(contact) = at.peers.find(at.db, contact)? else {
                return Ok(Vec::new());
            };
            let mut page = match before {
                None => {
                    let sql = view_sql!("message" => "WHERE message.contact = ? ORDER BY message.ordinal DESC LIMIT ?");
                    at.views(sql, (contact, limit))?
                }
                Some(before) => {
                    let sql = view_sql!("message" =>
                        "WHERE message.contact = ?1 AND message.ordinal < \
                             (SELECT min(ordinal) FROM message WHERE contact = ?1 AND direction IN (0, 1) AND id = ?2) \
                         ORDER BY message.ordinal DESC LIMIT ?3");
                    at.views(sql, (contact, before.0, limit))?
                }
            };
            page.reverse();
            Ok(page)
        })
    }
}
