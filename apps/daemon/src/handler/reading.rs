//! The methods of `messages.*` and `outbox.*` that only read.

use std::sync::Arc;

use sotto_api::{self as api, Error, all};
use sotto_core::{ConversationId, Direction, EventSeq};
use sotto_io_sqlcipher::{HistoryQuery, InboxQuery, MessageView, PagePlace, Reader, StoreError};

use super::{Handle, Handled, LONGEST, PAGE, limit};
use crate::call::Call;
use crate::view;

impl Handle<all::History> for Call {
    async fn handle(self: &Arc<Self>, params: api::History) -> Result<Handled<api::HistoryPage>, Error> {
        let limit = limit(params.limit, PAGE)?;
        let conversation = self.readable_conversation(&params.conversation).await?;
        let at = async |what, place| self.message(what, place, Some(conversation), None).await;
        let place = match (params.before, params.after) {
            (None, None) => PagePlace::Newest,
            (Some(place), None) => PagePlace::Before(at("before", place).await?),
            (None, Some(place)) => PagePlace::After(at("after", place).await?),
            (Some(_), Some(_)) => return Err(Error::invalid("before and after are two directions; give one")),
        };
        let thread = params.thread;
        let page = self
            .reads
            .read(move |reader| {
                let thread = thread.as_deref();
                reader.history_page(&conversation, limit, &HistoryQuery { thread, place })
            })
            .await?;
        let page =
            page.ok_or_else(|| Error::new(api::Kind::UnknownMessage, "the message beside it has disappeared"))?;
        Ok(Handled::Done(api::HistoryPage {
            messages: self.shown(page.messages).messages,
            first_unread: page
                .unread
                .and_then(|unread| unread.first)
                .map(|key| format!("{}/{}", key.author, key.id)),
            unread: page.unread.map(|unread| unread.count),
            last_seq: page.last_seq.0,
        }))
    }
}

impl Handle<all::Inbox> for Call {
    async fn handle(self: &Arc<Self>, params: api::Inbox) -> Result<Handled<api::Messages>, Error> {
        let limit = limit(params.limit, PAGE)?;
        let before = self.order_if_named("before", params.before, None).await?;
        let (thread, unread_only, own) = (params.thread, params.unread, params.own);
        let readable = self.readable()?;
        let mut messages = self
            .reads
            .read(move |reader| {
                let query = InboxQuery {
                    thread: thread.as_deref(),
                    unread_only,
                    own,
                    before,
                };
                match readable {
                    None => reader.inbox(limit, &query),
                    Some(conversations) => inbox_of(reader, &conversations, limit, &query),
                }
            })
            .await?;
        messages.reverse();
        Ok(Handled::Done(self.shown(messages)))
    }
}

impl Handle<all::Threads> for Call {
    async fn handle(self: &Arc<Self>, params: api::ThreadsQuery) -> Result<Handled<api::Threads>, Error> {
        let limit = limit(params.limit, PAGE)?;
        let rights = self.rights()?;
        // An agent's are among all of them.
        let asked = if rights.agent().is_some() { u32::MAX } else { limit };
        let threads = self.reads.read(move |reader| reader.threads(asked)).await?;
        Ok(Handled::Done(api::Threads {
            threads: threads
                .into_iter()
                .map(|thread| {
                    let muted = self.notifications.is_muted(&thread.conversation);
                    view::thread(self.us, thread, muted)
                })
                .filter(|thread| rights.reads(&thread.conversation.conversation))
                .take(usize::try_from(limit).unwrap_or(usize::MAX))
                .collect(),
        }))
    }
}

impl Handle<all::Search> for Call {
    async fn handle(self: &Arc<Self>, params: api::Search) -> Result<Handled<api::Messages>, Error> {
        let limit = limit(params.limit, PAGE)?;
        if params.query.trim().is_empty() {
            return Err(Error::invalid("query must not be empty"));
        }
        let with = self.conversation_if_named(params.with.as_deref()).await?;
        let before = self.order_if_named("before", params.before, with).await?;
        let query = params.query;
        let within = match with {
            Some(with) => Some(vec![with]),
            None => self.readable()?,
        };
        let messages = self
            .reads
            .read(move |reader| match within {
                None => reader.search_before(&query, limit, None, before),
                Some(conversations) => search_of(reader, &conversations, &query, limit, before),
            })
            .await?;
        Ok(Handled::Done(self.shown(messages)))
    }
}

