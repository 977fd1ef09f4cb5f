//! `messages.*` and `outbox.*`, as far as they only read.

use std::collections::BTreeMap;
use std::sync::Arc;

use sotto_core::row::Event;
use sotto_core::{Command, Direction, EventSeq, MessageId, OnionAddress};
use sotto_io_sqlcipher::{MessageView, Reader};
use tokio::sync::OwnedMutexGuard;

use super::events::start;
use super::{Answer, Handle, limit};
use crate::api::{self, Error, all};
use crate::daemon::app::App;
use crate::daemon::outgoing::Then;
use crate::daemon::view;
use crate::resolve::Scope;

/// Messages of a page if nobody says.
const PAGE: u32 = 50;

/// Events looked at in one query.
const SCAN: u32 = 256;

/// Ids that one command may mark as read.
const MARKED: usize = 256;

/// The name of a consumer that has none.
const CONSUMER: &str = "receive";

impl Handle<all::History> for App {
    async fn handle(self: &Arc<Self>, params: api::History) -> Result<Answer<api::Messages>, Error> {
        let limit = limit(params.limit, PAGE)?;
        let contact = self.resolve(&params.contact, Scope::Known).await?;
        let before = match params.before {
            Some(id) => Some(self.message("before", id, Some(contact), None).await?.id),
            None => None,
        };
        let messages = self
            .archive
            .read(move |reader| reader.history(&contact, limit, before))
            .await?;
        Ok(Answer::Now(self.shown(messages)))
    }
}

impl Handle<all::Inbox> for App {
    async fn handle(self: &Arc<Self>, params: api::Inbox) -> Result<Answer<api::Messages>, Error> {
        let limit = limit(params.limit, PAGE)?;
        let api::Inbox { thread, unread, .. } = params;
        let mut messages = self
            .archive
            .read(move |reader| reader.inbox(limit, thread.as_deref(), unread))
            .await?;
        messages.reverse();
        Ok(Answer::Now(self.shown(messages)))
    }
}

impl Handle<all::Threads> for App {
    async fn handle(self: &Arc<Self>, params: api::ThreadsQuery) -> Result<Answer<api::Threads>, Error> {
        let limit = limit(params.limit, PAGE)?;
        let threads = self.archive.read(move |reader| reader.threads(limit)).await?;
        Ok(Answer::Now(api::Threads {
            threads: threads.into_iter().map(view::thread).collect(),
        }))
    }
}

impl Handle<all::Search> for App {
    async fn handle(self: &Arc<Self>, params: api::Search) -> Result<Answer<api::Messages>, Error> {
        let limit = limit(params.limit, PAGE)?;
        if params.query.trim().is_empty() {
            return Err(Error::invalid("query must not be empty"));
        }
        let with = self.resolve_if(params.with.as_deref()).await?;
        let query = params.query;
        let messages = self
            .archive
            .read(move |reader| reader.search(&query, limit, with.as_ref()))
            .await?;
        Ok(Answer::Now(self.shown(messages)))
    }
}

impl Handle<all::MessageStatus> for App {
    async fn handle(self: &Arc<Self>, params: api::MessageOnly) -> Result<Answer<api::Message>, Error> {
        let contact = self.resolve_if(params.contact.as_deref()).await?;
        let key = self.message("id", params.id, contact, None).await?;
        let found = self.archive.read(move |reader| reader.message_by_key(&key)).await?;
        let message =
            found.ok_or_else(|| Error::new(api::Kind::UnknownMessage, format!("{} has disappeared", key.id)))?;
        Ok(Answer::Now(view::message(self.us, message)))
    }
}

impl Handle<all::Outbox> for App {
    async fn handle(self: &Arc<Self>, params: api::ListOutbox) -> Result<Answer<api::Messages>, Error> {
        let limit = limit(params.limit, PAGE)?;
        let contact = self.resolve_if(params.contact.as_deref()).await?;
        let mut messages = self.archive.read(Reader::outbox).await?;
        messages.retain(|message| contact.is_none_or(|contact| contact == message.key.contact));
        messages.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(Answer::Now(self.shown(messages)))
    }
}

impl Handle<all::Receive> for App {
    async fn handle(self: &Arc<Self>, params: api::Receive) -> Result<Answer<api::Received>, Error> {
        let limit = usize::try_from(limit(params.limit, PAGE)?).unwrap_or(usize::MAX);
        let consumer = params.consumer.unwrap_or_else(|| CONSUMER.to_owned());
        let turn = self.receiving.turn(&consumer).await;
        let start = start(self, Some(&consumer), None).await?;
        let mut at = start.after;
        let mut missed = 0;
        let mut messages = Vec::new();
        let mut more = true;
        while more && messages.len() < limit {
            let page = self.archive.read(move |reader| reader.events(at, SCAN)).await?;
            if start.known && missed == 0 && at == start.after {
                missed = page.first.0.saturating_sub(at.0.saturating_add(1));
            }
            more = false;
            for event in page.events {
                if messages.len() == limit {
                    more = true;
                    break;
                }
                at = event.row.seq;
                if matches!(event.row.event, Event::MessageReceived { .. }) {
                    messages.extend(event.message);
                }
            }
            more |= at < page.last;
        }
        let then = self.clone().received(consumer, at, &messages, turn);
        let messages = messages
            .into_iter()
            .map(|message| view::message(self.us, message))
            .collect();
        let received = api::Received {
            messages,
            seq: at.0,
            more,
            missed,
        };
        Ok(if params.peek || at == start.after {
            Answer::Now(received)
        } else {
            Answer::Then(received, then)
        })
    }
}

impl App {
    fn shown(&self, messages: Vec<MessageView>) -> api::Messages {
        api::Messages {
            messages: messages
                .into_iter()
                .map(|message| view::message(self.us, message))
                .collect(),
        }
    }

    /// Once the client has them: they are read, and the consumer has dealt with the log up to there.
    fn received(
        self: Arc<Self>,
        consumer: String,
        seq: EventSeq,
        messages: &[MessageView],
        turn: OwnedMutexGuard<()>,
    ) -> Then {
        let mut unread: BTreeMap<OnionAddress, Vec<MessageId>> = BTreeMap::new();
        for message in messages.iter().filter(|message| message.is_unread()) {
            debug_assert_eq!(message.key.direction, Direction::In, "only what came in is received");
            unread.entry(message.key.contact).or_default().push(message.key.id);
        }
        Box::pin(async move {
            let mut commands = vec![Command::AcknowledgeEvents { consumer, seq }];
            for (contact, ids) in unread {
                commands.extend(ids.chunks(MARKED).map(|ids| Command::MarkRead {
                    contact,
                    ids: ids.to_vec(),
                    receipt: self.config.read_receipts,
                }));
            }
            for command in commands {
                if let Err(error) = self.command(command).await {
                    tracing::warn!(%error, "what was received could not be acknowledged, and will be received again");
                }
            }
            drop(turn);
        })
    }
}
