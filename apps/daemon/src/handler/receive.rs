//! `messages.receive` and `messages.ack`: each message once for each consumer, in one or in two steps.

use std::collections::BTreeMap;
use std::sync::Arc;

use sotto_api::{self as api, Error, all};
use sotto_core::row::{Event, MessageKey};
use sotto_core::{Command, ConversationId, Direction, EventSeq, Reply};
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

/// Of a conversation's name, so many bytes are in the name of a position in it.
const PLACE_BYTES: usize = 22;

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
        let reader = self.reader(consumer, params.conversation.as_deref()).await?;
        let batch = self.take(&reader, EventSeq(u64::MAX), limit).await?;
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
        if params.peek || batch.at == reader.start.after {
            return Ok(Handled::Done(received));
        }
        let service = self.clone();
        Ok(Handled::AfterWrite(
            received,
            Box::pin(async move {
                if let Err(error) = service.acknowledge(reader.place, batch).await {
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
        let reader = self.reader(consumer.clone(), params.conversation.as_deref()).await?;
        let batch = self.take(&reader, EventSeq(params.seq), usize::MAX).await?;
        let seq = self.acknowledge(reader.place, batch).await?;
        let acknowledged = api::Acknowledged {
            consumer: asked,
            seq: seq.0,
        };
        Ok(Handled::Unlocked(acknowledged, consumer))
    }
}

/// A consumer, and how far it has received: in all conversations, or in one alone.
struct ReceivingReader {
    consumer: String,
    only: Option<ConversationId>,
    /// The name under which its position is acknowledged.
    place: String,
    start: Start,
}

/// The name of a consumer's position in one conversation alone. The beginning of an address is enough to tell one from
/// another: two that share it only receive again what the other has.
fn place_in(consumer: &str, conversation: ConversationId) -> String {
    let name = view::conversation(conversation);
    format!("{consumer}/{}", name.get(..PLACE_BYTES).unwrap_or(&name))
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
    /// The consumer with its position. In one conversation alone, that is where it was in all or in this one, whichever is
    /// later.
    async fn reader(self: &Arc<Self>, consumer: String, only: Option<&str>) -> Result<ReceivingReader, Error> {
        let only = self.conversation_if_named(only).await?;
        let mut start = start_as(self, Some(&consumer), None).await?;
        let mut place = consumer.clone();
        if let Some(conversation) = only {
            place = place_in(&consumer, conversation);
            let own = start_as(self, Some(&place), None).await?;
            start = Start {
                after: start.after.max(own.after),
                known: start.known || own.known,
            };
        }
        Ok(ReceivingReader {
            consumer,
            only,
            place,
            start,
        })
    }

    /// Whether the consumer wants a message that arrived as event `seq`: one of its conversation, or one that it has not
    /// received in that conversation alone.
    async fn wants(
        &self,
        reader: &ReceivingReader,
        conversation: ConversationId,
        seq: EventSeq,
        received_in: &mut BTreeMap<ConversationId, EventSeq>,
    ) -> Result<bool, Error> {
        if let Some(only) = reader.only {
            return Ok(only == conversation);
        }
        let received = if let Some(received) = received_in.get(&conversation) {
            *received
        } else {
            let place = place_in(&reader.consumer, conversation);
            let received = self.reads.read(move |reader| reader.consumer(&place)).await?;
            *received_in.entry(conversation).or_insert(received.unwrap_or_default())
        };
        Ok(seq > received)
    }

    /// What the log received after a position, up to and including `until`, at most `limit` messages. Messages that were
    /// deleted or have disappeared are left out.
    async fn take(&self, reader: &ReceivingReader, until: EventSeq, limit: usize) -> Result<ReceivedBatch, Error> {
        let rights = self.rights()?;
        let start = reader.start;
        let mut received_in = BTreeMap::new();
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
                let Event::MessageReceived { key } = event.row.event else {
                    continue;
                };
                let message = event.message.filter(|message| {
                    !message.is_deleted() && rights.reads(&view::conversation(message.key.conversation))
                });
                if message.is_some()
                    && self
                        .wants(reader, key.conversation, event.row.seq, &mut received_in)
                        .await?
                {
                    batch.messages.extend(message);
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
        for ((conversation, author), ids) in unread {
            let receipt = self.receipt(conversation, None)?;
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
