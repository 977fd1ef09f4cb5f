//! The simulator tests itself: whichever rule is broken, it notices within a few seeds.
//! `cargo test -p sotto-simulations --features sabotage --test sabotage`.

use sotto_simulations::sabotage::{TABLE, TOLERATED, hunt, row};

/// The first has only the faults that stories tell of.
const SEEDS: u64 = 20;

#[test]
fn every_broken_rule_is_noticed() {
    assert!(TABLE.len() >= 20);
    let mut unnoticed = Vec::new();
    for (rule, with) in TABLE {
        let caught = hunt(*rule, with, SEEDS);
        println!("{}", row(*rule, caught.as_ref()));
        if caught.is_none() {
            unnoticed.push(rule);
        }
    }
    assert!(unnoticed.is_empty(), "broken, and nobody noticed: {unnoticed:?}");
}

#[test]
fn nothing_is_noticed_where_nothing_is_broken() {
    for rule in TOLERATED {
        if let Some(caught) = hunt(*rule, &[], 3) {
            panic!("{}", row(*rule, Some(&caught)));
        }
    }
}
