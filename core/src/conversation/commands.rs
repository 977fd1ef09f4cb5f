//! What the user does with messages: send, edit, delete, react, read, send again.
//!
//! A message that a command is about may be cold; the command waits for a fetch then. Rows staged while the fetch was under way
//! are laid over its answer, so what is seen is always the present.

use crate::conversation::Conversation;
use crate::conversation::contents::{Found, delete_message, edit_message, react};
use crate::delivery::Delivery;
use crate::delivery::outbox::Queued;
use crate::delivery::sending::progress;
use crate::kernel::context::Context;
use crate::row::{DeliveryRow, DeliveryState, Event, FailReason, Key, MessageRow, MessageWithDelivery, Row};
use crate::wire::content;
use crate::wire::content::content::Kind;
use crate::{Limits, MessageKey, MessageObstacle, Millis, NewMessage, Refusal, Reply};

/// A command about messages that may be cold.
pub(crate) enum MessageCommand {
    Send { new_message: NewMessage },
    Edit { text: String },
    Delete,
    Erase,
    React { emoji: Option<String> },
    MarkRead { receipt: bool },
    Retry,
}

/// The contact of a direct conversation, as far as what is sent to it goes.
pub(crate) struct Recipient<'a, S> {
    pub delivery: &'a mut Delivery<S>,
    /// Whether the user may queue something for it.
    pub writable: Result<(), Refusal>,
    /// Whether it may be told what was read.
    pub receipts: bool,
}

impl Conversation {
    /// Carries out a command, now that its messages are here.
    pub fn complete<S>(
        &mut self,
        command: MessageCommand,
        keys: &[MessageKey],
        found: &Found,
        to: &mut Recipient<'_, S>,
        ctx: &mut Context,
    ) -> Result<Reply, Refusal> {
        match command {
            MessageCommand::MarkRead { receipt } => {
                mark_read(found, receipt && to.receipts, to.delivery, ctx);
                return Ok(Reply::Done);
            }
            MessageCommand::Erase => {
                erase(found, to.delivery, ctx);
                return Ok(Reply::Done);
            }
            _ => {}
        }
        let Some(key) = keys.first().copied() else {
            return Ok(Reply::Done);
        };
        let row = found.get(&key);
        if let MessageCommand::Send { new_message } = command {
            return self.send_once(key, new_message, row, to, ctx);
        }
        let row = row.ok_or(Refusal::UnknownMessage(key.id))?;
        match command {
            MessageCommand::Edit { text } => edit(row, text, to, ctx),
            MessageCommand::Delete => delete(row, to, ctx),
            MessageCommand::React { emoji } => react_to(row, emoji, to, ctx),
            MessageCommand::Retry => requeue(row, to, ctx),
            MessageCommand::Send { .. } | MessageCommand::MarkRead { .. } | MessageCommand::Erase => Ok(Reply::Done), // above
        }
    }

    /// Writes a new message, its state, its event and its place in the outbox.
    pub fn post<S>(
        &mut self,
        key: MessageKey,
        new_message: NewMessage,
        delivery: &mut Delivery<S>,
        ctx: &mut Context,
    ) -> Reply {
        let message = MessageRow {
            key,
            order: ctx.record(Event::MessageQueued { key }),
            ttl: self.shortest(new_message.ttl.unwrap_or(0)),
            text: new_message.text,
            content_type: new_message.content_type,
            thread: new_message.thread,
            reply_to: new_message.reply_to,
            hops: new_message.hops.min(Limits::HOPS),
            sent_at: ctx.now.wall,
            at: ctx.now.wall,
            edited_at: None,
            deleted_at: None,
        };
        let queued = Queued::text(&message);
        delivery.queue(queued, ctx);
        ctx.gate.insert(Row::Message(message));
        let state = DeliveryState::Queued;
        ctx.gate.put(Row::Delivery(DeliveryRow {
            key,
            state,
            at: ctx.now.wall,
            disappears_at: None,
        }));
        Reply::Message { id: key.id, state }
    }

    /// The same key and text twice are one message.
    fn send_once<S>(
        &mut self,
        key: MessageKey,
        new_message: NewMessage,
        first: Option<&MessageWithDelivery>,
        to: &mut Recipient<'_, S>,
        ctx: &mut Context,
    ) -> Result<Reply, Refusal> {
        let Some(first) = first else {
            to.writable.clone()?;
            return Ok(self.post(key, new_message, to.delivery, ctx));
        };
        let message = &first.message;
        let untouched = message.edited_at.is_none() && message.deleted_at.is_none();
        let same = (&message.text, message.content_type, &message.thread, message.reply_to)
            == (
                &new_message.text,
                new_message.content_type,
                &new_message.thread,
                new_message.reply_to,
            );
        if untouched && !same {
            return Err(Refusal::KeyReused(key.id));
        }
        Ok(reply(first))
    }
}

