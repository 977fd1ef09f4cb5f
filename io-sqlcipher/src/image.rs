//! The image that a node starts from: every hot row, and three numbers about the cold ones, each found by an index.

use rusqlite::{Connection, Row};
use sotto_core::row::{
    ConsumerRow, ContactRow, CursorsRow, IdentityRow, Image, InviteRow, MessageKey, OutboxContent, OutboxRow,
    PreKeyOfferRow, RequestRow, Retry, SealedBody, SessionRow, TimerRow, Verification,
};
use sotto_core::{EventSeq, InviteToken, OnionAddress, Position, SessionEpoch, Wall};

use crate::code::{Columns, OutboxKind, of, undecodable};
use crate::event;
use crate::number::Numbers;

/// Reads the image. Rows come in the order of their keys, so that the same store gives the same image.
pub(crate) fn load(db: &Connection, numbers: &mut Numbers) -> rusqlite::Result<Image> {
    let (first_event, last_event) = event::ends(db)?;
    Ok(Image {
        identity: all(db, "identity", IDENTITY, identity)?.pop(),
        contacts: of_contacts(db, numbers, "contact", CONTACTS, contact)?,
        timers: timers(db, numbers)?,
        sessions: of_contacts(db, numbers, "session", SESSIONS, session)?,
        cursors: of_contacts(db, numbers, "session", CURSORS, cursors)?,
        prekey_offers: of_contacts(db, numbers, "prekey_offer", OFFERS, offer)?,
        requests: of_contacts(db, numbers, "request", REQUESTS, request)?,
        invites: all(
            db,
            "invite",
            "SELECT token, created_at FROM invite ORDER BY token",
            invite,
        )?,
        outbox: outbox(db, numbers)?,
        consumers: all(
            db,
            "consumer",
            "SELECT name, acknowledged FROM consumer ORDER BY name",
            consumer,
        )?,
        first_event,
        last_event,
        next_disappearance: next_disappearance(db)?,
    })
}

const IDENTITY: &str = "SELECT onion_seed, signal_identity, registration_id, name, created_at, availability, default_timer \
     FROM identity";
const CONTACTS: &str = "SELECT contact, relationship, petname, claimed_name, note, invite, identity_key, verified, blocked, \
     features, created_at, last_seen, attempts, next_attempt, untrusted, removed_by_peer \
     FROM contact LEFT JOIN conversation ON number = contact ORDER BY kind, id";
const SESSIONS: &str = "SELECT contact, record FROM session LEFT JOIN conversation ON number = contact WHERE record IS NOT NULL \
     ORDER BY kind, id";
const CURSORS: &str = "SELECT contact, session_epoch, sent, acknowledged, received, stored \
     FROM session LEFT JOIN conversation ON number = contact \
     WHERE coalesce(session_epoch, sent, acknowledged, received, stored) IS NOT NULL ORDER BY kind, id";
const OFFERS: &str = "SELECT contact, session_epoch, bundle, secrets \
     FROM prekey_offer LEFT JOIN conversation ON number = contact ORDER BY kind, id";
const REQUESTS: &str = "SELECT contact, session_epoch, bundle, note, received_at \
     FROM request LEFT JOIN conversation ON number = contact ORDER BY kind, id";

fn all<T>(
    db: &Connection,
    table: &str,
    sql: &str,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    db.prepare(sql)?
        .query_map([], |row| of(table, row, read(row)))?
        .collect()
}

/// As `all`, for rows whose first column is a contact's number. A number that names no peer is found when it is looked up, so
/// the join must not leave its row out.
fn of_contacts<T>(
    db: &Connection,
    numbers: &mut Numbers,
    table: &str,
    sql: &str,
    read: impl Fn(OnionAddress, &Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let contact = numbers.peer(db, of(table, row, row.get(0))?)?;
        found.push(of(table, row, read(contact, row))?);
    }
    Ok(found)
}

