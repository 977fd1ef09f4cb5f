//! Stores of earlier schema versions, each written by the last program that had it, become stores of the newest one: all of
//! it is there, and whatever interrupts the migration, the store is one of the two.

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
use sotto_core::{ConversationId, Direction, Entropy, EventSeq, Limits, Monotonic, Node, Now, OnionAddress, Wall};
use sotto_io_sqlcipher::{Store, StoreKey};

/// The version that this program writes.
const NEWEST: i64 = 4;

/// A store of an earlier version, in `fixtures`.
struct Fixture {
    version: i64,
    key: [u8; 32],
    salt: [u8; 16],
    /// KiB by which the tests of crashes and of a full disk give its migration more room, from one try to the next.
    step: u64,
    /// Parts of texts that it had deleted, each without its beginning, which another page may keep as a separator.
    gone: &'static [&'static str],
}

const FIXTURES: [Fixture; 3] = [
    Fixture {
        version: 1,
        key: *b"the key of the version 1 fixture",
        salt: *b"version 1's salt",
        step: 24,
        gone: &["eletedword", "anishedword", "ersionada", "ersionbob", "fter the choir"],
    },
    Fixture {
        version: 2,
        key: *b"the key of the version 2 fixture",
        salt: *b"version 2's salt",
        step: 24,
        gone: &[
            "eletedword",
            "anishedword",
            "ersionada",
            "ersionbob",
            "fter the choir",
            "除的秘密",
            "变之前",
        ],
    },
    Fixture {
        version: 3,
        key: *b"the key of the version 3 fixture",
        salt: *b"version 3's salt",
        step: 4,
        gone: &[
            "eletedword",
            "anishedword",
            "ersionada",
            "ersionbob",
            "ersionken",
            "fter the choir",
            "除的秘密",
            "变之前",
        ],
    },
];

