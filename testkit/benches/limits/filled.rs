//! [`fill`]: a profile with contacts and messages, written to its store directly, in seconds.

use std::fs;

use sotto_core::row::{
    Batch, Change, ContactRow, ContentType, CursorsRow, DeliveryRow, DeliveryState, Event, EventRow, MessageKey,
    MessageRow, Relationship, Retry, Row, SessionRow, Verification,
};
use sotto_core::{Command, EventSeq, Limits, MessageId, NewMessage, OnionAddress, OnionSecret, SessionEpoch, Wall};
use sotto_io_sqlcipher::{Store, StoreKey, read_salt};
use sotto_testkit::memory_store::MemoryStore;
use sotto_testkit::pair::{A, B, Pair};

use crate::installed::Home;

/// Messages of one commit.
const COMMIT: usize = 2000;

/// The store of a home with a key file, while no daemon has it.
pub fn store(home: &Home) -> Store {
    let database = home.data().join("sotto.db");
    let salt = read_salt(&database).expect("readable").expect("a store");
    let key = fs::read(home.key_file()).expect("a key").try_into().expect("32 bytes");
    Store::open(&database, &StoreKey::new(key, salt)).expect("a store")
}

/// Addresses at which no node is.
pub fn contacts(count: u64) -> Vec<OnionAddress> {
    let address = |number: u64| {
        let mut seed = [7; 32];
        seed[..8].copy_from_slice(&number.to_le_bytes());
        OnionSecret::from_seed(&seed).address()
    };
    (0..count).map(address).collect()
}

/// Makes contacts of `friends`, and writes as many messages in turns to the conversations with `talkers`, who are contacts already or
/// among them.
pub fn fill(home: &Home, friends: &[OnionAddress], talkers: &[OnionAddress], messages: u64) {
    let mut store = store(home);
    let image = store.image().expect("an image");
    let own = image.identity.expect("an identity").address();
    let session = a_session();
    commit(
        &mut store,
        friends
            .iter()
            .flat_map(|friend| friendship(*friend, &session))
            .collect(),
    );
    let first = image.last_event.0 + 1;
    let numbers: Vec<u64> = (first..first + messages).collect();
    for numbers in numbers.chunks(COMMIT) {
        commit(
            &mut store,
            numbers
                .iter()
                .flat_map(|number| message(*number, own, talkers))
                .collect(),
        );
    }
    store.close().expect("closed");
}

fn commit(store: &mut Store, rows: Vec<Row>) {
    let mut changes: Vec<Change> = rows.into_iter().map(Change::Put).collect();
    changes.sort_by_key(Change::key);
    store.commit(&Batch { changes }).expect("committed");
}

/// The session row of a real session.
fn a_session() -> Vec<u8> {
    let stores = [MemoryStore::default(), MemoryStore::default()];
    let mut pair = Pair::new(stores, 1, &Limits::default());
    pair.befriend();
    let hello = NewMessage::plain(pair.sides[B].address, "hello");
    pair.command(A, Command::Send(hello)).expect("sent");
    let sessions = pair.sides[A].store.rows().filter_map(|row| match row {
        Row::Session(row) => Some(row.record.clone()),
        _ => None,
    });
    sessions.last().expect("friends have a session")
}

fn friendship(address: OnionAddress, session: &[u8]) -> [Row; 3] {
    let contact = ContactRow {
        address,
        relationship: Relationship::Friend,
        petname: address.to_string()[..8].to_owned(),
        claimed_name: String::new(),
        note: String::new(),
        invite: None,
        identity_key: None,
        verification: Verification::Unverified,
        blocked: false,
        removed_by_peer: false,
        features: None,
        created_at: Wall(1),
        last_seen: None,
        retry: Retry::default(),
    };
    let cursors = CursorsRow {
        contact: address,
        session_epoch: SessionEpoch(1),
        sent: 5,
        acknowledged: 5,
        received: 5,
        stored: 0,
    };
    let session = SessionRow {
        contact: address,
        record: session.to_vec(),
    };
    [Row::Contact(contact), Row::Cursors(cursors), Row::Session(session)]
}

/// A message of about 200 bytes with its event and, if it is ours, its delivery state. Every message has the frequent word, one in
/// 20 000 the rare word.
fn message(number: u64, own: OnionAddress, contacts: &[OnionAddress]) -> Vec<Row> {
    let contact = contacts[usize::try_from(number).expect("small") % contacts.len()];
    let author = if number.is_multiple_of(2) { contact } else { own };
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    let key = MessageKey::direct(contact, author, MessageId(id));
    let rare = if number.is_multiple_of(20_000) { "rare" } else { "usual" };
    let words: String = (0..20)
        .map(|at| format!("word{} ", number.wrapping_mul(31 + at) % 50_000))
        .collect();
    let at = Wall(1_700_000_000_000 + number * 1000);
    let row = MessageRow {
        key,
        order: EventSeq(number),
        text: format!("frequent {rare} {words}"),
        content_type: ContentType::Plain,
        thread: None,
        reply_to: None,
        ttl: 0,
        sent_at: at,
        at,
        edited_at: None,
        deleted_at: None,
        hops: 0,
    };
    let state = if author == contact {
        DeliveryState::Read
    } else {
        DeliveryState::Delivered
    };
    let delivery = DeliveryRow {
        key,
        state,
        at,
        disappears_at: None,
    };
    let event = EventRow {
        seq: EventSeq(number),
        at,
        event: Event::MessageReceived { key },
    };
    vec![Row::Message(row), Row::Delivery(delivery), Row::Event(event)]
}
