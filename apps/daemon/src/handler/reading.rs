//! The methods of `messages.*` and `outbox.*` that only read.

use std::sync::Arc;

use sotto_api::{self as api, Error, all};
use sotto_io_sqlcipher::{InboxQuery, MessageView, Reader};

use super::{Handle, Handled, LONGEST, PAGE, limit};
use crate::call::Call;
use crate::view;

impl Handle<all::History> for Call {
    async fn handle(self: &Arc<Self>, params: api::History) -> Result<Handled<api::Messages>, Error> {
        let limit = limit(params.limit, PAGE)?;
        let conversation = self.conversation_named(&params.conversation).await?;
        let before = match params.before {
            Some(id) => Some(self.message("before", id, Some(conversation), None).await?.id),
            None => None,
        };
        let messages = self
            .reads
            .read(move |reader| reader.history(&conversation, limit, before))
            .await?;
        Ok(Handled::Done(self.shown(messages)))
    }
}

impl Handle<all::Inbox> for Call {
    async fn handle(self: &Arc<Self>, params: api::Inbox) -> Result<Handled<api::Messages>, Error> {
        let limit = limit(params.limit, PAGE)?;
        let before = match params.before {
            Some(id) => {
                let key = self.message("before", id, None, None).await?;
                let found = self.reads.read(move |reader| reader.message_by_key(&key)).await?;
                let gone = || Error::new(api::Kind::UnknownMessage, format!("{} has disappeared", key.id));
                Some(found.ok_or_else(gone)?.order)
            }
            None => None,
        };
        let (thread, unread_only, own) = (params.thread, params.unread, params.own);
        let mut messages = self
            .reads
            .read(move |reader| {
                let query = InboxQuery {
                    thread: thread.as_deref(),
                    unread_only,
                    own,
                    before,
                };
                reader.inbox(limit, &query)
            })
            .await?;
        messages.reverse();
        Ok(Handled::Done(self.shown(messages)))
    }
}

impl Handle<all::Threads> for Call {
    async fn handle(self: &Arc<Self>, params: api::ThreadsQuery) -> Result<Handled<api::Threads>, Error> {
        let limit = limit(params.limit, PAGE)?;
        let threads = self.reads.read(move |reader| reader.threads(limit)).await?;
        Ok(Handled::Done(api::Threads {
            threads: threads
                .into_iter()
                .map(|thread| view::thread(self.us, thread))
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
        let query = params.query;
        let messages = self
            .reads
            .read(move |reader| reader.search(&query, limit, with.as_ref()))
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
        let mut messages = self.reads.read(Reader::outbox).await?;
        messages.retain(|message| conversation.is_none_or(|conversation| message.key.conversation == conversation));
        messages.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(Handled::Done(self.shown(messages)))
    }
}

impl Call {
    fn shown(&self, messages: Vec<MessageView>) -> api::Messages {
        api::Messages {
            messages: messages
                .into_iter()
                .map(|message| view::message(self.us, message))
                .collect(),
        }
    }
}
