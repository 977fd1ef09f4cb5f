//! Core's changes as SQL: one exhaustive `match` over rows and one over keys, each arm a prepared statement that the
//! connection keeps.

mod message;

use std::collections::BTreeMap;

use rusqlite::{CachedStatement, Connection, ToSql, params};
use sotto_core::row::{Batch, Change, DeliveryRow, Key, MessageKey, Row};
use sotto_core::{ConversationId, Direction, OnionAddress};

use crate::code::Code;
use crate::event::EventColumns;
use crate::name::Names;
use crate::peer::Peers;
use crate::side;

/// Makes a batch's changes. The caller's transaction makes them all or none.
///
/// They are made in their order, with two liberties that cannot be told from it: messages are written in the order of the
/// conversation, so that their numbers follow it and neighbours stay neighbours on the pages; and a new message is written
/// together with its state.
pub(crate) fn apply(db: &Connection, peers: &mut Peers, names: &mut Names, batch: &Batch) -> rusqlite::Result<()> {
    let mut changes: Vec<&Change> = batch.changes.iter().collect();
    if let Some(first) = changes.iter().position(|change| is_message(change)) {
        let count = changes[first..].iter().take_while(|change| is_message(change)).count();
        changes[first..first + count].sort_by_key(|change| match change {
            Change::Put(Row::Message(row)) | Change::Insert(Row::Message(row)) => Some(row.order),
            _ => None,
        });
    }
    let states = changes.iter().filter_map(|change| match change {
        Change::Put(Row::Delivery(row)) | Change::Insert(Row::Delivery(row)) => Some((row.key, row)),
        _ => None,
    });
    let mut commit = Commit {
        db,
        statements: Statements::new(db),
        peers,
        names,
        states: states.collect(),
    };
    for change in changes {
        match change {
            Change::Put(row) => commit.write(Mode::Put, row)?,
            Change::Insert(row) => commit.write(Mode::Insert, row)?,
            Change::Delete(key) => commit.delete(key)?,
        };
    }
    drop(commit);
    names.settle(db)
}

const fn is_message(change: &Change) -> bool {
    matches!(
        change,
        Change::Put(Row::Message(_)) | Change::Insert(Row::Message(_)) | Change::Delete(Key::Message(_))
    )
}

/// A batch being written.
struct Commit<'b> {
    db: &'b Connection,
    statements: Statements<'b>,
    peers: &'b mut Peers,
    names: &'b mut Names,
    /// States that are still to be written.
    states: BTreeMap<MessageKey, &'b DeliveryRow>,
}

/// The statements of a batch, at hand: to ask the connection for each takes as long as a small one runs.
struct Statements<'b> {
    db: &'b Connection,
    held: Vec<(&'static str, CachedStatement<'b>)>,
}

impl<'b> Statements<'b> {
    const fn new(db: &'b Connection) -> Self {
        let held = Vec::new();
        Self { db, held }
    }

    /// Runs a statement, and says how many rows it changed.
    fn run(&mut self, sql: &'static str, parameters: &[&dyn ToSql]) -> rusqlite::Result<usize> {
        let held = self.held.iter().position(|(held, _)| std::ptr::eq(*held, sql));
        if held.is_none() {
            self.held.push((sql, self.db.prepare_cached(sql)?));
        }
        let index = held.unwrap_or(self.held.len() - 1);
        self.held[index].1.execute(parameters)
    }
}

/// What happens to an older row of the same key.
#[derive(Clone, Copy)]
enum Mode {
    Put,
    Insert,
}

/// A table's statements. Rows are updated in place: `REPLACE` would free and wipe their pages each time.
struct Table {
    put: &'static str,
    insert: &'static str,
    delete: &'static str,
}

impl Table {
    const fn write(&self, mode: Mode) -> &'static str {
        match mode {
            Mode::Put => self.put,
            Mode::Insert => self.insert,
        }
    }
}

