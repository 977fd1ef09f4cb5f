//! Commands about messages that may be cold: each such command, and each incoming content that refers to one, waits
//! for a fetch. Rows staged while the fetch was under way are laid over its answer, so what is seen is always the present.

use crate::conversation::contents::{delete_message, edit_message, react};
use crate::delivery::inbox::Found;
use crate::delivery::outbox::Queued;
use crate::delivery::sending::progress;
use crate::node::Node;
use crate::row::{ContentType, DeliveryRow, DeliveryState, Event, FailReason, MessageRow, MessageWithDelivery, Row};
use crate::session::Ratchet;
use crate::wire::content::content::Kind;
use crate::wire::content::{self, Content};
use crate::{CommandId, Draft, MessageId, MessageKey, MessageObstacle, Millis, OnionAddress, Refusal, Reply};

/// A command that waits for cold rows.
pub(crate) enum Cold {
    Send { draft: Draft },
    Edit { text: String },
    Delete,
    React { emoji: Option<String> },
    MarkRead { receipt: bool },
    Retry,
}

impl<R: Ratchet> Node<R> {
    /// Carries out a command, now that its messages are here.
    pub(crate) fn answer(
        &mut self,
        peer: OnionAddress,
        keys: &[MessageKey],
        found: &Found,
        cold: Cold,
    ) -> Result<Reply, Refusal> {
        if let Cold::MarkRead { receipt } = cold {
            self.mark_read(peer, found, receipt);
            return Ok(Reply::Done);
        }
        let Some(key) = keys.first().copied() else {
            return Ok(Reply::Done);
        };
        let row = found.get(&key);
        if let Cold::Send { draft } = cold {
            return self.send_once(peer, key, draft, row);
        }
        let row = row.ok_or(Refusal::UnknownMessage(key.id))?;
        match cold {
            Cold::Edit { text } => self.edit(peer, row, text),
            Cold::Delete => self.delete(peer, row),
            Cold::React { emoji } => self.react(peer, row, emoji),
            Cold::Retry => self.requeue(peer, row),
            Cold::Send { .. } | Cold::MarkRead { .. } => Ok(Reply::Done), // above
        }
    }

