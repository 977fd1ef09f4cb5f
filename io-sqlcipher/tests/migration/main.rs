//! A store of schema version 1, written by the last program that had it, becomes one of version 2: all of it is there, and
//! whatever interrupts the migration, the store is one of the two.

#[path = "../common/mod.rs"]
mod common;
mod contents;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Place, batch, hex};
use contents::contents;
use rusqlite::Connection;
use sotto_core::row::{Change, Key, MessageRow, Row};
use sotto_core::{ConversationId, Entropy, EventSeq, Limits, Monotonic, Node, Now, OnionAddress, Wall};
use sotto_io_sqlcipher::{Store, StoreError, StoreKey};

const KEY: [u8; 32] = *b"the key of the version 1 fixture";
const SALT: [u8; 16] = *b"version 1's salt";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/v1")
        .join(name)
}

fn addresses() -> BTreeMap<OnionAddress, String> {
    let text = fs::read_to_string(fixture("addresses.txt")).unwrap();
    let line = |line: &str| {
        let (name, address) = line.split_once(' ').expect("a name and an address");
        (address.parse().expect("an address"), name.to_owned())
    };
    text.lines().map(line).collect()
}

/// A copy of the version 1 store.
fn version_1() -> Place {
    let place = Place::new();
    fs::copy(fixture("sotto.db"), place.database()).unwrap();
    place
}

fn open(place: &Place) -> Result<Store, StoreError> {
    Store::open(&place.database(), &StoreKey::new(KEY, SALT))
}

fn raw(place: &Place) -> Connection {
    let db = Connection::open(place.database()).unwrap();
    db.execute_batch(&format!("PRAGMA key = \"x'{}{}'\"", hex(&KEY), hex(&SALT)))
        .unwrap();
    db
}

fn version(place: &Place) -> i64 {
    raw(place)
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap()
}

/// Fails with the first line that is another.
fn assert_says_what_version_1_said(store: &mut Store) {
    let expected = fs::read_to_string(fixture("contents.txt")).unwrap();
    let found = contents(store, &addresses());
    for (found, expected) in found.lines().zip(expected.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.lines().count(), expected.lines().count());
}

/// SQLite's own checks, and those of the word index.
fn assert_whole(place: &Place) {
    let db = raw(place);
    let said: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(said, "ok");
    let orphans: i64 = db
        .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(orphans, 0);
    db.execute_batch("INSERT INTO word (word, rank) VALUES ('integrity-check', 1)")
        .unwrap();
}

/// Every page in the clear.
fn decrypted(place: &Place) -> Vec<u8> {
    raw(place).serialize("main").unwrap().to_vec()
}

fn holds(bytes: &[u8], needle: &str) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
}

#[test]
fn everything_that_version_1_said_is_said_by_version_2() {
    let place = version_1();
    assert_eq!(version(&place), 1);
    let mut store = open(&place).unwrap();
    assert_says_what_version_1_said(&mut store);
    store.close().unwrap();
    assert_eq!(version(&place), 2);
    assert_whole(&place);
    let mut store = open(&place).unwrap();
    assert_says_what_version_1_said(&mut store);
}

#[test]
fn a_node_goes_on_where_version_1_stopped() {
    let place = version_1();
    let mut store = open(&place).unwrap();
    let image = store.image().unwrap();
    let last = image.last_event;
    let now = Now {
        monotonic: Monotonic(0),
        wall: Wall(1_702_000_000_000),
    };
    let mut node: Node = Node::open(image, Entropy::from_seed([1; 32]), Limits::default(), now).expect("a node");
    while let Some(output) = node.poll() {
        if let sotto_core::Output::Commit(id, batch) = output {
            store.commit(&batch).unwrap();
            node.handle(sotto_core::Input::Stored(id), now);
        }
    }
    assert!(store.image().unwrap().last_event >= last);
    drop(store);
    assert_whole(&place);
}

#[test]
fn what_version_1_had_deleted_is_in_no_page_of_version_2() {
    let place = version_1();
    open(&place).unwrap().close().unwrap();
    let pages = decrypted(&place);
    assert!(holds(&pages, "cancelled before it was sealed"), "the search can find");
    for gone in ["eletedword", "anishedword", "ersionada", "ersionbob", "fter the choir"] {
        assert!(!holds(&pages, gone), "{gone} is left");
    }
}

