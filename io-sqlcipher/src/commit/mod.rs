//! Core's changes as SQL: one exhaustive `match` over rows and one over keys, each arm a prepared statement that the
//! connection keeps.

mod message;
mod session;

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{CachedStatement, Connection, ToSql, params};
use sotto_core::row::{
    Batch, Change, ContactRow, CursorsRow, DeliveryRow, Event, EventRow, Key, MessageKey, OutboxContent, OutboxRow,
    Row, Verification,
};
use sotto_core::{EventSeq, OnionAddress, Position};

use crate::code::{Code, OutboxKind};
use crate::erase::Erased;
use crate::event::EventColumns;
use crate::number::Numbers;
use crate::tail::Tail;

/// Makes a batch's changes, and says what they erased. The caller's transaction makes them all or none.
///
/// They are made in their order, with four liberties that cannot be told from it: messages are written in the order of their
/// numbers, so that pages are filled from the front; a new message is written together with its state and with the event
/// that announces it; a session together with its cursors; and the states of other messages at the end, one statement for those
/// that follow each other.
pub(crate) fn apply(
    db: &Connection,
    numbers: &mut Numbers,
    tail: &mut Tail,
    batch: &Batch,
) -> rusqlite::Result<Erased> {
    let changes = in_order_of_numbers(batch);
    // An event can have a row of its own before its message comes: core makes none so, another host may.
    let last_event: i64 = db
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM event")?
        .query_row([], |row| row.get(0))?;
    let mut commit = Commit {
        db,
        statements: Statements::new(db),
        numbers,
        first_new: tail.last().max(last_event).saturating_add(1),
        tail,
        states: BTreeMap::new(),
        changed_states: Vec::new(),
        cursors: BTreeMap::new(),
        announcements: BTreeMap::new(),
        told: BTreeSet::new(),
        erased: Erased::default(),
    };
    commit.look_ahead(&changes);
    let mut changes = changes.into_iter().peekable();
    while let Some(change) = changes.next() {
        match change {
            Change::Put(row) => commit.write(Mode::Put, row)?,
            Change::Insert(row) => commit.write(Mode::Insert, row)?,
            // What one acknowledgement covers is deleted by one statement.
            Change::Delete(Key::Outbox(contact, first)) => {
                let mut last = *first;
                while let Some(next) = changes.next_if(|change| deletes_next(change, contact, last)) {
                    if let Change::Delete(Key::Outbox(_, position)) = next {
                        last = *position;
                    }
                }
                commit.delete_outbox(contact, *first, last)?
            }
            Change::Delete(key) => {
                let deleted = commit.delete(key)?;
                commit.erased.rows |= deleted > 0 && has_text(key);
                deleted
            }
        };
    }
    commit.write_changed_states()?;
    let erased = commit.erased;
    drop(commit);
    tail.finish(db)?;
    Ok(erased)
}

/// The changes, with the messages in the order of their numbers.
fn in_order_of_numbers(batch: &Batch) -> Vec<&Change> {
    let mut changes: Vec<&Change> = batch.changes.iter().collect();
    if let Some(first) = changes.iter().position(|change| is_message(change)) {
        let count = changes[first..].iter().take_while(|change| is_message(change)).count();
        changes[first..first + count].sort_by_key(|change| match change {
            Change::Put(Row::Message(row)) | Change::Insert(Row::Message(row)) => Some(row.order),
            _ => None,
        });
    }
    changes
}

/// Whether a change deletes the row of the contact's outbox that comes after that position.
fn deletes_next(change: &Change, contact: &OnionAddress, position: Position) -> bool {
    matches!(change, Change::Delete(Key::Outbox(of, next)) if of == contact && position.0.cast_signed().checked_add(1) == Some(next.0.cast_signed()))
}

/// Whether a person wrote what is in the row.
const fn has_text(key: &Key) -> bool {
    matches!(
        key,
        Key::Message(_) | Key::Reaction(..) | Key::Request(_) | Key::Contact(_) | Key::Record(_)
    )
}

