//! Cold rows that the protocol itself needs: each command and each incoming content that refers to messages waits for a fetch.
//! Rows staged while the fetch was under way are laid over its answer, so what is seen is always the present.

use crate::conversation::commands::{MessageCommand, Recipient};
use crate::conversation::contents::Found;
use crate::node::Node;
use crate::row::{Change, Event, Key, MessageWithDelivery, Query, Row, Rows};
use crate::session::Ratchet;
use crate::{CommandId, ConversationId, FetchId, MessageKey, Millis, OnionAddress, Output, Refusal, Reply};

/// A query under way.
pub(crate) struct Pending {
    keys: Vec<MessageKey>,
    purpose: Purpose,
}

enum Purpose {
    Command(CommandId, OnionAddress, MessageCommand),
    /// A ciphertext of this contact's waits.
    Incoming(OnionAddress),
    /// The next rows of this contact's outbox are about them.
    Outbox(OnionAddress),
    /// How many bytes this contact's messages take up; so many were counted when it was asked.
    Stored(OnionAddress, u64),
    Disappearance,
}

impl<R: Ratchet> Node<R> {
    /// Fetches the messages that a command is about.
    pub(super) fn fetch_for_command(
        &mut self,
        command: CommandId,
        peer: OnionAddress,
        keys: Vec<MessageKey>,
        about: MessageCommand,
    ) {
        self.fetch(keys, Purpose::Command(command, peer, about));
    }

    /// Fetches the messages that a contact's ciphertext refers to.
    pub(super) fn fetch_for_ciphertext(&mut self, contact: OnionAddress, keys: Vec<MessageKey>) -> FetchId {
        self.fetch(keys, Purpose::Incoming(contact))
    }

    /// Fetches the messages that the next rows of a contact's outbox are about.
    pub(super) fn fetch_for_outbox(&mut self, contact: OnionAddress, keys: Vec<MessageKey>) {
        self.fetch(keys, Purpose::Outbox(contact));
    }

    /// Has the store count what a contact's messages take up. The node has counted `stored` bytes by now.
    pub(super) fn fetch_stored(&mut self, contact: OnionAddress, stored: u64) {
        let query = Query::StoredBytes {
            conversation: contact.into(),
            author: contact,
        };
        let purpose = Purpose::Stored(contact, stored);
        let keys = Vec::new();
        self.query(query, Pending { keys, purpose });
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
        self.ctx.gate.output(Output::Fetch(id, query));
        id
    }

    pub(super) fn fetched(&mut self, id: FetchId, rows: Rows) {
        let pending = self
            .pending
            .remove(&id)
            .expect("the driver answered a query that was not open");
        match pending.purpose {
            Purpose::Command(id, peer, command) => {
                let found = self.present(&pending.keys, rows);
                let outcome = self.complete(peer, command, &pending.keys, &found);
                self.ctx.gate.reply(id, outcome);
            }
            Purpose::Incoming(peer) => {
                let found = self.present(&pending.keys, rows);
                let Some(contact) = self.contacts.get_mut(&peer) else {
                    return;
                };
                if let Some(stalled) = contact.delivery.stalled.take_if(|stalled| stalled.fetch == id)
                    && self.pool.link_of(&peer) == Some(stalled.link)
                {
                    contact.take(stalled.received, &found, &mut self.ctx);
                    self.pull(stalled.link);
                }
            }
            Purpose::Outbox(peer) => {
                let found = self.present(&pending.keys, rows);
                if let Some(contact) = self.contacts.get_mut(&peer) {
                    contact.delivery.messages_fetched(&pending.keys, &found, &mut self.ctx);
                }
            }
            Purpose::Stored(peer, before) => {
                if let Some(contact) = self.contacts.get_mut(&peer) {
                    contact.delivery.recounted(before, rows.stored_bytes, &mut self.ctx);
                }
            }
            Purpose::Disappearance => self.disappeared(rows),
        }
    }

    /// Carries out a command about messages, now that they are here.
    fn complete(
        &mut self,
        peer: OnionAddress,
        command: MessageCommand,
        keys: &[MessageKey],
        found: &Found,
    ) -> Result<Reply, Refusal> {
        let ctx = &mut self.ctx;
        let writable = self.contacts.correspondent(peer, &ctx.limits).map(drop);
        let contact = self.contacts.known_mut(peer)?;
        let receipts = contact.is_friend() && !contact.blocked;
        let delivery = &mut contact.delivery;
        let mut to = Recipient {
            delivery,
            writable,
            receipts,
        };
        contact.conversation.complete(command, keys, found, &mut to, ctx)
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
            limit: self.ctx.limits.disappearances,
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
        let now = self.ctx.now;
        let mut held = None;
        for row in rows.messages {
            let key = row.message.key;
            let end = row.delivery.as_ref().and_then(|delivery| delivery.disappears_at);
            let span = Millis::seconds(row.message.ttl.into());
            if let Some(end) = end.filter(|end| !self.ctx.sure_time.has_ended(*end, span, now)) {
                held = held.or(Some(end));
                continue;
            }
            self.ctx.gate.delete(Key::Message(key));
            self.ctx.record(Event::MessageDisappeared { key });
            match key.conversation {
                ConversationId::Direct(peer) => {
                    let Some(contact) = self.contacts.get_mut(&peer) else {
                        continue;
                    };
                    if key.author == self.me.address {
                        contact.delivery.disappeared(key, &mut self.ctx);
                    } else {
                        contact.delivery.freed(row.message.stored_bytes(), &mut self.ctx);
                    }
                }
                // Nothing of them is in a contact's outbox.
                ConversationId::Group(_) | ConversationId::Channel(_) => {}
            }
        }
        if let Some(at) = rows.next_disappearance {
            self.ctx.disappears(at);
        }
        if let Some(since) = held {
            self.ctx.holds_disappearance(since);
        }
    }
}
