//! [`Outbox`]: what waits for a contact, from being queued to being acknowledged.
//!
//! Rows are kept in the order of their positions. Those that are sealed come first, in the order of their sequence numbers
//! `acknowledged + 1 ..= sent`; the rest is unsealed. A row is sealed only when a link is established and the window has room, and
//! its ciphertext, the ratchet's change and the number are staged together; from then on it is sent again verbatim until it is
//! acknowledged. Only unsealed rows can be taken back or expire, so the sequence has no holes.
//!
//! A row about a message holds the message's key. Its content is made from the message: at once if a link is established and
//! there is room in memory, else when the messages of the next rows have been fetched. So the contents in memory are a window of
//! rows, or [`Limits::READY_BYTES`].

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use prost::Message as _;

use crate::contact::Sealing;
use crate::conversation::contents::Found;
use crate::kernel::context::Context;
use crate::row::{ContentType, MessageRow, OutboxContent, OutboxRow, SealedBody};
use crate::wire::content::content::Kind;
use crate::wire::content::{self, Content};
use crate::{Limits, MessageKey, Position, Wall};

#[derive(Default)]
pub(crate) struct Outbox {
    pub rows: BTreeMap<Position, OutboxRow>,
    /// The last position that is sealed.
    pub sealed_to: Option<Position>,
    pub next: u64,
    ready: Ready,
    /// The messages of the next rows are being fetched.
    fetching: bool,
}

/// Serialised contents of unsealed rows about messages.
#[derive(Default)]
struct Ready {
    contents: BTreeMap<Position, Vec<u8>>,
    /// Bytes of all of them.
    bytes: usize,
}

impl Ready {
    fn has_room(&self, bytes: usize) -> bool {
        self.bytes.saturating_add(bytes) <= Limits::READY_BYTES
    }

    fn contains(&self, position: Position) -> bool {
        self.contents.contains_key(&position)
    }

    fn insert(&mut self, position: Position, content: Vec<u8>) {
        self.remove(position);
        self.bytes += content.len();
        self.contents.insert(position, content);
    }

    fn remove(&mut self, position: Position) -> Option<Vec<u8>> {
        let content = self.contents.remove(&position)?;
        self.bytes -= content.len();
        Some(content)
    }
}

/// The first content of either side of a session takes this place, before anything that waits. What it says holds for that
/// session alone: the next one has another, so however many are begun, no more than one waits.
pub(crate) const OPENING: Position = Position(0);

/// Whether the content of the next unsealed row is in memory.
pub(crate) enum NextUnsealed {
    /// There is no such row.
    None,
    Ready(Position, Vec<u8>),
    /// These messages have to be fetched first.
    Wants(Vec<MessageKey>),
    /// They are being fetched.
    Fetching,
}

/// Whether the row at that position may be sealed.
pub(crate) fn allows(sealing: Sealing, position: Position) -> bool {
    match sealing {
        Sealing::Everything => true,
        Sealing::OpeningOnly => position == OPENING,
    }
}

impl Outbox {
    pub fn restore(&mut self, row: OutboxRow) {
        self.next = self.next.max(row.position.0);
        if row.sealed.is_some() {
            self.sealed_to = self.sealed_to.max(Some(row.position));
        }
        self.rows.insert(row.position, row);
    }

