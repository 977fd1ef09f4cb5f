//! What a person does with messages that may be cold: each such wish, and each incoming content that refers to one, waits
//! for a fetch. Rows staged while the fetch was under way are laid over its answer, so what is seen is always the present.

use super::Node;
use super::apply::{delete_message, edit_message, react};
use super::inbox::Found;
use super::outbox::{Queued, outgoing};
use crate::row::{
    Change, ContentType, DeliveryRow, DeliveryState, Event, Key, MessageKey, MessageRow, MessageWithDelivery, Query,
    Row, Rows,
};
use crate::session::Ratchet;
use crate::wire::content::content::Kind;
use crate::wire::content::{self, Content};
use crate::{CommandId, Direction, Draft, FetchId, MessageId, Millis, OnionAddress, Output, Refusal, Reply};

/// A query under way.
pub(super) struct Pending {
    keys: Vec<MessageKey>,
    purpose: Purpose,
}

enum Purpose {
    Command(CommandId, OnionAddress, Cold),
    /// A ciphertext of this contact's waits.
    Incoming(OnionAddress),
    Disappearance,
}

/// A wish that waits for cold rows.
pub(super) enum Cold {
    Send { draft: Draft },
    Edit { text: String },
    Delete,
    React { emoji: Option<String> },
    MarkRead { receipt: bool },
    Retry,
}

/// Messages that disappear in one commit.
const DISAPPEAR_AT_ONCE: u32 = 256;

impl<R: Ratchet> Node<R> {
    /// Fetches the messages that a command is about.
    pub(super) fn ask(
        &mut self,
        command: CommandId,
        contact: OnionAddress,
        direction: Direction,
        ids: Vec<MessageId>,
        cold: Cold,
    ) {
        let keys = ids
            .into_iter()
            .map(|id| MessageKey { contact, direction, id })
            .collect();
        self.fetch(keys, Purpose::Command(command, contact, cold));
    }

    /// Fetches the messages that a contact's ciphertext refers to.
    pub(super) fn fetch_for(&mut self, contact: OnionAddress, keys: Vec<MessageKey>) -> FetchId {
        self.fetch(keys, Purpose::Incoming(contact))
    }

    fn fetch(&mut self, keys: Vec<MessageKey>, purpose: Purpose) -> FetchId {
        for key in &keys {
            self.ctx.gate.watch(Key::Message(*key));
            self.ctx.gate.watch(Key::Delivery(*key));
        }
        self.query(Query::Messages(keys.clone()), Pending { keys, purpose })
    }

    fn query(&mut self, query: Query, pending: Pending) -> FetchId {
        self.fetches += 1;
        let id = FetchId(self.fetches);
        self.pending.insert(id, pending);
        self.ctx
            .gate
            .emit(super::gate::Effect::Output(Output::Fetch(id, query)));
        id
    }

    pub(super) fn fetched(&mut self, id: FetchId, rows: Rows) {
        let pending = self
            .pending
            .remove(&id)
            .expect("the driver answered a query that was not open");
        match pending.purpose {
            Purpose::Command(command, contact, cold) => {
                let found = self.present(&pending.keys, rows);
                let outcome = self.answer(contact, &pending.keys, &found, cold);
                self.ctx.reply(command, outcome);
                if let Some(contact) = self.contacts.get_mut(&contact) {
                    contact.pump(&self.me, &mut self.ctx);
                }
                self.tend(contact);
            }
            Purpose::Incoming(peer) => {
                let found = self.present(&pending.keys, rows);
                let Some(contact) = self.contacts.get_mut(&peer) else {
                    return;
                };
                if let Some(stalled) = contact.stalled.take_if(|stalled| stalled.fetch == id)
                    && self.pool.link_of(&peer) == Some(stalled.link)
                {
                    self.on_sealed(stalled.link, peer, stalled.sealed, Some(&found));
                    self.pull(stalled.link);
                }
            }
            Purpose::Disappearance => self.disappeared(rows),
        }
    }

