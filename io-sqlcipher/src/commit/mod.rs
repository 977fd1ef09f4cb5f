//! Core's changes as SQL: one exhaustive `match` over rows and one over keys, each arm a prepared statement that the
//! connection keeps.

mod message;

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use sotto_core::OnionAddress;
use sotto_core::row::{Batch, Change, DeliveryRow, Key, MessageKey, Row};

use crate::code::Code;
use crate::event::EventColumns;
use crate::peer::Peers;

/// Makes a batch's changes. The caller's transaction makes them all or none.
///
/// They are made in their order, with two liberties that cannot be told from it: messages are written in the order of the
/// conversation, so that their numbers follow it and neighbours stay neighbours on the pages; and a new message is written
/// together with its state.
pub(crate) fn apply(db: &Connection, peers: &mut Peers, batch: &Batch) -> rusqlite::Result<()> {
    let mut changes: Vec<&Change> = batch.changes.iter().collect();
    let is_message = |change: &&Change| matches!(change.key(), Key::Message(_));
    if let Some(first) = changes.iter().position(is_message) {
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
        peers,
        states: states.collect(),
    };
    for change in changes {
        match change {
            Change::Put(row) => commit.write(Mode::Put, row)?,
            Change::Insert(row) => commit.write(Mode::Insert, row)?,
            Change::Delete(key) => commit.delete(key)?,
        }
    }
    Ok(())
}

/// A batch being written.
struct Commit<'b> {
    db: &'b Connection,
    peers: &'b mut Peers,
    /// States that are still to be written.
    states: BTreeMap<MessageKey, &'b DeliveryRow>,
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
const CONTACT: Table = table!("contact": "contact";
    "standing", "petname", "claimed_name", "note", "invite", "identity_key", "verified", "blocked", "timer_ours",
    "timer_theirs", "created_at", "last_seen", "attempts", "next_attempt");
const SESSION: Table = table!("session": "contact"; "record");
const CURSORS: Table = table!("cursors": "contact"; "generation", "sent", "acknowledged", "received");
const OFFER: Table = table!("offer": "contact"; "generation", "bundle", "secrets");
const REQUEST: Table = table!("request": "contact"; "generation", "bundle", "note", "received_at");
const INVITE: Table = table!("invite": "token"; "created_at");
const OUTBOX: Table = table!("outbox": "contact", "position";
    "message", "content", "sequence", "ciphertext", "repeat", "queued_at", "expires_at", "ttl", "disappears_at");
const CONSUMER: Table = table!("consumer": "name"; "acknowledged");
const EVENT: Table = table!("event": "seq"; "at", "kind", "contact", "direction", "message", "value");

/// The only identity's key.
const ONLY: i64 = 1;

