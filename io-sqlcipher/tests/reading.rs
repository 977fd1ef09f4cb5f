//! The read side, question by question.

mod common;

use common::{Place, delivery, key, message, peer, puts};
use proptest::prelude::*;
use sotto_core::row::{
    Change, ConsumerRow, ContactRow, DeliveryState, Event, EventRow, FailReason, Key, MessageRow, OutboxRow,
    ReactionRow, RequestRow, Retry, Row, SealedBody, Standing,
};
use sotto_core::{Direction, EventSeq, Generation, Position, Wall};
use sotto_io_sqlcipher::{MessageView, Reader, Store};

use Direction::{In, Out};

fn contact(n: u8, petname: &str) -> ContactRow {
    ContactRow {
        address: peer(n),
        standing: Standing::Friend,
        petname: petname.to_owned(),
        claimed_name: String::from("calls \x1b[1mitself\u{202e} so"),
        note: String::new(),
        invite: None,
        identity_key: None,
        verified: n == 1,
        blocked: false,
        timer_ours: 0,
        timer_theirs: 60,
        created_at: Wall(1),
        last_seen: None,
        retry: Retry {
            attempts: 3,
            next_attempt: Some(Wall(99)),
        },
    }
}

fn in_thread(row: MessageRow, thread: &str) -> Row {
    Row::Message(MessageRow {
        thread: Some(thread.to_owned()),
        ..row
    })
}

fn waiting(contact: u8, position: u64, id: u32, sealed: bool) -> Row {
    Row::Outbox(OutboxRow {
        contact: peer(contact),
        position: Position(position),
        message: Some(key(contact, Out, id).id),
        content: vec![1],
        sealed: sealed.then(|| SealedBody {
            sequence: 1,
            ciphertext: vec![2],
        }),
        repeat: false,
        queued_at: Wall(1),
        expires_at: Wall(500),
        ttl: 0,
        disappears_at: None,
    })
}

fn event(seq: u64, event: Event) -> Row {
    Row::Event(EventRow {
        seq: EventSeq(seq),
        at: Wall(seq),
        event,
    })
}

/// Two contacts and a stranger who was one, five messages with each.
fn populated(place: &Place) -> (Store, Reader) {
    let mut store = place.create();
    let reader = store.reader().unwrap();
    let mut rows = vec![Row::Contact(contact(1, "Ada")), Row::Contact(contact(2, ""))];
    for n in 1..=3_u8 {
        for id in 1..=5_u32 {
            let direction = if id % 2 == 0 { Out } else { In };
            let order = u64::from(id) * 10 + u64::from(n);
            rows.push(Row::Message(message(
                key(n, direction, id),
                order,
                &format!("hello {n}-{id}"),
            )));
        }
    }
    store.commit(&puts(rows)).unwrap();
    (store, reader)
}

fn texts(messages: &[MessageView]) -> Vec<&str> {
    messages.iter().map(|message| message.text.as_str()).collect()
}

#[test]
fn history_is_paged_backwards_and_each_page_reads_forwards() {
    let place = Place::new();
    let (_store, reader) = populated(&place);
    let newest = reader.history(&peer(1), 2, None).unwrap();
    assert_eq!(texts(&newest), ["hello 1-4", "hello 1-5"]);
    let before = reader.history(&peer(1), 10, Some(newest[0].key.id)).unwrap();
    assert_eq!(texts(&before), ["hello 1-1", "hello 1-2", "hello 1-3"]);
    assert_eq!(before[0].petname.as_deref(), Some("Ada"));
    assert_eq!(before[0].claimed_name.as_deref(), Some("calls [1mitself so"));
    assert!(before[0].verified && before[0].is_unread());

    assert!(
        reader
            .history(&peer(1), 10, Some(key(2, In, 77).id))
            .unwrap()
            .is_empty(),
        "no such message"
    );
    assert!(reader.history(&peer(9), 10, None).unwrap().is_empty(), "nobody");
    let gone = reader.history(&peer(3), 1, None).unwrap();
    assert_eq!(
        (gone[0].petname.as_deref(), gone[0].verified),
        (None, false),
        "no contact row, the history is kept"
    );
}

