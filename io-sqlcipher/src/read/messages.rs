//! [`MessageView`]: a message as it is shown, with its state, its reactions, and the names of the contact.

use std::collections::BTreeMap;

use rusqlite::{Connection, Params, Row};
use sotto_core::row::{ContentType, DeliveryState, MessageKey, MessageWithDelivery, OutboxRow};
use sotto_core::{Direction, EventSeq, MessageId, OnionAddress, Wall};

use super::{Reader, Snapshot};
use crate::StoreError;
use crate::code::{Columns, of};
use crate::message::{MESSAGE_COLUMNS, message, message_columns};
use crate::sanitise;
use crate::tail::Name;

/// A message as it stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageView {
    /// Its name.
    pub key: MessageKey,
    /// Whether another node wrote it, or this one.
    pub direction: Direction,
    /// Its place in the conversation.
    pub order: EventSeq,
    /// The text; empty once deleted.
    pub text: String,
    /// How to show it.
    pub content_type: ContentType,
    /// The thread it belongs to.
    pub thread: Option<String>,
    /// The message it answers, by either author.
    pub reply_to: Option<MessageId>,
    /// Seconds it lives once the clock starts; 0 is for ever.
    pub ttl: u32,
    /// Programs that have written, each to answer the one before. Untrusted if the author is another node.
    pub hops: u32,
    /// The author's clock when it was written. Untrusted if the author is another node.
    pub sent_at: Wall,
    /// Our clock when it was queued or received.
    pub at: Wall,
    /// When it was last edited.
    pub edited_at: Option<Wall>,
    /// When it was deleted for both.
    pub deleted_at: Option<Wall>,
    /// Where it stands; `None` for an incoming message that was not read.
    pub state: Option<DeliveryState>,
    /// Since when.
    pub state_at: Option<Wall>,
    /// When it disappears; `None` if never, or if its clock has not started.
    pub disappears_at: Option<Wall>,
    /// In a direct conversation, the user's name for the contact.
    pub petname: Option<String>,
    /// In a direct conversation, the contact's name for itself. Untrusted.
    pub claimed_name: Option<String>,
    /// In a direct conversation, whether the contact's safety number was compared.
    pub verified: bool,
    /// In a direct conversation, whether the contact's identity key has replaced a verified one and is not accepted.
    pub untrusted: bool,
    /// In a direct conversation, whether the contact's node says that it has removed this one.
    pub removed_by_peer: bool,
    /// At most one of each author: in a direct conversation the contact's first.
    pub reactions: Vec<ReactionView>,
    /// While it waits: tries in a row that did not reach the contact. Else 0.
    pub attempts: u32,
    /// While it waits: when the contact is tried next; `None` is at once.
    pub next_attempt: Option<Wall>,
    /// While it waits unsealed: when it fails as expired.
    pub gives_up_at: Option<Wall>,
}

/// A reaction to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReactionView {
    /// The node that reacts.
    pub author: OnionAddress,
    /// With what. Untrusted if the author is another node.
    pub emoji: String,
    /// When.
    pub at: Wall,
}

impl MessageView {
    /// Deleted for both; the row is a mark.
    pub const fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }

    /// Came in, is still there, and was not read here.
    pub fn is_unread(&self) -> bool {
        self.direction == Direction::In && self.state.is_none() && !self.is_deleted()
    }

    /// Ours, and on its way: not proven to have arrived, not given up.
    pub const fn is_waiting(&self) -> bool {
        matches!(self.state, Some(DeliveryState::Queued | DeliveryState::Sent))
            && matches!(self.direction, Direction::Out)
    }
}

/// Fewest hexadecimal digits that may stand for an id.
const SHORTEST_PREFIX: usize = 6;

/// Messages of one author in a conversation that one prefix may find; more than two only show that it is too short.
const SAME_PREFIX: usize = 16;