    /// Whether something is sealed already, or may be.
    pub fn has_mail(&self, sealing: Sealing) -> bool {
        let may_leave = |(position, row): (&Position, &OutboxRow)| row.sealed.is_some() || allows(sealing, *position);
        self.rows.iter().next().is_some_and(may_leave)
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The row that a message waits in.
    pub fn find(&self, key: &MessageKey) -> Option<&OutboxRow> {
        let text = OutboxContent::Text(*key);
        self.rows.values().find(|row| row.content == text)
    }

    /// The places of the rows about a message.
    pub fn about(&self, key: &MessageKey) -> Vec<Position> {
        let about = self.rows.iter().filter(|(_, row)| row.content.message() == Some(key));
        about.map(|(position, _)| *position).collect()
    }

    fn unsealed(&self) -> impl Iterator<Item = &OutboxRow> {
        let after = self.sealed_to.map_or(Unbounded, Excluded);
        self.rows.range((after, Unbounded)).map(|(_, row)| row)
    }

    /// Makes a new row's content from its message and keeps it until it is sealed, if there is room for it.
    pub fn make_ready(&mut self, position: Position, content: &OutboxContent, message: &MessageRow, ctx: &mut Context) {
        if self.ready.has_room(message.text.len()) {
            self.ready.insert(position, serialised(content, message, ctx));
        }
    }

    /// The message has changed: its content is made anew.
    pub fn make_anew(&mut self, key: &MessageKey) {
        for position in self.about(key) {
            self.ready.remove(position);
        }
    }

    /// No link is established: contents are made when one is.
    pub fn forget_ready(&mut self) {
        self.ready = Ready::default();
    }

    /// The next row to be sealed, and what its ciphertext is to hold.
    pub fn next_unsealed(&mut self, sealing: Sealing, window: usize) -> NextUnsealed {
        let Some(row) = self.unsealed().next().filter(|row| allows(sealing, row.position)) else {
            return NextUnsealed::None;
        };
        let position = row.position;
        if let OutboxContent::Serialised(content) = &row.content {
            return NextUnsealed::Ready(position, content.clone());
        }
        if let Some(content) = self.ready.remove(position) {
            return NextUnsealed::Ready(position, content);
        }
        if self.fetching {
            return NextUnsealed::Fetching;
        }
        NextUnsealed::Wants(self.fetch_next(window))
    }

    /// The messages to be fetched so that what is sealed next is ready when the window has room: an acknowledgement and the
    /// ciphertexts for which it makes room are then one commit.
    pub fn prefetch(&mut self, sealing: Sealing, window: usize) -> Vec<MessageKey> {
        let first = self.unsealed().next().filter(|row| allows(sealing, row.position));
        let is_missing = |row: &OutboxRow| row.content.message().is_some() && !self.ready.contains(row.position);
        if self.fetching || !first.is_some_and(is_missing) {
            return Vec::new();
        }
        self.fetch_next(window)
    }

    /// The messages of the next rows that are not ready. They count as being fetched from now on.
    fn fetch_next(&mut self, window: usize) -> Vec<MessageKey> {
        let missing = self.unsealed().take(window);
        let missing = missing.filter(|row| !self.ready.contains(row.position));
        let keys = missing.filter_map(|row| row.content.message().copied()).collect();
        self.fetching = true;
        keys
    }

    /// The messages of the next rows are here, or are gone. Gives the rows that have nothing to carry any more.
    pub fn fetched(&mut self, keys: &[MessageKey], found: &Found, ctx: &mut Context) -> Vec<Position> {
        self.fetching = false;
        let mut gone = Vec::new();
        let mut made = Vec::new();
        for row in self.unsealed() {
            let Some(key) = row.content.message().filter(|key| keys.contains(key)) else {
                continue;
            };
            match found.get(key).filter(|found| found.message.deleted_at.is_none()) {
                Some(found) => made.push((row.position, serialised(&row.content, &found.message, ctx))),
                None => gone.push(row.position),
            }
        }
        for (position, content) in made {
            self.ready.insert(position, content);
        }
        gone
    }

    /// Removes a row.
    pub fn remove(&mut self, position: Position) -> Option<OutboxRow> {
        self.ready.remove(position);
        self.rows.remove(&position)
    }

    /// Whether the last row carries just this and is not sealed: the same command once more, perhaps because a crash has
    /// hidden the answer to the first.
    pub fn ends_with(&self, kind: &Kind) -> bool {
        let last = self.rows.last_key_value().map(|(_, row)| row);
        let Some(OutboxContent::Serialised(content)) = last.filter(|row| row.sealed.is_none()).map(|row| &row.content)
        else {
            return false;
        };
        Content::decode(content.as_slice()).is_ok_and(|content| content.kind.as_ref() == Some(kind))
    }

    /// Whether a change of our timer waits.
    pub fn has_timer(&self) -> bool {
        let is_timer = |row: &OutboxRow| match &row.content {
            OutboxContent::Serialised(content) => {
                Content::decode(content.as_slice()).is_ok_and(|content| matches!(content.kind, Some(Kind::Timer(_))))
            }
            OutboxContent::Text(_) | OutboxContent::Edit(_) | OutboxContent::Obsolete => false,
        };
        self.rows.values().any(is_timer)
    }

    pub fn sealed(&self) -> impl Iterator<Item = (&OutboxRow, &SealedBody)> {
        self.rows.values().map_while(|row| Some((row, row.sealed.as_ref()?)))
    }

    /// What has waited unsealed for too long.
    pub fn expired(&self, now: Wall) -> Vec<Position> {
        let expired = self.unsealed().filter(|row| !row.repeat && row.expires_at <= now);
        expired.map(|row| row.position).collect()
    }

    /// When the first row expires that may. One that may have arrived under an earlier session does not: that it failed
    /// could not be said truthfully.
    pub fn next_expiry(&self) -> Option<Wall> {
        self.unsealed()
            .filter(|row| !row.repeat)
            .map(|row| row.expires_at)
            .find(|at| *at != OutboxRow::NEVER)
    }
}

/// What to queue.
pub(crate) struct Queued<'m> {
    pub content: OutboxContent,
    /// The message that the content is made from.
    pub message: Option<&'m MessageRow>,
    /// Of a message.
    pub ttl: u32,
    /// It may have reached them already.
    pub repeat: bool,
}

