//! History, inbox, threads, search.

use super::*;
use sotto_io_sqlcipher::{HistoryQuery, InboxQuery, PagePlace, Unread};

#[test]
fn history_is_paged_backwards_and_each_page_reads_forwards() {
    let place = Place::new();
    let (_store, reader) = populated(&place);
    let newest = reader.history(&peer(1).into(), 2, None).unwrap();
    assert_eq!(texts(&newest), ["hello 1-4", "hello 1-5"]);
    let before = reader.history(&peer(1).into(), 10, Some(newest[0].key)).unwrap();
    assert_eq!(texts(&before), ["hello 1-1", "hello 1-2", "hello 1-3"]);
    assert_eq!(before[0].petname.as_deref(), Some("Ada"));
    assert_eq!(before[0].claimed_name.as_deref(), Some("calls [1mitself so"));
    assert!(before[0].verified && before[0].is_unread());

    assert!(
        reader
            .history(&peer(1).into(), 10, Some(key(2, In, 77)))
            .unwrap()
            .is_empty(),
        "no such message"
    );
    assert!(
        reader.history(&peer(9).into(), 10, None).unwrap().is_empty(),
        "no such contact"
    );
    let gone = reader.history(&peer(3).into(), 1, None).unwrap();
    assert_eq!(
        (gone[0].petname.as_deref(), gone[0].verified),
        (None, false),
        "no contact row, the history is kept"
    );
}

/// Pages of two, from one end to the other and back, find each message once: of the conversation, and of one of its threads.
#[test]
fn history_is_paged_in_both_directions_and_by_thread() {
    let place = Place::new();
    let (mut store, reader) = populated(&place);
    let rows = (0..9_u32).flat_map(|n| {
        let of = |contact, id| message(key(contact, In, id), u64::from(id), &format!("t {id}"));
        [in_thread(of(1, 100 + n), "plans"), in_thread(of(2, 200 + n), "plans")]
    });
    store.commit(&puts(rows)).unwrap();
    let conversation = peer(1).into();
    let page = |thread, place| {
        let query = HistoryQuery { thread, place };
        let page = reader.history_page(&conversation, 2, &query).unwrap();
        page.expect("a message that is there").messages
    };
    for (thread, expected) in [(None, 14), (Some("plans"), 9), (Some("other"), 0)] {
        let mut backwards = page(thread, PagePlace::Newest);
        while let Some(first) = backwards.first().map(|message| message.key) {
            let older = page(thread, PagePlace::Before(first));
            if older.is_empty() {
                break;
            }
            backwards.splice(..0, older);
        }
        assert_eq!(backwards.len(), expected, "{thread:?}");
        let mut forwards: Vec<MessageView> = backwards.first().cloned().into_iter().collect();
        while let Some(last) = forwards.last().map(|message| message.key) {
            let newer = page(thread, PagePlace::After(last));
            if newer.is_empty() {
                break;
            }
            forwards.extend(newer);
        }
        assert_eq!(forwards, backwards, "{thread:?}");
    }
    let query = HistoryQuery::default();
    let all = reader
        .history_page(&conversation, 100, &query)
        .unwrap()
        .expect("the newest")
        .messages;
    for (number, message) in all.iter().enumerate() {
        let up_to = page(None, PagePlace::UpTo(message.order));
        assert_eq!(up_to, all[number.saturating_sub(1)..=number]);
    }
    assert!(page(None, PagePlace::UpTo(EventSeq(0))).is_empty());
    assert_eq!(
        page(None, PagePlace::UpTo(EventSeq(u64::MAX))),
        page(None, PagePlace::Newest)
    );
    let absent = key(1, In, 77);
    for place in [PagePlace::Before(absent), PagePlace::After(absent)] {
        let query = HistoryQuery { thread: None, place };
        let page = reader.history_page(&conversation, 2, &query).unwrap();
        assert_eq!(page, None, "{place:?} a message that is not there");
    }
}

