//! As `one_way`, with a SQLCipher store on both sides. The limit is libsignal's time plus the same rows in their last states, written
//! by plain statements to plain tables of two SQLCipher files, one batch for each window and side.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use sotto_core::row::{Batch, Change, Image, Key, OutboxContent, Query, Row, RowStore, Rows};
use sotto_io_sqlcipher::{Store, StoreError, StoreKey};

use crate::compare;
use crate::libsignal::Parties;
use crate::messages::{friends, send_all, texts};

/// Messages of one batch: the default window.
const WINDOW: usize = 32;

/// A store that can record the changes.
struct Recorded {
    store: Store,
    recording: bool,
    changes: Vec<Change>,
}

impl RowStore for Recorded {
    type Error = StoreError;

    fn image(&mut self) -> Result<Image, StoreError> {
        self.store.image()
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.store.commit(batch)?;
        if self.recording {
            self.changes.extend_from_slice(&batch.changes);
        }
        Ok(())
    }

    fn fetch(&mut self, query: &Query) -> Result<Rows, StoreError> {
        self.store.fetch(query)
    }

    fn reopen(&mut self) -> Result<(), StoreError> {
        self.store.reopen()
    }

    fn close(self) -> Result<(), StoreError> {
        self.store.close()
    }

    fn is_transient(error: &StoreError) -> bool {
        Store::is_transient(error)
    }
}

pub fn stored() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = |name: &str| {
        let store = Store::create(&folder.path().join(name), &StoreKey::new([1; 32], [2; 16])).expect("a store");
        Recorded {
            store,
            recording: true,
            changes: Vec::new(),
        }
    };
    let raw = [raw(&folder.path().join("raw-a")), raw(&folder.path().join("raw-b"))];
    let texts = texts(1024);
    let mut parties = Parties::new();
    let mut pair = friends([open("a"), open("b")]);
    // The rows are recorded once, in a round that is not measured: every round writes as many of the same lengths.
    pair.sides.iter_mut().for_each(|side| side.store.changes.clear());
    send_all(&mut pair, &texts, 256);
    let recorded = pair.sides.each_mut().map(|side| {
        side.store.recording = false;
        std::mem::take(&mut side.store.changes)
    });
    let recorded = recorded.each_ref().map(|changes| windows(changes));
    let ours = || send_all(&mut pair, &texts, 256);
    let mut round = 0;
    let limit = || {
        let mut took = parties.one_way(&texts);
        round += 1;
        for (windows, raw) in recorded.iter().zip(&raw) {
            took += write(raw, windows, round);
        }
        took
    };
    compare("stored", 1024, ours, limit);
}

/// The changes of each window, the last of each key.
fn windows(changes: &[Change]) -> Vec<BTreeMap<Key, &Change>> {
    let mut windows = vec![BTreeMap::new()];
    let mut messages = 0;
    for change in changes {
        if matches!(change, Change::Insert(Row::Message(_))) {
            messages += 1;
            if messages % WINDOW == 0 {
                windows.push(BTreeMap::new());
            }
        }
        windows.last_mut().expect("one at least").insert(change.key(), change);
    }
    windows
}

fn raw(path: &Path) -> Connection {
    let raw = Connection::open(path).expect("a file");
    raw.execute_batch(&format!(
        "PRAGMA key = \"x'{}'\"; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE row (key INTEGER PRIMARY KEY, value BLOB NOT NULL);",
        "01".repeat(32)
    ))
    .expect("a plain table");
    raw
}

fn write(raw: &Connection, windows: &[BTreeMap<Key, &Change>], round: u8) -> Duration {
    // Keys are numbers in insertion order, the cheapest keys of a table.
    let mut numbers = BTreeMap::new();
    let mut number = |key: &Key| {
        let next = i64::try_from(numbers.len()).expect("few");
        *numbers.entry(key.clone()).or_insert(next)
    };
    let mut rows: Vec<Vec<(i64, Option<Vec<u8>>)>> = Vec::new();
    for window in windows {
        rows.push(
            window
                .iter()
                .map(|(key, change)| (number(key), plain(change, round)))
                .collect(),
        );
    }
    let start = Instant::now();
    for window in &rows {
        raw.execute_batch("BEGIN IMMEDIATE").expect("begun");
        let mut put = raw
            .prepare_cached("INSERT OR REPLACE INTO row VALUES (?1, ?2)")
            .expect("a statement");
        let mut delete = raw
            .prepare_cached("DELETE FROM row WHERE key = ?1")
            .expect("a statement");
        for (key, value) in window {
            match value {
                Some(value) => put.execute(params![key, value]).expect("written"),
                None => delete.execute(params![key]).expect("deleted"),
            };
        }
        drop((put, delete));
        raw.execute_batch("COMMIT").expect("committed");
    }
    start.elapsed()
}

/// A row as bytes of the same length; nothing if it is deleted. A message is another one in each round: SQLite writes no page on
/// which a row is replaced by the same bytes.
fn plain(change: &Change, round: u8) -> Option<Vec<u8>> {
    let (Change::Put(row) | Change::Insert(row)) = change else {
        return None;
    };
    let value = match row {
        Row::Message(row) => [row.text.as_bytes(), &[round; 64]].concat(),
        Row::Session(row) => row.record.clone(),
        Row::Outbox(row) => {
            let ciphertext = row.sealed.as_ref().map(|sealed| sealed.ciphertext.as_slice());
            let content = match &row.content {
                OutboxContent::Serialised(content) => content.as_slice(),
                OutboxContent::Text(_) | OutboxContent::Edit(_) | OutboxContent::Obsolete => &[],
            };
            [content, ciphertext.unwrap_or_default(), &[0; 48]].concat()
        }
        _ => vec![0; 48],
    };
    Some(value)
}