#[test]
fn inbox_is_what_came_in_newest_first() {
    let place = Place::new();
    let (mut store, reader) = populated(&place);
    store
        .commit(&puts([
            in_thread(message(key(2, In, 20), 200, "t one"), "plans"),
            in_thread(message(key(1, In, 21), 210, "t two"), "plans"),
            in_thread(message(key(1, Out, 22), 220, "t mine"), "plans"),
        ]))
        .unwrap();
    assert_eq!(
        texts(&reader.inbox(3, None, false).unwrap()),
        ["t two", "t one", "hello 3-5"]
    );
    assert_eq!(
        texts(&reader.inbox(9, Some("plans"), false).unwrap()),
        ["t two", "t one"]
    );
    assert_eq!(reader.inbox(100, None, true).unwrap().len(), 11);

    store
        .commit(&puts([Row::Delivery(delivery(key(1, In, 21), DeliveryState::Read))]))
        .unwrap();
    assert_eq!(texts(&reader.inbox(9, Some("plans"), true).unwrap()), ["t one"]);
    let deleted = MessageRow {
        text: String::new(),
        deleted_at: Some(Wall(5)),
        ..message(key(2, In, 20), 200, "")
    };
    store.commit(&puts([Row::Message(deleted)])).unwrap();
    assert_eq!(texts(&reader.inbox(1, None, true).unwrap()), ["hello 3-5"]);
}

#[test]
fn threads_are_counted_for_each_conversation_and_sorted_by_use() {
    let place = Place::new();
    let (mut store, reader) = populated(&place);
    store
        .commit(&puts([
            in_thread(message(key(1, In, 20), 200, "a"), "plans"),
            in_thread(message(key(1, Out, 21), 201, "b"), "plans"),
            in_thread(message(key(2, In, 22), 150, "c"), "plans"),
            in_thread(message(key(2, In, 23), 149, "d"), "pl\u{202e}ans"),
            Row::Delivery(delivery(key(2, In, 22), DeliveryState::Read)),
        ]))
        .unwrap();
    let threads = reader.threads(10).unwrap();
    let found: Vec<_> = threads
        .iter()
        .map(|t| (t.who.address, t.thread.as_deref(), t.messages, t.unread, t.last_at.0))
        .collect();
    assert_eq!(
        found,
        [
            (peer(1), Some("plans"), 2, 1, 201),
            (peer(2), Some("plans"), 2, 1, 150),
            (peer(3), None, 5, 3, 53),
            (peer(2), None, 5, 3, 52),
            (peer(1), None, 5, 3, 51),
        ]
    );
    assert_eq!(reader.threads(2).unwrap(), threads[..2]);
}

