//! What the contents of a peer's ciphertexts change here.
//!
//! A peer can change only what it wrote (edits, deletions), its own reaction, its own timer, and how far our messages have
//! come with it (read). Which messages those are follows from the session, never from the content.

use std::collections::BTreeMap;

use crate::conversation::Conversation;
use crate::delivery::Delivery;
use crate::kernel::context::Context;
use crate::row::{ContentType, Event, Key, MessageRow, MessageWithDelivery, ReactionRow, Row};
use crate::sabotage::{Rule, breaks};
use crate::wire::content::content::Kind;
use crate::wire::content::{self, Content};
use crate::{Limits, MessageId, MessageKey, OnionAddress, Wall, feature};

/// Whether a content is one of a later version's that says nothing to a person.
fn ignores(content: &Content, ctx: &Context) -> bool {
    content.kind.is_none() && content.ignorable && ctx.limits.features.contains(&feature::IGNORABLE_CONTENTS)
}

fn message_id(bytes: &[u8]) -> Option<MessageId> {
    bytes.try_into().ok().map(MessageId)
}

/// Cold rows that were asked for, by key; a key without a row is one that is not there.
pub(crate) type Found = BTreeMap<MessageKey, MessageWithDelivery>;

/// By how many bytes a contact's messages have grown.
pub(crate) type Growth = i64;

/// A message takes up another number of bytes than before.
fn growth(before: u64, message: &MessageRow) -> Growth {
    message.stored_bytes().cast_signed() - before.cast_signed()
}

impl Conversation {
    /// The messages that must be read before a content of `author`'s can be applied.
    pub fn wants(&self, author: OnionAddress, content: &Content, ctx: &Context) -> Vec<MessageKey> {
        if ignores(content, ctx) {
            return Vec::new();
        }
        let incoming = |id: &[u8]| self.key(author, id);
        let outgoing = |id: &[u8]| self.key(ctx.own, id);
        let keys: Vec<Option<MessageKey>> = match &content.kind {
            Some(Kind::Edit(edit)) => vec![incoming(&edit.target)],
            Some(Kind::Delete(delete)) => vec![incoming(&delete.target)],
            Some(Kind::Reaction(reaction)) if reaction.own => vec![incoming(&reaction.target)],
            Some(Kind::Reaction(reaction)) => vec![outgoing(&reaction.target)],
            Some(Kind::Read(read)) => read
                .targets
                .iter()
                .take(Limits::READ_TARGETS)
                .map(|id| outgoing(id))
                .collect(),
            Some(Kind::Text(_)) | None if content.repeat => vec![incoming(&content.id)],
            _ => Vec::new(),
        };
        keys.into_iter().flatten().collect()
    }

    /// Applies a content of `author`'s. Gives by how much the author's messages have grown; `None` if the content is malformed,
    /// and has changed nothing.
    pub fn apply<S>(
        &mut self,
        author: OnionAddress,
        content: Content,
        found: &Found,
        delivery: &mut Delivery<S>,
        ctx: &mut Context,
    ) -> Option<Growth> {
        if ignores(&content, ctx) {
            return Some(0);
        }
        match content.kind {
            Some(Kind::Text(text)) => {
                let key = self.key(author, &content.id)?;
                self.on_text(key, content.sent_at, text, found, ctx)
            }
            None => {
                let key = self.key(author, &content.id)?;
                Some(self.on_unsupported(key, content.sent_at, found, ctx))
            }
            Some(Kind::Edit(edit)) => self.on_edit(author, edit, found, ctx),
            Some(Kind::Delete(deletion)) => self.on_delete(author, &deletion, found, ctx),
            Some(Kind::Reaction(reaction)) => self.on_reaction(author, reaction, found, ctx).map(|()| 0),
            Some(Kind::Read(read)) => self.on_read(&read, found, delivery, ctx).map(|()| 0),
            Some(Kind::Timer(timer)) => self.on_timer(author, timer, ctx).map(|()| 0),
            Some(Kind::Accept(_) | Kind::Renewed(_)) => None, // only the first of a session may be
        }
    }

    fn key(&self, author: OnionAddress, id: &[u8]) -> Option<MessageKey> {
        Some(MessageKey {
            conversation: self.id,
            author,
            id: message_id(id)?,
        })
    }

    fn on_text(
        &mut self,
        key: MessageKey,
        sent_at: u64,
        text: content::Text,
        found: &Found,
        ctx: &mut Context,
    ) -> Option<Growth> {
        let reply_to = if text.reply_to.is_empty() {
            None
        } else {
            Some(message_id(&text.reply_to)?)
        };
        if text.text.is_empty() || text.text.len() > ctx.limits.text_bytes || text.thread.len() > Limits::THREAD_BYTES {
            return None;
        }
        let content_type = match text.content_type() {
            content::ContentType::Plain => ContentType::Plain,
            content::ContentType::Markdown => ContentType::Markdown,
        };
        if found.contains_key(&key) && !breaks(Rule::RepeatAccepted) {
            return Some(0); // it came in an earlier session epoch
        }
        let row = MessageRow {
            key,
            order: ctx.record(Event::MessageReceived { key }),
            ttl: self.shortest(text.ttl.min(Limits::TIMER_SECONDS)),
            text: text.text,
            content_type,
            thread: Some(text.thread).filter(|thread| !thread.is_empty()),
            reply_to,
            hops: text.hops.min(Limits::HOPS),
            sent_at: wall(sent_at),
            at: ctx.now.wall,
            edited_at: None,
            deleted_at: None,
        };
        let growth = growth(0, &row);
        ctx.gate.insert(Row::Message(row));
        Some(growth)
    }

