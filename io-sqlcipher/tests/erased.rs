//! What is deleted is gone: from the rows, from the word index, from free pages, from the log. And nothing that is kept can
//! be read without the key.

mod common;

use std::collections::BTreeSet;
use std::fs;

use common::{KEY, Place, batch, delivery, identity, key, message, puts, raw};
use sotto_core::Direction::In;
use sotto_core::row::{Change, ConsumerRow, DeliveryState, Key, MessageRow, OutboxContent, OutboxRow, Row};
use sotto_core::{EventSeq, Millis, Position, Wall};
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

/// Every pair of ideographs that occurs.
fn pairs(bytes: &[u8]) -> BTreeSet<[u8; 6]> {
    let is_ideograph = |bytes: &[u8]| matches!(bytes, [0xe4..=0xe9, 0x80..=0xbf, 0x80..=0xbf]);
    bytes
        .windows(6)
        .filter(|window| is_ideograph(&window[..3]) && is_ideograph(&window[3..]))
        .map(|window| window.try_into().unwrap())
        .collect()
}

/// A word of sixteen letters that no other number has, nor any part of it of ten.
fn word(n: u64) -> String {
    let letters = random(n).take(16);
    letters
        .map(|z| char::from(b'a' + u8::try_from(z % 26).unwrap()))
        .collect()
}

/// Six ideographs, no two of which follow each other for another number.
fn ideographs(n: u64) -> String {
    let ideographs = random(n).take(6);
    ideographs
        .map(|z| char::from_u32(0x4e00 + u32::try_from(z % 0x5000).unwrap()).unwrap())
        .collect()
}

/// splitmix64
fn random(mut n: u64) -> impl Iterator<Item = u64> {
    std::iter::repeat_with(move || {
        n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = n;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}

fn row(n: u32) -> Row {
    let seed = u64::from(n) << 32;
    let long = if n.is_multiple_of(50) {
        "filler ".repeat(2000)
    } else {
        String::new()
    };
    let text = format!(
        "common {} {long}{} words{}",
        word(seed),
        word(seed + 1),
        ideographs(seed)
    );
    Row::Message(MessageRow {
        thread: Some(word(seed + 2)),
        ..message(key(1, In, n), n.into(), &text)
    })
}

/// What only message `n` says.
fn words_of(n: u32) -> [String; 3] {
    [0, 1, 2].map(|which| word((u64::from(n) << 32) + which))
}

/// No commit wipes. Each is followed by a wipe, as when it is due; or all of them by that of the closing store.
#[test]
fn deleted_edited_and_disappeared_text_is_in_no_page() {
    for wiped in [true, false] {
        assert_is_in_no_page(wiped);
    }
}

fn assert_is_in_no_page(wiped: bool) {
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
        assert_ne!(log_length(&place), 0, "a commit does not wait for it");
        assert!(store.wipe_due().is_some_and(|due| due <= Millis::seconds(5)));
        if wiped {
            store.wipe();
            assert_eq!((log_length(&place), store.wipe_due()), (0, None));
        }
    }
    if !wiped {
        store.close().unwrap();
        store = place.open();
    }
    let pages = decrypted(&place);
    let (after, pairs) = (tens(&pages), pairs(&pages));
    for n in 0..MESSAGES {
        let ideographs = ideographs(u64::from(n) << 32);
        for pair in ideographs.as_bytes().windows(6).step_by(3) {
            assert_eq!(pairs.contains(pair), n % 3 == 0, "of {ideographs} of message {n}");
        }
    }
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
    store.wipe();
    assert_ne!(log_length(&place), 0, "a reader is in the middle of a query");
    assert!(
        store.wipe_due().is_some_and(|due| due <= Millis::seconds(1)),
        "it is tried again"
    );
    reading.execute_batch("COMMIT").unwrap();
    store.wipe();
    assert_eq!((log_length(&place), store.wipe_due()), (0, None));
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
    assert!(store.wipe_due().is_some_and(|due| due <= Millis::seconds(5)));
    store.wipe();
    assert_eq!(log_length(&copy), 0, "the first wipe after an open empties the log");
}

#[test]
fn a_crash_between_an_erasing_commit_and_the_wipe_leaves_a_note_of_it() {
    let place = Place::new();
    let mut store = place.create();
    store.commit(&puts((0..600).map(row))).unwrap();
    store
        .commit(&batch((0..599).map(|n| Change::Delete(Key::Message(key(1, In, n))))))
        .unwrap();
    let copy = Place::new();
    for (name, bytes) in place.files() {
        fs::write(copy.folder().join(name), bytes).unwrap();
    }
    let mut store = copy.open();
    store.wipe();
    let after = tens(&decrypted(&copy));
    for word in (0..599).flat_map(words_of) {
        for part in word.as_bytes().windows(10) {
            assert!(!after.contains(part), "a part of {word} is left");
        }
    }
}

/// A peer can cause each of these again and again.
#[test]
fn what_takes_no_text_away_is_followed_by_no_wipe() {
    let place = Place::new();
    let mut store = place.create();
    store.commit(&puts([row(1)])).unwrap();
    store.wipe();
    let Row::Message(same) = row(1) else { unreachable!() };
    for change in [
        Change::Delete(Key::Reaction(key(1, In, 1), common::peer(1))),
        Change::Delete(Key::Reaction(key(1, In, 2), common::peer(1))),
        Change::Delete(Key::Request(common::peer(2))),
        Change::Delete(Key::Contact(common::peer(2))),
        Change::Delete(Key::Message(key(1, In, 2))),
        Change::Put(Row::Message(MessageRow {
            edited_at: Some(Wall(5)),
            ..same
        })),
        Change::Put(row(2)),
    ] {
        store.commit(&batch([change.clone()])).unwrap();
        assert_eq!(store.wipe_due(), None, "{change:?}");
    }
    store
        .commit(&batch([Change::Delete(Key::Message(key(1, In, 2)))]))
        .unwrap();
    assert!(store.wipe_due().is_some(), "there was something to delete");
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
                content: OutboxContent::Serialised(b"content that waits".to_vec()),
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
