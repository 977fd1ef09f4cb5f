//! What a store gives back is what was put in: compared with the testkit's store in memory after random batches, also
//! when it was closed and opened again in between.

mod common;

use common::{Place, arbitrary};
use proptest::prelude::*;
use sotto_core::row::{Event, Key, MessageKey, Query, Row};
use sotto_core::{Direction, EventSeq, Wall};
use sotto_io_sqlcipher::Reader;
use sotto_testkit::disk::Disk;

fn events(reader: &Reader) -> Vec<Event> {
    let log = reader.events(EventSeq(0), u32::MAX).unwrap();
    log.events.into_iter().map(|event| event.row.event).collect()
}

fn reactions(reader: &Reader, key: &MessageKey) -> Vec<(Direction, String, Wall)> {
    let message = reader.message_by_key(key).unwrap();
    let reactions = message.map(|message| message.reactions).unwrap_or_default();
    reactions
        .into_iter()
        .map(|reaction| (reaction.author, reaction.emoji, reaction.at))
        .collect()
}

fn reactions_of(model: &Disk, key: &MessageKey) -> Vec<(Direction, String, Wall)> {
    let row = |author| match model.row(&Key::Reaction(*key, author)) {
        Some(Row::Reaction(row)) => Some((row.author, row.emoji.clone(), row.at)),
        _ => None,
    };
    [Direction::In, Direction::Out].into_iter().filter_map(row).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_store_equals_its_model(
        batches in prop::collection::vec(arbitrary::batch(), 1..8),
        until in prop_oneof![0_u64..40, Just(u64::MAX)],
        limit in 0_u32..6,
    ) {
        let place = Place::new();
        let mut store = place.create();
        let mut model = Disk::default();
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
            for key in &keys {
                prop_assert_eq!(reactions(&reader, key), reactions_of(&model, key));
            }
            for query in [
                Query::Messages(keys),
                Query::Messages(arbitrary::all_message_keys().take(2).collect()),
                Query::Disappearing { until: Wall(until), limit },
            ] {
                prop_assert_eq!(store.fetch(&query).unwrap(), model.fetch(&query));
            }
        }
        store.close().unwrap();
        common::check_word_index(&place);
    }
}
