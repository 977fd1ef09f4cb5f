//! Every scenario with one more person in its world, whose node lies, floods, dawdles or spoils its bytes in one way after the
//! other. The others notice nothing: their story is the same, and every invariant holds for them.

use sotto_core::row::Row;
use sotto_core::{Limits, Millis};
use sotto_simulations::scenario::LIBRARY;
use sotto_simulations::{Failure, Malice, Run, Scenario, run};
use sotto_testkit::disk::Disk;
use sotto_testkit::hostile::Peer;
use sotto_testkit::pair::{A, Pair};
use sotto_testkit::transparent::Transparent;

/// In one story of so many a node of an honest person dies, too.
const CRASHING: usize = 3;
/// Where in each of these.
const POINTS: usize = 2;
/// One in so many runs over libsignal.
const SIGNAL: usize = 18;

/// The crook takes the one place among those who ask that this is about.
const NOT_AMONG: &str = "one_request_at_a_time";

/// Every story that each of these can be met in, in a bad world; some without other faults, but at crash points.
fn play_all(malices: impl Iterator<Item = Malice>) {
    let mut failed = Vec::new();
    for malice in malices {
        let mut borne = 0;
        let mut of = |played: Run| match run(played) {
            Ok(outcome) => {
                borne += outcome.borne;
                outcome.crash_points
            }
            Err(failure) => {
                failed.push(failure);
                Vec::new()
            }
        };
        let suitable = LIBRARY.iter().filter(|scenario| scenario.name != NOT_AMONG);
        // Each begins elsewhere, so that together they crash in every story.
        for (nth, scenario) in (malice as usize..).zip(suitable) {
            let bad = Run::bad(scenario, 100 + malice as u64).among(malice);
            of(if nth.is_multiple_of(SIGNAL) {
                bad.over_signal()
            } else {
                bad
            });
            if nth.is_multiple_of(CRASHING) {
                let calm = Run::calm(scenario).among(malice);
                let honest = of(calm).into_iter().filter(|point| point.peer.0 < scenario.people);
                let points: Vec<_> = honest.collect();
                for place in 1..=POINTS {
                    let crash = points.get((place * points.len() + nth) / (POINTS + 1)).copied();
                    of(Run { crash, ..calm });
                }
            }
        }
        assert!(borne > 0, "{malice} does nothing");
    }
    let told = |failure: &Failure| format!("{}: {:.150}", failure.run, failure.why);
    let names: Vec<String> = failed.iter().map(told).collect();
    if let Some(failure) = failed.first() {
        panic!("{} worlds fail: {names:#?}\nthe first: {failure}", failed.len());
    }
}

/// In halves, for two cores.
#[test]
fn honest_people_are_left_alone() {
    play_all(Malice::ALL.into_iter().step_by(2));
}

#[test]
fn honest_people_are_left_alone_by_the_others() {
    play_all(Malice::ALL.into_iter().skip(1).step_by(2));
}

/// Once a loop, of more than a dial a second: each link brought a new session and an acknowledgement, and then its end.
#[test]
fn one_who_breaks_every_session_is_not_dialled_without_a_pause() {
    let scenario = Scenario::named("session_lost_by_one").expect("in the library");
    let breaker = Run::bad(scenario, 303).among(Malice::Equivocates);
    run(breaker).unwrap_or_else(|failure| panic!("{failure}"));
}

/// What answers the beginning of a session once waited on after that session, and one more came with each.
#[test]
fn however_many_sessions_a_friend_begins_one_row_waits_for_it() {
    let mut pair = Pair::over([Disk::default(), Disk::default()], 1, &Limits::default());
    let victim = pair.sides[A].address;
    let mut peers = (1..).map(Peer::<Transparent>::over);
    let mut peer = peers.find(|peer| victim < peer.address()).expect("some are larger");
    peer.befriend(&mut pair, 0);
    for _ in 0..8 {
        peer.hang_up(&mut pair);
        pair.pass(Millis::minutes(1));
        peer.renew(&mut pair, 0);
        let rows = pair.sides[A].disk.rows();
        let waiting = rows.filter(|row| matches!(row, Row::Outbox(row) if row.contact == peer.address()));
        assert_eq!(waiting.count(), 1);
    }
}