/// A peer may choose the ids of messages that are there already: pages of one, in both directions, show each message once.
#[test]
fn paging_hides_nothing_although_two_authors_have_chosen_one_id() {
    let place = Place::new();
    let (mut store, reader) = populated(&place);
    let rows = [
        (Out, 7, 70),
        (Out, 8, 80),
        (In, 8, 90),
        (Out, 9, 100),
        (In, 7, 110),
        (Out, 10, 120),
    ];
    store
        .commit(&puts(rows.map(|(direction, id, order)| {
            Row::Message(message(key(1, direction, id), order, &format!("same {order}")))
        })))
        .unwrap();
    let page = |limit, place| {
        let query = HistoryQuery { thread: None, place };
        let page = reader.history_page(&peer(1).into(), limit, &query).unwrap();
        page.expect("a message that is there").messages
    };
    let all = page(100, PagePlace::Newest);
    assert_eq!(all.len(), 5 + rows.len());

    let mut backwards = page(1, PagePlace::Newest);
    while let [older] = &page(1, PagePlace::Before(backwards[0].key))[..] {
        backwards.insert(0, older.clone());
    }
    assert_eq!(texts(&backwards), texts(&all));

    let mut forwards = vec![all[0].clone()];
    while let [newer] = &page(1, PagePlace::After(forwards[forwards.len() - 1].key))[..] {
        forwards.push(newer.clone());
    }
    assert_eq!(texts(&forwards), texts(&all));
}

#[test]
fn the_newest_page_says_what_is_unread() {
    let place = Place::new();
    let (mut store, reader) = populated(&place);
    store
        .commit(&puts([
            in_thread(message(key(1, In, 20), 200, "t one"), "plans"),
            in_thread(message(key(1, In, 21), 210, "t two"), "plans"),
            Row::Message(message(key(1, Out, 22), 220, "mine")),
            Row::Delivery(delivery(key(1, In, 1), DeliveryState::Read)),
            Row::Delivery(delivery(key(1, In, 20), DeliveryState::Read)),
        ]))
        .unwrap();
    let unread = |contact, thread, place| {
        let query = HistoryQuery { thread, place };
        let page = reader.history_page(&peer(contact).into(), 1, &query).unwrap();
        page.expect("a message that is there").unread
    };
    let expected = |contact, id, count| {
        let first = (count > 0).then(|| key(contact, In, id));
        Some(Unread { first, count })
    };
    assert_eq!(unread(1, None, PagePlace::Newest), expected(1, 3, 3));
    assert_eq!(unread(1, Some("plans"), PagePlace::Newest), expected(1, 21, 1));
    assert_eq!(unread(1, Some("other"), PagePlace::Newest), expected(1, 0, 0));
    assert_eq!(unread(1, None, PagePlace::After(key(1, In, 20))), None);
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
        texts(&reader.inbox(3, &InboxQuery::default()).unwrap()),
        ["t two", "t one", "hello 3-5"]
    );
    assert_eq!(
        texts(
            &reader
                .inbox(
                    9,
                    &InboxQuery {
                        thread: Some("plans"),
                        ..InboxQuery::default()
                    }
                )
                .unwrap()
        ),
        ["t two", "t one"]
    );
    assert_eq!(
        reader
            .inbox(
                100,
                &InboxQuery {
                    unread_only: true,
                    ..InboxQuery::default()
                }
            )
            .unwrap()
            .len(),
        11
    );

    let mine = InboxQuery {
        own: true,
        ..InboxQuery::default()
    };
    let newest = reader.inbox(2, &mine).unwrap();
    assert_eq!(texts(&newest), ["t mine", "t two"]);
    let before = |query: InboxQuery<'static>| InboxQuery {
        before: Some(newest[1].order),
        ..query
    };
    assert_eq!(texts(&reader.inbox(2, &before(mine)).unwrap()), ["t one", "hello 3-5"]);
    let thread = InboxQuery {
        thread: Some("plans"),
        ..mine
    };
    assert_eq!(texts(&reader.inbox(9, &thread).unwrap()), ["t mine", "t two", "t one"]);
    assert_eq!(texts(&reader.inbox(9, &before(thread)).unwrap()), ["t one"]);
    let unread = InboxQuery {
        unread_only: true,
        ..InboxQuery::default()
    };
    assert_eq!(reader.inbox(100, &before(unread)).unwrap().len(), 10);

    store
        .commit(&puts([Row::Delivery(delivery(key(1, In, 21), DeliveryState::Read))]))
        .unwrap();
    assert_eq!(
        texts(
            &reader
                .inbox(
                    9,
                    &InboxQuery {
                        thread: Some("plans"),
                        unread_only: true,
                        ..InboxQuery::default()
                    }
                )
                .unwrap()
        ),
        ["t one"]
    );
    let deleted = MessageRow {
        text: String::new(),
        deleted_at: Some(Wall(5)),
        ..message(key(2, In, 20), 200, "")
    };
    store.commit(&puts([Row::Message(deleted)])).unwrap();
    assert_eq!(
        texts(
            &reader
                .inbox(
                    1,
                    &InboxQuery {
                        unread_only: true,
                        ..InboxQuery::default()
                    }
                )
                .unwrap()
        ),
        ["hello 3-5"]
    );
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
        .map(|t| {
            let peer = t.peer.as_ref().unwrap().address;
            assert_eq!(t.conversation, peer.into());
            (peer, t.thread.as_deref(), t.messages, t.unread, t.last_at.0)
        })
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

    let with = reader.search("hello", 100, Some(&peer(2).into())).unwrap();
    assert_eq!(with.len(), 5);
    assert!(with.iter().all(|message| message.key.conversation == peer(2).into()));
    assert!(reader.search("hello", 100, Some(&peer(9).into())).unwrap().is_empty());

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