    /// The rows as they are now: what the store gave, under what was staged since.
    fn present(&mut self, keys: &[MessageKey], rows: Rows) -> Found {
        let mut found: Found = rows.messages.into_iter().map(|row| (row.message.key, row)).collect();
        for key in keys {
            match self.ctx.gate.unwatch(&Key::Message(*key)) {
                Some(Change::Put(Row::Message(message)) | Change::Insert(Row::Message(message))) => {
                    let delivery = found.remove(key).and_then(|row| row.delivery);
                    found.insert(*key, MessageWithDelivery { message, delivery });
                }
                Some(Change::Delete(_)) => {
                    found.remove(key);
                }
                _ => {}
            }
            if let (Some(row), Some(Change::Put(Row::Delivery(delivery)))) =
                (found.get_mut(key), self.ctx.gate.unwatch(&Key::Delivery(*key)))
            {
                row.delivery = Some(delivery);
            }
        }
        found
    }

    fn answer(
        &mut self,
        contact: OnionAddress,
        keys: &[MessageKey],
        found: &Found,
        cold: Cold,
    ) -> Result<Reply, Refusal> {
        if let Cold::MarkRead { receipt } = cold {
            self.mark_read(contact, found, receipt);
            return Ok(Reply::Done);
        }
        let Some(key) = keys.first().copied() else {
            return Ok(Reply::Done);
        };
        let row = found.get(&key);
        if let Cold::Send { draft } = cold {
            return self.send_once(key.id, draft, row);
        }
        let row = row.ok_or(Refusal::UnknownMessage(key.id))?;
        match cold {
            Cold::Edit { text } => self.edit(row, text),
            Cold::Delete => self.delete(row),
            Cold::React { emoji } => self.react(row, emoji),
            Cold::Retry => self.requeue(row),
            Cold::Send { .. } | Cold::MarkRead { .. } => Ok(Reply::Done), // above
        }
    }

    /// Writes a new message, its state, its event and its place in the outbox.
    pub(super) fn post(&mut self, id: MessageId, draft: Draft) {
        let Some(contact) = self.contacts.get_mut(&draft.contact) else {
            return;
        };
        let ctx = &mut self.ctx;
        let key = outgoing(draft.contact, id);
        let message = MessageRow {
            key,
            order: ctx.record(Event::MessageQueued { key }),
            ttl: contact.tightest(draft.ttl.unwrap_or(0)),
            text: draft.text,
            content_type: draft.content_type,
            thread: draft.thread,
            reply_to: draft.reply_to,
            sent_at: ctx.now.wall,
            at: ctx.now.wall,
            edited_at: None,
            deleted_at: None,
        };
        contact.queue(text_of(&message), ctx);
        ctx.insert(Row::Message(message));
        let state = DeliveryState::Queued;
        ctx.gate.put(Row::Delivery(DeliveryRow {
            key,
            state,
            at: ctx.now.wall,
            disappears_at: None,
        }));
    }

    /// The same key and text twice are one message.
    fn send_once(
        &mut self,
        id: MessageId,
        draft: Draft,
        first: Option<&MessageWithDelivery>,
    ) -> Result<Reply, Refusal> {
        let Some(first) = first else {
            self.correspondent(draft.contact)?;
            self.post(id, draft);
            return Ok(Reply::Message {
                id,
                state: DeliveryState::Queued,
            });
        };
        let message = &first.message;
        let untouched = message.edited_at.is_none() && message.deleted_at.is_none();
        let same = (&message.text, message.content_type, &message.thread, message.reply_to)
            == (&draft.text, draft.content_type, &draft.thread, draft.reply_to);
        if untouched && !same {
            return Err(Refusal::KeyReused(id));
        }
        Ok(reply(first))
    }

    fn edit(&mut self, row: &MessageWithDelivery, text: String) -> Result<Reply, Refusal> {
        let id = row.message.key.id;
        if row.message.deleted_at.is_some() {
            return Err(Refusal::WrongState {
                id,
                why: "has been deleted",
            });
        }
        self.correspondent(row.message.key.contact)?;
        edit_message(&row.message, &text, &mut self.ctx);
        self.queue(
            row,
            Kind::Edit(content::Edit {
                target: id.0.to_vec(),
                text,
            }),
        );
        Ok(reply(row))
    }

