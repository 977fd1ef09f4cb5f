//! [`HistoryPage`]: the history of a conversation, page by page in both directions.

use rusqlite::OptionalExtension as _;
use sotto_core::{ConversationId, EventSeq, MessageKey};

use super::messages::{MessageView, view_sql};
use super::{Reader, Snapshot};
use crate::code::{Columns, ordered};
use crate::message::{message_columns, message_key};
use crate::{StoreError, event};

/// Which messages of a conversation a page has.
#[derive(Clone, Copy, Debug, Default)]
pub struct HistoryQuery<'a> {
    /// Only those of the thread with that name.
    pub thread: Option<&'a str>,
    /// Where the page is.
    pub place: PagePlace,
}

/// Where a page of a conversation is: at an end, or beside a message. The message is named with its author, because a peer can
/// choose the id of a message that is there: by the id alone, a page could pass over what is between the two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PagePlace {
    /// At the end.
    #[default]
    Newest,
    /// It ends before that message.
    Before(MessageKey),
    /// It begins after that message.
    After(MessageKey),
    /// It ends with the message of that order, or with the last one before it.
    UpTo(EventSeq),
}

/// A part of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryPage {
    /// Its messages, the oldest first.
    pub messages: Vec<MessageView>,
    /// What was not read; only on the newest page.
    pub unread: Option<Unread>,
    /// The newest event at that moment; 0 if there is none.
    pub last_seq: EventSeq,
}

/// The messages of other authors in a conversation, or in one of its threads, that were not read here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    /// The oldest of them.
    pub first: Option<MessageKey>,
    /// How many they are.
    pub count: u64,
}

impl Reader {
    /// The newest `limit` messages of a conversation, or the newest of those before the message `before`; the oldest of
    /// them first. Nothing comes before a message that is not there.
    pub fn history(
        &self,
        conversation: &ConversationId,
        limit: u32,
        before: Option<MessageKey>,
    ) -> Result<Vec<MessageView>, StoreError> {
        let query = HistoryQuery {
            place: before.map_or(PagePlace::Newest, PagePlace::Before),
            ..HistoryQuery::default()
        };
        let page = self.history_page(conversation, limit, &query)?;
        Ok(page.map_or_else(Vec::new, |page| page.messages))
    }

    /// A page of at most `limit` messages: those that are nearest to its place. `None` if the message that its place is beside is not
    /// there.
    pub fn history_page(
        &self,
        conversation: &ConversationId,
        limit: u32,
        query: &HistoryQuery<'_>,
    ) -> Result<Option<HistoryPage>, StoreError> {
        self.read(|at| {
            let last_seq = event::last(at.db)?;
            let Some(conversation) = at.numbers.find(at.db, conversation)? else {
                let empty = HistoryPage {
                    last_seq,
                    ..HistoryPage::default()
                };
                let is_empty = matches!(query.place, PagePlace::Newest | PagePlace::UpTo(_));
                return Ok(is_empty.then_some(empty));
            };
            let thread = query.thread;
            let (messages, unread) = match query.place {
                PagePlace::Newest => {
                    let unread = Some(at.unread_of(conversation, thread)?);
                    (at.before(conversation, thread, i64::MAX, limit)?, unread)
                }
                PagePlace::Before(key) => {
                    let Some(number) = at.number_of(&key)? else {
                        return Ok(None);
                    };
                    (at.before(conversation, thread, number, limit)?, None)
                }
                PagePlace::After(key) => {
                    let Some(number) = at.number_of(&key)? else {
                        return Ok(None);
                    };
                    (at.after(conversation, thread, number, limit)?, None)
                }
                PagePlace::UpTo(order) => {
                    let above = ordered(order.0).saturating_add(1);
                    (at.before(conversation, thread, above, limit)?, None)
                }
            };
            Ok(Some(HistoryPage {
                messages,
                unread,
                last_seq,
            }))
        })
    }
}

impl Snapshot<'_> {
    /// The newest messages below that number, the oldest of them first.
    fn before(
        &mut self,
        conversation: i64,
        thread: Option<&str>,
        number: i64,
        limit: u32,
    ) -> rusqlite::Result<Vec<MessageView>> {
        let mut page = match thread {
            None => self.views(
                view_sql!("message" =>
                    "WHERE message.conversation = ? AND message.number < ? ORDER BY message.number DESC LIMIT ?"),
                (conversation, number, limit),
            ),
            Some(thread) => self.views(
                view_sql!("message INDEXED BY thread_order" =>
                    "WHERE message.thread = ? AND message.conversation = ? AND message.number < ? \
                     ORDER BY message.number DESC LIMIT ?"),
                (thread, conversation, number, limit),
            ),
        }?;
        page.reverse();
        Ok(page)
    }

    /// The oldest messages above that number, the oldest of them first.
    fn after(
        &mut self,
        conversation: i64,
        thread: Option<&str>,
        number: i64,
        limit: u32,
    ) -> rusqlite::Result<Vec<MessageView>> {
        match thread {
            None => self.views(
                view_sql!("message" =>
                    "WHERE message.conversation = ? AND message.number > ? ORDER BY message.number LIMIT ?"),
                (conversation, number, limit),
            ),
            Some(thread) => self.views(
                view_sql!("message INDEXED BY thread_order" =>
                    "WHERE message.thread = ? AND message.conversation = ? AND message.number > ? \
                     ORDER BY message.number LIMIT ?"),
                (thread, conversation, number, limit),
            ),
        }
    }

    /// What was not read of a conversation, or of one of its threads. Only the index is read for the count.
    fn unread_of(&mut self, conversation: i64, thread: Option<&str>) -> rusqlite::Result<Unread> {
        let parameters = (self.own()?, conversation, thread);
        // The conditions repeat those of the index word by word, which is how SQLite knows it.
        let first = self
            .db
            .prepare_cached(
                "SELECT conversation, author, id FROM message INDEXED BY unread WHERE author IS NOT ?1 AND state IS NULL AND deleted_at IS NULL \
                 AND conversation = ?2 AND (?3 IS NULL OR thread = ?3) ORDER BY number LIMIT 1",
            )?
            .query_row(parameters, |row| message_key(self.db, self.numbers, row))
            .optional()?;
        let count = self
            .db
            .prepare_cached(
                "SELECT count(*) FROM message INDEXED BY unread WHERE author IS NOT ?1 AND state IS NULL \
                 AND deleted_at IS NULL AND conversation = ?2 AND (?3 IS NULL OR thread = ?3)",
            )?
            .query_row(parameters, |row| row.u64(0))?;
        Ok(Unread { first, count })
    }
}
