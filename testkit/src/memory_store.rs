//! [`MemoryStore`]: a store in memory that holds rows and nothing else. It keeps the rules that `sotto_core::row` sets for every store, in the
//! simplest code, so that simulations run on it and real stores are compared with it.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use sotto_core::row::{
    Batch, Change, CursorsRow, DeliveryRow, Event, EventRow, Image, Key, MessageKey, MessageRow, MessageWithDelivery,
    OutboxContent, Query, Row, RowStore, Rows,
};
use sotto_core::{ConversationId, EventSeq, OnionAddress, Position, SessionEpoch, Wall};

/// All durable rows of one node. A clone is a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryStore {
    rows: BTreeMap<Key, Row>,
    /// Derived from `rows`: the messages that disappear, the earliest first.
    disappearing: BTreeSet<(Wall, MessageKey)>,
    /// Derived from `rows`: the authors of each message's reactions.
    reactions: BTreeMap<MessageKey, BTreeSet<OnionAddress>>,
}

impl MemoryStore {
    /// Makes a batch durable.
    pub fn apply(&mut self, batch: Batch) {
        for change in batch.changes {
            match change {
                Change::Put(row) => self.put(row),
                Change::Insert(row) => {
                    if !self.rows.contains_key(&row.key()) {
                        self.put(row);
                    }
                }
                Change::Delete(key) => self.delete(&key),
            }
        }
    }

    /// Answers a query.
    pub fn fetch(&self, query: &Query) -> Rows {
        let keys: Vec<MessageKey> = match query {
            Query::Messages(keys) => keys.clone(),
            Query::Disappearing { until, limit } => {
                let due = self.disappearing.iter().take_while(|(at, _)| at <= until);
                due.take(usize::try_from(*limit).unwrap_or(usize::MAX))
                    .map(|(_, key)| *key)
                    .collect()
            }
            Query::StoredBytes { .. } => Vec::new(),
        };
        let stored_bytes = match query {
            Query::StoredBytes { conversation, author } => {
                let messages = self.conversation(*conversation).into_iter();
                let theirs = messages.filter(|message| message.key.author == *author);
                theirs.map(MessageRow::stored_bytes).sum()
            }
            Query::Messages(_) | Query::Disappearing { .. } => 0,
        };
        let left_out = self.disappearing.iter().find(|(_, key)| !keys.contains(key));
        Rows {
            messages: keys.iter().filter_map(|key| self.message_with_delivery(key)).collect(),
            next_disappearance: left_out.map(|(at, _)| *at),
            stored_bytes,
        }
    }

    /// The hot rows, from which a node starts.
    pub fn image(&self) -> Image {
        let mut image = Image {
            next_disappearance: self.next_disappearance(),
            ..Image::default()
        };
        for row in self.rows.values() {
            match row {
                Row::Identity(row) => image.identity = Some(row.clone()),
                Row::Contact(row) => image.contacts.push(row.clone()),
                Row::Timer(row) => image.timers.push(*row),
                Row::Session(row) => image.sessions.push(row.clone()),
                Row::Cursors(row) => image.cursors.push(*row),
                Row::PreKeyOffer(row) => image.prekey_offers.push(row.clone()),
                Row::Request(row) => image.requests.push(row.clone()),
                Row::Invite(row) => image.invites.push(*row),
                Row::Outbox(row) => image.outbox.push(row.clone()),
                Row::Consumer(row) => image.consumers.push(row.clone()),
                // The cold rows come last in key order.
                Row::Record(_) | Row::Message(_) | Row::Delivery(_) | Row::Reaction(_) | Row::Event(_) => break,
            }
        }
        let mut events = self.rows.range(Key::Event(EventSeq(0))..);
        if let Some((Key::Event(seq), _)) = events.next() {
            image.first_event = *seq;
            image.last_event = *seq;
        }
        if let Some((Key::Event(seq), _)) = events.next_back() {
            image.last_event = *seq;
        }
        image
    }

    /// The row of a key.
    pub fn row(&self, key: &Key) -> Option<&Row> {
        self.rows.get(key)
    }

    /// How many rows wait for a contact.
    pub fn waiting(&self, contact: OnionAddress) -> usize {
        let first = Key::Outbox(contact, Position(0));
        let last = Key::Outbox(contact, Position(u64::MAX));
        self.rows.range(first..=last).count()
    }

    /// Every row, in key order.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }

    /// Removes every row that `doomed` selects, as damage to a store would.
    pub fn lose(&mut self, doomed: impl Fn(&Row) -> bool) {
        let keys: Vec<Key> = self.rows.values().filter(|row| doomed(row)).map(Row::key).collect();
        for key in keys {
            self.delete(&key);
        }
    }

