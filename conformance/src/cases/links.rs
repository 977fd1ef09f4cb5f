//! Sections 4.2 and 4.3: many links, silence, presence.

use std::time::Instant;

use sotto_core::wire::link::{Heartbeat, Relationship, frame::Body};

use super::case;
use crate::Case;
use crate::line::{Heard, Line};
use crate::report::Failure;
use crate::world::{Side, World};

pub const CASES: &[Case] = &[
    case!(
        "L-13.1",
        "closes the older of two links that the same side has dialled",
        newer_stays
    ),
    case!(
        "L-15.1",
        "lets the oldest of 17 links with strangers give way",
        oldest_gives_way
    ),
    case!(
        "P-1.1",
        "answers a heartbeat that asks for it, and no other",
        heartbeats
    ),
    case!(
        "P-1.2",
        "does not answer the heartbeat of somebody unknown",
        unknown_heartbeat
    ),
    case!(
        "P-1.3",
        slow,
        "asks for a sign of life after 60 s of silence",
        asks_for_life
    ),
    case!("P-1.4", slow, "closes a link that is silent for 180 s", closes_the_dead),
    case!(
        "P-3.1",
        Larger,
        "says nothing of presence before the first ciphertext",
        presence_after_consent
    ),
    case!("P-3.2", "says nothing of presence to whom only asks", no_presence),
];

fn newer_stays(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, asker) = world.asker()?;
    let (mut older, _) = net.greet(asker, Relationship::Requested)?;
    let (mut newer, _) = net.greet(asker, Relationship::Requested)?;
    older.expect_end("a second link of the same peer")?;
    newer.expect_life("the end of an older link")
}

fn oldest_gives_way(world: &mut World<'_>) -> Result<(), Failure> {
    const BOUND: usize = 16;
    let mut lines: Vec<Line> = Vec::new();
    for _ in 0..=BOUND {
        let (net, mut stranger) = world.stranger();
        let (line, _) = net.greet(&mut stranger, Relationship::Stranger)?;
        lines.push(line);
    }
    lines[0].expect_end("sixteen later links with strangers")?;
    // The newest is as good as any.
    let (net, mut stranger) = world.stranger();
    net.greet(&mut stranger, Relationship::Stranger).map(|_| ())
}

fn heartbeats(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, asker) = world.asker()?;
    let (mut line, _) = net.greet(asker, Relationship::Requested)?;
    line.send(Body::Heartbeat(Heartbeat { reply: false }));
    line.expect_life("a heartbeat that asks for nothing")?;
    // One was asked for, and one has come.
    let (mut line, _) = net.greet(asker, Relationship::Requested)?;
    line.send(Body::Heartbeat(Heartbeat { reply: false }));
    line.send(Body::Heartbeat(Heartbeat { reply: false }));
    line.expect_life("two heartbeats that ask for nothing")?;
    match line.next(std::time::Duration::from_millis(100))? {
        Heard::Frame(Some(Body::Heartbeat(_))) => Err(Failure::new("one answer to one question", "another one")),
        _ => Ok(()),
    }
}

fn unknown_heartbeat(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, mut stranger) = world.stranger();
    let (mut line, _) = net.greet(&mut stranger, Relationship::Requested)?;
    line.send(Body::Heartbeat(Heartbeat { reply: true }));
    // From here on it is known; what comes first shows what became of the heartbeat.
    let request = stranger.request(&[]);
    line.send(Body::Request(request));
    line.expect_answer(Relationship::Pending)?;
    world.keep_asker(stranger);
    line.expect_none("answer to a heartbeat of somebody unknown", |body| {
        matches!(body, Body::Heartbeat(_))
    })
}

fn asks_for_life(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, asker) = world.asker()?;
    let (mut line, _) = net.greet(asker, Relationship::Requested)?;
    let begun = Instant::now();
    line.records().patience = net.seconds(75) + net.patience;
    line.expect("a heartbeat that asks for an answer, after 60 s of silence", |body| {
        matches!(body, Body::Heartbeat(Heartbeat { reply: true })).then_some(())
    })?;
    if begun.elapsed() < net.seconds(50) {
        return Err(Failure::new(
            "60 s of silence before it",
            format!("{:?}", begun.elapsed()),
        ));
    }
    Ok(())
}

fn closes_the_dead(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, asker) = world.asker()?;
    let (mut line, _) = net.greet(asker, Relationship::Requested)?;
    let begun = Instant::now();
    line.records().patience = net.seconds(210) + net.patience;
    line.expect_end("180 s of silence")?;
    if begun.elapsed() < net.seconds(150) {
        return Err(Failure::new(
            "180 s of silence before the end",
            format!("{:?}", begun.elapsed()),
        ));
    }
    Ok(())
}

fn presence_after_consent(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    friend.session = None;
    let (mut line, _) = net.greet(friend, Relationship::Requested)?;
    friend.ask(&mut line, &[])?;
    friend.session = None;
    line.expect_none("Presence before consent", |body| matches!(body, Body::Presence(_)))
}

fn no_presence(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, asker) = world.asker()?;
    let (mut line, _) = net.greet(asker, Relationship::Friend)?;
    line.expect_life("Hello")?;
    line.expect_none("Presence to one who asks", |body| {
        matches!(body, Body::Presence(_) | Body::Typing(_))
    })
}
