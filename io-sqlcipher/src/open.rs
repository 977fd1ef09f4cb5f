//! How a database file becomes a connection that may be trusted: created whole or not at all, opened without a trace if
//! it cannot be used, and every setting read back.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Once;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _};

use crate::StoreError;
use crate::code::of;
use crate::key::StoreKey;
use crate::lock::{Lock, beside, private};
use crate::{schema, words};

/// The length of SQLCipher's pages, and so the shortest file there can be.
pub(crate) const PAGE: u64 = 4096;

/// Pages in the log from which on SQLite moves it into the database: four MiB, as is its default. After that the same
/// blocks of the log are written again, which is faster than to add some.
pub(crate) const LOG_PAGES: u64 = 1000;

/// Statements that a connection keeps prepared; more than there are.
const STATEMENTS: usize = 128;

/// How long to wait for another process's lock on the database: only a foreign tool can hold one.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The store's own.
    Write,
    /// A reader's.
    Read,
}

/// The salt of an existing store, for deriving its key; `None` if there is no file.
///
/// It is the first sixteen bytes of the file, which SQLCipher leaves in the clear.
pub fn read_salt(path: &Path) -> Result<Option<[u8; 16]>, StoreError> {
    if !path.try_exists().map_err(|source| StoreError::io(path, source))? {
        return Ok(None);
    }
    let _lock = Lock::shared(path)?;
    first_bytes(path).map(Some)
}

/// Makes a new, empty database at `path`. It is built under another name, so that what has the name is always whole.
pub(crate) fn create(path: &Path, key: &StoreKey) -> Result<(), StoreError> {
    let unfinished = beside(path, "-new");
    remove_if_there(&unfinished)?;
    let built = build(&unfinished, key).and_then(|()| put_in_place(&unfinished, path));
    if built.is_err() {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            // What counts is the first error; a leftover is removed by the next attempt.
            let _ = fs::remove_file(beside(&unfinished, suffix));
        }
    }
    built
}

/// What is expected of the files of an existing database.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Files {
    /// All of them are there.
    Whole,
    /// The log may be missing, and with it what was committed last.
    Part,
}

/// Opens an existing database, and marks it as open. The caller holds its lock.
pub(crate) fn open(path: &Path, key: &StoreKey, files: Files) -> Result<Connection, StoreError> {
    first_bytes(path)?;
    // Only a store that is closed in order removes the log, and it takes the mark away before.
    let log = beside(path, "-wal");
    let has_log = log.try_exists().map_err(|source| StoreError::io(&log, source))?;
    let db = open_any(path, key)?;
    let sqlite = |source| StoreError::sqlite(path, source);
    let marked: bool = db
        .query_row("SELECT open FROM mark", [], |row| of("mark", row, row.get(0)))
        .map_err(sqlite)?;
    if marked && !has_log && files == Files::Whole {
        return Err(StoreError::Part { path: path.to_owned() });
    }
    if !marked {
        mark(&db, true).map_err(sqlite)?;
        // Into the database itself, so that a copy of it alone shows the mark. Another reader can be in the way; then the mark
        // is in the log.
        db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
            .map_err(sqlite)?;
    }
    keep_log(&db, true).map_err(sqlite)?;
    Ok(db)
}

/// As `open`, without a look at the files: closing the database would drop the locks that readers hold on it.
pub(crate) fn reopen(path: &Path, key: &StoreKey) -> Result<Connection, StoreError> {
    let db = open_any(path, key)?;
    keep_log(&db, true).map_err(|source| StoreError::sqlite(path, source))?;
    Ok(db)
}

/// Whether closing the last connection leaves the log beside the database. Else it is moved into the database and removed.
pub(crate) fn keep_log(db: &Connection, keep: bool) -> rusqlite::Result<()> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep)
        .map(drop)
}

/// Notes whether a program has the store open.
pub(crate) fn mark(db: &Connection, open: bool) -> rusqlite::Result<()> {
    db.execute("UPDATE mark SET open = ?", [open]).map(drop)
}

/// Takes the mark away from a whole copy of a store, which no program has open.
pub(crate) fn unmark(path: &Path, key: &StoreKey) -> Result<(), StoreError> {
    let db = connect(path, key, Purpose::Write)?;
    mark(&db, false)
        .and_then(|()| db.close().map_err(|(_, source)| source))
        .map_err(|source| StoreError::sqlite(path, source))
}

