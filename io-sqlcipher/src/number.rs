//! [`Numbers`]: conversations and peers, and the small numbers that stand for them in every table. A peer has the number of
//! the direct conversation with it. Both ways are remembered, since turning 32 bytes back into an address costs a check of
//! the curve point.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row};
use sotto_core::{ChannelId, ConversationId, GroupId, OnionAddress};

use crate::code::{Damage, named, of, undecodable};

/// Remembered pairs at most: strangers come and go, and must not fill memory.
const REMEMBERED: usize = 16 * 1024;

/// One connection's memory of the `conversation` table.
#[derive(Default)]
pub(crate) struct Numbers {
    numbers: BTreeMap<ConversationId, i64>,
    conversations: BTreeMap<i64, ConversationId>,
}

impl Numbers {
    /// The number of a conversation, given to it now if it has none.
    pub fn intern(&mut self, db: &Connection, conversation: &ConversationId) -> rusqlite::Result<i64> {
        if let Some(number) = self.find(db, conversation)? {
            return Ok(number);
        }
        db.prepare_cached("INSERT INTO conversation (kind, id) VALUES (?, ?)")?
            .execute(columns(conversation))?;
        let number = db.last_insert_rowid();
        self.remember(*conversation, number);
        Ok(number)
    }

    /// As `intern`, of a peer.
    pub fn intern_peer(&mut self, db: &Connection, peer: &OnionAddress) -> rusqlite::Result<i64> {
        self.intern(db, &ConversationId::Direct(*peer))
    }

    /// The number of a conversation, if any row has ever named it.
    pub fn find(&mut self, db: &Connection, conversation: &ConversationId) -> rusqlite::Result<Option<i64>> {
        if let Some(number) = self.numbers.get(conversation) {
            return Ok(Some(*number));
        }
        let found = db
            .prepare_cached("SELECT number FROM conversation WHERE kind = ? AND id = ?")?
            .query_row(columns(conversation), |row| row.get(0))
            .optional()?;
        if let Some(number) = found {
            self.remember(*conversation, number);
        }
        Ok(found)
    }

    /// As `find`, of a peer.
    pub fn find_peer(&mut self, db: &Connection, peer: &OnionAddress) -> rusqlite::Result<Option<i64>> {
        self.find(db, &ConversationId::Direct(*peer))
    }

    /// The conversation behind a number.
    pub fn conversation(&mut self, db: &Connection, number: i64) -> rusqlite::Result<ConversationId> {
        if let Some(conversation) = self.conversations.get(&number) {
            return Ok(*conversation);
        }
        let mut statement = db.prepare_cached("SELECT kind, id FROM conversation WHERE number = ?")?;
        let conversation = statement.query_row([number], |row| of("conversation", row, conversation(row)));
        let conversation = named("conversation", number, conversation)?;
        self.remember(conversation, number);
        Ok(conversation)
    }

    /// The peer behind a number.
    pub fn peer(&mut self, db: &Connection, number: i64) -> rusqlite::Result<OnionAddress> {
        match self.conversation(db, number)? {
            ConversationId::Direct(peer) => Ok(peer),
            ConversationId::Group(_) | ConversationId::Channel(_) => {
                Err(Damage(format!("conversation.kind: {number} is no peer")).into())
            }
        }
    }

    /// Forgets everything: numbers given in a transaction that failed mean nothing.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    fn remember(&mut self, conversation: ConversationId, number: i64) {
        if self.numbers.len() >= REMEMBERED {
            self.forget();
        }
        self.numbers.insert(conversation, number);
        self.conversations.insert(number, conversation);
    }
}

/// This node's own number; none before there is an identity.
pub(crate) fn own(db: &Connection) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached("SELECT address FROM identity")?
        .query_row([], |row| of("identity", row, row.get(0)))
        .optional()
}

const DIRECT: i64 = 0;
const GROUP: i64 = 1;
const CHANNEL: i64 = 2;

/// The columns `kind` and `id`.
fn columns(conversation: &ConversationId) -> (i64, [u8; 32]) {
    match conversation {
        ConversationId::Direct(peer) => (DIRECT, *peer.public_key()),
        ConversationId::Group(group) => (GROUP, group.0),
        ConversationId::Channel(channel) => (CHANNEL, channel.0),
    }
}

fn conversation(row: &Row<'_>) -> rusqlite::Result<ConversationId> {
    let id = row.get(1)?;
    match row.get(0)? {
        DIRECT => match OnionAddress::from_public_key(id) {
            Ok(peer) => Ok(ConversationId::Direct(peer)),
            Err(_) => Err(undecodable(1, "onion address")),
        },
        GROUP => Ok(ConversationId::Group(GroupId(id))),
        CHANNEL => Ok(ConversationId::Channel(ChannelId(id))),
        _ => Err(undecodable(0, "known kind")),
    }
}
