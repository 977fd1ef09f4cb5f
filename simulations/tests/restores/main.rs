//! Old stores at every moment of a conversation. A life is lived, and both disks are copied after each commit. Then the two
//! nodes go on from each pair of copies: the store of one of them is old, or of the other, or of both. From every such pair
//! of states of two honest nodes they must come to the outcome that the table has for it.

mod keys;
mod lives;
mod outcome;
mod pair;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use lives::{COURSES, Course, Life, live};
use outcome::{go_on, is_swallowed};
use pair::{Pair, RELATIONSHIPS};
use sotto_simulations::Cipher;
use table::TABLE;

/// Where a pair was met.
struct Place {
    life: &'static str,
    smaller_first: bool,
    moments: (usize, usize),
}

/// What was seen: by pair and outcome, the first place.
type Seen = BTreeMap<(String, Result<String, String>), (Place, usize)>;

fn explore(life: &Life, smaller_first: bool, seen: &mut Seen) {
    for (a, alice) in life.disks[0].iter().enumerate() {
        for (b, bob) in life.disks[1].iter().enumerate() {
            if is_swallowed(life, [alice, bob]) {
                continue;
            }
            let pair = Pair::of(&life.world, [alice, bob]);
            let outcome = go_on(life, [alice, bob], &pair);
            let place = Place {
                life: life.name,
                smaller_first,
                moments: (a, b),
            };
            seen.entry((pair.to_string(), outcome)).or_insert((place, 0)).1 += 1;
        }
    }
}

/// Plays every course, with either key the smaller one. Returns the pairs, and what contradicts the table.
fn contradictions(courses: &[(&'static str, Course)], cipher: Cipher) -> (BTreeSet<String>, Vec<String>) {
    let mut seen = Seen::new();
    for (name, course) in courses {
        for smaller_first in [true, false] {
            let life = live(name, *course, cipher, smaller_first);
            println!("{name}: {} x {} moments", life.disks[0].len(), life.disks[1].len());
            explore(&life, smaller_first, &mut seen);
        }
    }
    let mut wrong = Vec::new();
    for ((pair, outcome), (place, times)) in &seen {
        let expected = TABLE.iter().find(|row| format!("{} | {}", row.0, row.1) == *pair);
        let expected = expected.map(|row| row.2);
        if expected.is_none() || outcome.as_deref().ok() != expected {
            let Place {
                life,
                smaller_first,
                moments,
            } = place;
            wrong.push(format!(
                "{pair} => {outcome:?}, not {expected:?}; {times} times, as in {life} ({smaller_first}) at {moments:?}"
            ));
        }
    }
    (seen.into_keys().map(|(pair, _)| pair).collect(), wrong)
}

#[test]
fn every_pair_of_states_comes_to_its_outcome() {
    let (pairs, mut wrong) = contradictions(COURSES, Cipher::Transparent);
    let rows = TABLE.iter().map(|row| format!("{} | {}", row.0, row.1));
    wrong.extend(
        rows.filter(|row| !pairs.contains(row))
            .map(|row| format!("{row} is never met")),
    );
    assert!(wrong.is_empty(), "{} rows: {wrong:#?}", wrong.len());
}

/// A relationship that is added, or a pair that no course leads to, is missed here.
#[test]
fn each_relationship_is_paired_with_each() {
    let mut missing = Vec::new();
    for (n, one) in RELATIONSHIPS.iter().enumerate() {
        for other in &RELATIONSHIPS[n..] {
            let is = |side: &str, name: &str| side.split(", ").next() == Some(name);
            let is_met =
                |row: &&(&str, &str, &str)| is(row.0, one) && is(row.1, other) || is(row.0, other) && is(row.1, one);
            if TABLE.iter().find(is_met).is_none() {
                missing.push((one, other));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn libsignal_comes_to_the_same() {
    let (_, wrong) = contradictions(&COURSES[..3], Cipher::Signal);
    assert!(wrong.is_empty(), "{} rows: {wrong:#?}", wrong.len());
}
