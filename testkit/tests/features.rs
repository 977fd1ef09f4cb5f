//! Features of peers, and ignorable contents.

use sotto_core::row::{ContentType, Key, Row};
use sotto_core::wire::content::Content;
use sotto_core::wire::link::Relationship;
use sotto_core::{Command, Limits, Millis, NewMessage, OnionAddress, feature};
use sotto_testkit::hostile::HostilePeer;
use sotto_testkit::memory_store::MemoryStore;
use sotto_testkit::pair::{A, B, Pair};

fn friends(features: &[u32]) -> Pair<MemoryStore> {
    let limits = Limits {
        features: features.to_vec(),
        ..Limits::default()
    };
    let mut pair = Pair::new([MemoryStore::default(), MemoryStore::default()], 1, &limits);
    pair.befriend();
    pair
}

fn features_of(pair: &Pair<MemoryStore>, contact: OnionAddress) -> Option<Vec<u32>> {
    match pair.sides[A].store.row(&Key::Contact(contact)) {
        Some(Row::Contact(row)) => row.features.clone(),
        _ => None,
    }
}

#[test]
fn the_features_of_a_friend_are_durable_and_the_random_number_is_not_among_them() {
    for features in [&[][..], &[feature::IGNORABLE_CONTENTS], &[3, 6, 900]] {
        let mut pair = friends(features);
        assert_eq!(
            features_of(&pair, pair.sides[B].address),
            None,
            "it had not consented when it sent Hello"
        );
        pair.cut();
        pair.pass(Millis::minutes(1));
        let b = pair.sides[B].address;
        pair.command(A, Command::Send(NewMessage::plain(b, "hello")))
            .expect("queued");
        assert_eq!(features_of(&pair, pair.sides[B].address).as_deref(), Some(features));
    }
}

#[test]
fn features_are_sorted_distinct_and_taken_only_from_a_peer_that_sends_them_to_a_contact() {
    let mut pair = friends(&[]);
    let mut peer = HostilePeer::new(&pair, 9);
    peer.befriend(&mut pair, 0);
    assert_eq!(
        features_of(&pair, peer.address()),
        Some(vec![6, 77]),
        "its Hello said so before it asked"
    );
    for (lane, relationship, known) in [
        (1, Relationship::Friend, Some(vec![6, 77])),
        (2, Relationship::Stranger, Some(vec![6, 77])),
    ] {
        peer.hang_up(&mut pair);
        peer.dial(&mut pair, lane);
        peer.send(&mut pair, peer.hello(relationship));
        assert_eq!(features_of(&pair, peer.address()), known, "{relationship:?}");
    }
}

#[test]
fn an_ignorable_content_is_dropped_by_a_node_with_the_feature_and_shown_by_one_without() {
    for (features, shown) in [(&[feature::IGNORABLE_CONTENTS][..], 0), (&[], 1)] {
        let mut pair = friends(features);
        let mut peer = HostilePeer::new(&pair, 9);
        peer.befriend(&mut pair, 0);
        for repeat in [false, true] {
            peer.send_content(
                &mut pair,
                &Content {
                    id: vec![3; 16],
                    repeat,
                    ignorable: true,
                    ..Content::default()
                },
            );
        }
        assert!(peer.is_connected());
        let rows = pair.sides[A].store.conversation(peer.address());
        assert_eq!(rows.len(), shown, "with the features {features:?}");
        assert!(rows.iter().all(|row| row.content_type == ContentType::Unsupported));
        let cursors = match pair.sides[A].store.row(&Key::Cursors(peer.address())) {
            Some(Row::Cursors(row)) => *row,
            _ => panic!("no cursors"),
        };
        assert_eq!(cursors.received, 2, "both are received and acknowledged");
    }
}
