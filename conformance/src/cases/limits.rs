//! Section 7: rate limits.

use std::time::{Duration, Instant};

use sotto_core::wire::link::{Ciphertext, Heartbeat, PreKeyOffer, Relationship, frame::Body};

use super::case;
use crate::Case;
use crate::fixture::{Fixture, KeyOrder};
use crate::link::{Received, TestLink};
use crate::report::Failure;
use crate::token_bucket::BURST;

pub const CASES: &[Case] = &[
    case!("N-1.1", "drops frames without a token and keeps the link", flood),
    case!(
        "N-1.2",
        Larger,
        "accepts ciphertexts and acknowledgements without tokens",
        free
    ),
    case!(
        "N-1.3",
        Smaller,
        "ends a link on an offer without a token",
        offer_without_token
    ),
    case!(
        "N-1.4",
        "ends the link of an unknown peer that sends more frames than its bucket has tokens",
        strangers_flood
    ),
    case!(
        "N-1.5",
        "accepts a request when other frames have found the bucket empty",
        reserve
    ),
    case!(
        "N-2.1",
        Larger,
        "keeps one peer's flood from affecting another",
        anothers_flood
    ),
    case!(
        "N-2.2",
        "keeps one stranger's flood from affecting another's first contact",
        another_strangers_flood
    ),
];

/// Frames of a flood.
const MANY: u32 = 3 * BURST;
/// Silence after which no more answers come.
const PAUSE: Duration = Duration::from_secs(1);

/// Sends more frames than the bucket has tokens. Returns the link, the number of answers, and the time that they took.
fn flooded(fixture: &mut Fixture<'_>) -> Result<(TestLink, u32, Duration), Failure> {
    let (connector, requester) = fixture.requester()?;
    let (mut link, _) = connector.exchange_hello(requester, Relationship::Requested)?;
    connector.bucket(requester).wait_until_full();
    let begun = Instant::now();
    for _ in 0..MANY {
        link.send_unmetered(Body::Heartbeat(Heartbeat { reply: true }));
    }
    connector.bucket(requester).drain();
    let (mut answers, mut last) = (0, begun);
    loop {
        match link.next(PAUSE)? {
            Received::Frame(Some(Body::Heartbeat(Heartbeat { reply: false }))) => {
                (answers, last) = (answers + 1, Instant::now());
            }
            Received::Frame(_) => {}
            Received::Timeout => return Ok((link, answers, last - begun)),
            Received::End => return Err(Failure::new("a link that stays up during a flood", "its end")),
        }
    }
}

fn flood(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let refill = 5.0 * f64::from(fixture.connector.clock_rate);
    let (mut link, answers, took) = flooded(fixture)?;
    // The full bucket and the tokens that were added meanwhile.
    let most = f64::from(BURST) + (took.as_secs_f64() * refill).ceil() + 1.0;
    if answers < BURST - 2 || f64::from(answers) > most {
        let expected = format!("{BURST} answers to {MANY} heartbeats, {most} at most");
        return Err(Failure::new(expected, answers.to_string()));
    }
    link.expect_alive("a flood")
}

/// A flood of a peer that the target does not know.
fn flooded_by_stranger(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, mut stranger) = fixture.stranger();
    let (mut link, _) = connector.exchange_hello(&mut stranger, Relationship::Stranger)?;
    for _ in 0..MANY {
        link.send_unmetered(Body::Heartbeat(Heartbeat { reply: false }));
    }
    link.expect_end("more frames of an unknown peer than its bucket has tokens")
}

fn strangers_flood(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    flooded_by_stranger(fixture)
}

fn another_strangers_flood(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    flooded_by_stranger(fixture)?;
    let (connector, mut stranger) = fixture.stranger();
    let (mut link, _) = connector.exchange_hello(&mut stranger, Relationship::Requested)?;
    let request = stranger.request(&[]);
    link.send(Body::Request(request));
    link.expect_request_status(Relationship::Pending)
}

fn reserve(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (mut link, ..) = flooded(fixture)?;
    let (connector, requester) = fixture.requester()?;
    for _ in 0..MANY {
        link.send_unmetered(Body::Heartbeat(Heartbeat { reply: false }));
    }
    let request = requester.request(&[]);
    link.send_unmetered(Body::Request(request));
    connector.bucket(requester).drain();
    link.expect_request_status(Relationship::Pending)
}

fn free(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    /// Below the window, so that all may be in flight at once.
    const WINDOW: usize = 30;
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    let mut link = connector.session_link(friend)?;
    for _ in 0..3 {
        let many: Vec<Ciphertext> = (0..WINDOW).map(|_| friend.encrypt_timer()).collect();
        let last = many.last().cloned().unwrap_or_default();
        for sealed in many {
            link.send(Body::Ciphertext(sealed));
        }
        link.expect_ack(last.session_epoch, last.sequence)?;
    }
    Ok(())
}

fn offer_without_token(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Smaller)?;
    friend.session = None;
    let (mut link, _) = connector.exchange_hello(friend, Relationship::Friend)?;
    for _ in 0..MANY {
        link.send_unmetered(Body::Heartbeat(Heartbeat { reply: true }));
    }
    connector.bucket(friend).drain();
    let (session_epoch, bundle) = friend.offer();
    friend.offer = None;
    link.send_unmetered(Body::PreKeyOffer(PreKeyOffer {
        session_epoch,
        bundle: Some(bundle),
    }));
    link.expect_end("an offer without a token")?;
    link.expect_none("ciphertext of its session", |body| matches!(body, Body::Ciphertext(_)))
}

fn anothers_flood(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    flooded(fixture)?;
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    connector.session_link(friend)?.expect_alive("another's flood")
}
