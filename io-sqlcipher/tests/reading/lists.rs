//! Outbox, message by id, log, contacts; and what a batch becomes.

use super::*;

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
            Row::Message(message(key, u64::from(*id) + 300, "m")),
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
            (330, DeliveryState::Queued, 3, next, Some(Wall(500))),
            (331, DeliveryState::Sent, 3, next, None),
            (333, DeliveryState::Failed(FailReason::Expired), 0, None, None),
        ]
    );
    assert_eq!(
        reader.waiting().unwrap(),
        [(peer(1).into(), 2)],
        "what failed does not wait"
    );
}

/// More rows than are read at once, and asked for in both directions.
#[test]
fn each_message_of_a_long_outbox_has_its_own_prospects() {
    const COUNT: u32 = 200;
    const SEALED: u32 = 32;
    let place = Place::new();
    let (mut store, reader) = populated(&place);
    let rows = (0..COUNT).flat_map(|n| {
        let (key, is_sealed) = (key(2, Out, 1000 + n), n < SEALED);
        let state = if is_sealed {
            DeliveryState::Sent
        } else {
            DeliveryState::Queued
        };
        [
            Row::Message(message(key, u64::from(n) + 1000, "m")),
            Row::Delivery(delivery(key, state)),
            waiting(2, u64::from(n) + 1, 1000 + n, is_sealed),
        ]
    });
    store.commit(&puts(rows)).unwrap();
    let conversation = ConversationId::Direct(peer(2));
    for place in [PagePlace::Newest, PagePlace::After(key(2, Out, 1000))] {
        let query = HistoryQuery { thread: None, place };
        let page = reader.history_page(&conversation, COUNT, &query).unwrap().unwrap();
        let ours: Vec<_> = page.messages.iter().filter(|m| m.order.0 >= 1000).collect();
        assert!(ours.len() >= 199, "{place:?}");
        for message in ours {
            let expected = (message.order.0 >= 1000 + u64::from(SEALED)).then_some(Wall(500));
            assert_eq!(message.gives_up_at, expected, "{place:?}: {}", message.order.0);
        }
    }
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
                author: peer(2),
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

/// A contact sees the ids of our messages, and can choose its own so that they begin alike, as many as it wants.
#[test]
fn no_number_of_ids_that_begin_alike_hides_a_message_of_another_author() {
    let place = Place::new();
    let (mut store, reader) = populated(&place);
    let ours = key(3, Out, 7);
    let alike = |last: u8| MessageKey {
        id: MessageId(std::array::from_fn(|at| if at == 15 { last } else { ours.id.0[at] })),
        ..key(1, In, 0)
    };
    let rows = (100..140).map(|last| Row::Message(message(alike(last), 1000 + u64::from(last), "alike")));
    store.commit(&puts(rows)).unwrap();
    store
        .commit(&puts([Row::Message(message(ours, 2000, "ours"))]))
        .unwrap();
    // Before their keys are in the index, and, with more keys than it is written for at once, after.
    for filling in [0, 2100] {
        let rows = (0..filling).map(|n| Row::Message(message(key(2, In, 5000 + n), 5000 + u64::from(n), "filling")));
        store.commit(&puts(rows)).unwrap();
        let found = reader.message(&ours.id.to_string()[..8]).unwrap();
        assert!(texts(&found).contains(&"ours"), "{filling}: {:?}", texts(&found));
        assert!(found.len() <= 32, "{filling}: {} are shown", found.len());
    }
}

#[test]
fn the_log_is_read_from_any_place_with_what_it_is_about() {
    let place = Place::new();
    let (mut store, reader) = populated(&place);
    let empty = reader.events(EventSeq(0), 10).unwrap();
    assert!(empty.events.is_empty() && empty.first == EventSeq(0) && empty.last == EventSeq(0));
    let received = Event::MessageReceived { key: key(1, In, 1) };
    store
        .commit(&puts([
            event(10, Event::ContactAdded { contact: peer(1) }),
            event(11, received.clone()),
            event(12, Event::MessageDisappeared { key: key(1, In, 99) }),
            event(13, Event::RequestReceived { contact: peer(77) }),
            event(14, received),
            Row::Consumer(ConsumerRow {
                name: String::from("agent"),
                acknowledged: EventSeq(2),
            }),
        ]))
        .unwrap();
    let log = reader.events(EventSeq(10), 2).unwrap();
    assert_eq!((log.first, log.last), (EventSeq(10), EventSeq(14)));
    // What a client lists is placed among the events.
    let page = |contact| {
        let conversation = ConversationId::Direct(peer(contact));
        let page = reader.history_page(&conversation, 1, &HistoryQuery::default()).unwrap();
        page.unwrap().last_seq
    };
    assert_eq!(
        (page(1), page(200)),
        (log.last, log.last),
        "also where there is nothing"
    );
    assert_eq!(reader.contacts().unwrap().last_seq, log.last);
    assert_eq!(log.events[0].row.seq, EventSeq(11));
    assert_eq!(log.events[0].message.as_ref().unwrap().text, "hello 1-1");
    assert_eq!(log.events[0].peer.as_ref().unwrap().petname.as_deref(), Some("Ada"));
    assert!(log.events[1].message.is_none() && log.events.len() == 2);
    let again = &reader.events(EventSeq(13), 1).unwrap().events[0];
    assert!(again.message.is_none(), "what came first was announced already");
    assert!(reader.events(EventSeq(u64::MAX), 2).unwrap().events.is_empty());

    store
        .commit(&common::batch([Change::Delete(Key::Event(EventSeq(10)))]))
        .unwrap();
    assert_eq!(
        reader.events(EventSeq(0), 1).unwrap().first,
        EventSeq(11),
        "which shows the gap"
    );
    assert_eq!(reader.consumer("agent").unwrap(), Some(EventSeq(2)));
    assert_eq!(reader.consumer("nobody").unwrap(), None);
}

#[test]
fn records_are_found_by_the_beginning_of_their_key() {
    let place = Place::new();
    let (mut store, reader) = populated(&place);
    let record = |key: &str, value: &[u8]| {
        Row::Record(RecordRow {
            key: key.to_owned(),
            value: value.to_vec(),
        })
    };
    store
        .commit(&puts([
            record("agent/b", b"2"),
            record("agent/a", b"1"),
            record("agent", b"0"),
            record("agent0", b"3"),
            record("audit/1", b""),
        ]))
        .unwrap();
    let keys = |prefix| -> Vec<String> {
        reader
            .records(prefix)
            .unwrap()
            .into_iter()
            .map(|(key, _)| key)
            .collect()
    };
    assert_eq!(keys("agent/"), ["agent/a", "agent/b"]);
    assert_eq!(keys("").len(), 5);
    assert_eq!(
        reader.records("agent0").unwrap(),
        [(String::from("agent0"), b"3".to_vec())]
    );
    assert!(keys("zzz").is_empty());
    store
        .commit(&common::batch([
            Change::Delete(Key::Record(String::from("agent/a"))),
            Change::Put(record("agent/b", b"22")),
        ]))
        .unwrap();
    assert_eq!(
        reader.records("agent/").unwrap(),
        [(String::from("agent/b"), b"22".to_vec())]
    );
}

#[test]
fn contacts_and_requests_come_with_clean_names() {
    let place = Place::new();
    let (mut store, reader) = populated(&place);
    let asking = ContactRow {
        relationship: Relationship::Asking,
        ..contact(4, "")
    };
    let request = RequestRow {
        contact: peer(4),
        session_epoch: SessionEpoch(1),
        bundle: vec![0; 10],
        note: String::from("hi\u{7}\nthere"),
        received_at: Wall(8),
    };
    store
        .commit(&puts([Row::Contact(asking), Row::Request(request)]))
        .unwrap();
    let contacts = reader.contacts().unwrap().contacts;
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
    let people = reader.people().unwrap();
    let of_contacts: Vec<_> = contacts.iter().map(|one| (one.who.clone(), one.relationship)).collect();
    assert_eq!(people[..3], of_contacts);
    let forgotten: Vec<_> = people[3..].iter().map(|(who, how)| (who.address, *how)).collect();
    assert_eq!(
        forgotten,
        [(peer(3), Relationship::Stranger)],
        "its messages are still here"
    );
    assert_eq!(reader.relationship(&peer(4)).unwrap(), Some(Relationship::Asking));
    assert_eq!(reader.relationship(&peer(3)).unwrap(), None);
    let requests = reader.requests().unwrap();
    assert_eq!((requests.len(), requests[0].note.as_str()), (1, "hi\nthere"));
    assert_eq!(requests[0].who.claimed_name.as_deref(), Some("calls [1mitself so"));
}

#[test]
fn a_commit_that_changes_the_list_of_people_is_counted_and_a_message_is_not() {
    let place = Place::new();
    let mut store = place.create();
    let reader = store.reader().unwrap();
    let version = store.people_version();
    let (known, sent) = (contact(1, "Ada"), message(key(1, In, 1), 1, "hi"));
    let renamed = ContactRow {
        petname: String::from("Grace"),
        ..known.clone()
    };
    let steps = [
        (Change::Put(Row::Contact(known)), true),
        (Change::Put(Row::Message(sent.clone())), false),
        (Change::Put(Row::Contact(renamed)), true),
        // It is known by its message.
        (Change::Delete(Key::Contact(peer(1))), true),
        (Change::Delete(Key::Message(sent.key)), true),
    ];
    let (mut people, mut counted) = (reader.people().unwrap(), version.current());
    for (change, changes) in steps {
        store.commit(&common::batch([change.clone()])).unwrap();
        let now = reader.people().unwrap();
        assert_eq!(
            (now != people, version.current() != counted),
            (changes, changes),
            "{change:?}"
        );
        (people, counted) = (now, version.current());
    }
    assert!(people.is_empty());
}

#[test]
fn the_log_is_the_same_whether_a_message_tells_its_event_or_a_row_does() {
    let place = Place::new();
    let mut store = place.create();
    let reader = store.reader().unwrap();
    let rows = |n: u64| {
        let key = key(1, Out, u32::try_from(n).unwrap());
        [
            Row::Message(message(key, n, "m")),
            Row::Delivery(delivery(key, DeliveryState::Queued)),
            event(n, Event::MessageQueued { key }),
        ]
    };
    store.commit(&puts((1..=20).flat_map(rows))).unwrap();
    let log = || {
        let log = reader.events(EventSeq(0), 99).unwrap();
        let events: Vec<_> = log.events.into_iter().map(|event| event.row).collect();
        (log.first.0, log.last.0, events)
    };
    let rows_of_events = || -> i64 {
        let sql = "SELECT count(*) FROM event";
        let copy = Place::new();
        for (name, bytes) in place.files().into_iter().filter(|(name, _)| !name.ends_with("-shm")) {
            std::fs::write(copy.folder().join(name), bytes).unwrap();
        }
        common::raw(&copy.database())
            .query_row(sql, [], |row| row.get(0))
            .unwrap()
    };
    let before = log();
    assert_eq!((before.0, before.1, before.2.len()), (1, 20, 20));
    assert_eq!(rows_of_events(), 0, "the messages tell them");
    // Deleted, edited with another time, moved to another place.
    let moved = MessageRow {
        order: EventSeq(30),
        ..message(key(1, Out, 7), 7, "m")
    };
    let edited = MessageRow {
        at: Wall(99),
        ..message(key(1, Out, 6), 6, "m")
    };
    store
        .commit(&common::batch([
            Change::Delete(Key::Message(key(1, Out, 5))),
            Change::Put(Row::Message(edited)),
            Change::Put(Row::Message(moved)),
        ]))
        .unwrap();
    assert_eq!(log(), before);
    assert_eq!(rows_of_events(), 3);
    // Dropped from the front, as core does it.
    store
        .commit(&common::batch(
            (1..=18).map(|n| Change::Delete(Key::Event(EventSeq(n)))),
        ))
        .unwrap();
    assert_eq!(log(), (19, 20, before.2[18..].to_vec()));
    assert_eq!(store.image().unwrap().first_event, EventSeq(19));
    assert_eq!(store.image().unwrap().last_event, EventSeq(20));
    assert_eq!(reader.history(&peer(1).into(), 99, None).unwrap().len(), 19);
}

#[test]
fn messages_of_many_batches_are_few_segments_of_the_word_index() {
    let place = Place::new();
    let mut store = place.create();
    for batch in 0..40_u32 {
        store
            .commit(&puts((0..32).flat_map(|n| {
                let n = batch * 32 + n;
                let text = format!("message number {n}");
                [
                    Row::Message(message(key(1, Out, n), u64::from(n) + 1, &text)),
                    Row::Delivery(delivery(key(1, Out, n), DeliveryState::Queued)),
                    event(u64::from(n) + 1, Event::MessageQueued { key: key(1, Out, n) }),
                ]
            })))
            .unwrap();
    }
    store.close().unwrap();
    let segments: i64 = common::raw(&place.database())
        .query_row("SELECT count(DISTINCT segid) FROM word_idx", [], |row| row.get(0))
        .unwrap();
    assert_eq!(segments, 2, "more would be merged again and again");
}