/// What is wrong with the pages, if something is: their authentication codes first, which SQLCipher checks without an
/// interpretation of what they hold (<https://www.zetetic.net/sqlcipher/sqlcipher-api/#cipher_integrity_check>).
pub(crate) fn check_pages(db: &Connection) -> rusqlite::Result<Option<String>> {
    for (pragma, whole) in [("cipher_integrity_check", None), ("quick_check", Some("ok"))] {
        let found: Option<String> = db.pragma_query_value(None, pragma, |row| row.get(0)).optional()?;
        if found.as_deref() != whole {
            return Ok(Some(found.unwrap_or_else(|| format!("{pragma} says nothing"))));
        }
    }
    Ok(None)
}

fn open_any(path: &Path, key: &StoreKey) -> Result<Connection, StoreError> {
    let mut db = connect(path, key, Purpose::Write)?;
    // Closing the last connection would move what a crash left in the log into the database: not before we know that it
    // is ours. Without a log there is nothing to move, and closing only tidies up.
    let log = fs::metadata(beside(path, "-wal")).map_or(0, |found| found.len());
    let sqlite = |source| StoreError::sqlite(path, source);
    keep_log(&db, log > 0).map_err(sqlite)?;
    let version = recognise(&db, path)?;
    keep_log(&db, false).map_err(sqlite)?;
    configure(&db, path, Purpose::Write)?;
    words::register(&db).map_err(sqlite)?;
    schema::migrate(&mut db, version).map_err(sqlite)?;
    schema::renew_word_index(&mut db).map_err(sqlite)?;
    check_word_index(&db, path)?;
    Ok(db)
}

/// Opens one more connection, which only reads.
pub(crate) fn open_reader(path: &Path, key: &StoreKey) -> Result<Connection, StoreError> {
    let db = connect(path, key, Purpose::Read)?;
    recognise(&db, path)?;
    configure(&db, path, Purpose::Read)?;
    Ok(db)
}

fn build(path: &Path, key: &StoreKey) -> Result<(), StoreError> {
    private(OpenOptions::new().create_new(true))
        .open(path)
        .map_err(|source| StoreError::io(path, source))?;
    let sqlite = |source| StoreError::sqlite(path, source);
    let mut db = connect(path, key, Purpose::Write)?;
    db.pragma_update(None, "page_size", PAGE.cast_signed())
        .map_err(sqlite)?;
    configure(&db, path, Purpose::Write)?;
    words::register(&db).map_err(sqlite)?;
    schema::migrate(&mut db, 0).map_err(sqlite)?;
    check_word_index(&db, path)?;
    db.close().map_err(|(_, source)| sqlite(source))
}

/// Gives a whole file its name; the name is on the disk when this returns.
pub(crate) fn put_in_place(unfinished: &Path, path: &Path) -> Result<(), StoreError> {
    let io = |source| StoreError::io(path, source);
    fs::rename(unfinished, path).map_err(io)?;
    // The name itself must survive a power cut. Only Unix can open a folder, and only there is it needed.
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))
            .and_then(|folder| folder.sync_all())
            .map_err(io)?;
    }
    Ok(())
}

pub(crate) fn remove_if_there(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(StoreError::io(path, source)),
        _ => Ok(()),
    }
}

/// The salt, or why this cannot be one of our databases.
fn first_bytes(path: &Path) -> Result<[u8; 16], StoreError> {
    let io = |source| StoreError::io(path, source);
    let mut file = File::open(path).map_err(io)?;
    if file.metadata().map_err(io)?.len() < PAGE {
        return Err(StoreError::damaged(path, "it is shorter than one page"));
    }
    let mut salt = [0; 16];
    file.read_exact(&mut salt).map_err(io)?;
    if salt == *b"SQLite format 3\0" {
        return Err(StoreError::NotEncrypted { path: path.to_owned() });
    }
    Ok(salt)
}

/// SQLite calls itself initialised just before it initialises SQLCipher. A second thread that opens its first database
/// in between finds no cipher; so the first connection of a process is made alone.
fn initialise() {
    static INITIALISED: Once = Once::new();
    INITIALISED.call_once(|| drop(Connection::open_in_memory()));
}

