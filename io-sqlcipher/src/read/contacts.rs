//! Contacts, and requests that wait for consent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{OptionalExtension, Row};
use sotto_core::row::{Relationship, Retry};
use sotto_core::{ConversationId, EventSeq, OnionAddress, Wall};

use super::{Reader, Snapshot};
use crate::code::{Columns, of};
use crate::{StoreError, event, sanitise};

/// A peer with its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The address: the identity.
    pub address: OnionAddress,
    /// The user's name for the peer.
    pub petname: Option<String>,
    /// The peer's name for itself. Untrusted.
    pub claimed_name: Option<String>,
    /// The safety number was compared.
    pub verified: bool,
}

/// Counts the commits that may have changed what [`Reader::people`] answers. A program that keeps an answer compares the count
/// from before its query: as long as it is the same, so is the answer. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct PeopleVersion(Arc<AtomicU64>);

impl PeopleVersion {
    /// The count by now. A commit is counted before it is reported.
    pub fn current(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn count(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }
}

/// A contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactView {
    /// The peer.
    pub who: Who,
    /// The relationship with it.
    pub relationship: Relationship,
    /// The note that went with this node's request.
    pub note: String,
    /// What the contact sends is thrown away.
    pub blocked: bool,
    /// The contact's identity key has replaced a verified one, and the user has not accepted it.
    pub untrusted: bool,
    /// The contact's node says that it has removed this one.
    pub removed_by_peer: bool,
    /// This node's timer for the direct conversation, in seconds; 0 is off.
    pub timer_ours: u32,
    /// The contact's timer for it, in seconds; 0 is off.
    pub timer_theirs: u32,
    /// When the contact was made.
    pub created_at: Wall,
    /// When a link to the contact was last alive.
    pub last_seen: Option<Wall>,
    /// When the contact is dialled next, while something waits for it.
    pub retry: Retry,
    /// Messages of the direct conversation that were not read here.
    pub unread: u64,
}

/// All contacts at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactsView {
    /// The contacts, by address.
    pub contacts: Vec<ContactView>,
    /// The newest event at that moment; 0 if there is none.
    pub last_seq: EventSeq,
}

/// A request that waits for consent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestView {
    /// The peer that asks.
    pub who: Who,
    /// The peer's words. Untrusted.
    pub note: String,
    /// When it came.
    pub received_at: Wall,
}

/// The columns that [`contact`] reads; the first three are those of [`Who`].
macro_rules! contact_sql {
    ($rest:literal) => {
        concat!(
            "SELECT petname, claimed_name, verified, relationship, note, blocked, ours.seconds, theirs.seconds, created_at, \
             last_seen, attempts, next_attempt, contact.contact, untrusted, removed_by_peer FROM contact \
             LEFT JOIN timer AS ours ON ours.conversation = contact.contact \
                 AND ours.author = (SELECT address FROM identity) \
             LEFT JOIN timer AS theirs ON theirs.conversation = contact.contact AND theirs.author = contact.contact ",
            $rest
        )
    };
}

/// What is unread: not ours, whose number is the first parameter. The other conditions are those of the index, word by word.
macro_rules! unread_sql {
    ($columns:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM message INDEXED BY unread WHERE author IS NOT ? AND state IS NULL AND deleted_at IS NULL ",
            $rest
        )
    };
}

impl Reader {
    /// Every contact.
    pub fn contacts(&self) -> Result<ContactsView, StoreError> {
        self.read(|at| {
            let unread = unread(at)?;
            let sql = contact_sql!("LEFT JOIN conversation ON number = contact.contact ORDER BY kind, id");
            let mut statement = at.db.prepare_cached(sql)?;
            let mut rows = statement.query([])?;
            let mut contacts = Vec::new();
            while let Some(row) = rows.next()? {
                let number: i64 = row.get(12)?;
                let unread = unread.get(&number).copied().unwrap_or(0);
                contacts.push(contact(at.numbers.peer(at.db, number)?, row, unread)?);
            }
            let last_seq = event::last(at.db)?;
            Ok(ContactsView { contacts, last_seq })
        })
    }

    /// Every peer that a name may mean: contacts by address, then peers that were forgotten and whose messages are still
    /// here. Unlike [`contacts`](Self::contacts), it counts nothing.
    pub fn people(&self) -> Result<Vec<(Who, Relationship)>, StoreError> {
        self.read(|at| {
            let sql = contact_sql!("LEFT JOIN conversation ON number = contact.contact ORDER BY kind, id");
            let mut statement = at.db.prepare_cached(sql)?;
            let mut rows = statement.query([])?;
            let mut people = Vec::new();
            while let Some(row) = rows.next()? {
                let address = at.numbers.peer(at.db, row.get(12)?)?;
                people.push((named(address, row)?, of("contact", row, row.code(3))?));
            }
            let mut forgotten = at.db.prepare_cached(
                "SELECT number FROM conversation WHERE kind = 0 AND number NOT IN (SELECT contact FROM contact)
                 AND EXISTS (SELECT * FROM message WHERE message.conversation = conversation.number)",
            )?;
            let mut rows = forgotten.query([])?;
            while let Some(row) = rows.next()? {
                let who = Who {
                    address: at.numbers.peer(at.db, of("conversation", row, row.get(0))?)?,
                    petname: None,
                    claimed_name: None,
                    verified: false,
                };
                people.push((who, Relationship::Stranger));
            }
            Ok(people)
        })
    }