#[test]
fn a_search_finds_what_is_in_the_index_and_what_is_not_yet() {
    let place = Place::new();
    let (mut store, reader) = populated(&place);
    let orders = |query: &str, limit, within: Option<u8>| -> Vec<u64> {
        let within = within.map(|contact| peer(contact).into());
        let found = reader.search(query, limit, within.as_ref()).unwrap();
        found.iter().map(|message| message.order.0).collect()
    };
    // More than the tail holds, in batches, and a rest.
    for batch in 0..9_u32 {
        let rows = (0..100).map(|n| {
            let n = 1000 + batch * 100 + n;
            let contact = if n.is_multiple_of(2) { 1 } else { 2 };
            Row::Message(message(key(contact, In, n), n.into(), &format!("needle w{n}")))
        });
        store.commit(&puts(rows)).unwrap();
    }
    let expected: Vec<u64> = (1000..1900).rev().collect();
    assert_eq!(orders("needle", 2000, None), expected);
    assert_eq!(orders("needle", 700, None), expected[..700]);
    assert_eq!(orders("needle", 3, None), [1899, 1898, 1897]);
    let before = |place, limit| -> Vec<u64> {
        let found = reader
            .search_before("needle", limit, None, Some(EventSeq(place)))
            .unwrap();
        found.iter().map(|message| message.order.0).collect()
    };
    for place in [1900, 1899, 1500, 1000] {
        let expected: Vec<u64> = (1000..place).rev().take(200).collect();
        assert_eq!(before(place, 200), expected, "before {place}");
    }
    assert_eq!(orders("w1001", 9, Some(2)), [1001]);
    assert_eq!(orders("W1899", 9, Some(2)), [1899]);
    assert!(orders("w1899", 9, Some(1)).is_empty());
    // Edited and deleted in the index and before it.
    let edits = [1000, 1898].map(|n| {
        Change::Put(Row::Message(MessageRow {
            edited_at: Some(Wall(1)),
            ..message(key(1, In, n), n.into(), "found instead")
        }))
    });
    let deletions = [1001, 1899].map(|n| Change::Delete(Key::Message(key(2, In, n))));
    store
        .commit(&common::batch(edits.into_iter().chain(deletions)))
        .unwrap();
    assert_eq!(orders("needle", 2000, None), expected[2..898]);
    assert_eq!(orders("instead", 9, None), [1898, 1000]);
    assert!(orders("w1001", 9, None).is_empty() && orders("w1899", 9, None).is_empty());
    common::check_word_index(&place);
}