    /// Forgets every session and how far it was. What the messages of contacts take up is still known.
    pub fn lose_sessions(&mut self) {
        self.lose(|row| matches!(row, Row::Session(_)));
        for row in self.rows.values_mut() {
            if let Row::Cursors(cursors) = row {
                *cursors = CursorsRow {
                    session_epoch: SessionEpoch(0),
                    sent: 0,
                    acknowledged: 0,
                    received: 0,
                    ..*cursors
                };
            }
        }
    }

    /// A message.
    pub fn message(&self, key: &MessageKey) -> Option<&MessageRow> {
        match self.rows.get(&Key::Message(*key)) {
            Some(Row::Message(row)) => Some(row),
            _ => None,
        }
    }

    /// The delivery state of a message.
    pub fn delivery(&self, key: &MessageKey) -> Option<&DeliveryRow> {
        match self.rows.get(&Key::Delivery(*key)) {
            Some(Row::Delivery(row)) => Some(row),
            _ => None,
        }
    }

    /// The messages of a conversation, in order.
    pub fn conversation(&self, conversation: impl Into<ConversationId>) -> Vec<&MessageRow> {
        let conversation = conversation.into();
        let mut messages: Vec<_> = self
            .rows
            .values()
            .filter_map(|row| match row {
                Row::Message(row) if row.key.conversation == conversation => Some(row),
                _ => None,
            })
            .collect();
        messages.sort_by_key(|row| row.order);
        messages
    }

    /// The event log, oldest first.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.rows
            .range(Key::Event(EventSeq(0))..)
            .filter_map(|(_, row)| match row {
                Row::Event(EventRow { event, .. }) => Some(event),
                _ => None,
            })
    }

    /// Whether any row contains the text.
    pub fn holds_text(&self, text: &str) -> bool {
        let within = |bytes: &[u8]| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        self.rows.values().any(|row| match row {
            Row::Message(row) => row.text.contains(text) || row.thread.as_ref().is_some_and(|t| t.contains(text)),
            Row::Outbox(row) => matches!(&row.content, OutboxContent::Serialised(content) if within(content)),
            Row::Session(row) => within(&row.record),
            Row::Contact(row) => [&row.petname, &row.claimed_name, &row.note]
                .iter()
                .any(|t| t.contains(text)),
            Row::Request(row) => row.note.contains(text) || within(&row.bundle),
            Row::PreKeyOffer(row) => within(&row.bundle) || within(&row.secrets),
            Row::Reaction(row) => row.emoji.contains(text),
            Row::Identity(row) => row.name.contains(text),
            Row::Consumer(row) => row.name.contains(text),
            Row::Record(row) => row.key.contains(text) || within(&row.value),
            Row::Timer(_) | Row::Cursors(_) | Row::Invite(_) | Row::Delivery(_) | Row::Event(_) => false,
        })
    }

    fn put(&mut self, row: Row) {
        match &row {
            Row::Delivery(delivery) => {
                if !self.rows.contains_key(&Key::Message(delivery.key)) {
                    return;
                }
                self.forget_disappearance(&delivery.key);
                if let Some(at) = delivery.disappears_at {
                    self.disappearing.insert((at, delivery.key));
                }
            }
            Row::Reaction(reaction) => {
                if !self.rows.contains_key(&Key::Message(reaction.target)) {
                    return;
                }
                self.reactions
                    .entry(reaction.target)
                    .or_default()
                    .insert(reaction.author);
            }
            _ => {}
        }
        self.rows.insert(row.key(), row);
    }

    fn delete(&mut self, key: &Key) {
        match key {
            Key::Message(message) => {
                self.delete(&Key::Delivery(*message));
                for author in self.reactions.remove(message).unwrap_or_default() {
                    self.rows.remove(&Key::Reaction(*message, author));
                }
            }
            Key::Reaction(message, author) => {
                if let Some(authors) = self.reactions.get_mut(message) {
                    authors.remove(author);
                    if authors.is_empty() {
                        self.reactions.remove(message);
                    }
                }
            }
            Key::Delivery(message) => self.forget_disappearance(message),
            _ => {}
        }
        self.rows.remove(key);
    }

    fn forget_disappearance(&mut self, key: &MessageKey) {
        if let Some(at) = self.delivery(key).and_then(|row| row.disappears_at) {
            self.disappearing.remove(&(at, *key));
        }
    }

    /// When the next message disappears.
    pub fn next_disappearance(&self) -> Option<Wall> {
        self.disappearing.first().map(|(at, _)| *at)
    }

    fn message_with_delivery(&self, key: &MessageKey) -> Option<MessageWithDelivery> {
        Some(MessageWithDelivery {
            message: self.message(key)?.clone(),
            delivery: self.delivery(key).cloned(),
        })
    }
}