fn identity(row: &Row<'_>) -> rusqlite::Result<IdentityRow> {
    Ok(IdentityRow {
        onion_seed: row.get(0)?,
        signal_identity: row.get(1)?,
        registration_id: row.get(2)?,
        name: row.get(3)?,
        created_at: row.wall(4)?,
        availability: row.code(5)?,
        default_timer: row.get(6)?,
    })
}

fn contact(address: OnionAddress, row: &Row<'_>) -> rusqlite::Result<ContactRow> {
    let invite: Option<[u8; 16]> = row.get(5)?;
    Ok(ContactRow {
        address,
        relationship: row.code(1)?,
        petname: row.get(2)?,
        claimed_name: row.get(3)?,
        note: row.get(4)?,
        invite: invite.map(InviteToken),
        identity_key: row.get(6)?,
        verification: verification(row)?,
        blocked: row.code(8)?,
        features: features(row)?,
        created_at: row.wall(10)?,
        last_seen: row.maybe_wall(11)?,
        retry: Retry {
            attempts: row.get(12)?,
            next_attempt: row.maybe_wall(13)?,
        },
        removed_by_peer: row.code(15)?,
    })
}

/// Columns 7 and 14 of a contact: `verified` and `untrusted`.
fn verification(row: &Row<'_>) -> rusqlite::Result<Verification> {
    Ok(match (row.code(7)?, row.code(14)?) {
        (_, true) => Verification::Untrusted,
        (true, false) => Verification::Verified,
        (false, false) => Verification::Unverified,
    })
}

/// Column 9 of a contact: the numbers of its features, four bytes each.
fn features(row: &Row<'_>) -> rusqlite::Result<Option<Vec<u32>>> {
    let Some(bytes) = row.get::<_, Option<Vec<u8>>>(9)? else {
        return Ok(None);
    };
    let (features, rest) = bytes.as_chunks();
    if !rest.is_empty() {
        return Err(undecodable(9, "list of features"));
    }
    Ok(Some(
        features.iter().map(|feature| u32::from_be_bytes(*feature)).collect(),
    ))
}

fn timers(db: &Connection, numbers: &mut Numbers) -> rusqlite::Result<Vec<TimerRow>> {
    let mut statement = db.prepare("SELECT conversation, author, seconds FROM timer")?;
    let mut rows = statement.query([])?;
    let mut timers = Vec::new();
    while let Some(row) = rows.next()? {
        timers.push(TimerRow {
            conversation: numbers.conversation(db, of("timer", row, row.get(0))?)?,
            author: numbers.peer(db, of("timer", row, row.get(1))?)?,
            seconds: of("timer", row, row.get(2))?,
        });
    }
    timers.sort_unstable_by_key(|timer| (timer.conversation, timer.author));
    Ok(timers)
}

fn session(contact: OnionAddress, row: &Row<'_>) -> rusqlite::Result<SessionRow> {
    let record = row.get(1)?;
    Ok(SessionRow { contact, record })
}

fn invite(row: &Row<'_>) -> rusqlite::Result<InviteRow> {
    Ok(InviteRow {
        token: InviteToken(row.get(0)?),
        created_at: row.wall(1)?,
    })
}

fn consumer(row: &Row<'_>) -> rusqlite::Result<ConsumerRow> {
    Ok(ConsumerRow {
        name: row.get(0)?,
        acknowledged: EventSeq(row.u64(1)?),
    })
}

fn next_disappearance(db: &Connection) -> rusqlite::Result<Option<Wall>> {
    db.query_row(
        "SELECT min(disappears_at) AS disappears_at FROM message WHERE disappears_at IS NOT NULL",
        [],
        |row| of("message", row, row.maybe_wall(0)),
    )
}

fn cursors(contact: OnionAddress, row: &Row<'_>) -> rusqlite::Result<CursorsRow> {
    Ok(CursorsRow {
        contact,
        session_epoch: SessionEpoch(row.u64(1)?),
        sent: row.u64(2)?,
        acknowledged: row.u64(3)?,
        received: row.u64(4)?,
        stored: row.u64(5)?,
    })
}

