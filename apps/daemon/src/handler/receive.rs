//! `messages.receive` and `messages.ack`: each message once for each consumer, in one or in two steps.

use std::collections::BTreeMap;
use std::sync::Arc;

use sotto_api::{self as api, Error, all};
use sotto_core::row::{Event, MessageKey};
use sotto_core::{Command, Direction, EventSeq, Reply};
use sotto_io_sqlcipher::MessageView;

use super::events::{check_consumer, start_as};
use super::{Handle, Handled, LONGEST, limit};
use crate::call::Call;
use crate::page::Start;
use crate::service::unexpected;
use crate::view;

/// Events read in one query.
const SCAN: u32 = 256;

/// Ids that one command may mark as read.
const MARKED: usize = 256;

/// The consumer if none is named.
const CONSUMER: &str = "receive";

impl Handle<all::Receive> for Call {
    async fn handle(self: &Arc<Self>, params: api::Receive) -> Result<Handled<api::Received>, Error> {
        let limit = usize::try_from(limit(params.limit, LONGEST)?).unwrap_or(usize::MAX);
        let consumer = self.consumer(params.consumer.as_deref().unwrap_or(CONSUMER))?;
        // Looking takes nothing away, so it does not wait for a client that receives.
        let lock = if params.peek {
            None
        } else {
            Some(self.consumer_locks.lock(consumer.clone()).await?)
        };
        let start = start_as(self, Some(&consumer), None).await?;
        let batch = self.take(start, EventSeq(u64::MAX), limit).await?;
        let received = api::Received {
            messages: batch
                .messages
                .iter()
                .cloned()
                .map(|message| view::message(self.us, message))
                .collect(),
            seq: batch.at.0,
            more: batch.more,
            missed: batch.missed,
        };
        if params.peek || batch.at == start.after {
            return Ok(Handled::Done(received));
        }
        let service = self.clone();
        Ok(Handled::AfterWrite(
            received,
            Box::pin(async move {
                if let Err(error) = service.acknowledge(consumer, batch).await {
                    tracing::warn!(kind = ?error.kind(), "what was received could not be acknowledged, and will be received again");
                }
                drop(lock);
            }),
        ))
    }
}

impl Handle<all::Lock> for Call {
    async fn handle(self: &Arc<Self>, params: api::LockConsumer) -> Result<Handled<api::Done>, Error> {
        let consumer = self.consumer(params.consumer.as_deref().unwrap_or(CONSUMER))?;
        check_consumer(&consumer)?;
        let lock = self.consumer_locks.lock(consumer).await?;
        Ok(Handled::Locked(api::Done {}, lock))
    }
}

impl Handle<all::Ack> for Call {
    async fn handle(self: &Arc<Self>, params: api::AckMessages) -> Result<Handled<api::Acknowledged>, Error> {
        let asked = params.consumer.unwrap_or_else(|| CONSUMER.to_owned());
        let consumer = self.consumer(&asked)?;
        // Without the consumer's lock, which this very connection may hold: a position only ever goes forward.
        let start = start_as(self, Some(&consumer), None).await?;
        let batch = self.take(start, EventSeq(params.seq), usize::MAX).await?;
        let seq = self.acknowledge(consumer.clone(), batch).await?;
        let acknowledged = api::Acknowledged {
            consumer: asked,
            seq: seq.0,
        };
        Ok(Handled::Unlocked(acknowledged, consumer))
    }
}

/// The messages that a part of the log received.
struct ReceivedBatch {
    messages: Vec<MessageView>,
    /// The last event read.
    at: EventSeq,
    /// The log goes on.
    more: bool,
    /// Events that were dropped before they were read.
    missed: u64,
}

impl Call {
    /// What the log received after a position, up to and including `until`, at most `limit` messages. Messages that were
    /// deleted or have disappeared are left out.
    async fn take(&self, start: Start, until: EventSeq, limit: usize) -> Result<ReceivedBatch, Error> {
        let rights = self.rights()?;
        let mut batch = ReceivedBatch {
            messages: Vec::new(),
            at: start.after,
            more: true,
            missed: 0,
        };
        while batch.more && batch.messages.len() < limit {
            let at = batch.at;
            let page = self.reads.read(move |reader| reader.events(at, SCAN)).await?;
            if start.known && at == start.after {
                batch.missed = page.first.0.saturating_sub(at.0.saturating_add(1));
            }
            batch.more = false;
            for event in page.events {
                if batch.messages.len() == limit || event.row.seq > until {
                    batch.more = true;
                    return Ok(batch);
                }
                batch.at = event.row.seq;
                if matches!(event.row.event, Event::MessageReceived { .. }) {
                    batch.messages.extend(event.message.filter(|message| {
                        !message.is_deleted() && rights.reads(&view::conversation(message.key.conversation))
                    }));
                }
            }
            batch.more = batch.at < page.last;
        }
        Ok(batch)
    }

    /// Marks the messages of the batch as read, then acknowledges the log up to there for the consumer. In this order, a
    /// crash in between means that they are received again.
    async fn acknowledge(&self, consumer: String, batch: ReceivedBatch) -> Result<EventSeq, Error> {
        let mut unread = BTreeMap::<_, Vec<_>>::new();
        for message in batch.messages.iter().filter(|message| message.is_unread()) {
            debug_assert_eq!(message.direction, Direction::In, "only what came in is received");
            let MessageKey {
                conversation,
                author,
                id,
            } = message.key;
            unread.entry((conversation, author)).or_default().push(id);
        }
        let receipt = self.config.read_receipts;
        for ((conversation, author), ids) in unread {
            for ids in ids.chunks(MARKED) {
                let read = Command::MarkRead {
                    conversation,
                    author,
                    ids: ids.to_vec(),
                    receipt,
                };
                if let Err(error) = self.command(read).await {
                    // The contact may have been removed meanwhile. That must not keep the consumer at its position.
                    tracing::warn!(kind = ?error.kind(), "what was received could not be marked as read");
                }
            }
        }
        match self
            .command(Command::AcknowledgeEvents {
                consumer,
                seq: batch.at,
            })
            .await?
        {
            Reply::Acknowledged(seq) => Ok(seq),
            reply => Err(unexpected(&reply)),
        }
    }
}
