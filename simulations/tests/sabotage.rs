//! The simulator tests itself: every broken rule is detected within a few seeds.
//! `cargo test -p sotto-simulations --features sabotage --test sabotage`.

use sotto_simulations::sabotage::{HARMLESS, detect, row, table};

/// The first has only the faults of the scenarios.
const SEEDS: u64 = 20;

#[test]
fn every_broken_rule_is_detected() {
    assert!(table().count() >= 42);
    let mut undetected = Vec::new();
    for rule in table() {
        let detection = detect(rule, SEEDS);
        println!("{}", row(rule, detection.as_ref()));
        if detection.is_none() {
            undetected.push(rule);
        }
    }
    assert!(undetected.is_empty(), "broken and not detected: {undetected:?}");
}

#[test]
fn nothing_is_detected_where_nothing_is_broken() {
    for rule in HARMLESS {
        if let Some(detection) = detect(*rule, 3) {
            panic!("{}", row(*rule, Some(&detection)));
        }
    }
}
