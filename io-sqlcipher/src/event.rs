//! [`EventColumns`]: an event as columns and back. An event holds no text, so a few numbers are enough: its kind, the
//! conversation and the message that it is about, who did it, and one value whose meaning depends on the kind.

use rusqlite::{Connection, Row};
use sotto_core::row::{DeliveryState, Event, EventRow, MessageKey};
use sotto_core::{ApplicationEvent, ConversationId, EventSeq, MessageId, OnionAddress};

use crate::code::{Code, Columns, of, undecodable};
use crate::number::Numbers;

pub(crate) const QUEUED: i64 = 1;
pub(crate) const RECEIVED: i64 = 2;

/// An event of the application has its subject in the column `message`.
///
/// The columns `kind`, `conversation`, `author`, `message`, `actor` and `value` of table `event`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventColumns {
    pub kind: i64,
    /// That with the contact, if the event is about one.
    pub conversation: ConversationId,
    pub author: Option<OnionAddress>,
    pub message: Option<MessageId>,
    pub actor: Option<OnionAddress>,
    pub value: Option<i64>,
}

impl EventColumns {
    pub fn of(event: &Event) -> Self {
        match *event {
            Event::MessageQueued { key } => Self::message(QUEUED, key),
            Event::MessageReceived { key } => Self::message(RECEIVED, key),
            Event::MessageState { key, state } => Self {
                value: Some(state.code()),
                ..Self::message(3, key)
            },
            Event::MessageEdited { key } => Self::message(4, key),
            Event::MessageDeleted { key } => Self::message(5, key),
            Event::MessageReacted { key, author } => Self {
                actor: Some(author),
                ..Self::message(6, key)
            },
            Event::MessageDisappeared { key } => Self::message(7, key),
            Event::TimerChanged {
                conversation,
                author,
                seconds,
            } => Self {
                author: Some(author),
                value: Some(seconds.into()),
                ..Self::conversation(20, conversation)
            },
            Event::RequestReceived { contact } => Self::contact(21, contact, None),
            Event::RequestDelivered { contact } => Self::contact(22, contact, None),
            Event::RequestDeclined { contact } => Self::contact(23, contact, None),
            Event::ContactAdded { contact } => Self::contact(24, contact, None),
            Event::ContactRemoved { contact } => Self::contact(25, contact, None),
            Event::ContactBlocked { contact, blocked } => Self::contact(26, contact, Some(blocked.code())),
            Event::ContactVerified { contact, verified } => Self::contact(27, contact, Some(verified.code())),
            Event::ContactRekeyed {
                contact,
                identity_changed,
            } => Self::contact(28, contact, Some(identity_changed.code())),
            Event::ContactRolledBack { contact } => Self::contact(40, contact, None),
            Event::ContactPaused { contact, pause } => Self::contact(41, contact, Some(pause.code())),
            Event::ContactUntrusted { contact, untrusted } => Self::contact(29, contact, Some(untrusted.code())),
            Event::RemovedByPeer { contact, removed } => Self::contact(30, contact, Some(removed.code())),
            Event::IdentityElsewhere { shown_by } => Self::contact(42, shown_by, None),
            Event::Application(event) => Self {
                message: Some(MessageId(event.subject)),
                value: Some(event.code.into()),
                ..Self::conversation(60, event.conversation)
            },
        }
    }

    /// The event that has these columns; `None` if none has.
    fn event(self) -> Option<Event> {
        let key = || {
            Some(MessageKey {
                conversation: self.conversation,
                author: self.author?,
                id: self.message?,
            })
        };
        let contact = || match self.conversation {
            ConversationId::Direct(contact) => Some(contact),
            ConversationId::Group(_) | ConversationId::Channel(_) => None,
        };
        Some(match self.kind {
            QUEUED => Event::MessageQueued { key: key()? },
            RECEIVED => Event::MessageReceived { key: key()? },
            3 => Event::MessageState {
                key: key()?,
                state: DeliveryState::from_code(self.value?)?,
            },
            4 => Event::MessageEdited { key: key()? },
            5 => Event::MessageDeleted { key: key()? },
            6 => Event::MessageReacted {
                key: key()?,
                author: self.actor?,
            },
            7 => Event::MessageDisappeared { key: key()? },
            20 => Event::TimerChanged {
                conversation: self.conversation,
                author: self.author?,
                seconds: u32::try_from(self.value?).ok()?,
            },
            21 => Event::RequestReceived { contact: contact()? },
            22 => Event::RequestDelivered { contact: contact()? },
            23 => Event::RequestDeclined { contact: contact()? },
            24 => Event::ContactAdded { contact: contact()? },
            25 => Event::ContactRemoved { contact: contact()? },
            26 => Event::ContactBlocked {
                contact: contact()?,
                blocked: bool::from_code(self.value?)?,
            },
            27 => Event::ContactVerified {
                contact: contact()?,
                verified: bool::from_code(self.value?)?,
            },
            28 => Event::ContactRekeyed {
                contact: contact()?,
                identity_changed: bool::from_code(self.value?)?,
            },
            40 => Event::ContactRolledBack { contact: contact()? },
            41 => Event::ContactPaused {
                contact: contact()?,
                pause: Option::from_code(self.value?)?,
            },
            42 => Event::IdentityElsewhere { shown_by: contact()? },
            29 => Event::ContactUntrusted {
                contact: contact()?,
                untrusted: bool::from_code(self.value?)?,
            },
            30 => Event::RemovedByPeer {
                contact: contact()?,
                removed: bool::from_code(self.value?)?,
            },
            60 => Event::Application(ApplicationEvent {
                conversation: self.conversation,
                subject: self.message?.0,
                code: u32::try_from(self.value?).ok()?,
            }),
            _ => return None,
        })
    }

