//! A store whose pages are whole and whose rows are not: a later program's, or one that another program with the key has
//! written to.
//! Whatever a column holds, it is read as what it is, or refused by its name; nothing panics, and nothing is passed over.

mod common;

use std::collections::BTreeSet;
use std::fs;

use common::{Place, arbitrary, batch, key, message, raw};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use rusqlite::{Connection, ErrorCode};
use sotto_core::row::{Change, Image, Key, MessageKey, Query, Row};
use sotto_core::{Direction, EventSeq, Wall};
use sotto_io_sqlcipher::{InboxQuery, Store, StoreError};

/// What a column comes to hold. The last one fits only where bytes may be of any length.
const VALUES: &[&str] = &[
    "NULL",
    "-1",
    "7",
    "9223372036854775807",
    "'text'",
    "CAST(x'ff61' AS TEXT)",
    "zeroblob(16)",
    NOWHERE_RIGHT,
];
const NOWHERE_RIGHT: &str = "zeroblob(1000)";

/// Columns that take bytes of any length, those by which a row is found and which are not read, and the one of a table that
/// is empty here.
const ANY: [&str; 13] = [
    "contact.features",
    "contact.identity_key",
    "identity.signal_identity",
    "mark.words",
    "name.conversation",
    "name.id",
    "prekey_offer.bundle",
    "prekey_offer.secrets",
    "reaction.message",
    "record.value",
    "request.bundle",
    "session.record",
    "trace.number",
];

/// Whether there is a row of each type.
fn has_all(store: &mut Store) -> bool {
    let messages = store.reader().unwrap();
    let messages = messages
        .inbox(
            u32::MAX,
            &InboxQuery {
                own: true,
                ..InboxQuery::default()
            },
        )
        .unwrap();
    let cold = messages.iter().any(|message| message.state.is_some())
        && messages.iter().any(|message| !message.reactions.is_empty());
    cold && has_all_hot(&store.image().unwrap())
}

/// Whether there is a row of each hot type.
fn has_all_hot(image: &Image) -> bool {
    let counts = [
        image.contacts.len(),
        image.timers.len(),
        image.sessions.len(),
        image.cursors.len(),
        image.prekey_offers.len(),
        image.requests.len(),
        image.invites.len(),
        image.outbox.iter().filter(|row| row.sealed.is_none()).count(),
        image.consumers.len(),
    ];
    image.identity.is_some() && counts.into_iter().all(|count| count > 0)
}

/// A store with rows in every table, which now take any value in any column; half of the messages' names are settled.
fn willing() -> Place {
    let place = Place::new();
    let mut store = place.create();
    let mut runner = TestRunner::deterministic();
    for _ in 0..200 {
        let batch = arbitrary::batch().new_tree(&mut runner).expect("a batch");
        store.commit(&batch.current()).unwrap();
        if has_all(&mut store) {
            break;
        }
    }
    store.close().unwrap();
    let db = raw(&place.database());
    common::words::register(&db).unwrap();
    db.execute_batch(
        "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = replace(replace(replace(sql,
                 ') STRICT, WITHOUT', ') WITHOUT'), ') STRICT', ')'), ' NOT NULL', '') WHERE type = 'table';
             PRAGMA writable_schema = RESET;
             UPDATE mark SET settled = (SELECT max(number) / 2 FROM message), named = (SELECT max(number) / 2 FROM message);
             INSERT INTO name SELECT conversation, author, id, number FROM message
                 WHERE number <= (SELECT settled FROM mark);
             INSERT INTO word (word) VALUES ('rebuild');",
    )
    .unwrap();
    place
}

/// Every column of the library's own tables, its table before it. What is in the word index is FTS5's to check.
fn columns(db: &Connection) -> Vec<(String, String)> {
    db.prepare(
        "SELECT tables.name, columns.name FROM sqlite_schema AS tables JOIN pragma_table_info(tables.name) AS columns
         WHERE tables.type = 'table' AND tables.name NOT LIKE 'word%'",
    )
    .unwrap()
    .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
    .unwrap()
    .collect::<rusqlite::Result<_>>()
    .unwrap()
}

/// Everything that can be asked of a store; what it refuses.
fn refused(store: &mut Store) -> Vec<StoreError> {
    let keys: Vec<MessageKey> = arbitrary::all_message_keys().collect();
    let reader = store.reader().unwrap();
    let disappearing = Query::Disappearing {
        until: Wall(u64::MAX),
        limit: 100,
    };
    let inbox = InboxQuery::default();
    let mut answers = vec![
        store.image().map(drop),
        store.fetch(&Query::Messages(keys.clone())).map(drop),
        store.fetch(&disappearing).map(drop),
        store
            .fetch(&Query::StoredBytes {
                conversation: keys[0].conversation,
                author: keys[0].author,
            })
            .map(drop),
        reader.contacts().map(drop),
        reader.people().map(drop),
        reader.requests().map(drop),
        reader.inbox(100, &inbox).map(drop),
        reader
            .inbox(
                100,
                &InboxQuery {
                    unread_only: true,
                    ..inbox
                },
            )
            .map(drop),
        reader
            .inbox(
                100,
                &InboxQuery {
                    thread: Some("a"),
                    ..inbox
                },
            )
            .map(drop),
        reader.outbox().map(drop),
        reader.search("a", 100, None).map(drop),
        reader.threads(100).map(drop),
        reader.events(EventSeq(0), 1000).map(drop),
        reader.consumer("a").map(drop),
        reader.records("").map(drop),
        reader.message("000000").map(drop),
    ];
    for key in keys {
        answers.push(reader.message_by_key(&key).map(drop));
        answers.push(reader.history(&key.conversation, 100, Some(key)).map(drop));
        answers.push(reader.contact(&key.author).map(drop));
        answers.push(reader.relationship(&key.author).map(drop));
    }
    answers.into_iter().filter_map(Result::err).collect()
}

