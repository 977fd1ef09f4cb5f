//! A conversation, page by page.

use sotto_core::{Direction, MessageId, OnionAddress};

use super::messages::{MessageView, view_sql};
use super::{Reader, Snapshot};
use crate::StoreError;
use crate::code::{named, of};
use crate::message::message_columns;
use crate::name::Name;

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
                    let Some(before) = at.ordinal(contact, before)? else {
                        return Ok(Vec::new());
                    };
                    let sql = view_sql!("message" =>
                        "WHERE message.contact = ? AND message.ordinal < ? ORDER BY message.ordinal DESC LIMIT ?");
                    at.views(sql, (contact, before, limit))?
                }
            };
            page.reverse();
            Ok(page)
        })
    }
}

impl Snapshot<'_> {
    /// The place of a message of either author in a conversation; the earlier one, should both have chosen that id.
    fn ordinal(&mut self, contact: i64, id: MessageId) -> rusqlite::Result<Option<i64>> {
        let mut ordinals = Vec::new();
        for direction in [Direction::In, Direction::Out] {
            let name = Name { contact, direction, id };
            if let Some(number) = self.number(&name)? {
                let mut ordinal = self.db.prepare_cached("SELECT ordinal FROM message WHERE number = ?")?;
                let ordinal = ordinal.query_row([number], |row| of("message", row, row.get(0)));
                ordinals.push(named("message", number, ordinal)?);
            }
        }
        Ok(ordinals.into_iter().min())
    }
}