impl RowStore for MemoryStore {
    type Error = Infallible;

    fn image(&mut self) -> Result<Image, Infallible> {
        Ok(Self::image(self))
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), Infallible> {
        self.apply(batch.clone());
        Ok(())
    }

    fn fetch(&mut self, query: &Query) -> Result<Rows, Infallible> {
        Ok(Self::fetch(self, query))
    }

    fn reopen(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn close(self) -> Result<(), Infallible> {
        Ok(())
    }

    fn is_transient(error: &Infallible) -> bool {
        match *error {}
    }
}

#[cfg(test)]
mod tests {
    use sotto_core::MessageId;
    use sotto_core::row::{ContentType, DeliveryState, ReactionRow};

    use super::*;

    fn key(id: u8) -> MessageKey {
        MessageKey::direct(contact(), contact(), MessageId([id; 16]))
    }

    fn contact() -> OnionAddress {
        OnionAddress::from_public_key(GENERATOR).expect("the base point")
    }

    /// Ed25519's base point, a valid public key.
    const GENERATOR: [u8; 32] = {
        let mut bytes = [0x66; 32];
        bytes[0] = 0x58;
        bytes
    };

    fn message(id: u8, text: &str) -> Row {
        Row::Message(MessageRow {
            key: key(id),
            order: EventSeq(u64::from(id)),
            text: text.to_owned(),
            content_type: ContentType::Plain,
            thread: None,
            reply_to: None,
            ttl: 0,
            sent_at: Wall(0),
            at: Wall(0),
            edited_at: None,
            deleted_at: None,
            hops: 0,
        })
    }

    fn read(id: u8, disappears_at: u64) -> Row {
        Row::Delivery(DeliveryRow {
            key: key(id),
            state: DeliveryState::Read,
            at: Wall(0),
            disappears_at: Some(Wall(disappears_at)),
        })
    }

    fn reaction(id: u8) -> Row {
        Row::Reaction(ReactionRow {
            target: key(id),
            author: contact(),
            emoji: "+".to_owned(),
            at: Wall(0),
        })
    }

    fn disk(changes: impl IntoIterator<Item = Change>) -> MemoryStore {
        let mut disk = MemoryStore::default();
        disk.apply(Batch {
            changes: changes.into_iter().collect(),
        });
        disk
    }

    #[test]
    fn what_hangs_on_a_message_needs_it_and_vanishes_with_it() {
        let orphans = disk([Change::Put(read(1, 5)), Change::Put(reaction(1))]);
        assert_eq!(orphans, MemoryStore::default());

        let mut disk = disk([message(1, "hello"), read(1, 5), reaction(1)].map(Change::Put));
        assert_eq!(disk.rows().count(), 3);
        disk.apply(Batch {
            changes: vec![Change::Delete(Key::Message(key(1)))],
        });
        assert_eq!(disk, MemoryStore::default());
    }

    #[test]
    fn an_insert_never_replaces_and_a_put_keeps_what_hangs_on_the_message() {
        let disk = disk([
            Change::Put(message(1, "first")),
            Change::Put(read(1, 5)),
            Change::Insert(message(1, "second")),
            Change::Put(message(1, "edited")),
            Change::Insert(message(1, "third")),
        ]);
        assert_eq!(disk.message(&key(1)).map(|row| row.text.as_str()), Some("edited"));
        assert!(disk.delivery(&key(1)).is_some());
        assert!(disk.holds_text("edit") && !disk.holds_text("first"));
    }

    #[test]
    fn disappearances_are_found_earliest_first_and_the_next_one_is_told() {
        let rows = (1..=4).map(|id| Change::Put(message(id, "x")));
        let reads = [(1, 40), (2, 10), (3, 30), (4, 20), (3, 5)].map(|(id, at)| Change::Put(read(id, at)));
        let disk = disk(rows.chain(reads));
        assert_eq!(disk.image().next_disappearance, Some(Wall(5)));

        let found = disk.fetch(&Query::Disappearing {
            until: Wall(20),
            limit: 2,
        });
        let ids: Vec<u8> = found.messages.iter().map(|found| found.message.key.id.0[0]).collect();
        assert_eq!(ids, [3, 2]);
        assert_eq!(found.next_disappearance, Some(Wall(20)));
    }
}