impl<'m> Queued<'m> {
    /// A message.
    pub fn text(message: &'m MessageRow) -> Self {
        Self {
            content: OutboxContent::Text(message.key),
            message: Some(message),
            ttl: message.ttl,
            repeat: false,
        }
    }

    /// The present text of a message.
    pub fn edit(message: &'m MessageRow) -> Self {
        Self {
            content: OutboxContent::Edit(message.key),
            message: Some(message),
            ttl: 0,
            repeat: false,
        }
    }

    /// A content about no text, whose delivery the user does not follow.
    pub fn unfollowed(kind: Kind, ctx: &mut Context) -> Self {
        Self {
            content: OutboxContent::Serialised(content_of(kind, ctx.now.wall, ctx).encode_to_vec()),
            message: None,
            ttl: 0,
            repeat: false,
        }
    }
}

/// A content that goes under an id of its own.
fn content_of(kind: Kind, sent_at: Wall, ctx: &mut Context) -> Content {
    Content {
        id: ctx.entropy.bytes::<16>().to_vec(),
        sent_at: sent_at.0,
        repeat: false,
        ignorable: false,
        kind: Some(kind),
    }
}

/// The serialised content of a row about a message, made from the message.
fn serialised(content: &OutboxContent, message: &MessageRow, ctx: &mut Context) -> Vec<u8> {
    let content = match content {
        OutboxContent::Edit(key) => {
            let edit = content::Edit {
                target: key.id.0.to_vec(),
                text: message.text.clone(),
            };
            let edited_at = message.edited_at.unwrap_or(ctx.now.wall);
            content_of(Kind::Edit(edit), edited_at, ctx)
        }
        OutboxContent::Text(_) | OutboxContent::Serialised(_) | OutboxContent::Obsolete => Content {
            id: message.key.id.0.to_vec(),
            sent_at: message.sent_at.0,
            repeat: false,
            ignorable: false,
            kind: Some(Kind::Text(text_of(message))),
        },
    };
    content.encode_to_vec()
}

fn text_of(message: &MessageRow) -> content::Text {
    let content_type = match message.content_type {
        ContentType::Markdown => content::ContentType::Markdown,
        ContentType::Plain | ContentType::Unsupported => content::ContentType::Plain,
    };
    content::Text {
        text: message.text.clone(),
        content_type: content_type.into(),
        thread: message.thread.clone().unwrap_or_default(),
        reply_to: message.reply_to.map(|id| id.0.to_vec()).unwrap_or_default(),
        ttl: message.ttl,
        hops: message.hops,
    }
}