impl Handle<all::MessageStatus> for Call {
    async fn handle(self: &Arc<Self>, params: api::MessageOnly) -> Result<Handled<api::Message>, Error> {
        let conversation = self.conversation_if_named(params.conversation.as_deref()).await?;
        let key = self.message("id", params.id, conversation, None).await?;
        let found = self.reads.read(move |reader| reader.message_by_key(&key)).await?;
        let message =
            found.ok_or_else(|| Error::new(api::Kind::UnknownMessage, format!("{} has disappeared", key.id)))?;
        Ok(Handled::Done(view::message(self.us, message)))
    }
}

impl Handle<all::Outbox> for Call {
    async fn handle(self: &Arc<Self>, params: api::ListOutbox) -> Result<Handled<api::Messages>, Error> {
        let limit = limit(params.limit, LONGEST)?;
        let conversation = self.conversation_if_named(params.conversation.as_deref()).await?;
        let rights = self.rights()?;
        let mut messages = self.reads.read(Reader::outbox).await?;
        messages.retain(|message| rights.reads(&view::conversation(message.key.conversation)));
        messages.retain(|message| conversation.is_none_or(|conversation| message.key.conversation == conversation));
        messages.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(Handled::Done(self.shown(messages)))
    }
}

/// What [`Reader::inbox`] answers, of some conversations alone.
fn inbox_of(
    reader: &Reader,
    conversations: &[ConversationId],
    limit: u32,
    query: &InboxQuery<'_>,
) -> Result<Vec<MessageView>, StoreError> {
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let wanted = |message: &MessageView| {
        (query.own || message.direction == Direction::In)
            && query
                .thread
                .is_none_or(|thread| message.thread.as_deref() == Some(thread))
            && (!query.unread_only || message.is_unread())
            && query.before.is_none_or(|before| message.order < before)
    };
    let mut all = Vec::new();
    for conversation in conversations {
        let mut found = Vec::new();
        let mut before = None;
        loop {
            let mut page = reader.history(conversation, LONGEST, before)?;
            before = page.first().map(|message| message.key);
            page.reverse();
            let ended = page.len() < usize::try_from(LONGEST).unwrap_or(usize::MAX);
            found.extend(page.into_iter().filter(wanted));
            if ended || found.len() >= most {
                break;
            }
        }
        all.extend(found);
    }
    Ok(newest(all, most))
}

/// The newest messages with those words in some conversations.
fn search_of(
    reader: &Reader,
    conversations: &[ConversationId],
    query: &str,
    limit: u32,
    before: Option<EventSeq>,
) -> Result<Vec<MessageView>, StoreError> {
    let mut all = Vec::new();
    for conversation in conversations {
        all.extend(reader.search_before(query, limit, Some(conversation), before)?);
    }
    Ok(newest(all, usize::try_from(limit).unwrap_or(usize::MAX)))
}

fn newest(mut messages: Vec<MessageView>, limit: usize) -> Vec<MessageView> {
    messages.sort_by_key(|message| std::cmp::Reverse(message.order));
    messages.truncate(limit);
    messages
}

impl Call {
    /// The order of the message at that place, where naming one is optional. `what` is the parameter's name.
    async fn order_if_named(
        &self,
        what: &str,
        place: Option<String>,
        within: Option<ConversationId>,
    ) -> Result<Option<EventSeq>, Error> {
        let Some(place) = place else { return Ok(None) };
        let key = self.message(what, place, within, None).await?;
        let found = self.reads.read(move |reader| reader.message_by_key(&key)).await?;
        let gone = || Error::new(api::Kind::UnknownMessage, format!("{} has disappeared", key.id));
        Ok(Some(found.ok_or_else(gone)?.order))
    }

    pub(super) fn shown(&self, messages: Vec<MessageView>) -> api::Messages {
        api::Messages {
            messages: messages
                .into_iter()
                .map(|message| view::message(self.us, message))
                .collect(),
        }
    }
}