/// `table!("name": "key column", …; "other column", …)`; parameters are bound in this order.
macro_rules! table {
    ($name:literal: $key:literal $(, $keys:literal)*; $column:literal $(, $columns:literal)* $(,)?) => {
        Table {
            put: concat!(
                table!(@insert $name: $key $(, $keys)*; $column $(, $columns)*),
                " ON CONFLICT (", $key $(, ", ", $keys)*, ") DO UPDATE SET ",
                $column, " = excluded.", $column $(, ", ", $columns, " = excluded.", $columns)*
            ),
            insert: concat!(
                table!(@insert $name: $key $(, $keys)*; $column $(, $columns)*),
                " ON CONFLICT (", $key $(, ", ", $keys)*, ") DO NOTHING"
            ),
            delete: concat!("DELETE FROM ", $name, " WHERE ", $key, " = ?" $(, " AND ", $keys, " = ?")*),
        }
    };
    (@insert $name:literal: $key:literal $(, $keys:literal)*; $($columns:literal),*) => {
        concat!(
            "INSERT INTO ", $name, " (", $key $(, ", ", $keys)* $(, ", ", $columns)*,
            ") VALUES (?" $(, table!(@parameter $keys))* $(, table!(@parameter $columns))*, ")"
        )
    };
    (@parameter $column:literal) => { ", ?" };
}

const IDENTITY: Table =
    table!("identity": "number"; "onion_seed", "signal_identity", "registration_id", "name", "created_at");
/// The timers are in it, too, but are rows of their own for core, which come after it in a batch.
const CONTACT: Table = Table {
    put: "INSERT INTO contact (contact, standing, petname, claimed_name, note, invite, identity_key, verified, blocked, \
          created_at, last_seen, attempts, next_attempt, timer_ours, timer_theirs) \
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0) ON CONFLICT (contact) DO UPDATE SET \
          standing = excluded.standing, petname = excluded.petname, claimed_name = excluded.claimed_name, \
          note = excluded.note, invite = excluded.invite, identity_key = excluded.identity_key, \
          verified = excluded.verified, blocked = excluded.blocked, created_at = excluded.created_at, \
          last_seen = excluded.last_seen, attempts = excluded.attempts, next_attempt = excluded.next_attempt",
    insert: "INSERT INTO contact (contact, standing, petname, claimed_name, note, invite, identity_key, verified, \
             blocked, created_at, last_seen, attempts, next_attempt, timer_ours, timer_theirs) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0) ON CONFLICT (contact) DO NOTHING",
    delete: "DELETE FROM contact WHERE contact = ?",
};
const SESSION: Table = table!("session": "contact"; "record");
const CURSORS: Table = table!("cursors": "contact"; "generation", "sent", "acknowledged", "received");
const OFFER: Table = table!("offer": "contact"; "generation", "bundle", "secrets");
const REQUEST: Table = table!("request": "contact"; "generation", "bundle", "note", "received_at");
const INVITE: Table = table!("invite": "token"; "created_at");
const OUTBOX: Table = table!("outbox": "contact", "position";
    "message", "content", "sequence", "ciphertext", "repeat", "queued_at", "expires_at", "ttl", "disappears_at");
const CONSUMER: Table = table!("consumer": "name"; "acknowledged");
const REACTION: Table = table!("reaction": "message", "author"; "emoji", "at");
const EVENT: Table = table!("event": "seq"; "at", "kind", "contact", "direction", "message", "value");

/// The only identity's key.
const ONLY: i64 = 1;