const fn announces(event: &Event) -> bool {
    matches!(event, Event::MessageQueued { .. } | Event::MessageReceived { .. })
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
    numbers: &'b mut Numbers,
    tail: &'b mut Tail,
    /// No message and no event had this number, or a higher one, before the batch.
    first_new: i64,
    /// States that are still to be written.
    states: BTreeMap<MessageKey, &'b DeliveryRow>,
    /// Those of them whose message was there before the batch, by its number.
    changed_states: Vec<(i64, &'b DeliveryRow)>,
    /// Cursors that are still to be written.
    cursors: BTreeMap<OnionAddress, &'b CursorsRow>,
    /// Events that a new message may tell by its own row.
    announcements: BTreeMap<EventSeq, &'b EventRow>,
    /// Those that a message has told.
    told: BTreeSet<EventSeq>,
    erased: Erased,
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

const IDENTITY: Table = table!("identity": "only";
    "address", "onion_seed", "signal_identity", "registration_id", "name", "created_at", "availability",
    "default_timer");
const CONTACT: Table = table!("contact": "contact";
    "relationship", "petname", "claimed_name", "note", "invite", "identity_key", "verified", "blocked", "features",
    "created_at", "last_seen", "attempts", "next_attempt", "untrusted", "removed_by_peer");
const TIMER: Table = table!("timer": "conversation", "author"; "seconds");
const OFFER: Table = table!("prekey_offer": "contact"; "session_epoch", "bundle", "secrets");
const REQUEST: Table = table!("request": "contact"; "session_epoch", "bundle", "note", "received_at");
const INVITE: Table = table!("invite": "token"; "created_at");
const OUTBOX: Table = table!("outbox": "contact", "position";
    "kind", "conversation", "author", "message", "content", "sequence", "ciphertext", "repeat", "queued_at", "expires_at", "ttl", "disappears_at");
const CONSUMER: Table = table!("consumer": "name"; "acknowledged");
const RECORD: Table = table!("record": "key"; "value");
const REACTION: Table = table!("reaction": "message", "author"; "emoji", "at");
const EVENT: Table = table!("event": "seq"; "at", "kind", "conversation", "author", "message", "actor", "value");

/// The only identity's key.
const ONLY: i64 = 1;

impl<'b> Commit<'b> {
    /// Notes the rows that an earlier row is written together with.
    fn look_ahead(&mut self, changes: &[&'b Change]) {
        for change in changes {
            match change {
                Change::Put(Row::Delivery(row)) | Change::Insert(Row::Delivery(row)) => {
                    self.states.insert(row.key, row);
                }
                Change::Put(Row::Cursors(row)) => {
                    self.cursors.insert(row.contact, row);
                }
                Change::Put(Row::Event(row)) if announces(&row.event) => {
                    self.announcements.insert(row.seq, row);
                }
                _ => {}
            }
        }
    }

    fn write(&mut self, mode: Mode, row: &'b Row) -> rusqlite::Result<usize> {
        let db = self.db;
        match row {
            Row::Identity(row) => self.statements.run(
                IDENTITY.write(mode),
                params![
                    ONLY,
                    self.numbers.intern_peer(db, &row.address())?,
                    row.onion_seed,
                    row.signal_identity,
                    row.registration_id,
                    row.name,
                    row.created_at.0.cast_signed(),
                    row.availability.code(),
                    row.default_timer,
                ],
            ),
            Row::Contact(row) => self.write_contact(mode, row),
            Row::Timer(row) => self.statements.run(
                TIMER.write(mode),
                params![
                    self.numbers.intern(db, &row.conversation)?,
                    self.numbers.intern_peer(db, &row.author)?,
                    row.seconds,
                ],
            ),
            Row::Session(row) => self.write_session(mode, row),
            Row::Cursors(row) => self.write_cursors(mode, row),
            Row::PreKeyOffer(row) => self.statements.run(
                OFFER.write(mode),
                params![
                    self.numbers.intern_peer(db, &row.contact)?,
                    row.session_epoch.0.cast_signed(),
                    row.bundle,
                    row.secrets,
                ],
            ),
            Row::Request(row) => self.statements.run(
                REQUEST.write(mode),
                params![
                    self.numbers.intern_peer(db, &row.contact)?,
                    row.session_epoch.0.cast_signed(),
                    row.bundle,
                    row.note,
                    row.received_at.0.cast_signed(),
                ],
            ),
            Row::Invite(row) => self
                .statements
                .run(INVITE.write(mode), params![row.token.0, row.created_at.0.cast_signed()]),
            Row::Outbox(row) => self.write_outbox(mode, row),
            Row::Consumer(row) => self.statements.run(
                CONSUMER.write(mode),
                params![row.name, row.acknowledged.0.cast_signed()],
            ),
            Row::Record(row) => self.statements.run(RECORD.write(mode), params![row.key, row.value]),
            Row::Message(row) => self.write_message(mode, row),
            Row::Delivery(row) => self.write_delivery(mode, row),
            Row::Reaction(row) => self.write_reaction(mode, row),
            Row::Event(row) => self.write_event(mode, row),
        }
    }

    fn write_contact(&mut self, mode: Mode, row: &ContactRow) -> rusqlite::Result<usize> {
        let features = row.features.as_ref();
        let features: Option<Vec<u8>> =
            features.map(|features| features.iter().flat_map(|feature| feature.to_be_bytes()).collect());
        self.statements.run(
            CONTACT.write(mode),
            params![
                self.numbers.intern_peer(self.db, &row.address)?,
                row.relationship.code(),
                row.petname,
                row.claimed_name,
                row.note,
                row.invite.map(|token| token.0),
                row.identity_key,
                row.verification == Verification::Verified,
                row.blocked,
                features,
                row.created_at.0.cast_signed(),
                row.last_seen.map(|at| at.0.cast_signed()),
                row.retry.attempts,
                row.retry.next_attempt.map(|at| at.0.cast_signed()),
                row.verification == Verification::Untrusted,
                row.removed_by_peer,
            ],
        )
    }

    fn write_outbox(&mut self, mode: Mode, row: &OutboxRow) -> rusqlite::Result<usize> {
        let db = self.db;
        let message = row.content.message();
        let conversation = message
            .map(|key| self.numbers.intern(db, &key.conversation))
            .transpose()?;
        let author = message
            .map(|key| self.numbers.intern_peer(db, &key.author))
            .transpose()?;
        let (kind, content) = match &row.content {
            OutboxContent::Text(_) => (OutboxKind::Text, None),
            OutboxContent::Edit(_) => (OutboxKind::Edit, None),
            OutboxContent::Serialised(content) => (OutboxKind::Serialised, Some(content)),
            OutboxContent::Obsolete => (OutboxKind::Obsolete, None),
        };
        self.statements.run(
            OUTBOX.write(mode),
            params![
                self.numbers.intern_peer(db, &row.contact)?,
                row.position.0.cast_signed(),
                kind.code(),
                conversation,
                author,
                message.map(|key| key.id.0),
                content,
                row.sealed.as_ref().map(|sealed| sealed.sequence.cast_signed()),
                row.sealed.as_ref().map(|sealed| &sealed.ciphertext),
                row.repeat,
                row.queued_at.0.cast_signed(),
                row.expires_at.0.cast_signed(),
                row.ttl,
                row.disappears_at.map(|at| at.0.cast_signed()),
            ],
        )
    }

    fn write_event(&mut self, mode: Mode, row: &EventRow) -> rusqlite::Result<usize> {
        if self.told.contains(&row.seq) {
            return Ok(1);
        }
        let db = self.db;
        let seq = row.seq.0.cast_signed();
        // Core numbers events upwards, so this is for other hosts.
        if seq < self.first_new && self.is_announced(seq)? {
            match mode {
                Mode::Insert => return Ok(0),
                Mode::Put => self.take_announcement(seq)?,
            };
        }
        let event = EventColumns::of(&row.event);
        let mut peer = |peer: Option<OnionAddress>| peer.map(|peer| self.numbers.intern_peer(db, &peer)).transpose();
        let (author, actor) = (peer(event.author)?, peer(event.actor)?);
        self.statements.run(
            EVENT.write(mode),
            params![
                seq,
                row.at.0.cast_signed(),
                event.kind,
                self.numbers.intern(db, &event.conversation)?,
                author,
                event.message.map(|id| id.0),
                actor,
                event.value,
            ],
        )
    }

    fn delete_event(&mut self, seq: EventSeq) -> rusqlite::Result<usize> {
        let seq = seq.0.cast_signed();
        self.tail.drop_event(seq);
        match self.statements.run(EVENT.delete, params![seq])? {
            0 => self.take_announcement(seq),
            deleted => Ok(deleted),
        }
    }

    fn delete(&mut self, key: &Key) -> rusqlite::Result<usize> {
        let db = self.db;
        match key {
            Key::Identity => self.statements.run(IDENTITY.delete, params![ONLY]),
            Key::Contact(contact) => self.delete_of(&CONTACT, contact),
            Key::Timer(conversation, author) => {
                let conversation = self.numbers.find(db, conversation)?;
                let author = self.numbers.find_peer(db, author)?;
                self.statements.run(TIMER.delete, params![conversation, author])
            }
            Key::Session(contact) => self.delete_session(contact),
            Key::Cursors(contact) => self.delete_cursors(contact),
            Key::PreKeyOffer(contact) => self.delete_of(&OFFER, contact),
            Key::Request(contact) => self.delete_of(&REQUEST, contact),
            Key::Invite(token) => self.statements.run(INVITE.delete, params![token.0]),
            Key::Outbox(contact, position) => self.delete_outbox(contact, *position, *position),
            Key::Consumer(name) => self.statements.run(CONSUMER.delete, params![name]),
            Key::Record(key) => self.statements.run(RECORD.delete, params![key]),
            Key::Message(key) => self.delete_message(key),
            Key::Delivery(key) => self.delete_delivery(key),
            Key::Reaction(key, author) => self.delete_reaction(key, author),
            Key::Event(seq) => self.delete_event(*seq),
        }
    }

    fn delete_outbox(&mut self, contact: &OnionAddress, first: Position, last: Position) -> rusqlite::Result<usize> {
        let Some(contact) = self.numbers.find_peer(self.db, contact)? else {
            return Ok(0);
        };
        self.statements.run(
            "DELETE FROM outbox WHERE contact = ? AND position BETWEEN ? AND ?",
            params![contact, first.0.cast_signed(), last.0.cast_signed()],
        )
    }

    fn delete_of(&mut self, table: &Table, contact: &OnionAddress) -> rusqlite::Result<usize> {
        match self.numbers.find_peer(self.db, contact)? {
            Some(contact) => self.statements.run(table.delete, params![contact]),
            None => Ok(0),
        }
    }
}
