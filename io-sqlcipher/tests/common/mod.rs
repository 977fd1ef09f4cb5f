//! What the store's tests share: a place for its files, and rows to put in.

#![allow(dead_code, reason = "each test file uses its part of this")]

pub mod arbitrary;
// The functions of SQL that the schema uses, for connections that are not the store's.
#[path = "../../src/words.rs"]
pub mod words;

use std::path::{Path, PathBuf};
use std::sync::{Once, OnceLock};

use rusqlite::Connection;
use sotto_core::row::{
    Batch, Change, ContentType, DeliveryRow, DeliveryState, IdentityRow, MessageKey, MessageRow, Row,
};
use sotto_core::{Availability, Direction, EventSeq, MessageId, OnionAddress, Wall};
use sotto_io_sqlcipher::{Store, StoreKey};
use tempfile::TempDir;

/// A folder with at most one store in it, gone when dropped.
pub struct Place {
    folder: TempDir,
}

pub const KEY: [u8; 32] = [0x5a; 32];
pub const SALT: [u8; 16] = *b"sixteen of salt.";

impl Place {
    pub fn new() -> Self {
        // Tests open databases without the library, too; see `initialise` in open.rs.
        static INITIALISED: Once = Once::new();
        INITIALISED.call_once(|| drop(Connection::open_in_memory()));
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    pub fn database(&self) -> PathBuf {
        self.folder.path().join("sotto.db")
    }

    pub fn key() -> StoreKey {
        StoreKey::new(KEY, SALT)
    }

    /// A store with the identity that all rows of these tests belong to.
    pub fn create(&self) -> Store {
        let mut store = Store::create(&self.database(), &Self::key()).unwrap();
        store.commit(&puts([Row::Identity(identity(OWN))])).unwrap();
        store
    }

    pub fn open(&self) -> Store {
        Store::open(&self.database(), &Self::key()).unwrap()
    }

    /// Every file with its bytes, but for the lock's.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut files: Vec<_> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| !path.to_string_lossy().ends_with("-lock"))
            .map(|path| {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                (name, std::fs::read(&path).unwrap())
            })
            .collect();
        files.sort();
        files
    }
}

/// The store's own identity. The contacts have other numbers.
pub const OWN: u8 = 0;

pub fn identity(n: u8) -> IdentityRow {
    IdentityRow {
        onion_seed: [n; 32],
        signal_identity: vec![n; 69],
        registration_id: 0x3fff,
        name: format!("name {n}"),
        created_at: Wall(1_700_000_000_000),
        availability: Availability::default(),
        default_timer: 0,
    }
}

/// The address of a peer.
pub fn peer(n: u8) -> OnionAddress {
    static ADDRESSES: [OnceLock<OnionAddress>; 256] = [const { OnceLock::new() }; 256];
    *ADDRESSES[usize::from(n)].get_or_init(|| identity(n).address())
}

pub fn key(contact: u8, direction: Direction, id: u32) -> MessageKey {
    let mut bytes = [0; 16];
    // As random ids are: spread over their whole range.
    bytes[..4].copy_from_slice(&id.wrapping_mul(0x9e37_79b1).to_be_bytes());
    bytes[12..].copy_from_slice(&id.to_be_bytes());
    let author = match direction {
        Direction::In => peer(contact),
        Direction::Out => peer(OWN),
    };
    MessageKey::direct(peer(contact), author, MessageId(bytes))
}

pub fn message(key: MessageKey, order: u64, text: &str) -> MessageRow {
    MessageRow {
        key,
        order: EventSeq(order),
        text: text.to_owned(),
        content_type: ContentType::Plain,
        thread: None,
        reply_to: None,
        ttl: 0,
        sent_at: Wall(order),
        at: Wall(order),
        edited_at: None,
        deleted_at: None,
        hops: 0,
    }
}

pub fn delivery(key: MessageKey, state: DeliveryState) -> DeliveryRow {
    DeliveryRow {
        key,
        state,
        at: Wall(7),
        disappears_at: None,
    }
}

/// A batch that puts these rows.
pub fn puts(rows: impl IntoIterator<Item = Row>) -> Batch {
    batch(rows.into_iter().map(Change::Put))
}

/// A batch of these changes, in key order.
pub fn batch(changes: impl IntoIterator<Item = Change>) -> Batch {
    let mut changes: Vec<Change> = changes.into_iter().collect();
    changes.sort_by_key(Change::key);
    Batch { changes }
}

/// Two digits a byte.
pub fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from_digit(digit.into(), 16).unwrap())
        .collect()
}

/// Opens the file as a program that is not ours would, with the right key.
pub fn raw(path: &Path) -> Connection {
    let db = Connection::open(path).unwrap();
    db.execute_batch(&format!("PRAGMA key = \"x'{}{}'\"", hex(&KEY), hex(&SALT)))
        .unwrap();
    db
}

/// FTS5's own check: the word index is whole, and says exactly what the messages say. On a copy, for an open store's file is
/// not to be touched.
pub fn check_word_index(place: &Place) {
    let copy = Place::new();
    std::fs::copy(place.database(), copy.database()).unwrap();
    let db = raw(&copy.database());
    words::register(&db).unwrap();
    db.execute_batch("INSERT INTO word (word, rank) VALUES ('integrity-check', 1)")
        .unwrap();
}