impl Commit<'_> {
    fn write(&mut self, mode: Mode, row: &Row) -> rusqlite::Result<usize> {
        let db = self.db;
        match row {
            Row::Identity(row) => self.statements.run(
                IDENTITY.write(mode),
                params![
                    ONLY,
                    row.onion_seed,
                    row.signal_identity,
                    row.registration_id,
                    row.name,
                    row.created_at.0.cast_signed(),
                ],
            ),
            Row::Contact(row) => self.statements.run(
                CONTACT.write(mode),
                params![
                    self.peers.intern(db, &row.address)?,
                    row.standing.code(),
                    row.petname,
                    row.claimed_name,
                    row.note,
                    row.invite.map(|token| token.0),
                    row.identity_key,
                    row.verified,
                    row.blocked,
                    row.created_at.0.cast_signed(),
                    row.last_seen.map(|at| at.0.cast_signed()),
                    row.retry.attempts,
                    row.retry.next_attempt.map(|at| at.0.cast_signed()),
                ],
            ),
            Row::Timer(row) => self.write_timer(&row.conversation, &row.author, row.seconds),
            Row::Session(row) => self.statements.run(
                SESSION.write(mode),
                params![self.peers.intern(db, &row.contact)?, row.record],
            ),
            Row::Cursors(row) => self.statements.run(
                CURSORS.write(mode),
                params![
                    self.peers.intern(db, &row.contact)?,
                    row.generation.0.cast_signed(),
                    row.sent.cast_signed(),
                    row.acknowledged.cast_signed(),
                    row.received.cast_signed(),
                ],
            ),
            Row::Offer(row) => self.statements.run(
                OFFER.write(mode),
                params![
                    self.peers.intern(db, &row.contact)?,
                    row.generation.0.cast_signed(),
                    row.bundle,
                    row.secrets,
                ],
            ),
            Row::Request(row) => self.statements.run(
                REQUEST.write(mode),
                params![
                    self.peers.intern(db, &row.contact)?,
                    row.generation.0.cast_signed(),
                    row.bundle,
                    row.note,
                    row.received_at.0.cast_signed(),
                ],
            ),
            Row::Invite(row) => self
                .statements
                .run(INVITE.write(mode), params![row.token.0, row.created_at.0.cast_signed()]),
            Row::Outbox(row) => self.statements.run(
                OUTBOX.write(mode),
                params![
                    self.peers.intern(db, &row.contact)?,
                    row.position.0.cast_signed(),
                    row.message.map(|key| key.id.0),
                    row.content,
                    row.sealed.as_ref().map(|sealed| sealed.sequence.cast_signed()),
                    row.sealed.as_ref().map(|sealed| &sealed.ciphertext),
                    row.repeat,
                    row.queued_at.0.cast_signed(),
                    row.expires_at.0.cast_signed(),
                    row.ttl,
                    row.disappears_at.map(|at| at.0.cast_signed()),
                ],
            ),
            Row::Consumer(row) => self.statements.run(
                CONSUMER.write(mode),
                params![row.name, row.acknowledged.0.cast_signed()],
            ),
            Row::Message(row) => self.write_message(mode, row),
            Row::Delivery(row) => self.write_delivery(mode, row),
            Row::Reaction(row) => self.write_reaction(mode, row),
            Row::Event(row) => {
                let event = EventColumns::of(&row.event)?;
                self.statements.run(
                    EVENT.write(mode),
                    params![
                        row.seq.0.cast_signed(),
                        row.at.0.cast_signed(),
                        event.kind,
                        self.peers.intern(db, &event.contact)?,
                        event.direction.map(Code::code),
                        event.message.map(|id| id.0),
                        event.value,
                    ],
                )
            }
        }
    }

    fn delete(&mut self, key: &Key) -> rusqlite::Result<usize> {
        let db = self.db;
        match key {
            Key::Identity => self.statements.run(IDENTITY.delete, params![ONLY]),
            Key::Contact(contact) => self.delete_of(&CONTACT, contact),
            Key::Timer(conversation, author) => self.write_timer(conversation, author, 0),
            Key::Session(contact) => self.delete_of(&SESSION, contact),
            Key::Cursors(contact) => self.delete_of(&CURSORS, contact),
            Key::Offer(contact) => self.delete_of(&OFFER, contact),
            Key::Request(contact) => self.delete_of(&REQUEST, contact),
            Key::Invite(token) => self.statements.run(INVITE.delete, params![token.0]),
            Key::Outbox(contact, position) => match self.peers.find(db, contact)? {
                Some(contact) => self
                    .statements
                    .run(OUTBOX.delete, params![contact, position.0.cast_signed()]),
                None => Ok(0),
            },
            Key::Consumer(name) => self.statements.run(CONSUMER.delete, params![name]),
            Key::Message(key) => self.delete_message(key),
            Key::Delivery(key) => self.delete_delivery(key),
            Key::Reaction(key, author) => self.delete_reaction(key, author),
            Key::Event(seq) => self.statements.run(EVENT.delete, params![seq.0.cast_signed()]),
        }
    }

    fn write_timer(
        &mut self,
        conversation: &ConversationId,
        author: &OnionAddress,
        seconds: u32,
    ) -> rusqlite::Result<usize> {
        let contact = side::contact(conversation)?;
        let Some(number) = self.peers.find(self.db, &contact)? else {
            return Ok(0);
        };
        let sql = match side::direction(&contact, author) {
            Direction::In => "UPDATE contact SET timer_theirs = ? WHERE contact = ?",
            Direction::Out => "UPDATE contact SET timer_ours = ? WHERE contact = ?",
        };
        self.statements.run(sql, params![seconds, number])
    }

    fn delete_of(&mut self, table: &Table, contact: &OnionAddress) -> rusqlite::Result<usize> {
        match self.peers.find(self.db, contact)? {
            Some(contact) => self.statements.run(table.delete, params![contact]),
            None => Ok(0),
        }
    }
}
