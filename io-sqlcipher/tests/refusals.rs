//! A store that cannot be used says why, and is left as it was, byte for byte.

mod common;

use std::fs;

use common::{KEY, Place, SALT, identity, key, message, puts, raw};
use rusqlite::Connection;
use sotto_core::Direction::In;
use sotto_core::row::Row;
use sotto_io_sqlcipher::{Store, StoreError, StoreKey, read_salt};

fn wrong_key() -> StoreKey {
    let mut key = KEY;
    key[31] ^= 1;
    StoreKey::new(key, SALT)
}

fn filled(place: &Place) {
    let mut store = place.create();
    for n in 0..40_u32 {
        let text = format!("text {n} {}", "and more ".repeat(40));
        store
            .commit(&puts([Row::Message(message(key(1, In, n), n.into(), &text))]))
            .unwrap();
    }
    store.close().unwrap();
}

/// What opening says, after making sure that it changed nothing.
fn refused(place: &Place, key: &StoreKey) -> StoreError {
    let before = place.files();
    let error = Store::open(&place.database(), key).expect_err("must not open");
    assert_eq!(place.files(), before, "the files are as they were");
    let said = error.to_string();
    assert!(said.contains("sotto.db"), "it names the file: {said}");
    error
}

/// Copies the files as they are while a store is open: what a crash leaves, with everything still in the log.
fn crashed(place: &Place) -> Place {
    let mut store = place.create();
    // The first commit may empty the log; the later ones stay in it.
    store.commit(&puts([Row::Identity(identity(1))])).unwrap();
    store
        .commit(&puts([Row::Message(message(key(1, In, 1), 1, "in the log"))]))
        .unwrap();
    let copy = Place::new();
    for (name, bytes) in place.files().into_iter().filter(|(name, _)| !name.ends_with("-shm")) {
        fs::write(copy.folder().join(name), bytes).unwrap();
    }
    assert!(
        copy.files()
            .iter()
            .any(|(name, bytes)| name.ends_with("-wal") && !bytes.is_empty())
    );
    copy
}

#[test]
fn a_wrong_key() {
    let place = Place::new();
    filled(&place);
    assert!(matches!(refused(&place, &wrong_key()), StoreError::WrongKey { .. }));
    let mut salt = SALT;
    salt[0] ^= 1;
    assert!(matches!(
        refused(&place, &StoreKey::new(KEY, salt)),
        StoreError::WrongKey { .. }
    ));
    place.open();
}

#[test]
fn a_wrong_key_after_a_crash_does_not_touch_the_log() {
    let place = Place::new();
    let copy = crashed(&place);
    let before = copy.files();
    let error = Store::open(&copy.database(), &wrong_key()).unwrap_err();
    assert!(matches!(error, StoreError::WrongKey { .. }), "{error}");
    let after: Vec<_> = copy
        .files()
        .into_iter()
        .filter(|(name, _)| !name.ends_with("-shm"))
        .collect();
    assert_eq!(after, before);
    let mut store = copy.open();
    assert!(store.image().unwrap().identity.is_some());
    assert_eq!(
        store.reader().unwrap().search("log", 1, None).unwrap().len(),
        1,
        "what was in the log is there"
    );
}

#[test]
fn a_newer_schema() {
    for newer in [5, 1000] {
        let place = Place::new();
        filled(&place);
        raw(&place.database())
            .pragma_update(None, "user_version", newer)
            .unwrap();
        let error = refused(&place, &Place::key());
        let said = error.to_string();
        match error {
            StoreError::NewerSchema { found, supported, .. } => assert_eq!((found, supported), (newer, 4)),
            error => panic!("{error}"),
        }
        let expected = format!("has schema version {newer}, this program knows up to 4; use a newer sotto");
        assert!(said.ends_with(&expected), "{said}");
    }
}

