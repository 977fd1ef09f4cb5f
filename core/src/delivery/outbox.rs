//! What waits for a contact, from being queued to being acknowledged.
//!
//! Rows are kept in the order of their positions. Those that are sealed come first, in the order of their sequence numbers
//! `acknowledged + 1 ..= sent`; the rest is unsealed. A row is sealed only when a link flows and the window has room, and its
//! ciphertext, the ratchet's change and the number are staged together; from then on it is sent again verbatim until it is
//! acknowledged. Only unsealed rows can be taken back or expire, so the sequence has no holes.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use prost::Message as _;

use crate::kernel::context::Context;
use crate::row::{OutboxRow, SealedBody};
use crate::wire::content::Content;
use crate::wire::content::content::Kind;
use crate::{MessageKey, Position, Wall};

#[derive(Default)]
pub(crate) struct Outbox {
    pub rows: BTreeMap<Position, OutboxRow>,
    /// The last position that is sealed.
    pub sealed_to: Option<Position>,
    pub next: u64,
}

/// The first content of either side of a session takes this place, before anything that waits. What it says holds for that
/// session alone: the next one has another, so however many are begun, no more than one waits.
pub(crate) const OPENING: Position = Position(0);

impl Outbox {
    pub fn restore(&mut self, row: OutboxRow) {
        self.next = self.next.max(row.position.0);
        if row.sealed.is_some() {
            self.sealed_to = self.sealed_to.max(Some(row.position));
        }
        self.rows.insert(row.position, row);
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The row that a message waits in.
    pub fn find(&self, key: &MessageKey) -> Option<&OutboxRow> {
        self.rows.values().find(|row| row.message.as_ref() == Some(key))
    }

    pub fn first_unsealed(&self) -> Option<Position> {
        let after = self.sealed_to.map_or(Unbounded, Excluded);
        self.rows
            .range((after, Unbounded))
            .next()
            .map(|(position, _)| *position)
    }

    /// Whether the last row carries just this and is not sealed: the same command once more, perhaps because a crash has
    /// hidden the answer to the first.
    pub fn ends_with(&self, kind: &Kind) -> bool {
        let last = self.rows.last_key_value().map(|(_, row)| row);
        last.filter(|row| row.sealed.is_none() && row.message.is_none())
            .and_then(|row| Content::decode(&*row.content).ok())
            .is_some_and(|content| content.kind.as_ref() == Some(kind))
    }

    /// Whether a change of our timer waits.
    pub fn has_timer(&self) -> bool {
        let mut unfollowed = self.rows.values().filter(|row| row.message.is_none());
        unfollowed.any(|row| {
            let content = Content::decode(&*row.content);
            content.is_ok_and(|content| matches!(content.kind, Some(Kind::Timer(_))))
        })
    }

    pub fn sealed(&self) -> impl Iterator<Item = (&OutboxRow, &SealedBody)> {
        self.rows.values().map_while(|row| Some((row, row.sealed.as_ref()?)))
    }

    /// What has waited unsealed for too long.
    pub fn expired(&self, now: Wall) -> Vec<Position> {
        let after = self.sealed_to.map_or(Unbounded, Excluded);
        let unsealed = self.rows.range((after, Unbounded));
        let expired = unsealed.filter(|(_, row)| !row.repeat && row.expires_at <= now);
        expired.map(|(position, _)| *position).collect()
    }

    /// When the first row expires that may. One that may have arrived under an earlier session does not: that it failed
    /// could not be said truthfully.
    pub fn next_expiry(&self) -> Option<Wall> {
        let after = self.sealed_to.map_or(Unbounded, Excluded);
        let expiring = self.rows.range((after, Unbounded)).map(|(_, row)| row);
        expiring
            .filter(|row| !row.repeat)
            .map(|row| row.expires_at)
            .find(|at| *at != OutboxRow::NEVER)
    }
}

/// What to queue.
pub(crate) struct Queued {
    pub content: Content,
    /// The message that a person follows, and its time to live.
    pub message: Option<(MessageKey, u32)>,
    /// It may have reached them already.
    pub repeat: bool,
}

impl Queued {
    /// A content whose delivery the user does not follow: it goes under an id of its own and never expires.
    pub fn unfollowed(kind: Kind, ctx: &mut Context) -> Self {
        let id = ctx.entropy.bytes::<16>().to_vec();
        Self {
            content: Content {
                id,
                sent_at: ctx.now.wall.0,
                repeat: false,
                ignorable: false,
                kind: Some(kind),
            },
            message: None,
            repeat: false,
        }
    }
}
