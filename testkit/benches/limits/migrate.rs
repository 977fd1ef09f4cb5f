//! How long a store of schema version 1 with 100 000 messages takes to become one of the newest version. Its rows are such
//! as version 1 wrote, by plain statements.

use std::path::Path;
use std::time::Instant;

use rusqlite::{Connection, params};
use sotto_core::{EventSeq, OnionSecret};
use sotto_io_sqlcipher::{Store, StoreKey};

const CONTACTS: i64 = 100;
const MESSAGES: i64 = 100_000;

pub fn migrate() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sotto.db");
    fill(&path).expect("a store of version 1");
    let start = Instant::now();
    let mut store = Store::open(&path, &StoreKey::new([1; 32], [2; 16])).expect("it migrates");
    println!("migrate ours={:.1?} limit=20s (100 000 messages)", start.elapsed());
    let image = store.image().expect("an image");
    assert_eq!(image.last_event, EventSeq(MESSAGES.cast_unsigned()));
}

fn fill(path: &Path) -> rusqlite::Result<()> {
    let mut db = Connection::open(path)?;
    db.execute_batch(&format!(
        "PRAGMA key = \"x'{}{}'\"; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;",
        "01".repeat(32),
        "02".repeat(16)
    ))?;
    db.execute_batch(include_str!("../../../io-sqlcipher/src/schema/v1.sql"))?;
    let transaction = db.transaction()?;
    let seed = |number: i64| {
        let mut seed = [7; 32];
        seed[..8].copy_from_slice(&number.to_le_bytes());
        seed
    };
    transaction.execute("INSERT INTO identity VALUES (1, ?, x'', 1, '', 1)", [seed(0)])?;
    for number in 1..=CONTACTS {
        let address = *OnionSecret::from_seed(&seed(number)).address().public_key();
        transaction.execute("INSERT INTO peer VALUES (?, ?)", (number, address))?;
        transaction.execute(
            "INSERT INTO contact VALUES (?, 6, '', '', '', NULL, NULL, 0, 0, 0, 0, 1, NULL, 0, NULL)",
            [number],
        )?;
    }
    for number in 1..=MESSAGES {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&number.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
        let (contact, direction) = (1 + number % CONTACTS, number % 2);
        let words: String = (0..20)
            .map(|at| format!("word{} ", number.wrapping_mul(31 + at) % 50_000))
            .collect();
        let at = 1_700_000_000_000 + number * 1000;
        transaction
            .prepare_cached(
                "INSERT INTO message VALUES (?1, ?2, ?3, ?4, ?1, ?5, 0, NULL, NULL, 0, ?6, ?6, NULL, NULL, 3, ?6, NULL)",
            )?
            .execute(params![number, contact, direction, id, words, at])?;
        transaction
            .prepare_cached("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, NULL)")?
            .execute(params![number, at, 2 - direction, contact, direction, id])?;
    }
    transaction.execute_batch(
        "INSERT INTO name SELECT contact, direction, id, number FROM message ORDER BY contact, direction, id;
         UPDATE settled SET number = (SELECT max(number) FROM message);
         INSERT INTO word (word) VALUES ('rebuild');
         PRAGMA user_version = 1;",
    )?;
    transaction.commit()?;
    db.close().map_err(|(_, error)| error)
}
