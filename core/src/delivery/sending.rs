//! What is said to a contact: queued, sealed when a link is established, sent again until it is acknowledged,
//! and taken back or given up while it is not sealed.

use prost::Message as _;

use crate::contact::Sealing;
use crate::conversation::contents::Found;
use crate::delivery::outbox::{NextUnsealed, OPENING, Queued};
use crate::delivery::{Acknowledged, CursorFault, Delivery};
use crate::kernel::alarms::Alarm;
use crate::kernel::context::Context;
use crate::node::me::Me;
use crate::row::{
    DeliveryRow, DeliveryState, Event, FailReason, Key, MessageRow, OutboxContent, OutboxRow, Row, SealedBody,
};
use crate::sabotage::{Rule, breaks};
use crate::session::Ratchet;
use crate::session::resume::presence_frame;
use crate::wire::content::content::Kind;
use crate::wire::content::{self, Content, Timer};
use crate::wire::link::{self, frame::Body};
use crate::{Availability, LinkId, MessageKey, Millis, Position, Wall};

impl<S> Delivery<S> {
    /// Appends to the outbox.
    pub fn queue(&mut self, queued: Queued<'_>, ctx: &mut Context) {
        self.outbox.next += 1;
        let position = Position(self.outbox.next);
        self.queue_at(position, queued, ctx);
    }

    /// Appends a content about a message, unless just that waits already.
    pub fn queue_once(&mut self, kind: Kind, ctx: &mut Context) {
        if !self.outbox.ends_with(&kind) {
            let queued = Queued::unfollowed(kind, ctx);
            self.queue(queued, ctx);
        }
    }

    /// Puts the first content of a new session before everything else.
    pub fn queue_opening(&mut self, kind: Kind, ctx: &mut Context) {
        let queued = Queued::unfollowed(kind, ctx);
        self.queue_at(OPENING, queued, ctx);
    }

    fn queue_at(&mut self, position: Position, queued: Queued<'_>, ctx: &mut Context) {
        let Queued {
            content,
            message,
            ttl,
            repeat,
        } = queued;
        if let Some(message) = message.filter(|_| self.established.is_some()) {
            self.outbox.make_ready(position, &content, message, ctx);
        }
        let expires_at = match content {
            OutboxContent::Text(_) => ctx.now.wall.after(ctx.limits.outbox_expiry),
            _ => OutboxRow::NEVER,
        };
        let row = OutboxRow {
            contact: self.contact,
            position,
            content,
            sealed: None,
            repeat,
            queued_at: ctx.now.wall,
            expires_at,
            ttl,
            disappears_at: None,
        };
        ctx.gate.put(Row::Outbox(row.clone()));
        self.outbox.rows.insert(position, row);
        self.watch_expiry(ctx);
    }

    /// Pays what the peer is owed on a link: an ack, what waits as far as the window has room, and our presence. The presence
    /// comes last: one of the ciphertexts may be our consent, before which the peer does not listen to it. Gives the messages
    /// that have to be fetched before more can be sealed.
    pub fn flush<R: Ratchet<Session = S>>(
        &mut self,
        link: Option<LinkId>,
        sealing: Sealing,
        me: &Me<R>,
        ctx: &mut Context,
    ) -> Vec<MessageKey> {
        if let Some(link) = link {
            self.pay_ack(link, ctx);
        }
        let wanted = self.seal_waiting(sealing, me, ctx);
        if std::mem::take(&mut self.presence_due)
            && let Some(link) = self.established
            && ctx.availability != Availability::Invisible
        {
            ctx.gate.frame(link, presence_frame(ctx.availability));
        }
        wanted
    }

    /// Seals and sends what the window has room for. Gives the messages that have to be fetched for more.
    fn seal_waiting<R: Ratchet<Session = S>>(
        &mut self,
        sealing: Sealing,
        me: &Me<R>,
        ctx: &mut Context,
    ) -> Vec<MessageKey> {
        let mut wanted = Vec::new();
        let Some(link) = self.established.filter(|_| self.stalled.is_none()) else {
            return wanted;
        };
        let before = self.cursors.sent;
        while self.cursors.sent - self.cursors.acknowledged < ctx.limits.window {
            match self.outbox.next_unsealed(sealing, ctx.limits.window_rows()) {
                NextUnsealed::Ready(position, content) => {
                    if !self.seal(position, &content, link, me, ctx) {
                        return wanted;
                    }
                }
                NextUnsealed::Wants(keys) => {
                    wanted = keys;
                    break;
                }
                NextUnsealed::None | NextUnsealed::Fetching => break,
            }
        }
        if wanted.is_empty() {
            wanted = self.outbox.prefetch(sealing, ctx.limits.window_rows());
        }
        if self.cursors.sent != before {
            ctx.gate.put_by_key(Key::Session(self.contact));
            self.save_cursors(ctx);
            self.watch_expiry(ctx);
        }
        wanted
    }

