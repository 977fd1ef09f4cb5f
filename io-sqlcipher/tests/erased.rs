//! What is deleted is gone: from the rows, from the word index, from free pages, from the log. And nothing that is kept can
//! be read without the key.

mod common;

use std::collections::BTreeSet;
use std::fs;

use common::{KEY, Place, batch, delivery, identity, key, message, puts, raw};
use sotto_core::Direction::{In, Out};
use sotto_core::row::{Change, ConsumerRow, DeliveryState, Key, MessageRow, OutboxRow, Row};
use sotto_core::{EventSeq, Position, Wall};
use sotto_io_sqlcipher::Store;

/// Every page of the database file in the clear, free pages included. The file is copied first, for an open store's file is
/// not to be touched.
fn decrypted(place: &Place) -> Vec<u8> {
    let copy = Place::new();
    fs::copy(place.database(), copy.database()).unwrap();
    let db = raw(&copy.database());
    db.serialize("main").unwrap().to_vec()
}

fn log_length(place: &Place) -> u64 {
    fs::metadata(place.folder().join("sotto.db-wal")).map_or(0, |found| found.len())
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// Every run of ten letters that occurs.
fn tens(bytes: &[u8]) -> BTreeSet<[u8; 10]> {
    bytes
        .windows(10)
        .filter(|window| window.iter().all(u8::is_ascii_lowercase))
        .map(|window| window.try_into().unwrap())
        .collect()
}

/// A word of sixteen letters that no other number has, nor any part of it of ten.
fn word(mut n: u64) -> String {
    let mut word = String::new();
    for _ in 0..16 {
        // splitmix64
        n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = n;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word.push(char::from(b'a' + u8::try_from((z ^ (z >> 31)) % 26).unwrap()));
    }
    word
}

fn row(n: u32) -> Row {
    let seed = u64::from(n) << 32;
    let long = if n.is_multiple_of(50) {
        "filler ".repeat(2000)
    } else {
        String::new()
    };
    let text = format!("common {} {long}{} words", word(seed), word(seed + 1));
    Row::Message(MessageRow {
        thread: Some(word(seed + 2)),
        ..message(key(1, In, n), n.into(), &text)
    })
}

/// What only message `n` says.
fn words_of(n: u32) -> [String; 3] {
    [0, 1, 2].map(|which| word((u64::from(n) << 32) + which))
}

#[test]
fn deleted_edited_and_disappeared_text_is_in_no_page() {
    const MESSAGES: u32 = 2400;
    let place = Place::new();
    let mut store = place.create();
    // Batches of several sizes, so that the word index has segments on several levels, and has merged some. Rows that grow
    // after they were written make SQLite move others.
    let mut n = 0;
    for size in [1, 7, 40].into_iter().cycle() {
        let new = n..MESSAGES.min(n + size);
        store.commit(&puts(new.clone().map(row))).unwrap();
        store
            .commit(&puts(
                new.map(|n| Row::Delivery(delivery(key(1, In, n), DeliveryState::Read))),
            ))
            .unwrap();
        n += size;
        if n >= MESSAGES {
            break;
        }
    }
    let is_there = |pages: &BTreeSet<[u8; 10]>, word: &str| pages.contains(&word.as_bytes()[6..]);
    let doomed: Vec<u32> = (0..MESSAGES).filter(|n| n % 3 != 0).collect();
    store.close().unwrap();
    let before = tens(&decrypted(&place));
    assert!(
        doomed
            .iter()
            .flat_map(|n| words_of(*n))
            .all(|word| is_there(&before, &word)),
        "the search can find"
    );

    let mut store = place.open();
    for some in doomed.chunks(97) {
        store
            .commit(&batch(some.iter().map(|n| match n % 3 {
                1 => Change::Delete(Key::Message(key(1, In, *n))),
                _ => Change::Put(Row::Message(MessageRow {
                    deleted_at: Some(Wall(1)),
                    ..message(key(1, In, *n), (*n).into(), "")
                })),
            })))
            .unwrap();
        assert_eq!(log_length(&place), 0, "the log is emptied at once");
    }
    let after = tens(&decrypted(&place));
    for word in doomed.iter().flat_map(|n| words_of(*n)) {
        for part in word.as_bytes().windows(10) {
            assert!(!after.contains(part), "a part of {word} is left");
        }
    }
    common::check_word_index(&place);
    let reader = store.reader().unwrap();
    for kept in (0..MESSAGES).filter(|n| n % 3 == 0) {
        let words = words_of(kept);
        assert!(words.iter().all(|word| is_there(&after, word)));
        assert_eq!(reader.search(&words[..2].join(" "), 9, None).unwrap().len(), 1);
    }
}

#[test]
fn the_log_is_emptied_later_if_a_reader_is_in_the_way() {
    let place = Place::new();
    let mut store = place.create();
    store.commit(&puts([row(1), row(2)])).unwrap();
    let reading = raw(&place.database());
    reading.execute_batch("BEGIN; SELECT count(*) FROM message").unwrap();
    store
        .commit(&batch([Change::Delete(Key::Message(key(1, In, 1)))]))
        .unwrap();
    assert_ne!(log_length(&place), 0, "a reader is in the middle of a query");
    reading.execute_batch("COMMIT").unwrap();
    store.commit(&puts([Row::Identity(identity(1))])).unwrap();
    assert_eq!(log_length(&place), 0);
    assert!(!holds(&decrypted(&place), &word(1 << 32).as_bytes()[6..]));
}

#[test]
fn a_crash_after_an_erasing_commit_leaves_nothing_for_long() {
    let place = Place::new();
    let mut store = place.create();
    store.commit(&puts([row(1)])).unwrap();
    store.commit(&puts([row(2)])).unwrap();
    let copy = Place::new();
    for (name, bytes) in place.files() {
        fs::write(copy.folder().join(name), bytes).unwrap();
    }
    assert_ne!(log_length(&copy), 0);
    let mut store = copy.open();
    store.commit(&puts([Row::Identity(identity(1))])).unwrap();
    assert_eq!(log_length(&copy), 0, "the first commit after an open empties the log");
}

#[test]
fn no_file_shows_text_names_or_keys() {
    let place = Place::new();
    let mut store: Store = place.create();
    let mut me = identity(7);
    me.name = String::from("Ada Lovelace");
    let secret = me.onion_seed;
    store
        .commit(&puts([
            Row::Identity(me),
            Row::Message(MessageRow {
                thread: Some(String::from("thread of plans")),
                ..message(key(1, In, 1), 1, "a text that must not be read")
            }),
            Row::Outbox(OutboxRow {
                contact: common::peer(1),
                position: Position(1),
                message: Some(key(1, Out, 1)),
                content: b"content that waits".to_vec(),
                sealed: None,
                repeat: false,
                queued_at: Wall(1),
                expires_at: Wall(1),
                ttl: 0,
                disappears_at: None,
            }),
            Row::Consumer(ConsumerRow {
                name: String::from("consumer of events"),
                acknowledged: EventSeq(1),
            }),
        ]))
        .unwrap();
    store.commit(&puts([row(3)])).unwrap();
    let _reader = store.reader().unwrap();
    let address = common::peer(1);
    let hex = common::hex(&KEY);
    let needles: [&[u8]; 10] = [
        b"Ada Lovelace",
        b"must not be read",
        b"thread of plans",
        b"content that waits",
        b"consumer of events",
        b"CREATE TABLE",
        &secret,
        address.public_key(),
        &KEY,
        hex.as_bytes(),
    ];
    let files = place.files();
    assert!(
        files
            .iter()
            .any(|(name, bytes)| name.ends_with("-wal") && !bytes.is_empty())
    );
    for (name, bytes) in &files {
        for needle in needles {
            assert!(
                !holds(bytes, needle),
                "{name} holds {:?}",
                String::from_utf8_lossy(needle)
            );
        }
    }
    store.close().unwrap();
    let clear = decrypted(&place);
    for needle in &needles[..8] {
        assert!(
            holds(&clear, needle),
            "the search can find {:?}",
            String::from_utf8_lossy(needle)
        );
    }
}