#[test]
fn conversations_of_every_kind_are_read_alike() {
    let place = Place::new();
    let (mut store, reader) = populated(&place);
    let own = peer(common::OWN);
    for (conversation, first) in [
        (ConversationId::Group(GroupId([7; 32])), 1000),
        (ConversationId::Channel(ChannelId([7; 32])), 2000),
    ] {
        // Two other nodes and this one, which have chosen the same id.
        let rows = [peer(1), own, peer(2)].into_iter().zip(first..).map(|(author, order)| {
            let key = MessageKey {
                conversation,
                author,
                id: key(1, In, 1).id,
            };
            in_thread(message(key, order, &format!("said {order}")), "plans")
        });
        store.commit(&puts(rows)).unwrap();
        let history = reader.history(&conversation, 9, None).unwrap();
        let places: Vec<u64> = history.iter().map(|message| message.order.0).collect();
        assert_eq!(places, [first, first + 1, first + 2]);
        assert_eq!(history.iter().map(|m| m.direction).collect::<Vec<_>>(), [In, Out, In]);
        assert!(
            history
                .iter()
                .all(|m| m.petname.is_none() && m.key.conversation == conversation)
        );
        let before = reader.history(&conversation, 9, Some(history[0].key)).unwrap();
        assert!(before.is_empty(), "nothing is before the first with that id");
        let found = reader.search("said", 9, Some(&conversation)).unwrap();
        assert_eq!(found.len(), 3);
        let threads = reader.threads(9).unwrap();
        let thread = threads
            .iter()
            .find(|thread| thread.conversation == conversation)
            .unwrap();
        assert_eq!((thread.messages, thread.unread, thread.peer.clone()), (3, 2, None));
        assert_eq!(
            reader
                .inbox(
                    1,
                    &InboxQuery {
                        unread_only: true,
                        ..InboxQuery::default()
                    }
                )
                .unwrap()[0]
                .order,
            EventSeq(first + 2)
        );
        let changed = Event::TimerChanged {
            conversation,
            author: peer(2),
            seconds: 9,
        };
        store.commit(&puts([event(first, changed.clone())])).unwrap();
        let log = reader.events(EventSeq(first - 1), 1).unwrap();
        assert_eq!((&log.events[0].row.event, &log.events[0].peer), (&changed, &None));
    }
    assert_eq!(reader.search("said", 9, None).unwrap().len(), 6);
    assert_eq!(reader.message(&key(1, In, 1).id.to_string()).unwrap().len(), 9);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

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
            reader.search(&query, 10, Some(&peer(1).into())).unwrap();
        });
    }
}

/// In a store of few messages, none of which is in the word index, and in one of many, all of which are.
#[test]
fn words_are_found_in_every_script() {
    let texts = [
        "这是一句中文消息",
        "これは日本語のメッセージです",
        "한국어로 쓴 메시지입니다",
        "นี่คือข้อความภาษาไทย",
        "die lange Straße, ＦＵＬＬＷＩＤＴＨ ｶﾞｷﾞ",
        "🎉",
        "Ärger mit 中文和English, ❤️ und 👍🏽",
    ];
    let queries: [(&str, &[usize]); 24] = [
        ("中文", &[6, 0]),
        ("消息", &[0]),
        ("一句 消息", &[0]),
        ("文中", &[]),
        ("中", &[6, 0]),
        ("息", &[0]),
        ("这", &[0]),
        ("\"中文和english\"", &[6]),
        ("日本語", &[1]),
        ("メッセージ", &[1]),
        ("ﾒｯｾｰｼﾞ", &[1]),
        ("한국어", &[2]),
        ("메시지", &[2]),
        ("ภาษา", &[3]),
        ("ข้อความ", &[3]),
        ("strasse", &[4]),
        ("STRAẞE", &[4]),
        ("fullwidth ガギ", &[4]),
        ("🎉", &[5]),
        ("🎊", &[]),
        ("❤", &[6]),
        ("👍", &[6]),
        ("arger", &[6]),
        ("straß*", &[4]),
    ];
    for settled in [false, true] {
        let place = Place::new();
        let mut store = place.create();
        let rows = texts.iter().zip(1_u32..);
        let rows = rows.map(|(text, n)| Row::Message(message(key(1, In, n), n.into(), text)));
        store.commit(&puts(rows)).unwrap();
        if settled {
            let more = (100..700_u32).map(|n| Row::Message(message(key(2, In, n), n.into(), "more")));
            store.commit(&puts(more)).unwrap();
        }
        let reader = store.reader().unwrap();
        for (query, expected) in queries {
            let expected: Vec<&str> = expected.iter().map(|index| texts[*index]).collect();
            let found = reader.search(query, 9, None).unwrap();
            assert_eq!(super::texts(&found), expected, "{query}, settled: {settled}");
        }
        let long = "这是一句中文消息".repeat(2000);
        assert!(reader.search(&long, 9, None).unwrap().is_empty());
    }
}

#[test]
fn a_search_with_very_many_words_is_answered() {
    let place = Place::new();
    let (_store, reader) = populated(&place);
    assert_eq!(reader.search(&"hello ".repeat(10_000), 100, None).unwrap().len(), 15);
    assert!(reader.search(&"x".repeat(100_000), 100, None).unwrap().is_empty());
}