/// Writes somewhat of everything. The store may refuse it.
fn write(store: &mut Store) {
    let mut keys = arbitrary::all_message_keys();
    let mut next = || keys.next().expect("a key");
    let _ = store.commit(&batch([
        Change::Put(Row::Message(message(key(1, Direction::In, 77), 1_000, "new"))),
        Change::Put(Row::Message(message(key(2, Direction::In, 78), 1_001, "newer"))),
        Change::Put(Row::Message(message(next(), 1, "edited"))),
        Change::Delete(Key::Message(next())),
        Change::Delete(Key::Contact(next().conversation.peer().unwrap())),
    ]));
}

#[test]
fn whatever_a_column_holds_is_read_or_refused_by_its_name() {
    let whole = fs::read(willing().database()).unwrap();
    let place = Place::new();
    fs::write(place.database(), &whole).unwrap();
    let columns = columns(&raw(&place.database()));
    assert!(columns.len() > 80, "{columns:?}");
    let (mut passed_over, mut misnamed) = (BTreeSet::new(), BTreeSet::new());
    for (table, column) in &columns {
        for (number, value) in VALUES.iter().enumerate() {
            let what = format!("{table}.{column}");
            // A store that is dropped leaves its log, which belongs to the file before.
            let _ = fs::remove_file(place.folder().join("sotto.db-wal"));
            fs::write(place.database(), &whole).unwrap();
            let damage = raw(&place.database()).execute_batch(&format!(
                "PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;
                 UPDATE OR IGNORE {table} SET {column} = {value}"
            ));
            if let Err(error) = damage {
                // Only the number of a row has a type that nothing can change.
                assert_eq!(
                    error.sqlite_error_code(),
                    Some(ErrorCode::TypeMismatch),
                    "{what} = {value}"
                );
                continue;
            }
            let mut store = match Store::open(&place.database(), &Place::key()) {
                Ok(store) => store,
                // The one column that is read when a store is opened: whether its log must be there.
                Err(StoreError::Part { .. }) if what == "mark.open" => continue,
                Err(StoreError::Damaged { detail, .. }) if detail.starts_with("mark.open") => continue,
                Err(error) => panic!("{what} = {value}: {error}"),
            };
            let before = refused(&mut store);
            if before.is_empty() && *value == NOWHERE_RIGHT {
                passed_over.insert(what.clone());
            }
            let mut errors = before;
            // A third of them, for it takes longer than the rest.
            if number % 3 == 0 {
                write(&mut store);
                errors.extend(refused(&mut store));
            }
            for error in errors {
                let named = match &error {
                    StoreError::Damaged { detail, .. } => names(&what).iter().any(|name| detail.starts_with(name)),
                    _ => false,
                };
                if !named {
                    misnamed.insert(format!("{what} = {value}: {error}"));
                }
            }
        }
    }
    assert_eq!(misnamed, BTreeSet::new());
    assert_eq!(passed_over, ANY.map(String::from).into());
}

/// How damage to a column may be called: by its name, or that of the row or the column which it no longer fits.
fn names(column: &str) -> Vec<&str> {
    let mut names = vec![column, "conversation.number", "conversation.kind"];
    names.extend_from_slice(match column {
        "outbox.kind" => &["outbox.message", "outbox.content"],
        "outbox.content" => &["outbox.kind"],
        "outbox.sequence" => &["outbox.ciphertext"],
        "outbox.ciphertext" => &["outbox.sequence"],
        "outbox.conversation" | "outbox.author" | "outbox.message" => {
            &["outbox.conversation", "outbox.author", "outbox.message", "outbox.kind"]
        }
        // Cursors are five columns, or none of them.
        "session.session_epoch" | "session.sent" | "session.acknowledged" | "session.received" | "session.stored" => {
            &["session.session_epoch", "session.sent"]
        }
        event if event.starts_with("event.") => &["event.kind"],
        // A message tells the event that announced it.
        "message.announced" => &["event.kind"],
        "message.id" => &["event.message"],
        "message.at" => &["event.at"],
        "message.author" => &["event.author"],
        // The words that are taken out of the index are not those that it has.
        "message.text" | "mark.settled" | "mark.named" => &["database disk image is malformed"],
        "message.conversation" => &["event.conversation", "database disk image is malformed"],
        // The message is there, and is not found.
        name if name.starts_with("name.") => &["message.number", "UNIQUE constraint failed: message.number"],
        _ => &["message.number"],
    });
    names
}