fn edit<S>(
    row: &MessageWithDelivery,
    text: String,
    to: &mut Recipient<'_, S>,
    ctx: &mut Context,
) -> Result<Reply, Refusal> {
    let id = row.message.key.id;
    if row.message.deleted_at.is_some() {
        return Err(Refusal::WrongState {
            id,
            obstacle: MessageObstacle::Deleted,
        });
    }
    to.writable.clone()?;
    let edited = edit_message(&row.message, text, ctx);
    to.delivery.edited(&edited, ctx);
    Ok(reply(row))
}

fn delete<S>(row: &MessageWithDelivery, to: &mut Recipient<'_, S>, ctx: &mut Context) -> Result<Reply, Refusal> {
    let key = row.message.key;
    let id = key.id;
    if row.message.deleted_at.is_some() {
        return Ok(reply(row));
    }
    if to.delivery.withdraw(key, ctx) {
        delete_message(&row.message, ctx);
        return Ok(Reply::Message {
            id,
            state: DeliveryState::Cancelled,
        });
    }
    if !matches!(row.delivery.as_ref().map(|d| d.state), Some(DeliveryState::Cancelled)) {
        to.writable.clone()?;
        to.delivery.deleted(key, ctx);
    }
    delete_message(&row.message, ctx);
    Ok(reply(row))
}

fn react_to<S>(
    row: &MessageWithDelivery,
    emoji: Option<String>,
    to: &mut Recipient<'_, S>,
    ctx: &mut Context,
) -> Result<Reply, Refusal> {
    let key = row.message.key;
    if row.message.deleted_at.is_some() {
        return Err(Refusal::WrongState {
            id: key.id,
            obstacle: MessageObstacle::Deleted,
        });
    }
    to.writable.clone()?;
    let reaction = content::Reaction {
        target: key.id.0.to_vec(),
        own: key.author == ctx.own,
        emoji: emoji.clone().unwrap_or_default(),
    };
    react(key, ctx.own, emoji, ctx);
    to.delivery.queue_once(Kind::Reaction(reaction), ctx);
    Ok(reply(row))
}

/// Erases messages here alone. What waits of them in the outbox must not hold their text either.
fn erase<S>(found: &Found, delivery: &mut Delivery<S>, ctx: &mut Context) {
    let mut freed = 0;
    for (key, row) in found {
        ctx.gate.delete(Key::Message(*key));
        ctx.record(Event::MessageDisappeared { key: *key });
        if key.author == ctx.own {
            delivery.disappeared(*key, ctx);
        } else {
            freed += row.message.stored_bytes();
        }
    }
    delivery.freed(freed, ctx);
}

fn mark_read<S>(found: &Found, receipt: bool, delivery: &mut Delivery<S>, ctx: &mut Context) {
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
    if receipt && !targets.is_empty() {
        let read = Queued::unfollowed(Kind::Read(content::Read { targets }), ctx);
        delivery.queue(read, ctx);
    }
}

/// A message that was given up goes to the end of the outbox, under its old id.
fn requeue<S>(row: &MessageWithDelivery, to: &mut Recipient<'_, S>, ctx: &mut Context) -> Result<Reply, Refusal> {
    let key = row.message.key;
    let id = key.id;
    let state = row.delivery.as_ref().map(|delivery| delivery.state);
    let Some(DeliveryState::Failed(_) | DeliveryState::Cancelled) = state.filter(|_| row.message.deleted_at.is_none())
    else {
        return Err(Refusal::WrongState {
            id,
            obstacle: MessageObstacle::NotGivenUp,
        });
    };
    to.writable.clone()?;
    if to.delivery.outbox.find(&key).is_none() {
        let queued = Queued {
            // What was given up with its contact may have been sealed, and may have arrived.
            repeat: state == Some(DeliveryState::Failed(FailReason::Removed)),
            ..Queued::text(&row.message)
        };
        to.delivery.queue(queued, ctx);
        progress(key, DeliveryState::Queued, None, ctx);
    }
    Ok(Reply::Message {
        id,
        state: DeliveryState::Queued,
    })
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