    /// Seals one row and sends it. On failure the session is broken, and the link with it.
    fn seal<R: Ratchet<Session = S>>(
        &mut self,
        position: Position,
        content: &[u8],
        link: LinkId,
        me: &Me<R>,
        ctx: &mut Context,
    ) -> bool {
        let Some(row) = self.outbox.rows.get_mut(&position) else {
            return false;
        };
        // Used up: no message key is used twice.
        let Some(session) = self.session.take() else {
            return false;
        };
        let marked = row.repeat.then(|| marked_repeat(content));
        let plaintext = marked.as_deref().unwrap_or(content);
        let sealing = me
            .ratchet
            .encrypt(&row.contact, session, plaintext, ctx.now.wall, &mut ctx.entropy);
        let Ok(sealed) = sealing else {
            self.break_session(ctx);
            ctx.gate.hang_up(link);
            return false;
        };
        self.session = Some(sealed.session);
        self.cursors.sent += 1;
        let sequence = self.cursors.sent;
        row.sealed = Some(SealedBody {
            sequence,
            ciphertext: sealed.ciphertext,
        });
        self.outbox.sealed_to = Some(position);
        ctx.gate.put(Row::Outbox(row.clone()));
        send(link, self.cursors.session_epoch.0, row, ctx);
        true
    }

    /// The messages of the next rows are here. A row whose message is deleted or has disappeared has nothing to carry.
    pub fn messages_fetched(&mut self, keys: &[MessageKey], found: &Found, ctx: &mut Context) {
        for position in self.outbox.fetched(keys, found, ctx) {
            self.outbox.remove(position);
            ctx.gate.delete(Key::Outbox(self.contact, position));
        }
        if self.established.is_none() {
            self.outbox.forget_ready();
        }
        self.watch_expiry(ctx);
    }

    /// Sends all that is sealed, once more and verbatim, over a new link.
    pub(super) fn resend(&mut self, ctx: &mut Context) {
        let Some(link) = self.established else { return };
        for (row, _) in self.outbox.sealed() {
            send(link, self.cursors.session_epoch.0, row, ctx);
        }
    }

    /// The peer has committed everything up to `received`.
    pub fn acknowledge(&mut self, received: u64, ctx: &mut Context) -> Result<Acknowledged, CursorFault> {
        if received > self.cursors.sent && !breaks(Rule::UnsentAckAccepted) {
            return Err(CursorFault);
        }
        let mut acknowledged = Acknowledged::NoProgress;
        if received <= self.cursors.acknowledged {
            return Ok(acknowledged);
        }
        let covered = |row: &OutboxRow| row.sealed.as_ref().is_some_and(|sealed| sealed.sequence <= received);
        while let Some(first) = self.outbox.rows.first_entry()
            && covered(first.get())
        {
            let row = first.remove();
            if row.position != OPENING {
                acknowledged = Acknowledged::Progress;
            }
            ctx.gate.delete(Key::Outbox(row.contact, row.position));
            if let OutboxContent::Text(key) = row.content {
                let disappears_at = row.disappears_at.or_else(|| start_clock(row.ttl, ctx));
                progress(key, DeliveryState::Delivered, disappears_at, ctx);
            }
        }
        self.cursors.acknowledged = received;
        self.save_cursors(ctx);
        Ok(acknowledged)
    }