    /// Writes a new message, its state, its event and its place in the outbox.
    pub(crate) fn post(&mut self, peer: OnionAddress, key: MessageKey, draft: Draft) {
        let Some(contact) = self.contacts.get_mut(&peer) else {
            return;
        };
        let ctx = &mut self.ctx;
        let message = MessageRow {
            key,
            order: ctx.record(Event::MessageQueued { key }),
            ttl: contact.conversation.shortest(draft.ttl.unwrap_or(0)),
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
        peer: OnionAddress,
        key: MessageKey,
        draft: Draft,
        first: Option<&MessageWithDelivery>,
    ) -> Result<Reply, Refusal> {
        let id = key.id;
        let Some(first) = first else {
            self.contacts.correspondent(peer, &self.ctx.limits)?;
            self.post(peer, key, draft);
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

    fn edit(&mut self, peer: OnionAddress, row: &MessageWithDelivery, text: String) -> Result<Reply, Refusal> {
        let id = row.message.key.id;
        if row.message.deleted_at.is_some() {
            return Err(Refusal::WrongState {
                id,
                obstacle: MessageObstacle::Deleted,
            });
        }
        self.contacts.correspondent(peer, &self.ctx.limits)?;
        edit_message(&row.message, &text, &mut self.ctx);
        self.queue(
            peer,
            Kind::Edit(content::Edit {
                target: id.0.to_vec(),
                text,
            }),
        );
        Ok(reply(row))
    }

    fn delete(&mut self, peer: OnionAddress, row: &MessageWithDelivery) -> Result<Reply, Refusal> {
        let key = row.message.key;
        let id = key.id;
        if row.message.deleted_at.is_some() {
            return Ok(reply(row));
        }
        let taken_back = self
            .contacts
            .get_mut(&peer)
            .is_some_and(|contact| contact.delivery.withdraw(key, &mut self.ctx));
        if taken_back {
            delete_message(&row.message, &mut self.ctx);
            return Ok(Reply::Message {
                id,
                state: DeliveryState::Cancelled,
            });
        }
        if !matches!(row.delivery.as_ref().map(|d| d.state), Some(DeliveryState::Cancelled)) {
            self.contacts.correspondent(peer, &self.ctx.limits)?;
            self.queue(peer, Kind::Delete(content::Delete { target: id.0.to_vec() }));
        }
        delete_message(&row.message, &mut self.ctx);
        Ok(reply(row))
    }

    fn react(
        &mut self,
        peer: OnionAddress,
        row: &MessageWithDelivery,
        emoji: Option<String>,
    ) -> Result<Reply, Refusal> {
        let key = row.message.key;
        if row.message.deleted_at.is_some() {
            return Err(Refusal::WrongState {
                id: key.id,
                obstacle: MessageObstacle::Deleted,
            });
        }
        self.contacts.correspondent(peer, &self.ctx.limits)?;
        let own = key.author == self.me.address;
        let reaction = content::Reaction {
            target: key.id.0.to_vec(),
            own,
            emoji: emoji.clone().unwrap_or_default(),
        };
        react(key, self.me.address, emoji, &mut self.ctx);
        self.queue(peer, Kind::Reaction(reaction));
        Ok(reply(row))
    }

    fn mark_read(&mut self, peer: OnionAddress, found: &Found, receipt: bool) {
        let Some(contact) = self.contacts.get_mut(&peer) else {
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

    pub(crate) fn cancel(&mut self, peer: OnionAddress, id: MessageId) -> Result<Reply, Refusal> {
        let key = MessageKey::direct(peer, self.me.address, id);
        let contact = self.contacts.known_mut(peer)?;
        if contact.delivery.withdraw(key, &mut self.ctx) {
            return Ok(Reply::Message {
                id,
                state: DeliveryState::Cancelled,
            });
        }
        match contact.delivery.outbox.find(&key) {
            Some(_) => Err(Refusal::WrongState {
                id,
                obstacle: MessageObstacle::OnItsWay,
            }),
            None => Err(Refusal::WrongState {
                id,
                obstacle: MessageObstacle::NotWaiting,
            }),
        }
    }

    pub(crate) fn retry(
        &mut self,
        command: CommandId,
        peer: OnionAddress,
        id: MessageId,
    ) -> Result<Option<Reply>, Refusal> {
        let key = MessageKey::direct(peer, self.me.address, id);
        let contact = self.contacts.correspondent(peer, &self.ctx.limits)?;
        contact.row.retry = crate::row::Retry::default();
        contact.estranged = false;
        let waiting = contact.delivery.outbox.find(&key).map(|row| row.sealed.is_some());
        contact.save(&mut self.ctx);
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
                self.ask(command, peer, vec![key], Cold::Retry);
                Ok(None)
            }
        }
    }

    /// A message that was given up goes to the end of the outbox, under its old id.
    fn requeue(&mut self, peer: OnionAddress, row: &MessageWithDelivery) -> Result<Reply, Refusal> {
        let key = row.message.key;
        let id = key.id;
        let state = row.delivery.as_ref().map(|delivery| delivery.state);
        let Some(DeliveryState::Failed(_) | DeliveryState::Cancelled) =
            state.filter(|_| row.message.deleted_at.is_none())
        else {
            return Err(Refusal::WrongState {
                id,
                obstacle: MessageObstacle::NotGivenUp,
            });
        };
        let contact = self.contacts.correspondent(peer, &self.ctx.limits)?;
        if contact.delivery.outbox.find(&key).is_none() {
            // What was given up with its contact may have been sealed, and may have arrived.
            let repeat = state == Some(DeliveryState::Failed(FailReason::Removed));
            contact.queue(
                Queued {
                    repeat,
                    ..text_of(&row.message)
                },
                &mut self.ctx,
            );
            progress(key, DeliveryState::Queued, None, &mut self.ctx);
        }
        Ok(Reply::Message {
            id,
            state: DeliveryState::Queued,
        })
    }

    /// Queues a content about a message, unless just that waits already.
    fn queue(&mut self, peer: OnionAddress, kind: Kind) {
        if let Some(contact) = self.contacts.get_mut(&peer)
            && !contact.delivery.outbox.ends_with(&kind)
        {
            let queued = Queued::unfollowed(kind, &mut self.ctx);
            contact.queue(queued, &mut self.ctx);
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
        ignorable: false,
        kind: Some(Kind::Text(text)),
    };
    Queued {
        content,
        message: Some((message.key, message.ttl)),
        repeat: false,
    }
}

fn reply(row: &MessageWithDelivery) -> Reply {
    // An incoming message that was not read is at least delivered.
    let state = row
        .delivery
        .as_ref()
        .map_or(DeliveryState::Delivered, |delivery| delivery.state);
    Reply::Message {
        id: row.message.key.id,
        state,
    }
}
