//! Who we know, ask, or are asked by.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row};
use sotto_core::row::{Retry, Standing};
use sotto_core::{OnionAddress, Wall};

use super::{Reader, Snapshot};
use crate::StoreError;
use crate::code::{Columns, of};
use crate::sanitise;

/// Who somebody is, and how sure that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// Their address: the identity.
    pub address: OnionAddress,
    /// Our name for them.
    pub petname: Option<String>,
    /// Their name for themselves. Untrusted.
    pub claimed_name: Option<String>,
    /// Their safety number was compared.
    pub verified: bool,
}

/// A contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactView {
    /// Who.
    pub who: Who,
    /// Where we stand.
    pub standing: Standing,
    /// The note that went with our request.
    pub note: String,
    /// What they send is thrown away.
    pub blocked: bool,
    /// Our conversation timer in seconds; 0 is off.
    pub timer_ours: u32,
    /// Their conversation timer in seconds; 0 is off.
    pub timer_theirs: u32,
    /// When we first knew of them.
    pub created_at: Wall,
    /// When a link to them was last alive.
    pub last_seen: Option<Wall>,
    /// When they are tried next, while something waits for them.
    pub retry: Retry,
    /// Messages of theirs that were not read here.
    pub unread: u64,
}

/// Somebody asks to be a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestView {
    /// Who asks.
    pub who: Who,
    /// What they wrote. Untrusted.
    pub note: String,
    /// When it came.
    pub received_at: Wall,
}

/// The columns that [`contact`] reads; the first three are those of [`Who`].
macro_rules! contact_sql {
    ($rest:literal) => {
        concat!(
            "SELECT petname, claimed_name, verified, standing, note, blocked, timer_ours, timer_theirs, created_at, \
             last_seen, attempts, next_attempt, contact.contact FROM contact ",
            $rest
        )
    };
}

/// What is unread; the conditions are those of the index, word by word.
macro_rules! unread_sql {
    ($columns:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM message INDEXED BY unread WHERE direction = 0 AND state IS NOT 3 AND deleted_at IS NULL ",
            $rest
        )
    };
}

impl Reader {
    /// Every contact, by address.
    pub fn contacts(&self) -> Result<Vec<ContactView>, StoreError> {
        self.read(|at| {
            let unread = unread(at.db)?;
            let sql = contact_sql!("LEFT JOIN peer ON peer.number = contact.contact ORDER BY peer.address");
            let mut statement = at.db.prepare_cached(sql)?;
            let mut rows = statement.query([])?;
            let mut contacts = Vec::new();
            while let Some(row) = rows.next()? {
                let number: i64 = row.get(12)?;
                let unread = unread.get(&number).copied().unwrap_or(0);
                contacts.push(contact(at.peers.address(at.db, number)?, row, unread)?);
            }
            Ok(contacts)
        })
    }

    /// Everybody whom a name may mean, by address. Unlike [`contacts`](Self::contacts), it counts nothing.
    pub fn people(&self) -> Result<Vec<(Who, Standing)>, StoreError> {
        self.read(|at| {
            let sql = contact_sql!("LEFT JOIN peer ON peer.number = contact.contact ORDER BY peer.address");
            let mut statement = at.db.prepare_cached(sql)?;
            let mut rows = statement.query([])?;
            let mut people = Vec::new();
            while let Some(row) = rows.next()? {
                let address = at.peers.address(at.db, row.get(12)?)?;
                people.push((named(address, row)?, of("contact", row, row.code(3))?));
            }
            Ok(people)
        })
    }

    /// Where we stand with that address; `None` if it is no contact's.
    pub fn standing(&self, address: &OnionAddress) -> Result<Option<Standing>, StoreError> {
        self.read(|at| {
            let Some(number) = at.peers.find(at.db, address)? else {
                return Ok(None);
            };
            at.db
                .prepare_cached("SELECT standing FROM contact WHERE contact = ?")?
                .query_row([number], |row| of("contact", row, row.code(0)))
                .optional()
        })
    }

    /// The contact with that address.
    pub fn contact(&self, address: &OnionAddress) -> Result<Option<ContactView>, StoreError> {
        self.read(|at| {
            let Some(number) = at.peers.find(at.db, address)? else {
                return Ok(None);
            };
            let unread = at
                .db
                .prepare_cached(unread_sql!("count(*)", "AND contact = ?"))?
                .query_row([number], |row| row.u64(0))?;
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
    /// Who has that number; without names if they are no contact any more.
    pub(super) fn who(&mut self, number: i64) -> rusqlite::Result<Who> {
        let address = self.peers.address(self.db, number)?;
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
        standing: row.code(3)?,
        note: sanitise::text(row.get(4)?),
        blocked: row.code(5)?,
        timer_ours: row.get(6)?,
        timer_theirs: row.get(7)?,
        created_at: row.wall(8)?,
        last_seen: row.maybe_wall(9)?,
        retry: Retry {
            attempts: row.get(10)?,
            next_attempt: row.maybe_wall(11)?,
        },
        unread,
    })
}

/// Unread messages by contact's number.
fn unread(db: &Connection) -> rusqlite::Result<BTreeMap<i64, u64>> {
    let mut statement = db.prepare_cached(unread_sql!("contact, count(*)", "GROUP BY contact"))?;
    statement
        .query_map([], |row| {
            of(
                "message",
                row,
                row.get(0).and_then(|contact| Ok((contact, row.u64(1)?))),
            )
        })?
        .collect()
}
