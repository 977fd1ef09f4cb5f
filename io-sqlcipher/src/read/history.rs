//! The history of a conversation, page by page.

use sotto_core::{ConversationId, MessageId};

use super::messages::{MessageView, view_sql};
use super::{Reader, Snapshot};
use crate::StoreError;
use crate::message::message_columns;

impl Reader {
    /// The newest `limit` messages of a conversation, or the newest of those before the message `before`; the oldest of
    /// them first. Nothing comes before a message that is not there.
    pub fn history(
        &self,
        conversation: &ConversationId,
        limit: u32,
        before: Option<MessageId>,
    ) -> Result<Vec<MessageView>, StoreError> {
        self.read(|at| {
            let Some(conversation) = at.numbers.find(at.db, conversation)? else {
                return Ok(Vec::new());
            };
            let before = match before {
                None => i64::MAX,
                Some(before) => match at.first_with(conversation, before)? {
                    Some(number) => number,
                    None => return Ok(Vec::new()),
                },
            };
            let sql = view_sql!("message" =>
                "WHERE message.conversation = ? AND message.number < ? ORDER BY message.number DESC LIMIT ?");
            let mut page = at.views(sql, (conversation, before, limit))?;
            page.reverse();
            Ok(page)
        })
    }
}

impl Snapshot<'_> {
    /// The number of the message with that id in a conversation; of the earliest, should several authors have chosen it.
    fn first_with(&mut self, conversation: i64, id: MessageId) -> rusqlite::Result<Option<i64>> {
        let db = self.db;
        let numbers = self.tail()?.range_within(db, conversation, id, id)?;
        Ok(numbers.into_iter().min())
    }
}