impl Reader {
    /// The messages whose id begins with these hexadecimal digits (6 to 32), in any conversation, at most 16 of each author in
    /// each. A whole id can have two owners as well: ids are chosen by authors.
    pub fn message(&self, id: &str) -> Result<Vec<MessageView>, StoreError> {
        let Some((first, last)) = id_range(id) else {
            return Ok(Vec::new());
        };
        self.read(|at| {
            let db = at.db;
            let numbers = at.tail()?.range(db, first, last, SAME_PREFIX)?;
            let mut found = Vec::new();
            for number in numbers {
                found.extend(at.view_of_number(number)?);
            }
            found.sort_by_key(|message| (message.order, message.key));
            Ok(found)
        })
    }

    /// The message of that name.
    pub fn message_by_key(&self, key: &MessageKey) -> Result<Option<MessageView>, StoreError> {
        self.read(|at| at.view_of(key))
    }
}

/// The smallest and the largest id that begin with the digits.
fn id_range(prefix: &str) -> Option<(MessageId, MessageId)> {
    if prefix.len() < SHORTEST_PREFIX {
        return None;
    }
    let first = format!("{prefix:0<32}").parse().ok()?;
    let last = format!("{prefix:f<32}").parse().ok()?;
    Some((first, last))
}

/// A statement that [`Snapshot::views`] understands: `FROM` these tables, with this rest.
macro_rules! view_sql {
    ($from:literal => $rest:literal) => {
        concat!(
            "SELECT ",
            message_columns!(),
            ", message.author IS (SELECT address FROM identity), contact.petname, contact.claimed_name, contact.verified, contact.attempts, \
             contact.next_attempt, contact.untrusted, contact.removed_by_peer FROM ",
            $from,
            " LEFT JOIN contact ON contact.contact = message.conversation ",
            $rest
        )
    };
}
pub(super) use view_sql;

impl Snapshot<'_> {
    /// The messages that a `view_sql` finds, in its order.
    pub(super) fn views(&mut self, sql: &str, parameters: impl Params) -> rusqlite::Result<Vec<MessageView>> {
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows = statement.query(parameters)?;
        let mut views = Vec::new();
        while let Some(row) = rows.next()? {
            views.push(self.view(row)?);
        }
        Ok(views)
    }

    /// The message of that name.
    pub(super) fn view_of(&mut self, key: &MessageKey) -> rusqlite::Result<Option<MessageView>> {
        match self.number_of(key)? {
            Some(number) => self.view_of_number(number),
            None => Ok(None),
        }
    }

    /// The number of the message of that name.
    pub(super) fn number_of(&mut self, key: &MessageKey) -> rusqlite::Result<Option<i64>> {
        match Name::of(self.db, self.numbers, key)? {
            Some(name) => self.number(&name),
            None => Ok(None),
        }
    }

    /// The message with that number.
    pub(super) fn view_of_number(&mut self, number: i64) -> rusqlite::Result<Option<MessageView>> {
        Ok(self
            .views(view_sql!("message" => "WHERE message.number = ?"), [number])?
            .pop())
    }

    fn view(&mut self, row: &Row<'_>) -> rusqlite::Result<MessageView> {
        const NEXT: usize = MESSAGE_COLUMNS;
        let MessageWithDelivery { message, delivery } = message(self.db, self.numbers, row)?;
        let ours: bool = row.get(NEXT)?;
        let mut view = MessageView {
            key: message.key,
            direction: if ours { Direction::Out } else { Direction::In },
            order: message.order,
            text: sanitise::text(message.text),
            content_type: message.content_type,
            thread: message.thread.map(sanitise::line),
            reply_to: message.reply_to,
            ttl: message.ttl,
            hops: message.hops,
            sent_at: message.sent_at,
            at: message.at,
            edited_at: message.edited_at,
            deleted_at: message.deleted_at,
            state: delivery.as_ref().map(|delivery| delivery.state),
            state_at: delivery.as_ref().map(|delivery| delivery.at),
            disappears_at: delivery.and_then(|delivery| delivery.disappears_at),
            petname: sanitise::name(of("contact", row, row.get(NEXT + 1))?),
            claimed_name: sanitise::name(of("contact", row, row.get(NEXT + 2))?),
            verified: of("contact", row, row.maybe_code(NEXT + 3))?.unwrap_or(false),
            untrusted: of("contact", row, row.maybe_code(NEXT + 6))?.unwrap_or(false),
            removed_by_peer: of("contact", row, row.maybe_code(NEXT + 7))?.unwrap_or(false),
            reactions: self.reactions(row.get(0)?, row.get(3)?)?,
            attempts: 0,
            next_attempt: None,
            gives_up_at: None,
        };
        if view.is_waiting() {
            let attempts: Option<u32> = of("contact", row, row.get(NEXT + 4))?;
            view.attempts = attempts.unwrap_or(0);
            view.next_attempt = of("contact", row, row.maybe_wall(NEXT + 5))?;
            view.gives_up_at = self.gives_up_at(row.get(0)?, view.key.id)?;
        }
        Ok(view)
    }

    fn reactions(&mut self, conversation: i64, message: i64) -> rusqlite::Result<Vec<ReactionView>> {
        let mut statement = self.db.prepare_cached(
            "SELECT author, emoji, at FROM reaction WHERE message = ?1 ORDER BY author <> ?2, author",
        )?;
        let mut rows = statement.query((message, conversation))?;
        let mut reactions = Vec::new();
        while let Some(row) = rows.next()? {
            reactions.push(ReactionView {
                author: self.numbers.peer(self.db, of("reaction", row, row.get(0))?)?,
                emoji: sanitise::line(of("reaction", row, row.get(1))?),
                at: of("reaction", row, row.wall(2))?,
            });
        }
        Ok(reactions)
    }

    fn gives_up_at(&mut self, contact: i64, id: MessageId) -> rusqlite::Result<Option<Wall>> {
        let known = self.waiting.entry(contact).or_default();
        while !known.messages.contains_key(&id) && !known.is_whole {
            known.read(self.db, contact)?;
        }
        let at = known.messages.get(&id).copied().flatten();
        Ok(at.filter(|at| *at != OutboxRow::NEVER))
    }
}

