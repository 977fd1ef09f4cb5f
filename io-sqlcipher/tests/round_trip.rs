//! What a store gives back is what was put in: compared with the testkit's store in memory after random batches, also
//! when it was closed and opened again in between.

mod common;

use common::{Place, arbitrary};
use proptest::prelude::*;
use sotto_core::Wall;
use sotto_core::row::{MessageKey, Query};
use sotto_testkit::disk::Disk;

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

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
            for query in [
                Query::Messages(keys),
                Query::Messages(arbitrary::all_message_keys().take(2).collect()),
                Query::Disappearing { until: Wall(until), limit },
            ] {
                prop_assert_eq!(store.fetch(&query).unwrap(), model.fetch(&query));
            }
        }
    }
}