#[test]
fn search_needs_every_word_newest_first_and_follows_edits() {
    let place = Place::new();
    let (mut store, reader) = populated(&place);
    let texts_of = |query: &str| -> Vec<String> {
        let found = reader.search(query, 100, None).unwrap();
        found.into_iter().map(|message| message.text).collect()
    };
    assert_eq!(texts_of("HÉLLO").len(), 15);
    assert_eq!(
        reader.search("hello", 2, None).unwrap(),
        reader.search("hello", 15, None).unwrap()[..2]
    );
    assert_eq!(texts_of("hello 3 5"), ["hello 3-5"]);
    assert_eq!(texts_of("\"3 5\""), ["hello 3-5"]);
    assert_eq!(texts_of("3-5 hel*"), ["hello 3-5"]);
    assert!(texts_of("hel").is_empty() && texts_of("\"5 3\"").is_empty() && texts_of("hello absent").is_empty());
    assert_eq!(texts_of("hello !!! 3-5"), ["hello 3-5"], "punctuation alone is no word");
    assert!(texts_of("...").is_empty() && texts_of("").is_empty());

    let with = reader.search("hello", 100, Some(&peer(2))).unwrap();
    assert_eq!(with.len(), 5);
    assert!(with.iter().all(|message| message.key.contact == peer(2)));
    assert!(reader.search("hello", 100, Some(&peer(9))).unwrap().is_empty());

    for n in 0..3 {
        let text = format!("hello later {n}");
        store
            .commit(&puts([Row::Message(message(
                key(1, In, 90 - n),
                100 + u64::from(n),
                &text,
            ))]))
            .unwrap();
    }
    let newest = reader.search("hello", 3, None).unwrap();
    assert_eq!(texts(&newest), ["hello later 2", "hello later 1", "hello later 0"]);

    let edited = MessageRow {
        edited_at: Some(Wall(1)),
        ..message(key(3, In, 5), 53, "quite another text")
    };
    store.commit(&puts([Row::Message(edited)])).unwrap();
    assert!(texts_of("hello 3 5").is_empty());
    assert_eq!(texts_of("another quite"), ["quite another text"]);
    store
        .commit(&common::batch([Change::Delete(Key::Message(key(3, In, 5)))]))
        .unwrap();
    assert!(texts_of("another").is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_search_is_a_syntax_error(query in prop_oneof![any::<String>(), "[ \"*a:(){}^+-]{0,300}", "(NOT|AND|OR|NEAR|\\(|\\)|\"| ){0,20}"]) {
        thread_local! {
            static STORE: (Place, Store, Reader) = {
                let place = Place::new();
                let (store, reader) = populated(&place);
                (place, store, reader)
            };
        }
        STORE.with(|(_, _, reader)| {
            reader.search(&query, 10, None).unwrap();
            reader.search(&query, 10, Some(&peer(1))).unwrap();
        });
    }
}

#[test]
fn a_search_with_very_many_words_is_answered() {
    let place = Place::new();
    let (_store, reader) = populated(&place);
    assert_eq!(reader.search(&"hello ".repeat(10_000), 100, None).unwrap().len(), 15);
    assert!(reader.search(&"x".repeat(100_000), 100, None).unwrap().is_empty());
}

#[test]
fn outbox_is_what_waits_or_failed_with_its_prospects() {
    let place = Place::new();
    let (mut store, reader) = populated(&place);
    let states = [
        (30, DeliveryState::Queued),
        (31, DeliveryState::Sent),
        (32, DeliveryState::Delivered),
        (33, DeliveryState::Failed(FailReason::Expired)),
        (34, DeliveryState::Cancelled),
        (35, DeliveryState::Read),
    ];
    let rows = states.iter().flat_map(|(id, state)| {
        let key = key(1, Out, *id);
        [
            Row::Message(message(key, (*id).into(), "m")),
            Row::Delivery(delivery(key, *state)),
        ]
    });
    store.commit(&puts(rows)).unwrap();
    store
        .commit(&puts([waiting(1, 1, 31, true), waiting(1, 2, 30, false)]))
        .unwrap();
    let found: Vec<_> = reader
        .outbox()
        .unwrap()
        .into_iter()
        .map(|m| (m.order.0, m.state.unwrap(), m.attempts, m.next_attempt, m.gives_up_at))
        .collect();
    let next = Some(Wall(99));
    assert_eq!(
        found,
        [
            (30, DeliveryState::Queued, 3, next, Some(Wall(500))),
            (31, DeliveryState::Sent, 3, next, None),
            (33, DeliveryState::Failed(FailReason::Expired), 0, None, None),
        ]
    );
}

#[test]
fn a_message_is_found_by_the_first_digits_of_its_id() {
    let place = Place::new();
    let (mut store, reader) = populated(&place);
    let id = key(2, In, 3).id;
    let digits = id.to_string();
    let found = reader.message(&digits[..6]).unwrap();
    assert_eq!(
        texts(&found),
        ["hello 1-3", "hello 2-3", "hello 3-3"],
        "ids of this test repeat in each conversation"
    );
    store
        .commit(&puts([
            Row::Message(message(key(2, Out, 1000), 1000, "only one")),
            Row::Reaction(ReactionRow {
                target: key(2, Out, 1000),
                author: In,
                emoji: String::from("\u{202e}👍\n"),
                at: Wall(4),
            }),
        ]))
        .unwrap();
    let found = reader
        .message(&key(2, Out, 1000).id.to_string().to_uppercase()[..7])
        .unwrap();
    assert_eq!(texts(&found), ["only one"]);
    assert_eq!(found[0].reactions[0].emoji, "👍 ");
    assert!(reader.message("abc").unwrap().is_empty() && reader.message("not hexadecimal").unwrap().is_empty());
}

#[test]
fn the_log_is_read_from_any_place_with_what_it_is_about() {
    let place = Place::new();
    let (mut store, reader) = populated(&place);
    let empty = reader.events(EventSeq(0), 10).unwrap();
    assert!(empty.events.is_empty() && empty.first == EventSeq(0) && empty.last == EventSeq(0));
    store
        .commit(&puts([
            event(1, Event::ContactAdded { contact: peer(1) }),
            event(2, Event::MessageReceived { key: key(1, In, 1) }),
            event(3, Event::MessageDisappeared { key: key(1, In, 99) }),
            event(4, Event::RequestReceived { contact: peer(77) }),
            Row::Consumer(ConsumerRow {
                name: String::from("agent"),
                acknowledged: EventSeq(2),
            }),
        ]))
        .unwrap();
    let log = reader.events(EventSeq(1), 2).unwrap();
    assert_eq!((log.first, log.last), (EventSeq(1), EventSeq(4)));
    assert_eq!(log.events[0].row.seq, EventSeq(2));
    assert_eq!(log.events[0].message.as_ref().unwrap().text, "hello 1-1");
    assert_eq!(log.events[0].who.petname.as_deref(), Some("Ada"));
    assert!(log.events[1].message.is_none() && log.events.len() == 2);
    assert!(reader.events(EventSeq(u64::MAX), 2).unwrap().events.is_empty());

    store
        .commit(&common::batch([Change::Delete(Key::Event(EventSeq(1)))]))
        .unwrap();
    assert_eq!(
        reader.events(EventSeq(0), 1).unwrap().first,
        EventSeq(2),
        "which shows the gap"
    );
    assert_eq!(reader.consumer("agent").unwrap(), Some(EventSeq(2)));
    assert_eq!(reader.consumer("nobody").unwrap(), None);
}

#[test]
fn contacts_and_requests_come_with_clean_names() {
    let place = Place::new();
    let (mut store, reader) = populated(&place);
    let asking = ContactRow {
        standing: Standing::Asking,
        ..contact(4, "")
    };
    let request = RequestRow {
        contact: peer(4),
        generation: Generation(1),
        bundle: vec![0; 10],
        note: String::from("hi\u{7}\nthere"),
        received_at: Wall(8),
    };
    store
        .commit(&puts([Row::Contact(asking), Row::Request(request)]))
        .unwrap();
    let contacts = reader.contacts().unwrap();
    assert_eq!(contacts.len(), 3);
    assert!(contacts.is_sorted_by_key(|contact| contact.who.address));
    let ada = reader.contact(&peer(1)).unwrap().unwrap();
    assert!(contacts.contains(&ada));
    assert_eq!(
        (ada.who.petname.as_deref(), ada.unread, ada.timer_theirs),
        (Some("Ada"), 3, 60)
    );
    assert!(
        reader.contact(&peer(3)).unwrap().is_none(),
        "has messages, but is no contact"
    );
    let people: Vec<_> = contacts.iter().map(|one| (one.who.clone(), one.standing)).collect();
    assert_eq!(reader.people().unwrap(), people);
    assert_eq!(reader.standing(&peer(4)).unwrap(), Some(Standing::Asking));
    assert_eq!(reader.standing(&peer(3)).unwrap(), None);
    let requests = reader.requests().unwrap();
    assert_eq!((requests.len(), requests[0].note.as_str()), (1, "hi\nthere"));
    assert_eq!(requests[0].who.claimed_name.as_deref(), Some("calls [1mitself so"));
}

#[test]
fn a_batch_of_messages_is_one_segment_of_the_word_index() {
    let place = Place::new();
    let mut store = place.create();
    store
        .commit(&puts((0..200).flat_map(|n| {
            let text = format!("message number {n}");
            [
                Row::Message(message(key(1, Out, n), n.into(), &text)),
                Row::Delivery(delivery(key(1, Out, n), DeliveryState::Queued)),
                event(u64::from(n) + 1, Event::MessageQueued { key: key(1, Out, n) }),
            ]
        })))
        .unwrap();
    store.close().unwrap();
    let segments: i64 = common::raw(&place.database())
        .query_row("SELECT count(DISTINCT segid) FROM word_idx", [], |row| row.get(0))
        .unwrap();
    assert_eq!(segments, 1, "more would be merged again and again");
}