#[test]
fn another_programs_database() {
    let place = Place::new();
    raw(&place.database()).execute_batch("CREATE TABLE t (x)").unwrap();
    assert!(matches!(refused(&place, &Place::key()), StoreError::Damaged { .. }));
}

#[test]
fn a_database_that_is_not_encrypted() {
    let place = Place::new();
    Connection::open(place.database())
        .unwrap()
        .execute_batch("CREATE TABLE t (x)")
        .unwrap();
    assert!(matches!(
        refused(&place, &Place::key()),
        StoreError::NotEncrypted { .. }
    ));
}

#[test]
fn files_that_are_no_database() {
    for content in [&b""[..], b"short", &[0x55; 8192]] {
        let place = Place::new();
        fs::write(place.database(), content).unwrap();
        let error = refused(&place, &Place::key());
        assert!(
            matches!(error, StoreError::Damaged { .. } | StoreError::WrongKey { .. }),
            "{error}"
        );
    }
}

#[test]
fn damage_is_found_when_it_is_met_and_told_from_a_wrong_key() {
    let place = Place::new();
    filled(&place);
    let mut bytes = fs::read(place.database()).unwrap();
    let pages = bytes.len() / 4096;
    for page in 1..pages {
        bytes[page * 4096 + 100] ^= 1;
    }
    fs::write(place.database(), bytes).unwrap();
    let before = place.files();
    let found = Store::open(&place.database(), &Place::key()).and_then(|mut store| store.image().map(drop));
    let error = found.expect_err("every page but the first is damaged");
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    assert_eq!(place.files(), before);
}

#[test]
fn a_store_that_is_open_already() {
    let place = Place::new();
    let store = place.create();
    for again in [
        Store::open(&place.database(), &Place::key()),
        Store::create(&place.database(), &Place::key()),
    ] {
        assert!(matches!(again, Err(StoreError::InUse { .. })), "{again:?}");
    }
    assert!(matches!(read_salt(&place.database()), Err(StoreError::InUse { .. })));
    let reader = store.reader().unwrap();
    store.close().unwrap();
    assert!(
        matches!(refused(&place, &Place::key()), StoreError::InUse { .. }),
        "a reader counts"
    );
    drop(reader);
    place.open();
}

#[test]
fn a_store_that_is_not_there_and_one_that_is() {
    let place = Place::new();
    assert!(matches!(refused(&place, &Place::key()), StoreError::NotFound { .. }));
    assert!(
        fs::read_dir(place.folder()).unwrap().next().is_none(),
        "looking leaves nothing behind"
    );
    assert_eq!(read_salt(&place.database()).unwrap(), None);
    let nowhere = place.folder().join("no folder").join("sotto.db");
    assert!(matches!(
        Store::create(&nowhere, &Place::key()),
        Err(StoreError::NotFound { .. })
    ));

    filled(&place);
    assert_eq!(read_salt(&place.database()).unwrap(), Some(SALT));
    let before = place.files();
    assert!(matches!(
        Store::create(&place.database(), &wrong_key()),
        Err(StoreError::Exists { .. })
    ));
    assert_eq!(place.files(), before);
}

#[test]
fn an_unfinished_creation_is_no_store_and_in_the_way_of_none() {
    let place = Place::new();
    fs::write(place.folder().join("sotto.db-new"), b"half of a first page").unwrap();
    assert!(matches!(refused(&place, &Place::key()), StoreError::NotFound { .. }));
    place.create().close().unwrap();
    let names: Vec<String> = place.files().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["sotto.db"]);
}

#[cfg(unix)]
#[test]
fn every_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let place = Place::new();
    let mut store = place.create();
    let _reader = store.reader().unwrap();
    store.commit(&puts([Row::Identity(identity(1))])).unwrap();
    let mut seen = 0;
    for entry in fs::read_dir(place.folder()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{:?}",
            entry.path()
        );
        seen += 1;
    }
    assert_eq!(seen, 4, "the database, its log, the log's index, the lock");
}