/// A line of the contents. Before version 3 the outbox had the text of a message once more, which it is made from now.
fn without_text(line: &str) -> String {
    let words = line.split(' ').map(|word| match word.split_once('=') {
        Some(("content", _)) if line.starts_with("outbox ") && !line.contains(" message=- ") => "content=text",
        _ => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

impl Fixture {
    fn file(&self, name: &str) -> PathBuf {
        let folder = format!("tests/fixtures/v{}", self.version);
        Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(name)
    }

    fn addresses(&self) -> BTreeMap<OnionAddress, String> {
        let text = fs::read_to_string(self.file("addresses.txt")).unwrap();
        let line = |line: &str| {
            let (name, address) = line.split_once(' ').expect("a name and an address");
            (address.parse().expect("an address"), name.to_owned())
        };
        text.lines().map(line).collect()
    }

    fn bob(&self) -> ConversationId {
        let addresses = self.addresses();
        let (bob, _) = addresses.iter().find(|(_, name)| *name == "bob").expect("a friend");
        ConversationId::Direct(*bob)
    }

    /// A copy of the store.
    fn copy(&self) -> Place {
        let place = Place::new();
        fs::copy(self.file("sotto.db"), place.database()).unwrap();
        place
    }

    fn key(&self) -> StoreKey {
        StoreKey::new(self.key, self.salt)
    }

    fn open(&self, place: &Place) -> Store {
        Store::open(&place.database(), &self.key()).expect("it migrates")
    }

    fn raw(&self, place: &Place) -> Connection {
        let db = Connection::open(place.database()).unwrap();
        let (key, salt) = (hex(&self.key), hex(&self.salt));
        db.execute_batch(&format!("PRAGMA key = \"x'{key}{salt}'\"")).unwrap();
        db
    }

    fn version_of(&self, place: &Place) -> i64 {
        self.raw(place)
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap()
    }

    /// Fails with the first line that is another.
    fn assert_says_what_it_said(&self, store: &mut Store) {
        let expected = fs::read_to_string(self.file("contents.txt")).unwrap();
        let found = contents(store, &self.addresses());
        for (found, expected) in found.lines().zip(expected.lines()) {
            let expected = if self.version < 3 {
                without_text(expected)
            } else {
                expected.to_owned()
            };
            assert_eq!(found, expected, "of version {}", self.version);
        }
        assert_eq!(found.lines().count(), expected.lines().count());
    }

    /// SQLite's own checks, and those of the word index.
    fn assert_whole(&self, place: &Place) {
        let db = self.raw(place);
        let said: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(said, "ok");
        let orphans: i64 = db
            .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(orphans, 0);
        common::words::register(&db).unwrap();
        db.execute_batch("INSERT INTO word (word, rank) VALUES ('integrity-check', 1)")
            .unwrap();
    }

    /// Every page in the clear.
    fn decrypted(&self, place: &Place) -> Vec<u8> {
        self.raw(place).serialize("main").unwrap().to_vec()
    }
}

fn holds(bytes: &[u8], needle: &str) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
}

#[test]
fn everything_that_an_earlier_version_said_is_said_by_the_newest() {
    for fixture in &FIXTURES {
        let place = fixture.copy();
        assert_eq!(fixture.version_of(&place), fixture.version);
        let mut store = fixture.open(&place);
        fixture.assert_says_what_it_said(&mut store);
        store.close().unwrap();
        assert_eq!(fixture.version_of(&place), NEWEST);
        fixture.assert_whole(&place);
        let mut store = fixture.open(&place);
        fixture.assert_says_what_it_said(&mut store);
    }
}

#[test]
fn what_the_messages_of_a_contact_take_up_is_counted_from_every_version() {
    for fixture in &FIXTURES {
        let place = fixture.copy();
        let mut store = fixture.open(&place);
        let reader = store.reader().unwrap();
        let mut counted = 0;
        for row in store.image().unwrap().cursors {
            let conversation = ConversationId::Direct(row.contact);
            let history = reader.history(&conversation, u32::MAX, None).unwrap();
            let theirs = history.iter().filter(|message| message.direction == Direction::In);
            let expected: usize = theirs.map(|message| 512 + message.text.len()).sum();
            assert_eq!(row.stored, expected as u64, "of version {}", fixture.version);
            counted += row.stored;
        }
        assert!(counted > 0, "there is something to count");
    }
}

#[test]
fn words_of_every_script_are_found_in_what_version_2_had_stored() {
    let fixture = &FIXTURES[1];
    let place = fixture.copy();
    let store = fixture.open(&place);
    let reader = store.reader().unwrap();
    for (query, expected) in [
        ("中文", 6),
        ("消息", 3),
        ("日本語", 3),
        ("한국어", 3),
        ("ภาษาไทย", 3),
        ("STRASSE", 3),
        ("fullwidth", 3),
        ("🎉", 4),
        ("和English", 3),
        ("改变之后", 1),
        ("改变之前", 0),
        ("秘密", 0),
    ] {
        assert_eq!(reader.search(query, 100, None).unwrap().len(), expected, "{query}");
    }
}

#[test]
fn an_index_of_words_by_other_rules_is_built_anew() {
    let place = Place::new();
    let mut store = place.create();
    let rows = (0..600).map(|n| Row::Message(common::message(common::key(1, Direction::In, n), n.into(), "text")));
    store.commit(&common::puts(rows)).unwrap();
    store.close().unwrap();
    let db = common::raw(&place.database());
    db.execute_batch("INSERT INTO word (word) VALUES ('delete-all'); UPDATE mark SET words = '0 1.0.0'")
        .unwrap();
    db.close().unwrap();
    let store = place.open();
    assert_eq!(store.reader().unwrap().search("text", 1000, None).unwrap().len(), 600);
    store.close().unwrap();
    common::check_word_index(&place);
}

#[test]
fn a_node_goes_on_where_an_earlier_version_stopped() {
    for fixture in &FIXTURES {
        let place = fixture.copy();
        let mut store = fixture.open(&place);
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
        fixture.assert_whole(&place);
    }
}

#[test]
fn what_an_earlier_version_had_deleted_is_in_no_page_of_the_newest() {
    for fixture in &FIXTURES {
        let place = fixture.copy();
        fixture.open(&place).close().unwrap();
        let pages = fixture.decrypted(&place);
        assert!(holds(&pages, "a long text with many words"), "the search can find");
        for gone in fixture.gone {
            assert!(!holds(&pages, gone), "{gone} is left of version {}", fixture.version);
        }
    }
}

#[test]
fn what_is_deleted_after_the_migration_leaves_no_trace_of_it() {
    FIXTURES.iter().for_each(assert_deletes_without_a_trace);
}

fn assert_deletes_without_a_trace(fixture: &Fixture) {
    let place = fixture.copy();
    let mut store = fixture.open(&place);
    let history = store.reader().unwrap().history(&fixture.bob(), u32::MAX, None).unwrap();
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
    let pages = fixture.decrypted(&place);
    for gone in [
        "long text with",
        "econd version",
        "the café it is",
        "0version",
        "0second",
    ] {
        assert!(!holds(&pages, gone), "{gone} is left");
    }
    fixture.assert_whole(&place);
    let mut store = fixture.open(&place);
    let reader = store.reader().unwrap();
    let found = reader.history(&fixture.bob(), u32::MAX, None).unwrap();
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
    let schemas = [
        include_str!("../../src/schema/v1.sql"),
        concat!(
            include_str!("../../src/schema/v1.sql"),
            "CREATE TEMP TABLE own (address BLOB);",
            include_str!("../../src/schema/v2.sql")
        ),
        concat!(
            include_str!("../../src/schema/v1.sql"),
            "CREATE TEMP TABLE own (address BLOB);",
            include_str!("../../src/schema/v2.sql"),
            include_str!("../../src/schema/v3.sql")
        ),
    ];
    for (fixture, schema) in FIXTURES.iter().zip(schemas) {
        let place = Place::new();
        let db = fixture.raw(&place);
        common::words::register(&db).unwrap();
        db.execute_batch(schema).unwrap();
        db.pragma_update(None, "user_version", fixture.version).unwrap();
        db.close().unwrap();
        let mut store = fixture.open(&place);
        assert!(store.image().unwrap().identity.is_none());
        store.close().unwrap();
        fixture.assert_whole(&place);
    }
}

/// In a child process whose files may not be longer: opens the fixture's copy at the path, as the variables say.
#[test]
fn child() {
    let (Ok(version), Ok(path)) = (std::env::var("SOTTO_FIXTURE"), std::env::var("SOTTO_MIGRATE")) else {
        return;
    };
    let mut fixtures = FIXTURES.iter();
    let fixture = fixtures.find(|fixture| fixture.version.to_string() == version);
    let key = fixture.expect("a fixture").key();
    if let Err(error) = Store::open(Path::new(&path), &key).and_then(Store::close) {
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
fn open_with_room(fixture: &Fixture, place: &Place, kibibytes: u64, action: &str) -> Outcome {
    let script = format!("{action} ulimit -c 0; ulimit -f {kibibytes}; exec \"$0\" --exact child --nocapture");
    let output = Command::new("bash")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .env("SOTTO_FIXTURE", fixture.version.to_string())
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
fn with_ever_more_room(fixture: &Fixture, action: &str, mut look: impl FnMut(Outcome)) -> usize {
    for (failed, room) in (1..).map(|step| step * fixture.step).enumerate() {
        let place = fixture.copy();
        let outcome = open_with_room(fixture, &place, room, action);
        let opened = matches!(outcome, Outcome::Opened);
        look(outcome);
        let mut store = fixture.open(&place);
        fixture.assert_says_what_it_said(&mut store);
        store.close().unwrap();
        assert_eq!(fixture.version_of(&place), NEWEST, "it was done again");
        fixture.assert_whole(&place);
        if opened {
            return failed;
        }
    }
    unreachable!("there is an end to what a migration writes")
}

#[cfg(target_os = "linux")]
#[test]
fn a_crash_at_any_write_leaves_a_store_that_migrates() {
    for fixture in &FIXTURES {
        let crashes = with_ever_more_room(fixture, "", |outcome| {
            assert!(!matches!(outcome, Outcome::Refused(_)), "the signal kills");
        });
        assert!(crashes > 10, "{crashes}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full_at_any_write_refuses_and_loses_nothing() {
    for fixture in &FIXTURES {
        let refusals = with_ever_more_room(fixture, "trap '' XFSZ;", |outcome| match outcome {
            Outcome::Refused(said) => assert!(said.contains("sotto.db"), "it names the file: {said}"),
            Outcome::Opened => {}
            Outcome::Killed => panic!("the signal is ignored"),
        });
        assert!(refusals > 10, "{refusals}");
    }
}