fn connect(path: &Path, key: &StoreKey, purpose: Purpose) -> Result<Connection, StoreError> {
    initialise();
    let access = match purpose {
        Purpose::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
        Purpose::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    let sqlite = |source| StoreError::sqlite(path, source);
    let db = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(sqlite)?;
    // Without SQLCipher the next statement would be ignored, and everything written in the clear.
    let cipher: Option<String> = db
        .pragma_query_value(None, "cipher_version", |row| row.get(0))
        .or_else(|error| match error {
            rusqlite::Error::QueryReturnedNoRows => Ok(None),
            error => Err(error),
        })
        .map_err(sqlite)?;
    if cipher.is_none_or(|version| version.is_empty()) {
        return Err(setting(path, "cipher_version", "a version of SQLCipher", "none"));
    }
    // Its complaints about a wrong key would go to standard error; ours are returned.
    db.execute_batch("PRAGMA cipher_log_level = NONE").map_err(sqlite)?;
    db.execute_batch(&key.pragma()).map_err(sqlite)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    db.busy_timeout(PATIENCE).map_err(sqlite)?;
    Ok(db)
}

/// Reads the first page, which shows whether the key fits, and says which version of ours it is.
fn recognise(db: &Connection, path: &Path) -> Result<i64, StoreError> {
    let application: i64 = db
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(|source| match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => StoreError::WrongKey { path: path.to_owned() },
            _ => StoreError::sqlite(path, source),
        })?;
    if application != schema::APPLICATION_ID {
        return Err(StoreError::damaged(path, "another program's database"));
    }
    let found = schema::version(db).map_err(|source| StoreError::sqlite(path, source))?;
    if found > schema::SUPPORTED {
        return Err(StoreError::NewerSchema {
            path: path.to_owned(),
            found,
            supported: schema::SUPPORTED,
        });
    }
    if found < 1 {
        return Err(StoreError::damaged(path, "it has no schema"));
    }
    Ok(found)
}

/// A setting that is made and then read back. `want` is what SQLite answers.
struct Setting {
    name: &'static str,
    value: &'static str,
    want: &'static str,
}

const fn same(name: &'static str, value: &'static str) -> Setting {
    Setting {
        name,
        value,
        want: value,
    }
}

/// For every connection. Four MiB of pages hold the inner nodes of a hundred thousand messages; what is cold is read
/// when asked for. `cipher_memory_security` stays off: it wipes and locks every allocation of SQLite's at several times
/// the cost, while key and pages are in this process's memory anyway for as long as the store is open.
const EVERYWHERE: &[Setting] = &[
    same("foreign_keys", "1"),
    same("trusted_schema", "0"),
    same("temp_store", "2"),
    same("mmap_size", "0"),
    same("cell_size_check", "1"),
];

/// For the connection that writes.
const WRITING: &[Setting] = &[
    Setting {
        name: "journal_mode",
        value: "WAL",
        want: "wal",
    },
    same("synchronous", "2"),
    same("secure_delete", "1"),
    same("cache_size", "-4096"),
    same("query_only", "0"),
    same("wal_autocheckpoint", "1000"),
    #[cfg(target_vendor = "apple")]
    same("fullfsync", "1"),
    #[cfg(target_vendor = "apple")]
    same("checkpoint_fullfsync", "1"),
];

/// For one that reads.
const READING: &[Setting] = &[same("query_only", "1"), same("cache_size", "-2048")];

fn configure(db: &Connection, path: &Path, purpose: Purpose) -> Result<(), StoreError> {
    let own = match purpose {
        Purpose::Write => WRITING,
        Purpose::Read => READING,
    };
    for &Setting { name, value, want } in EVERYWHERE.iter().chain(own) {
        let sqlite = |source| StoreError::sqlite(path, source);
        db.execute_batch(&format!("PRAGMA {name} = {value}")).map_err(sqlite)?;
        let got = match db.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0)) {
            Ok(value) => said(&value),
            // A setting that is compiled out (mmap_size here) answers with no row.
            Err(rusqlite::Error::QueryReturnedNoRows) => String::from("0"),
            Err(source) => return Err(sqlite(source)),
        };
        if got != want {
            return Err(setting(path, name, want, got));
        }
    }
    Ok(())
}

fn said(value: &rusqlite::types::Value) -> String {
    use rusqlite::types::Value;
    match value {
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::Null | Value::Real(_) | Value::Blob(_) => String::from("something else"),
    }
}

/// The word index takes deleted words out at once. The option lives in the database, so it is checked, not set.
fn check_word_index(db: &Connection, path: &Path) -> Result<(), StoreError> {
    let got: i64 = db
        .query_row("SELECT v FROM word_config WHERE k = 'secure-delete'", [], |row| {
            row.get(0)
        })
        .map_err(|source| StoreError::sqlite(path, source))?;
    if got == 1 {
        Ok(())
    } else {
        Err(setting(path, "fts5 secure-delete", "1", got.to_string()))
    }
}

fn setting(path: &Path, name: &'static str, want: impl Into<String>, got: impl Into<String>) -> StoreError {
    StoreError::Setting {
        path: path.to_owned(),
        name,
        want: want.into(),
        got: got.into(),
    }
}
