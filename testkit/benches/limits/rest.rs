//! An idle daemon with 100 contacts and 100 000 messages: its memory, its processor time, its search, and the opening of its store.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;
use sotto_core::row::{
    Batch, Change, ContactRow, ContentType, CursorsRow, DeliveryRow, DeliveryState, Event, EventRow, MessageKey,
    MessageRow, Relationship, Retry, Row, SessionRow, Verification,
};
use sotto_core::{
    Entropy, EventSeq, Limits, MessageId, Monotonic, Node, Now, OnionAddress, OnionSecret, SessionEpoch, Wall,
};
use sotto_io_sqlcipher::{Store, StoreKey, read_salt};
use sotto_testkit::memory_store::MemoryStore;

use crate::installed::{Home, mebibytes, resident};
use crate::messages::friends;

const CONTACTS: u64 = 100;
const MESSAGES: u64 = 100_000;

pub fn rest() {
    let home = Home::on("local");
    let database = home.data().join("sotto.db");
    let salt = read_salt(&database).expect("readable").expect("a store");
    let key = StoreKey::new(
        fs::read(home.key_file()).expect("a key").try_into().expect("32 bytes"),
        salt,
    );
    fill(Store::open(&database, &key).expect("a store"));

    let start = Instant::now();
    let mut store = Store::open(&database, &key).expect("a store");
    let image = store.image().expect("an image");
    let now = Now {
        monotonic: Monotonic(0),
        wall: Wall(1_800_000_000_000),
    };
    let node: Node = Node::open(image, Entropy::from_seed([1; 32]), Limits::default(), now).expect("a node");
    println!(
        "open ours={:.1?} limit=10ms (store, image and node; no key derivation)",
        start.elapsed()
    );
    drop(node);
    store.close().expect("closed");

    home.sotto(&["daemon", "start"]);
    for word in ["frequent", "rare", "absent"] {
        let mut took: Vec<Duration> = (0..21)
            .map(|_| {
                let start = Instant::now();
                home.call("messages.search", &json!({"query": word}));
                start.elapsed()
            })
            .collect();
        took.sort();
        println!("search_{word} ours={:.1?} limit=10ms (over the socket)", took[10]);
    }
    let pid = home.pid();
    // By then the first dials after a start have ended.
    sleep(Duration::from_secs(3));
    let before = ticks(&pid);
    sleep(Duration::from_secs(10));
    println!(
        "cpu_at_rest ours={} limit=0 (clock ticks in 10 s)",
        ticks(&pid) - before
    );
    println!("resident_at_rest ours={} limit=40 MiB", resident(&pid));
    let bytes = fs::metadata(home.command(&[]).get_program()).expect("built").len();
    println!("binary ours={} MiB", mebibytes(bytes / 1024));
}

/// Writes the contacts and messages.
fn fill(mut store: Store) {
    let own = store
        .image()
        .expect("an image")
        .identity
        .expect("an identity")
        .address();
    let session = a_session();
    let contacts: Vec<OnionAddress> = (0..CONTACTS).map(contact).collect();
    let rows = contacts.iter().flat_map(|contact| {
        let cursors = CursorsRow {
            contact: *contact,
            session_epoch: SessionEpoch(1),
            sent: 5,
            acknowledged: 5,
            received: 5,
            stored: 0,
        };
        let session = SessionRow {
            contact: *contact,
            record: session.clone(),
        };
        [
            Row::Contact(friend(*contact)),
            Row::Cursors(cursors),
            Row::Session(session),
        ]
    });
    commit(&mut store, rows.collect());
    let numbers: Vec<u64> = (1..=MESSAGES).collect();
    for numbers in numbers.chunks(2000) {
        commit(
            &mut store,
            numbers
                .iter()
                .flat_map(|number| message(*number, own, &contacts))
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

fn contact(number: u64) -> OnionAddress {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    OnionSecret::from_seed(&seed).address()
}

/// The session row of a real session.
fn a_session() -> Vec<u8> {
    let pair = friends([MemoryStore::default(), MemoryStore::default()]);
    let sessions = pair.sides[0].store.rows().filter_map(|row| match row {
        Row::Session(row) => Some(row.record.clone()),
        _ => None,
    });
    sessions.last().expect("friends have a session")
}

fn friend(address: OnionAddress) -> ContactRow {
    ContactRow {
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
    }
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

/// User and system time of a process, in clock ticks (proc(5)).
fn ticks(pid: &str) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let fields = stat.rsplit(") ").next().expect("fields after the name").split(' ');
    fields
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<u64>().expect("a number"))
        .sum()
}