    fn delete(&mut self, row: &MessageWithDelivery) -> Result<Reply, Refusal> {
        let MessageKey { contact, id, .. } = row.message.key;
        if row.message.deleted_at.is_some() {
            return Ok(reply(row));
        }
        let taken_back = match self.contacts.get_mut(&contact) {
            Some(contact) => contact.take_back(id, &mut self.ctx),
            None => true,
        };
        let never_left = taken_back || matches!(row.delivery.as_ref().map(|d| d.state), Some(DeliveryState::Cancelled));
        if !never_left {
            self.correspondent(contact)?;
            self.queue(row, Kind::Delete(content::Delete { target: id.0.to_vec() }));
        }
        delete_message(&row.message, &mut self.ctx);
        Ok(reply(row))
    }

    fn react(&mut self, row: &MessageWithDelivery, emoji: Option<String>) -> Result<Reply, Refusal> {
        let key = row.message.key;
        if row.message.deleted_at.is_some() {
            return Err(Refusal::WrongState {
                id: key.id,
                why: "has been deleted",
            });
        }
        self.correspondent(key.contact)?;
        let own = key.direction == Direction::Out;
        let reaction = content::Reaction {
            target: key.id.0.to_vec(),
            own,
            emoji: emoji.clone().unwrap_or_default(),
        };
        react(key, Direction::Out, emoji, &mut self.ctx);
        self.queue(row, Kind::Reaction(reaction));
        Ok(reply(row))
    }

    fn mark_read(&mut self, contact: OnionAddress, found: &Found, receipt: bool) {
        let Some(contact) = self.contacts.get_mut(&contact) else {
            return;
        };
        let ctx = &mut self.ctx;
        let mut targets = Vec::new();
        for (key, row) in found.iter().filter(|(_, row)| row.delivery.is_none()) {
            let ttl = row.message.ttl;
            let disappears_at = (ttl > 0).then(|| ctx.now.wall.after(Millis::seconds(ttl.into())));
            if let Some(at) = disappears_at {
                ctx.disappears(at);
            }
            let state = DeliveryState::Read;
            ctx.gate.put(Row::Delivery(DeliveryRow {
                key: *key,
                state,
                at: ctx.now.wall,
                disappears_at,
            }));
            ctx.record(Event::MessageState { key: *key, state });
            targets.push(key.id.0.to_vec());
        }
        if receipt && !targets.is_empty() && contact.is_friend() && !contact.row.blocked {
            let read = Queued::unfollowed(Kind::Read(content::Read { targets }), ctx);
            contact.queue(read, ctx);
        }
    }

    pub(super) fn cancel(&mut self, contact: OnionAddress, id: MessageId) -> Result<Reply, Refusal> {
        let contact = self
            .contacts
            .get_mut(&contact)
            .ok_or(Refusal::UnknownContact(contact))?;
        if contact.take_back(id, &mut self.ctx) {
            contact.progress(id, DeliveryState::Cancelled, None, &mut self.ctx);
            return Ok(Reply::Message {
                id,
                state: DeliveryState::Cancelled,
            });
        }
        match contact.outbox.find(id) {
            Some(_) => Err(Refusal::WrongState {
                id,
                why: "is on its way already",
            }),
            None => Err(Refusal::WrongState {
                id,
                why: "is not waiting in the outbox",
            }),
        }
    }

    pub(super) fn retry(
        &mut self,
        command: CommandId,
        peer: OnionAddress,
        id: MessageId,
    ) -> Result<Option<Reply>, Refusal> {
        let contact = self.correspondent(peer)?;
        contact.row.retry = crate::row::Retry::default();
        let waiting = contact.outbox.find(id).map(|row| row.sealed.is_some());
        if let Some(contact) = self.contacts.get_mut(&peer) {
            contact.save(&mut self.ctx);
        }
        match waiting {
            Some(true) => Ok(Some(Reply::Message {
                id,
                state: DeliveryState::Sent,
            })),
            Some(false) => Ok(Some(Reply::Message {
                id,
                state: DeliveryState::Queued,
            })),
            None => {
                self.ask(command, peer, Direction::Out, vec![id], Cold::Retry);
                Ok(None)
            }
        }
    }

