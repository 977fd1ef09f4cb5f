//! What a store gives back is what was put in: compared with the testkit's store in memory after random batches, also
//! when it was closed and opened again in between.

mod common;

use common::{Place, arbitrary};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use sotto_core::row::{Change, DeliveryState, Event, Key, MessageKey, Query, Row};
use sotto_core::{Direction, EventSeq, OnionAddress, Wall};
use sotto_io_sqlcipher::Reader;
use sotto_testkit::memory_store::MemoryStore;

/// A store's model, with its identity.
fn model() -> MemoryStore {
    let mut model = MemoryStore::default();
    model.apply(common::puts([Row::Identity(common::identity(common::OWN))]));
    model
}

fn events(reader: &Reader) -> Vec<Event> {
    let log = reader.events(EventSeq(0), u32::MAX).unwrap();
    log.events.into_iter().map(|event| event.row.event).collect()
}

fn reactions(reader: &Reader, key: &MessageKey) -> Vec<(OnionAddress, String, Wall)> {
    let message = reader.message_by_key(key).unwrap();
    let reactions = message.map(|message| message.reactions).unwrap_or_default();
    let mut reactions: Vec<_> = reactions
        .into_iter()
        .map(|reaction| (reaction.author, reaction.emoji, reaction.at))
        .collect();
    reactions.sort();
    reactions
}

fn reactions_of(model: &MemoryStore, key: &MessageKey) -> Vec<(OnionAddress, String, Wall)> {
    let row = |author| match model.row(&Key::Reaction(*key, author)) {
        Some(Row::Reaction(row)) => Some((row.author, row.emoji.clone(), row.at)),
        _ => None,
    };
    let mut reactions: Vec<_> = (0..=3).map(common::peer).filter_map(row).collect();
    reactions.sort();
    reactions
}

fn records(model: &MemoryStore) -> Vec<(String, Vec<u8>)> {
    let record = |row: &Row| match row {
        Row::Record(row) => Some((row.key.clone(), row.value.clone())),
        _ => None,
    };
    model.rows().filter_map(record).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_store_equals_its_model(
        batches in prop::collection::vec(arbitrary::batch(), 1..8),
        until in prop_oneof![0_u64..40, Just(u64::MAX)],
        limit in 0_u32..6,
    ) {
        let place = Place::new();
        let mut store = place.create();
        let mut model = model();
        for (index, batch) in batches.into_iter().enumerate() {
            store.commit(&batch).unwrap();
            model.apply(batch);
            if index % 3 == 1 {
                store.close().unwrap();
                store = place.open();
            }
            prop_assert_eq!(store.image().unwrap(), model.image());
            let keys: Vec<MessageKey> = arbitrary::all_message_keys().collect();
            let reader = store.reader().unwrap();
            prop_assert_eq!(events(&reader), model.events().cloned().collect::<Vec<_>>());
            prop_assert_eq!(reader.records("").unwrap(), records(&model));
            for key in &keys {
                prop_assert_eq!(reactions(&reader, key), reactions_of(&model, key));
            }
            for query in [
                Query::Messages(keys.clone()),
                Query::Messages(arbitrary::all_message_keys().take(2).collect()),
                Query::Disappearing { until: Wall(until), limit },
            ]
            .into_iter()
            .chain(stored_bytes(&keys))
            {
                prop_assert_eq!(store.fetch(&query).unwrap(), model.fetch(&query));
            }
        }
        store.close().unwrap();
        common::check_word_index(&place);
    }
}

/// Asks for the bytes of each author in each conversation.
fn stored_bytes(keys: &[MessageKey]) -> impl Iterator<Item = Query> {
    keys.iter().map(|key| Query::StoredBytes {
        conversation: key.conversation,
        author: key.author,
    })
}

/// Enough messages that the tail is settled several times, with deletions, edits and states of messages in it and before it.
#[test]
fn messages_are_found_before_and_after_they_are_settled() {
    let place = Place::new();
    let mut store = place.create();
    let mut model = model();
    let keys: Vec<MessageKey> = (0..3500)
        .map(|n| {
            let direction = if n % 2 == 0 { Direction::In } else { Direction::Out };
            common::key(1 + u8::try_from(n % 3).unwrap(), direction, n)
        })
        .collect();
    for (round, some) in keys.chunks(250).enumerate() {
        let first = round * 250;
        let written = some.iter().zip(first..).map(|(key, n)| {
            let row = common::message(*key, u64::try_from(n).unwrap(), &format!("text {n}"));
            Change::Insert(Row::Message(row))
        });
        // Of all rounds up to this one, so also of settled names.
        let earlier = |step: usize| keys[..first].iter().skip(step).step_by(97);
        let order = |key: &MessageKey| u64::try_from(keys.iter().position(|other| other == key).unwrap()).unwrap();
        let read = earlier(1).map(|key| Change::Put(Row::Delivery(common::delivery(*key, DeliveryState::Read))));
        let deleted = earlier(2).map(|key| Change::Delete(Key::Message(*key)));
        let again = earlier(3).map(|key| Change::Insert(Row::Message(common::message(*key, 9_999, "not new"))));
        let edited = earlier(4).map(|key| Change::Put(Row::Message(common::message(*key, order(key), "edited"))));
        let batch = common::batch(written.chain(read).chain(deleted).chain(again).chain(edited));
        store.commit(&batch).unwrap();
        model.apply(batch);
        if round % 4 == 2 {
            store.close().unwrap();
            store = place.open();
        }
        let everything = Query::Messages(keys.clone());
        assert!(
            store.fetch(&everything).unwrap() == model.fetch(&everything),
            "round {round}"
        );
    }
    // Also when there is nothing above the settled number, and new messages come below it.
    let all = common::batch(keys.iter().map(|key| Change::Delete(Key::Message(*key))));
    store.commit(&all).unwrap();
    model.apply(all);
    store.close().unwrap();
    let mut store = place.open();
    let some = common::puts(
        keys[..5]
            .iter()
            .zip(1..)
            .map(|(key, order)| Row::Message(common::message(*key, order, "new"))),
    );
    store.commit(&some).unwrap();
    model.apply(some);
    let reader = store.reader().unwrap();
    for key in &keys[..10] {
        assert_eq!(
            reader.message_by_key(key).unwrap().is_some(),
            model.message(key).is_some()
        );
    }
    let everything = Query::Messages(keys);
    assert_eq!(store.fetch(&everything).unwrap(), model.fetch(&everything));
}