/// The end of a contact's outbox, as far as it was read: which messages it delivers, and until when those that are not sealed wait. No
/// index leads from a message to its row. What is shown is mostly what was queued last, so the rows are read from the end on.
#[derive(Default)]
pub(super) struct WaitingMessages {
    messages: BTreeMap<MessageId, Option<Wall>>,
    /// The position that was read last.
    lowest: Option<i64>,
    /// There are no more rows.
    is_whole: bool,
}

impl WaitingMessages {
    /// Rows that are read at once.
    const CHUNK: u32 = 64;

    fn read(&mut self, db: &Connection, contact: i64) -> rusqlite::Result<()> {
        let mut statement = db.prepare_cached(
            "SELECT position, message, expires_at, sequence IS NULL FROM outbox \
             WHERE contact = ? AND position < ? ORDER BY position DESC LIMIT ?",
        )?;
        let below = self.lowest.unwrap_or(i64::MAX);
        let mut rows = statement.query((contact, below, Self::CHUNK))?;
        let mut read = 0;
        while let Some(row) = rows.next()? {
            read += 1;
            self.lowest = Some(of("outbox", row, row.get(0))?);
            if let Some(id) = of("outbox", row, row.maybe_id(1))? {
                let expires_at = of("outbox", row, row.wall(2))?;
                let is_unsealed: bool = of("outbox", row, row.get(3))?;
                self.messages.entry(id).or_insert(is_unsealed.then_some(expires_at));
            }
        }
        self.is_whole = read < Self::CHUNK;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_prefix_is_six_to_thirty_two_hexadecimal_digits() {
        let (first, last) = id_range("ABCDEF1").expect("seven digits");
        assert_eq!(first.to_string(), format!("abcdef1{}", "0".repeat(25)));
        assert_eq!(last.to_string(), format!("abcdef1{}", "f".repeat(25)));
        let whole = "0123456789abcdef0123456789abcdef";
        assert_eq!(id_range(whole), Some((whole.parse().unwrap(), whole.parse().unwrap())));
        for wrong in ["", "abcde", "abcdeg", "äöüäöü", &format!("{whole}0"), "abc def"] {
            assert_eq!(id_range(wrong), None, "{wrong}");
        }
    }
}