    /// A message that was given up goes to the end of the outbox, under its old id.
    fn requeue(&mut self, row: &MessageWithDelivery) -> Result<Reply, Refusal> {
        let id = row.message.key.id;
        let given_up = matches!(
            row.delivery.as_ref().map(|delivery| delivery.state),
            Some(DeliveryState::Failed(_) | DeliveryState::Cancelled)
        );
        if !given_up || row.message.deleted_at.is_some() {
            return Err(Refusal::WrongState {
                id,
                why: "is neither failed nor cancelled",
            });
        }
        self.correspondent(row.message.key.contact)?;
        if let Some(contact) = self.contacts.get_mut(&row.message.key.contact)
            && contact.outbox.find(id).is_none()
        {
            contact.queue(text_of(&row.message), &mut self.ctx);
            contact.progress(id, DeliveryState::Queued, None, &mut self.ctx);
        }
        Ok(Reply::Message {
            id,
            state: DeliveryState::Queued,
        })
    }

    /// Queues a content about a message.
    fn queue(&mut self, about: &MessageWithDelivery, kind: Kind) {
        if let Some(contact) = self.contacts.get_mut(&about.message.key.contact) {
            let queued = Queued::unfollowed(kind, &mut self.ctx);
            contact.queue(queued, &mut self.ctx);
        }
    }

    /// Some message's time may be up.
    pub(super) fn disappear(&mut self) {
        let Some(next) = self.ctx.next_disappearance else {
            return;
        };
        if next > self.ctx.now.wall {
            return self.ctx.disappears(next);
        }
        // Whatever starts its clock from now on is heard of by itself; the rest, the answer tells.
        self.ctx.next_disappearance = None;
        let query = Query::Disappearing {
            until: self.ctx.now.wall,
            limit: DISAPPEAR_AT_ONCE,
        };
        self.query(
            query,
            Pending {
                keys: Vec::new(),
                purpose: Purpose::Disappearance,
            },
        );
    }

    fn disappeared(&mut self, rows: Rows) {
        for row in rows.messages {
            let key = row.message.key;
            self.ctx.gate.delete(Key::Message(key));
            self.ctx.record(Event::MessageDisappeared { key });
            if key.direction == Direction::Out
                && let Some(contact) = self.contacts.get_mut(&key.contact)
            {
                contact.erase(key.id, &mut self.ctx);
            }
        }
        if let Some(at) = rows.next_disappearance {
            self.ctx.disappears(at);
        }
    }
}

/// The content that carries a message.
fn text_of(message: &MessageRow) -> Queued {
    let content_type = match message.content_type {
        ContentType::Markdown => content::ContentType::Markdown,
        ContentType::Plain | ContentType::Unsupported => content::ContentType::Plain,
    };
    let text = content::Text {
        text: message.text.clone(),
        content_type: content_type.into(),
        thread: message.thread.clone().unwrap_or_default(),
        reply_to: message.reply_to.map(|id| id.0.to_vec()).unwrap_or_default(),
        ttl: message.ttl,
    };
    let id = message.key.id;
    let content = Content {
        id: id.0.to_vec(),
        sent_at: message.sent_at.0,
        repeat: false,
        kind: Some(Kind::Text(text)),
    };
    Queued {
        content,
        message: Some((id, message.ttl)),
    }
}

fn reply(row: &MessageWithDelivery) -> Reply {
    // An incoming message that nobody has read is at least delivered.
    let state = row
        .delivery
        .as_ref()
        .map_or(DeliveryState::Delivered, |delivery| delivery.state);
    Reply::Message {
        id: row.message.key.id,
        state,
    }
}
