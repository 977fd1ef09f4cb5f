//! Sections 4.2 and 4.3: many links, silence, presence.

use std::time::{Duration, Instant};

use sotto_core::wire::link::{Heartbeat, Relationship, frame::Body};

use super::case;
use crate::Case;
use crate::fixture::{Fixture, KeyOrder};
use crate::link::{Received, TestLink};
use crate::report::Failure;

pub const CASES: &[Case] = &[
    case!(
        "L-13.1",
        "closes the older of two links that the same side has dialled",
        newer_stays
    ),
    case!(
        "L-15.1",
        "closes one of 33 links with strangers, and not the newest",
        older_gives_way
    ),
    case!("P-1.1", "answers a heartbeat with `reply`, and no other", heartbeats),
    case!(
        "P-1.2",
        "does not answer a heartbeat of an unknown peer",
        unknown_heartbeat
    ),
    case!("P-1.3", slow, "sends a heartbeat after 60 s of silence", asks_for_life),
    case!("P-1.4", slow, "closes a link that is silent for 180 s", closes_the_dead),
    case!(
        "P-3.1",
        Larger,
        "sends no presence before the first ciphertext",
        presence_after_consent
    ),
    case!("P-3.2", "sends no presence to a peer whose request waits", no_presence),
];

fn newer_stays(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, requester) = fixture.requester()?;
    let (mut older, _) = connector.exchange_hello(requester, Relationship::Requested)?;
    let (mut newer, _) = connector.exchange_hello(requester, Relationship::Requested)?;
    older.expect_end("a second link of the same peer")?;
    newer.expect_alive("the end of an older link")
}

fn older_gives_way(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    const BOUND: usize = 32;
    let mut links: Vec<TestLink> = Vec::new();
    for _ in 0..=BOUND {
        let (connector, mut stranger) = fixture.stranger();
        let (link, _) = connector.exchange_hello(&mut stranger, Relationship::Stranger)?;
        links.push(link);
    }
    // Which of them it is depends on the circuits that they came by.
    let deadline = Instant::now() + links[0].records().timeout;
    let older = &mut links[..BOUND];
    while !older
        .iter_mut()
        .any(|link| matches!(link.next(Duration::from_millis(10)), Ok(Received::End)))
    {
        if Instant::now() >= deadline {
            return Err(Failure::new("one of 33 links with strangers ends", "all are still up"));
        }
    }
    // A new stranger still gets a link.
    let (connector, mut stranger) = fixture.stranger();
    connector
        .exchange_hello(&mut stranger, Relationship::Stranger)
        .map(|_| ())
}

fn heartbeats(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, requester) = fixture.requester()?;
    let (mut link, _) = connector.exchange_hello(requester, Relationship::Requested)?;
    link.send(Body::Heartbeat(Heartbeat { reply: false }));
    link.expect_alive("a heartbeat that asks for nothing")?;
    // One reply was requested, and one has come.
    let (mut link, _) = connector.exchange_hello(requester, Relationship::Requested)?;
    link.send(Body::Heartbeat(Heartbeat { reply: false }));
    link.send(Body::Heartbeat(Heartbeat { reply: false }));
    link.expect_alive("two heartbeats that ask for nothing")?;
    match link.next(Duration::from_millis(100))? {
        Received::Frame(Some(Body::Heartbeat(_))) => Err(Failure::new("one reply to one heartbeat", "another one")),
        _ => Ok(()),
    }
}

fn unknown_heartbeat(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, mut stranger) = fixture.stranger();
    let (mut link, _) = connector.exchange_hello(&mut stranger, Relationship::Requested)?;
    link.send(Body::Heartbeat(Heartbeat { reply: true }));
    // From here on the peer is known. The first frame shows whether the heartbeat was dropped.
    let request = stranger.request(&[]);
    link.send(Body::Request(request));
    link.expect_request_status(Relationship::Pending)?;
    fixture.keep_requester(stranger);
    link.expect_none("answer to a heartbeat by an unknown peer", |body| {
        matches!(body, Body::Heartbeat(_))
    })
}

fn asks_for_life(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, requester) = fixture.requester()?;
    let (mut link, _) = connector.exchange_hello(requester, Relationship::Requested)?;
    let begun = Instant::now();
    link.records().timeout = connector.seconds(75) + connector.timeout;
    link.expect("a heartbeat that asks for an answer, after 60 s of silence", |body| {
        matches!(body, Body::Heartbeat(Heartbeat { reply: true })).then_some(())
    })?;
    if begun.elapsed() < connector.seconds(50) {
        return Err(Failure::new(
            "60 s of silence before it",
            format!("{:?}", begun.elapsed()),
        ));
    }
    Ok(())
}

fn closes_the_dead(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, requester) = fixture.requester()?;
    let (mut link, _) = connector.exchange_hello(requester, Relationship::Requested)?;
    let begun = Instant::now();
    link.records().timeout = connector.seconds(210) + connector.timeout;
    link.expect_end("180 s of silence")?;
    if begun.elapsed() < connector.seconds(150) {
        return Err(Failure::new(
            "180 s of silence before the end",
            format!("{:?}", begun.elapsed()),
        ));
    }
    Ok(())
}

fn presence_after_consent(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    friend.session = None;
    let (mut link, _) = connector.exchange_hello(friend, Relationship::Requested)?;
    link.request_session(friend, &[])?;
    friend.session = None;
    link.expect_none("Presence before consent", |body| matches!(body, Body::Presence(_)))
}

fn no_presence(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, requester) = fixture.requester()?;
    let (mut link, _) = connector.exchange_hello(requester, Relationship::Friend)?;
    link.expect_alive("Hello")?;
    link.expect_none("Presence to a peer whose request waits", |body| {
        matches!(body, Body::Presence(_) | Body::Typing(_))
    })
}
