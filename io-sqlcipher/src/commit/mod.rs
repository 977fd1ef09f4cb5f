//! Core's changes as SQL: one exhaustive `match` over rows and one over keys, each arm a prepared statement that the
//! connection keeps.

mod message;

use rusqlite::{Connection, params};
use sotto_core::OnionAddress;
use sotto_core::row::{Batch, Change, Key, Row};

use crate::code::Code;
use crate::event::EventColumns;
use crate::peer::Peers;

/// Makes a batch's changes, in their order. The caller's transaction makes them all or none.
pub(crate) fn apply(db: &Connection, peers: &mut Peers, batch: &Batch) -> rusqlite::Result<()> {
    for change in &batch.changes {
        match change {
            Change::Put(row) => write(db, peers, Mode::Put, row)?,
            Change::Insert(row) => write(db, peers, Mode::Insert, row)?,
            Change::Delete(key) => delete(db, peers, key)?,
        }
    }
    Ok(())
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

fn write(db: &Connection, peers: &mut Peers, mode: Mode, row: &Row) -> rusqlite::Result<()> {
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
            peers.intern(db, &row.address)?,
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
            .execute(params![peers.intern(db, &row.contact)?, row.record])?,
        Row::Cursors(row) => db.prepare_cached(CURSORS.write(mode))?.execute(params![
            peers.intern(db, &row.contact)?,
            row.generation.0.cast_signed(),
            row.sent.cast_signed(),
            row.acknowledged.cast_signed(),
            row.received.cast_signed(),
        ])?,
        Row::Offer(row) => db.prepare_cached(OFFER.write(mode))?.execute(params![
            peers.intern(db, &row.contact)?,
            row.generation.0.cast_signed(),
            row.bundle,
            row.secrets,
        ])?,
        Row::Request(row) => db.prepare_cached(REQUEST.write(mode))?.execute(params![
            peers.intern(db, &row.contact)?,
            row.generation.0.cast_signed(),
            row.bundle,
            row.note,
            row.received_at.0.cast_signed(),
        ])?,
        Row::Invite(row) => db
            .prepare_cached(INVITE.write(mode))?
            .execute(params![row.token.0, row.created_at.0.cast_signed()])?,
        Row::Outbox(row) => db.prepare_cached(OUTBOX.write(mode))?.execute(params![
            peers.intern(db, &row.contact)?,
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
        Row::Message(row) => message::write(db, peers, mode, row)?,
        Row::Delivery(row) => message::write_delivery(db, peers, mode, row)?,
        Row::Reaction(row) => message::write_reaction(db, peers, mode, row)?,
        Row::Event(row) => {
            let event = EventColumns::of(&row.event);
            db.prepare_cached(EVENT.write(mode))?.execute(params![
                row.seq.0.cast_signed(),
                row.at.0.cast_signed(),
                event.kind,
                peers.intern(db, &event.contact)?,
                event.direction.map(Code::code),
                event.message.map(|id| id.0),
                event.value,
            ])?
        }
    };
    Ok(())
}

fn delete(db: &Connection, peers: &mut Peers, key: &Key) -> rusqlite::Result<()> {
    match key {
        Key::Identity => db.prepare_cached(IDENTITY.delete)?.execute([ONLY])?,
        Key::Contact(contact) => delete_of(db, peers, &CONTACT, contact)?,
        Key::Session(contact) => delete_of(db, peers, &SESSION, contact)?,
        Key::Cursors(contact) => delete_of(db, peers, &CURSORS, contact)?,
        Key::Offer(contact) => delete_of(db, peers, &OFFER, contact)?,
        Key::Request(contact) => delete_of(db, peers, &REQUEST, contact)?,
        Key::Invite(token) => db.prepare_cached(INVITE.delete)?.execute([token.0])?,
        Key::Outbox(contact, position) => match peers.find(db, contact)? {
            Some(contact) => db
                .prepare_cached(OUTBOX.delete)?
                .execute([contact, position.0.cast_signed()])?,
            None => 0,
        },
        Key::Consumer(name) => db.prepare_cached(CONSUMER.delete)?.execute([name])?,
        Key::Message(key) => message::delete(db, peers, key)?,
        Key::Delivery(key) => message::delete_delivery(db, peers, key)?,
        Key::Reaction(key, author) => message::delete_reaction(db, peers, key, *author)?,
        Key::Event(seq) => db.prepare_cached(EVENT.delete)?.execute([seq.0.cast_signed()])?,
    };
    Ok(())
}

fn delete_of(db: &Connection, peers: &mut Peers, table: &Table, contact: &OnionAddress) -> rusqlite::Result<usize> {
    match peers.find(db, contact)? {
        Some(contact) => db.prepare_cached(table.delete)?.execute([contact]),
        None => Ok(0),
    }
}