    /// A link has taken this message. If it is acknowledged by now, there is nothing to say.
    pub fn sent(&mut self, key: MessageKey, ctx: &mut Context) {
        let text = OutboxContent::Text(key);
        let Some((row, _)) = self.outbox.sealed().find(|(row, _)| row.content == text) else {
            return;
        };
        let (position, ttl, mut disappears_at) = (row.position, row.ttl, row.disappears_at);
        if ttl > 0 && disappears_at.is_none() {
            disappears_at = start_clock(ttl, ctx);
            if let Some(row) = self.outbox.rows.get_mut(&position) {
                row.disappears_at = disappears_at;
                ctx.gate.put(Row::Outbox(row.clone()));
            }
        }
        progress(key, DeliveryState::Sent, disappears_at, ctx);
    }

    /// A new session has begun. Everything is sealed anew under it and, if it replaces an older one (`renewal`), marked: an
    /// earlier ciphertext of it may have arrived.
    pub(super) fn requeue(&mut self, renewal: bool, ctx: &mut Context) {
        self.outbox.sealed_to = None;
        self.outbox.rows.retain(|position, row| {
            if *position == OPENING || row.content == OutboxContent::Obsolete {
                ctx.gate.delete(Key::Outbox(row.contact, *position));
                return false;
            }
            row.sealed = None;
            row.repeat |= renewal;
            ctx.gate.put(Row::Outbox(row.clone()));
            true
        });
        self.watch_expiry(ctx);
    }

    /// What waits may have reached the peer in a session that this store has forgotten.
    pub fn mark_repeat(&mut self, ctx: &mut Context) {
        for row in self.outbox.rows.values_mut().filter(|row| !row.repeat) {
            row.repeat = true;
            ctx.gate.put(Row::Outbox(row.clone()));
        }
        self.watch_expiry(ctx);
    }

    /// Tells our timer, unless it waits to be told already.
    pub fn repeat_timer(&mut self, seconds: u32, ctx: &mut Context) {
        if !self.outbox.has_timer() {
            let timer = Queued::unfollowed(Kind::Timer(Timer { seconds }), ctx);
            self.queue(timer, ctx);
        }
    }

    /// Takes an unsealed message back that cannot have arrived. False if it is not there or may have arrived.
    pub fn withdraw(&mut self, key: MessageKey, ctx: &mut Context) -> bool {
        let Some(row) = self.outbox.find(&key) else {
            return false;
        };
        if row.sealed.is_some() || row.repeat {
            return false;
        }
        let (position, ttl) = (row.position, row.ttl);
        self.outbox.remove(position);
        ctx.gate.delete(Key::Outbox(self.contact, position));
        let disappears_at = start_clock(ttl, ctx);
        progress(key, DeliveryState::Cancelled, disappears_at, ctx);
        self.watch_expiry(ctx);
        true
    }

    /// A message was edited. One that cannot have been sealed is sent as it is now; else its new text follows it.
    pub fn edited(&mut self, message: &MessageRow, ctx: &mut Context) {
        self.outbox.make_anew(&message.key);
        let never_sealed = |row: &OutboxRow| row.sealed.is_none() && !row.repeat;
        let edit = OutboxContent::Edit(message.key);
        let waits = self.outbox.find(&message.key).is_some_and(never_sealed)
            || (self.outbox.rows.values()).any(|row| row.sealed.is_none() && row.content == edit);
        if !waits {
            let queued = Queued::edit(message);
            self.queue(queued, ctx);
        }
    }

    /// A message that may have arrived was deleted: its edits are not worth sending.
    pub fn deleted(&mut self, key: MessageKey, ctx: &mut Context) {
        self.outbox.make_anew(&key);
        for position in self.outbox.about(&key) {
            if self.outbox.rows.get(&position).is_some_and(|row| row.sealed.is_none()) {
                self.outbox.remove(position);
                ctx.gate.delete(Key::Outbox(self.contact, position));
            }
        }
        let target = key.id.0.to_vec();
        self.queue_once(Kind::Delete(content::Delete { target }), ctx);
    }

    /// The peer has read a message of ours: it has arrived, whatever is acknowledged, and needs no more of the outbox's care.
    pub fn read_by_peer(&mut self, row: &DeliveryRow, ctx: &mut Context) {
        let position = self.outbox.find(&row.key).map(|row| (row.position, row.repeat));
        let arrived = match row.state {
            DeliveryState::Sent | DeliveryState::Delivered => true,
            // Never sent as far as this store knows; but one that was restored may know too little.
            DeliveryState::Queued => position.is_some_and(|(_, repeat)| repeat),
            DeliveryState::Read | DeliveryState::Failed(_) | DeliveryState::Cancelled => false,
        };
        if !arrived {
            return;
        }
        progress(row.key, DeliveryState::Read, row.disappears_at, ctx);
        if let Some((position, _)) = position {
            self.make_obsolete(position, ctx);
        }
    }

