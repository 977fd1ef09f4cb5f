//! How often an interface that rests wakes up, and what it notices when the user comes back.

use sotto_api::{Phase, Reachability};

use super::behaviour::{daemon, with_bob};
use super::session::Session;
use crate::request::Request;

const SIZE: (u16, u16) = (80, 24);

/// Nothing happens until that moment but what the interface itself has set its alarm for. How often it wakes up.
fn rest(session: &mut Session, until: u64) -> usize {
    let mut wakes = 0;
    while session.app.deadline() <= until {
        session.pass(session.app.deadline() - session.now);
        wakes += 1;
    }
    wakes
}

fn asked(session: &Session) -> usize {
    let calls = session.daemon.calls.iter();
    calls.filter(|call| matches!(call, Request::Status(_))).count()
}

#[test]
fn only_the_clock_wakes_an_interface_that_rests() {
    let mut session = with_bob(3);
    session.pass(10_000);
    let until = session.now + 600_000;
    assert_eq!(rest(&mut session, until), 10, "once a minute");
}

#[test]
fn a_network_that_does_not_come_up_is_looked_at_less_and_less() {
    let mut daemon = daemon(3);
    let network = &mut daemon.status.network;
    (network.reachable, network.reachability) = (false, Reachability::Unknown);
    (network.phase, network.percent) = (Phase::Bootstrapping, 10);
    let mut session = Session::connected(daemon, SIZE);
    let start = session.now;
    for second in 1..=5 {
        session.daemon.status.network.percent += 1;
        assert!(rest(&mut session, start + second * 1000) <= 1);
    }
    session.shows("15");
    let wakes = rest(&mut session, start + 600_000);
    assert!((10..=60).contains(&wakes), "{wakes} in ten minutes");

    // It comes up; this is seen within an eighth of that time, and the next change at once.
    session.daemon.status.network.percent = 50;
    let until = session.now + 60_000;
    rest(&mut session, until);
    session.shows("50");
    session.daemon.status.network.percent = 60;
    let until = session.now + 10_000;
    rest(&mut session, until);
    session.shows("60");
}

#[test]
fn a_key_after_a_while_asks_whether_the_daemon_answers() {
    let mut session = with_bob(3);
    // The clock has had another minute just now.
    session.pass(5000);
    session.daemon.calls.clear();
    session.press("a");
    assert_eq!(asked(&session), 0, "that is known");
    session.pass(11_000);
    assert_eq!(asked(&session), 0, "nothing is asked without a key");
    session.press("b");
    session.press("c");
    assert_eq!(asked(&session), 1, "once");
}