    fn on_unsupported(&mut self, key: MessageKey, sent_at: u64, found: &Found, ctx: &mut Context) -> Growth {
        if found.contains_key(&key) {
            return 0;
        }
        let row = MessageRow {
            key,
            order: ctx.record(Event::MessageReceived { key }),
            ttl: self.shortest(0),
            text: String::new(),
            content_type: ContentType::Unsupported,
            thread: None,
            reply_to: None,
            hops: 0,
            sent_at: wall(sent_at),
            at: ctx.now.wall,
            edited_at: None,
            deleted_at: None,
        };
        let growth = growth(0, &row);
        ctx.gate.insert(Row::Message(row));
        growth
    }

    fn on_edit(
        &mut self,
        author: OnionAddress,
        edit: content::Edit,
        found: &Found,
        ctx: &mut Context,
    ) -> Option<Growth> {
        let key = self.key(author, &edit.target)?;
        if edit.text.is_empty() || edit.text.len() > ctx.limits.text_bytes {
            return None;
        }
        // Perhaps it has disappeared; then there is nothing to edit.
        let Some(found) = found.get(&key) else { return Some(0) };
        let message = &found.message;
        if message.deleted_at.is_some() || message.content_type == ContentType::Unsupported {
            return Some(0);
        }
        let edited = edit_message(message, edit.text, ctx);
        Some(growth(message.stored_bytes(), &edited))
    }

    fn on_delete(
        &mut self,
        author: OnionAddress,
        delete: &content::Delete,
        found: &Found,
        ctx: &mut Context,
    ) -> Option<Growth> {
        let key = self.key(author, &delete.target)?;
        let Some(found) = found.get(&key) else { return Some(0) };
        let before = found.message.stored_bytes();
        Some(delete_message(&found.message, ctx).map_or(0, |deleted| growth(before, &deleted)))
    }

    fn on_reaction(
        &mut self,
        author: OnionAddress,
        reaction: content::Reaction,
        found: &Found,
        ctx: &mut Context,
    ) -> Option<()> {
        let target = self.key(if reaction.own { author } else { ctx.own }, &reaction.target)?;
        if reaction.emoji.len() > Limits::REACTION_BYTES {
            return None;
        }
        if found
            .get(&target)
            .is_some_and(|found| found.message.deleted_at.is_none())
        {
            react(
                target,
                author,
                Some(reaction.emoji).filter(|emoji| !emoji.is_empty()),
                ctx,
            );
        }
        Some(())
    }

    fn on_read<S>(
        &mut self,
        read: &content::Read,
        found: &Found,
        delivery: &mut Delivery<S>,
        ctx: &mut Context,
    ) -> Option<()> {
        if read.targets.len() > Limits::READ_TARGETS {
            return None;
        }
        let targets = read.targets.iter().map(|id| self.key(ctx.own, id));
        for key in targets.collect::<Option<Vec<_>>>()? {
            if let Some(row) = found.get(&key).and_then(|row| row.delivery.as_ref()) {
                delivery.read_by_peer(row, ctx);
            }
        }
        Some(())
    }

    fn on_timer(&mut self, author: OnionAddress, timer: content::Timer, ctx: &mut Context) -> Option<()> {
        if timer.seconds > Limits::TIMER_SECONDS {
            return None;
        }
        self.set_timer(author, timer.seconds, ctx);
        Some(())
    }
}

/// Replaces a message's text. The caller has checked that its author asks for it, and that it can have one.
pub(crate) fn edit_message(message: &MessageRow, text: String, ctx: &mut Context) -> MessageRow {
    let edited = MessageRow {
        text,
        edited_at: Some(ctx.now.wall),
        ..message.clone()
    };
    ctx.gate.put(Row::Message(edited.clone()));
    ctx.record(Event::MessageEdited { key: message.key });
    edited
}

/// Empties a message; a mark stays. The caller has checked that its author asks for it. `None` if it is empty already.
pub(crate) fn delete_message(message: &MessageRow, ctx: &mut Context) -> Option<MessageRow> {
    if message.deleted_at.is_some() {
        return None;
    }
    let deleted = MessageRow {
        text: String::new(),
        deleted_at: Some(ctx.now.wall),
        ..message.clone()
    };
    ctx.gate.put(Row::Message(deleted.clone()));
    ctx.record(Event::MessageDeleted { key: message.key });
    Some(deleted)
}

/// Sets or takes back an author's reaction.
pub(crate) fn react(target: MessageKey, author: OnionAddress, emoji: Option<String>, ctx: &mut Context) {
    match emoji {
        Some(emoji) => ctx.gate.put(Row::Reaction(ReactionRow {
            target,
            author,
            emoji,
            at: ctx.now.wall,
        })),
        None => ctx.gate.delete(Key::Reaction(target, author)),
    }
    ctx.record(Event::MessageReacted { key: target, author });
}

/// A peer's clock may say anything; a store's integers are signed.
fn wall(sent_at: u64) -> Wall {
    Wall(sent_at.min(i64::MAX as u64))
}