fn offer(contact: OnionAddress, row: &Row<'_>) -> rusqlite::Result<PreKeyOfferRow> {
    Ok(PreKeyOfferRow {
        contact,
        session_epoch: SessionEpoch(row.u64(1)?),
        bundle: row.get(2)?,
        secrets: row.get(3)?,
    })
}

fn request(contact: OnionAddress, row: &Row<'_>) -> rusqlite::Result<RequestRow> {
    Ok(RequestRow {
        contact,
        session_epoch: SessionEpoch(row.u64(1)?),
        bundle: row.get(2)?,
        note: row.get(3)?,
        received_at: row.wall(4)?,
    })
}

fn outbox(db: &Connection, numbers: &mut Numbers) -> rusqlite::Result<Vec<OutboxRow>> {
    let mut statement = db.prepare(
        "SELECT contact, position, message, content, sequence, ciphertext, repeat, queued_at, expires_at, ttl,
                disappears_at, outbox.conversation, author, outbox.kind
         FROM outbox LEFT JOIN conversation ON number = contact ORDER BY conversation.kind, conversation.id, position",
    )?;
    let mut rows = statement.query([])?;
    let mut outbox = Vec::new();
    while let Some(row) = rows.next()? {
        let contact = numbers.peer(db, of("outbox", row, row.get(0))?)?;
        let message = message_of(db, numbers, row)?;
        outbox.push(of("outbox", row, waiting(contact, message, row))?);
    }
    Ok(outbox)
}

/// The key of the message that the outbox row is about.
fn message_of(db: &Connection, numbers: &mut Numbers, row: &Row<'_>) -> rusqlite::Result<Option<MessageKey>> {
    let read = |row: &Row<'_>| match (row.get(11)?, row.get(12)?, row.maybe_id(2)?) {
        (None, None, None) => Ok(None),
        (Some(conversation), Some(author), Some(id)) => Ok(Some((conversation, author, id))),
        (_, _, None) => Err(undecodable(2, "message's id")),
        (None, ..) => Err(undecodable(11, "message's conversation")),
        (_, None, _) => Err(undecodable(12, "message's author")),
    };
    let Some((conversation, author, id)) = of("outbox", row, read(row))? else {
        return Ok(None);
    };
    Ok(Some(MessageKey {
        conversation: numbers.conversation(db, conversation)?,
        author: numbers.peer(db, author)?,
        id,
    }))
}

fn waiting(contact: OnionAddress, message: Option<MessageKey>, row: &Row<'_>) -> rusqlite::Result<OutboxRow> {
    let sequence: Option<i64> = row.get(4)?;
    let ciphertext: Option<Vec<u8>> = row.get(5)?;
    Ok(OutboxRow {
        contact,
        position: Position(row.u64(1)?),
        content: match (row.code(13)?, message, row.get(3)?) {
            (OutboxKind::Text, Some(key), None) => OutboxContent::Text(key),
            (OutboxKind::Edit, Some(key), None) => OutboxContent::Edit(key),
            (OutboxKind::Serialised, None, Some(content)) => OutboxContent::Serialised(content),
            (OutboxKind::Obsolete, None, None) => OutboxContent::Obsolete,
            (OutboxKind::Text | OutboxKind::Edit, None, _) => return Err(undecodable(2, "message's id")),
            (OutboxKind::Serialised, None, None) => return Err(undecodable(3, "content")),
            _ => return Err(undecodable(13, "kind of what the row has")),
        },
        sealed: match (sequence, ciphertext) {
            (None, None) => None,
            (Some(sequence), Some(ciphertext)) => Some(SealedBody {
                sequence: sequence.cast_unsigned(),
                ciphertext,
            }),
            // Taken for unsealed, it would be sealed once more.
            (None, Some(_)) => return Err(undecodable(4, "ciphertext's number")),
            (Some(_), None) => return Err(undecodable(5, "number's ciphertext")),
        },
        repeat: row.code(6)?,
        queued_at: row.wall(7)?,
        expires_at: row.wall(8)?,
        ttl: row.get(9)?,
        disappears_at: row.maybe_wall(10)?,
    })
}