impl Commit<'_> {
    fn write(&mut self, mode: Mode, row: &Row) -> rusqlite::Result<()> {
        let db = self.db;
        match row {
            Row::Identity(row) => db.prepare_cached(IDENTITY.write(mode))?.execute(params![
                ONLY,
                row.onion_seed,
                row.signal_identity,
                row.registration_id,
                row.name,
                row.created_at.0.cast_signed(),
            ])?,
            Row::Contact(row) => db.prepare_cached(CONTACT.write(mode))?.execute(params![
                self.peers.intern(db, &row.address)?,
                row.standing.code(),
                row.petname,
                row.claimed_name,
                row.note,
                row.invite.map(|token| token.0),
                row.identity_key,
                row.verified,
                row.blocked,
                row.timer_ours,
                row.timer_theirs,
                row.created_at.0.cast_signed(),
                row.last_seen.map(|at| at.0.cast_signed()),
                row.retry.attempts,
                row.retry.next_attempt.map(|at| at.0.cast_signed()),
            ])?,
            Row::Session(row) => db
                .prepare_cached(SESSION.write(mode))?
                .execute(params![self.peers.intern(db, &row.contact)?, row.record])?,
            Row::Cursors(row) => db.prepare_cached(CURSORS.write(mode))?.execute(params![
                self.peers.intern(db, &row.contact)?,
                row.generation.0.cast_signed(),
                row.sent.cast_signed(),
                row.acknowledged.cast_signed(),
                row.received.cast_signed(),
            ])?,
            Row::Offer(row) => db.prepare_cached(OFFER.write(mode))?.execute(params![
                self.peers.intern(db, &row.contact)?,
                row.generation.0.cast_signed(),
                row.bundle,
                row.secrets,
            ])?,
            Row::Request(row) => db.prepare_cached(REQUEST.write(mode))?.execute(params![
                self.peers.intern(db, &row.contact)?,
                row.generation.0.cast_signed(),
                row.bundle,
                row.note,
                row.received_at.0.cast_signed(),
            ])?,
            Row::Invite(row) => db
                .prepare_cached(INVITE.write(mode))?
                .execute(params![row.token.0, row.created_at.0.cast_signed()])?,
            Row::Outbox(row) => db.prepare_cached(OUTBOX.write(mode))?.execute(params![
                self.peers.intern(db, &row.contact)?,
                row.position.0.cast_signed(),
                row.message.map(|id| id.0),
                row.content,
                row.sealed.as_ref().map(|sealed| sealed.sequence.cast_signed()),
                row.sealed.as_ref().map(|sealed| &sealed.ciphertext),
                row.repeat,
                row.queued_at.0.cast_signed(),
                row.expires_at.0.cast_signed(),
                row.ttl,
                row.disappears_at.map(|at| at.0.cast_signed()),
            ])?,
            Row::Consumer(row) => db
                .prepare_cached(CONSUMER.write(mode))?
                .execute(params![row.name, row.acknowledged.0.cast_signed()])?,
            Row::Message(row) => self.write_message(mode, row)?,
            Row::Delivery(row) => self.write_delivery(mode, row)?,
            Row::Reaction(row) => self.write_reaction(mode, row)?,
            Row::Event(row) => {
                let event = EventColumns::of(&row.event);
                db.prepare_cached(EVENT.write(mode))?.execute(params![
                    row.seq.0.cast_signed(),
                    row.at.0.cast_signed(),
                    event.kind,
                    self.peers.intern(db, &event.contact)?,
                    event.direction.map(Code::code),
                    event.message.map(|id| id.0),
                    event.value,
                ])?
            }
        };
        Ok(())
    }

    fn delete(&mut self, key: &Key) -> rusqlite::Result<()> {
        let db = self.db;
        match key {
            Key::Identity => db.prepare_cached(IDENTITY.delete)?.execute([ONLY])?,
            Key::Contact(contact) => self.delete_of(&CONTACT, contact)?,
            Key::Session(contact) => self.delete_of(&SESSION, contact)?,
            Key::Cursors(contact) => self.delete_of(&CURSORS, contact)?,
            Key::Offer(contact) => self.delete_of(&OFFER, contact)?,
            Key::Request(contact) => self.delete_of(&REQUEST, contact)?,
            Key::Invite(token) => db.prepare_cached(INVITE.delete)?.execute([token.0])?,
            Key::Outbox(contact, position) => match self.peers.find(db, contact)? {
                Some(contact) => db
                    .prepare_cached(OUTBOX.delete)?
                    .execute([contact, position.0.cast_signed()])?,
                None => 0,
            },
            Key::Consumer(name) => db.prepare_cached(CONSUMER.delete)?.execute([name])?,
            Key::Message(key) => self.delete_message(key)?,
            Key::Delivery(key) => self.delete_delivery(key)?,
            Key::Reaction(key, author) => self.delete_reaction(key, *author)?,
            Key::Event(seq) => db.prepare_cached(EVENT.delete)?.execute([seq.0.cast_signed()])?,
        };
        Ok(())
    }

    fn delete_of(&mut self, table: &Table, contact: &OnionAddress) -> rusqlite::Result<usize> {
        match self.peers.find(self.db, contact)? {
            Some(contact) => self.db.prepare_cached(table.delete)?.execute([contact]),
            None => Ok(0),
        }
    }
}