    /// The relationship with that address; `None` if it is no contact's.
    pub fn relationship(&self, address: &OnionAddress) -> Result<Option<Relationship>, StoreError> {
        self.read(|at| {
            let Some(number) = at.numbers.find_peer(at.db, address)? else {
                return Ok(None);
            };
            at.db
                .prepare_cached("SELECT relationship FROM contact WHERE contact = ?")?
                .query_row([number], |row| of("contact", row, row.code(0)))
                .optional()
        })
    }

    /// The contact with that address.
    pub fn contact(&self, address: &OnionAddress) -> Result<Option<ContactView>, StoreError> {
        self.read(|at| {
            let Some(number) = at.numbers.find_peer(at.db, address)? else {
                return Ok(None);
            };
            let unread = at
                .db
                .prepare_cached(unread_sql!("count(*)", "AND conversation = ?"))?
                .query_row((at.own()?, number), |row| row.u64(0))?;
            at.db
                .prepare_cached(contact_sql!("WHERE contact.contact = ?"))?
                .query_row([number], |row| contact(*address, row, unread))
                .optional()
        })
    }

    /// Requests that wait for consent here, the oldest first.
    pub fn requests(&self) -> Result<Vec<RequestView>, StoreError> {
        self.read(|at| {
            let mut statement = at
                .db
                .prepare_cached("SELECT contact, note, received_at FROM request ORDER BY received_at, contact")?;
            let mut rows = statement.query([])?;
            let mut requests = Vec::new();
            while let Some(row) = rows.next()? {
                requests.push(RequestView {
                    who: at.who(row.get(0)?)?,
                    note: sanitise::text(of("request", row, row.get(1))?),
                    received_at: of("request", row, row.wall(2))?,
                });
            }
            Ok(requests)
        })
    }
}

impl Snapshot<'_> {
    /// The peer of a direct conversation; none if it is another kind.
    pub(super) fn peer_of(&mut self, conversation: i64) -> rusqlite::Result<Option<Who>> {
        match self.numbers.conversation(self.db, conversation)? {
            ConversationId::Direct(_) => self.who(conversation).map(Some),
            ConversationId::Group(_) | ConversationId::Channel(_) => Ok(None),
        }
    }

    /// The peer with that number; without names if it is no contact any more.
    pub(super) fn who(&mut self, number: i64) -> rusqlite::Result<Who> {
        let address = self.numbers.peer(self.db, number)?;
        let known = self
            .db
            .prepare_cached("SELECT petname, claimed_name, verified FROM contact WHERE contact = ?")?
            .query_row([number], |row| named(address, row))
            .optional()?;
        Ok(known.unwrap_or(Who {
            address,
            petname: None,
            claimed_name: None,
            verified: false,
        }))
    }
}

fn named(address: OnionAddress, row: &Row<'_>) -> rusqlite::Result<Who> {
    Ok(Who {
        address,
        petname: sanitise::name(of("contact", row, row.get(0))?),
        claimed_name: sanitise::name(of("contact", row, row.get(1))?),
        verified: of("contact", row, row.code(2))?,
    })
}

fn contact(address: OnionAddress, row: &Row<'_>, unread: u64) -> rusqlite::Result<ContactView> {
    of("contact", row, view(address, row, unread))
}

fn view(address: OnionAddress, row: &Row<'_>, unread: u64) -> rusqlite::Result<ContactView> {
    Ok(ContactView {
        who: named(address, row)?,
        relationship: row.code(3)?,
        note: sanitise::text(row.get(4)?),
        blocked: row.code(5)?,
        untrusted: row.code(13)?,
        removed_by_peer: row.code(14)?,
        timer_ours: timer(row, 6)?,
        timer_theirs: timer(row, 7)?,
        created_at: row.wall(8)?,
        last_seen: row.maybe_wall(9)?,
        retry: Retry {
            attempts: row.get(10)?,
            next_attempt: row.maybe_wall(11)?,
        },
        unread,
    })
}

/// The timer in that column; without a row it is off.
fn timer(row: &Row<'_>, index: usize) -> rusqlite::Result<u32> {
    let seconds: Option<u32> = of("timer", row, row.get(index))?;
    Ok(seconds.unwrap_or(0))
}

/// Unread messages by the conversation's number.
fn unread(at: &Snapshot<'_>) -> rusqlite::Result<BTreeMap<i64, u64>> {
    let sql = unread_sql!("conversation, count(*)", "GROUP BY conversation");
    at.db
        .prepare_cached(sql)?
        .query_map([at.own()?], |row| {
            let count = |row: &Row<'_>| Ok((row.get(0)?, row.u64(1)?));
            of("message", row, count(row))
        })?
        .collect()
}
