//! The image that a node starts from: every hot row, and three numbers about the cold ones, each found by an index.

use rusqlite::{Connection, Row};
use sotto_core::row::{
    ConsumerRow, ContactRow, CursorsRow, IdentityRow, Image, InviteRow, MessageKey, OfferRow, OutboxRow, RequestRow,
    Retry, SealedBody, SessionRow, TimerRow,
};
use sotto_core::{ConversationId, Direction, EventSeq, Generation, InviteToken, OnionAddress, Position};

use crate::code::{Columns, of, undecodable};
use crate::peer::Peers;
use crate::side;

/// Reads the image. Rows come in the order of their keys, so that the same store gives the same image.
pub(crate) fn load(db: &Connection, peers: &mut Peers) -> rusqlite::Result<Image> {
    let own = peers.own(db)?;
    Ok(Image {
        identity: all(
            db,
            "identity",
            "SELECT onion_seed, signal_identity, registration_id, name, created_at FROM identity",
            identity,
        )?
        .pop(),
        contacts: of_contacts(
            db,
            peers,
            "contact",
            "SELECT contact, standing, petname, claimed_name, note, invite, identity_key, verified, blocked, created_at,
                    last_seen, attempts, next_attempt
             FROM contact LEFT JOIN peer ON peer.number = contact ORDER BY address",
            contact,
        )?,
        timers: timers(db, peers)?,
        sessions: of_contacts(
            db,
            peers,
            "session",
            "SELECT contact, record FROM session LEFT JOIN peer ON peer.number = contact ORDER BY address",
            |contact, row| {
                let record = row.get(1)?;
                Ok(SessionRow { contact, record })
            },
        )?,
        cursors: of_contacts(
            db,
            peers,
            "cursors",
            "SELECT contact, generation, sent, acknowledged, received
             FROM cursors LEFT JOIN peer ON peer.number = contact ORDER BY address",
            cursors,
        )?,
        offers: of_contacts(
            db,
            peers,
            "offer",
            "SELECT contact, generation, bundle, secrets
             FROM offer LEFT JOIN peer ON peer.number = contact ORDER BY address",
            offer,
        )?,
        requests: of_contacts(
            db,
            peers,
            "request",
            "SELECT contact, generation, bundle, note, received_at
             FROM request LEFT JOIN peer ON peer.number = contact ORDER BY address",
            request,
        )?,
        invites: all(db, "invite", "SELECT token, created_at FROM invite ORDER BY token", |row| {
            Ok(InviteRow {
                token: InviteToken(row.get(0)?),
                created_at: row.wall(1)?,
            })
        })?,
        outbox: of_contacts(
            db,
            peers,
            "outbox",
            "SELECT contact, position, message, content, sequence, ciphertext, repeat, queued_at, expires_at, ttl,
                    disappears_at
             FROM outbox LEFT JOIN peer ON peer.number = contact ORDER BY address, position",
            |contact, row| outbox(own, contact, row),
        )?,
        consumers: all(db, "consumer", "SELECT name, acknowledged FROM consumer ORDER BY name", |row| {
            Ok(ConsumerRow {
                name: row.get(0)?,
                acknowledged: EventSeq(row.u64(1)?),
            })
        })?,
        first_event: event_end(db, "SELECT min(seq) FROM event")?,
        last_event: event_end(db, "SELECT max(seq) FROM event")?,
        next_disappearance: db.query_row(
            "SELECT min(disappears_at) AS disappears_at FROM message WHERE disappears_at IS NOT NULL",
            [],
            |row| of("message", row, row.maybe_wall(0)),
        )?,
    })
}

/// The first or last event's number; 0 if there is none.
pub(crate) fn event_end(db: &Connection, sql: &str) -> rusqlite::Result<EventSeq> {
    let seq: Option<i64> = db.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    Ok(EventSeq(seq.map_or(0, i64::cast_unsigned)))
}

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

/// As `all`, for rows whose first column is a contact's number. That it is one's shows when it is looked up, so a row of
/// nobody's must not be left out by the join.
fn of_contacts<T>(
    db: &Connection,
    peers: &mut Peers,
    table: &str,
    sql: &str,
    read: impl Fn(OnionAddress, &Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let contact = peers.address(db, of(table, row, row.get(0))?)?;
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
    })
}

fn contact(address: OnionAddress, row: &Row<'_>) -> rusqlite::Result<ContactRow> {
    let invite: Option<[u8; 16]> = row.get(5)?;
    Ok(ContactRow {
        address,
        standing: row.code(1)?,
        petname: row.get(2)?,
        claimed_name: row.get(3)?,
        note: row.get(4)?,
        invite: invite.map(InviteToken),
        identity_key: row.get(6)?,
        verified: row.code(7)?,
        blocked: row.code(8)?,
        features: None,
        created_at: row.wall(9)?,
        last_seen: row.maybe_wall(10)?,
        retry: Retry {
            attempts: row.get(11)?,
            next_attempt: row.maybe_wall(12)?,
        },
    })
}

fn timers(db: &Connection, peers: &mut Peers) -> rusqlite::Result<Vec<TimerRow>> {
    let of_contacts: Vec<(OnionAddress, u32, u32)> = of_contacts(
        db,
        peers,
        "contact",
        "SELECT contact, timer_ours, timer_theirs FROM contact WHERE timer_ours > 0 OR timer_theirs > 0",
        |contact, row| Ok((contact, row.get(1)?, row.get(2)?)),
    )?;
    let mut timers = Vec::new();
    for (contact, ours, theirs) in of_contacts {
        for (direction, seconds) in [(Direction::Out, ours), (Direction::In, theirs)] {
            if seconds > 0 {
                timers.push(TimerRow {
                    conversation: ConversationId::Direct(contact),
                    author: side::author(db, peers, contact, direction)?,
                    seconds,
                });
            }
        }
    }
    timers.sort_unstable_by_key(|row| (row.conversation, row.author));
    Ok(timers)
}

fn cursors(contact: OnionAddress, row: &Row<'_>) -> rusqlite::Result<CursorsRow> {
    Ok(CursorsRow {
        contact,
        generation: Generation(row.u64(1)?),
        sent: row.u64(2)?,
        acknowledged: row.u64(3)?,
        received: row.u64(4)?,
    })
}

fn offer(contact: OnionAddress, row: &Row<'_>) -> rusqlite::Result<OfferRow> {
    Ok(OfferRow {
        contact,
        generation: Generation(row.u64(1)?),
        bundle: row.get(2)?,
        secrets: row.get(3)?,
    })
}

fn request(contact: OnionAddress, row: &Row<'_>) -> rusqlite::Result<RequestRow> {
    Ok(RequestRow {
        contact,
        generation: Generation(row.u64(1)?),
        bundle: row.get(2)?,
        note: row.get(3)?,
        received_at: row.wall(4)?,
    })
}

fn outbox(own: Option<OnionAddress>, contact: OnionAddress, row: &Row<'_>) -> rusqlite::Result<OutboxRow> {
    let sequence: Option<i64> = row.get(4)?;
    let ciphertext: Option<Vec<u8>> = row.get(5)?;
    Ok(OutboxRow {
        contact,
        position: Position(row.u64(1)?),
        message: match (row.maybe_id(2)?, own) {
            (None, _) => None,
            (Some(id), Some(own)) => Some(MessageKey::direct(contact, own, id)),
            (Some(_), None) => return Err(undecodable(2, "message of a store with an identity")),
        },
        content: row.get(3)?,
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