    const fn message(kind: i64, key: MessageKey) -> Self {
        Self {
            author: Some(key.author),
            message: Some(key.id),
            ..Self::conversation(kind, key.conversation)
        }
    }

    const fn contact(kind: i64, contact: OnionAddress, value: Option<i64>) -> Self {
        Self {
            value,
            ..Self::conversation(kind, ConversationId::Direct(contact))
        }
    }

    const fn conversation(kind: i64, conversation: ConversationId) -> Self {
        Self {
            kind,
            conversation,
            author: None,
            message: None,
            actor: None,
            value: None,
        }
    }
}

/// The log from a number on, oldest first: the rows of `event`, and those messages that announce themselves. Without the bound
/// by `dropped`, a reader far behind would pass over every message whose event has been dropped.
pub(crate) const LOG: &str = "SELECT seq, at, kind, conversation, author, message, actor, value FROM event WHERE seq > ?1 \
     UNION ALL \
     SELECT number, at, announced, conversation, author, id, NULL, NULL FROM message \
     WHERE number > max(?1, (SELECT dropped FROM mark)) AND announced IS NOT NULL \
     ORDER BY 1 LIMIT ?2";

/// An event, of a row of [`LOG`].
pub(crate) fn event(db: &Connection, numbers: &mut Numbers, row: &Row<'_>) -> rusqlite::Result<EventRow> {
    let conversation = numbers.conversation(db, of("event", row, row.get(3))?)?;
    let mut peer = |index| match of("event", row, row.get(index))? {
        Some(number) => numbers.peer(db, number).map(Some),
        None => Ok(None),
    };
    let (author, actor) = (peer(4)?, peer(6)?);
    let read = |row: &Row<'_>| {
        let columns = EventColumns {
            kind: row.get(2)?,
            conversation,
            author,
            message: row.maybe_id(5)?,
            actor,
            value: row.get(7)?,
        };
        Ok(EventRow {
            seq: EventSeq(row.u64(0)?),
            at: row.wall(1)?,
            event: columns.event().ok_or_else(|| undecodable(2, "known event"))?,
        })
    };
    of("event", row, read(row))
}

/// The numbers of the first and the last event in the log; 0 if there is none.
pub(crate) fn ends(db: &Connection) -> rusqlite::Result<(EventSeq, EventSeq)> {
    let first = [
        end(db, "SELECT min(seq) FROM event")?,
        // Without the bound, it would pass over every message whose event has been dropped.
        end(
            db,
            "SELECT min(number) FROM message WHERE number > (SELECT dropped FROM mark) AND announced IS NOT NULL",
        )?,
    ];
    Ok((seq(first.into_iter().flatten().min()), last(db)?))
}

/// The number of the last event in the log; 0 if there is none.
pub(crate) fn last(db: &Connection) -> rusqlite::Result<EventSeq> {
    let last = [
        end(db, "SELECT max(seq) FROM event")?,
        end(
            db,
            "SELECT max(number) FROM message WHERE number > (SELECT dropped FROM mark) AND announced IS NOT NULL",
        )?,
    ];
    Ok(seq(last.into_iter().flatten().max()))
}

fn end(db: &Connection, sql: &str) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached(sql)?.query_row([], |row| row.get(0))
}

fn seq(end: Option<i64>) -> EventSeq {
    EventSeq(end.map_or(0, i64::cast_unsigned))
}