#[test]
fn what_is_deleted_after_the_migration_leaves_no_trace_of_it() {
    let place = version_1();
    let mut store = open(&place).unwrap();
    let addresses = addresses();
    let (bob, _) = addresses.iter().find(|(_, name)| *name == "bob").unwrap();
    let history = store
        .reader()
        .unwrap()
        .history(&ConversationId::Direct(*bob), u32::MAX, None)
        .unwrap();
    let doomed =
        |text: &str| text.starts_with("a long text") || text.contains("second version") || text.contains("café");
    let (doomed, kept): (Vec<_>, Vec<_>) = history.iter().partition(|message| doomed(&message.text));
    assert_eq!(doomed.len(), 4);
    let log = |store: &Store| -> Vec<_> {
        let events = store.reader().unwrap().events(EventSeq(0), u32::MAX).unwrap().events;
        events.into_iter().map(|event| event.row).collect()
    };
    let before = log(&store);
    store
        .commit(&batch(
            doomed.iter().map(|message| Change::Delete(Key::Message(message.key))),
        ))
        .unwrap();
    assert_eq!(log(&store), before, "the events of what is deleted stay");
    store.close().unwrap();
    let pages = decrypted(&place);
    for gone in [
        "long text with",
        "econd version",
        "the café it is",
        "0version",
        "0second",
    ] {
        assert!(!holds(&pages, gone), "{gone} is left");
    }
    assert_whole(&place);
    let mut store = open(&place).unwrap();
    let reader = store.reader().unwrap();
    let found = reader.history(&ConversationId::Direct(*bob), u32::MAX, None).unwrap();
    assert_eq!(found.iter().collect::<Vec<_>>(), kept);
    // The place that it had can be taken by nothing else; a new message comes after all of them.
    let first = kept[0];
    let again = MessageRow {
        key: doomed[0].key,
        order: EventSeq(10_000),
        ..common::message(first.key, 0, "a new text")
    };
    store.commit(&common::puts([Row::Message(again)])).unwrap();
    assert_eq!(store.reader().unwrap().search("new text", 9, None).unwrap().len(), 1);
}

#[test]
fn a_store_of_no_identity_migrates_too() {
    let place = Place::new();
    let db = raw(&place);
    db.execute_batch(include_str!("../../src/schema/v1.sql")).unwrap();
    db.pragma_update(None, "user_version", 1).unwrap();
    db.close().unwrap();
    let mut store = open(&place).unwrap();
    assert!(store.image().unwrap().identity.is_none());
    store.close().unwrap();
    assert_whole(&place);
}

/// In a child process whose files may not be longer: opens the store at the path that the variable names.
#[test]
fn child() {
    if let Ok(path) = std::env::var("SOTTO_MIGRATE")
        && let Err(error) = Store::open(Path::new(&path), &StoreKey::new(KEY, SALT)).and_then(Store::close)
    {
        eprintln!("refused: {error}");
        std::process::exit(7);
    }
}

/// What became of an open of the store whose files may have so many KiB.
enum Outcome {
    Opened,
    /// The process died at the write that went beyond.
    Killed,
    /// Opening it, or closing it again, was an error.
    Refused(String),
}

/// `action` is what the shell does about the signal that such a write gives.
fn open_with_room(place: &Place, kibibytes: u64, action: &str) -> Outcome {
    let script = format!("{action} ulimit -c 0; ulimit -f {kibibytes}; exec \"$0\" --exact child --nocapture");
    let output = Command::new("bash")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .env("SOTTO_MIGRATE", place.database())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.code() {
        Some(0) => Outcome::Opened,
        Some(7) => Outcome::Refused(said),
        Some(code) => panic!("exit code {code}: {said}"),
        None => Outcome::Killed,
    }
}

/// Opens it with ever more room, from too little to enough. Gives how often it did not go.
fn with_ever_more_room(action: &str, mut look: impl FnMut(Outcome)) -> usize {
    for (failed, room) in (1..).map(|step| step * 24).enumerate() {
        let place = version_1();
        let outcome = open_with_room(&place, room, action);
        let opened = matches!(outcome, Outcome::Opened);
        look(outcome);
        let mut store = open(&place).expect("what is left can be opened");
        assert_says_what_version_1_said(&mut store);
        store.close().unwrap();
        assert_eq!(version(&place), 2, "it was done again");
        assert_whole(&place);
        if opened {
            return failed;
        }
    }
    unreachable!("there is an end to what a migration writes")
}

#[cfg(target_os = "linux")]
#[test]
fn a_crash_at_any_write_leaves_a_store_that_migrates() {
    let crashes = with_ever_more_room("", |outcome| {
        assert!(!matches!(outcome, Outcome::Refused(_)), "the signal kills");
    });
    assert!(crashes > 10, "{crashes}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full_at_any_write_refuses_and_loses_nothing() {
    let refusals = with_ever_more_room("trap '' XFSZ;", |outcome| match outcome {
        Outcome::Refused(said) => assert!(said.contains("sotto.db"), "it names the file: {said}"),
        Outcome::Opened => {}
        Outcome::Killed => panic!("the signal is ignored"),
    });
    assert!(refusals > 10, "{refusals}");
}