    /// A message has disappeared here: nothing about it is sent any more.
    pub fn disappeared(&mut self, key: MessageKey, ctx: &mut Context) {
        for position in self.outbox.about(&key) {
            self.make_obsolete(position, ctx);
        }
        self.watch_expiry(ctx);
    }

    /// What a row carries needs not be sent. Its ciphertext stays until it is acknowledged; unsealed, it is gone.
    fn make_obsolete(&mut self, position: Position, ctx: &mut Context) {
        let Some(row) = self.outbox.rows.get_mut(&position) else {
            return;
        };
        if row.sealed.is_some() {
            row.content = OutboxContent::Obsolete;
            ctx.gate.put(Row::Outbox(row.clone()));
        } else {
            self.outbox.remove(position);
            ctx.gate.delete(Key::Outbox(self.contact, position));
        }
    }

    /// Gives up what has waited unsealed for too long.
    pub fn expire(&mut self, ctx: &mut Context) {
        for position in self.outbox.expired(ctx.now.wall) {
            self.give_up(position, FailReason::Expired, ctx);
        }
        self.watch_expiry(ctx);
    }

    /// Gives everything up: they are not a contact any more.
    pub fn abandon(&mut self, ctx: &mut Context) {
        for position in self.outbox.rows.keys().copied().collect::<Vec<_>>() {
            self.give_up(position, FailReason::Removed, ctx);
        }
        self.outbox.sealed_to = None;
        self.watch_expiry(ctx);
    }

    fn give_up(&mut self, position: Position, reason: FailReason, ctx: &mut Context) {
        let Some(row) = self.outbox.remove(position) else {
            return;
        };
        ctx.gate.delete(Key::Outbox(row.contact, position));
        if let OutboxContent::Text(key) = row.content {
            let disappears_at = row.disappears_at.or_else(|| start_clock(row.ttl, ctx));
            progress(key, DeliveryState::Failed(reason), disappears_at, ctx);
        }
    }

    pub fn watch_expiry(&self, ctx: &mut Context) {
        let alarm = Alarm::OutboxExpiry(self.contact);
        match self.outbox.next_expiry() {
            Some(at) => ctx.wake_at(alarm, at),
            None => ctx.alarms.clear(alarm),
        }
    }
}

/// Writes down how far a message of ours has come.
pub(crate) fn progress(key: MessageKey, state: DeliveryState, disappears_at: Option<Wall>, ctx: &mut Context) {
    ctx.gate.put(Row::Delivery(DeliveryRow {
        key,
        state,
        at: ctx.now.wall,
        disappears_at,
    }));
    ctx.record(Event::MessageState { key, state });
}

fn send(link: LinkId, session_epoch: u64, row: &OutboxRow, ctx: &mut Context) {
    let Some(sealed) = &row.sealed else { return };
    let body = Body::Ciphertext(link::Ciphertext {
        session_epoch,
        sequence: sealed.sequence + u64::from(breaks(Rule::SequenceEquivocated) && sealed.sequence % 3 == 0),
        ciphertext: sealed.ciphertext.clone(),
    });
    if breaks(Rule::CiphertextSentTwice) {
        ctx.gate.frame(link, body.clone());
    }
    match row.content {
        OutboxContent::Text(key) => ctx.gate.message_frame(link, body, key),
        _ => ctx.gate.frame(link, body),
    }
}

/// A message is sent, and its clock starts: when it will disappear.
fn start_clock(ttl: u32, ctx: &mut Context) -> Option<Wall> {
    let at = (ttl > 0).then(|| ctx.now.wall.after(Millis::seconds(ttl.into())))?;
    ctx.disappears(at);
    Some(at)
}

/// The same content, marked as perhaps received before.
fn marked_repeat(content: &[u8]) -> Vec<u8> {
    match Content::decode(content) {
        Ok(content) => Content {
            repeat: true,
            ..content
        }
        .encode_to_vec(),
        Err(_) => content.to_vec(), // a damaged row; the receiver will drop it
    }
}
