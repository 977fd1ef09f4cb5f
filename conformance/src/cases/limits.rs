//! Section 7: how much a peer may say.

use std::time::{Duration, Instant};

use sotto_core::wire::link::{Ciphertext, Heartbeat, Relationship, frame::Body};

use super::case;
use crate::Case;
use crate::line::{Heard, Line};
use crate::pace::BURST;
use crate::report::Failure;
use crate::world::{Side, World};

pub const CASES: &[Case] = &[
    case!(
        "N-1.1",
        "drops what finds a peer's bucket empty, and keeps the link",
        flood
    ),
    case!(
        "N-1.2",
        Larger,
        "takes ciphertexts and acknowledgements without end",
        free
    ),
    case!("N-2.1", Larger, "lets nobody pay for another's flood", anothers_flood),
];

/// Frames of a flood.
const MANY: u32 = 3 * BURST;
/// Silence after which no more answers come.
const PAUSE: Duration = Duration::from_secs(1);

/// Says more than the bucket pays for; gives the line, the answers, and how long they took to come.
fn flooded(world: &mut World<'_>) -> Result<(Line, u32, Duration), Failure> {
    let (net, asker) = world.asker()?;
    let (mut line, _) = net.greet(asker, Relationship::Requested)?;
    asker.pace.fill();
    let begun = Instant::now();
    for _ in 0..MANY {
        line.send_unpaced(Body::Heartbeat(Heartbeat { reply: true }));
    }
    asker.pace.spent();
    let (mut answers, mut last) = (0, begun);
    loop {
        match line.next(PAUSE)? {
            Heard::Frame(Some(Body::Heartbeat(Heartbeat { reply: false }))) => {
                (answers, last) = (answers + 1, Instant::now());
            }
            Heard::Frame(_) => {}
            Heard::Silence => return Ok((line, answers, last - begun)),
            Heard::End => return Err(Failure::new("a link that lives through a flood", "its end")),
        }
    }
}

fn flood(world: &mut World<'_>) -> Result<(), Failure> {
    let refill = 5.0 * f64::from(world.net.haste);
    let (mut line, answers, took) = flooded(world)?;
    // The bucket, and what has flown into it meanwhile.
    let most = f64::from(BURST) + (took.as_secs_f64() * refill).ceil() + 1.0;
    if answers < BURST - 2 || f64::from(answers) > most {
        let expected = format!("{BURST} answers to {MANY} heartbeats, {most} at most");
        return Err(Failure::new(expected, answers.to_string()));
    }
    line.expect_life("a flood")
}

fn free(world: &mut World<'_>) -> Result<(), Failure> {
    /// Fewer than the window, so that all may be under way at once.
    const WINDOW: usize = 30;
    let (net, friend) = world.friend(Side::Larger)?;
    let mut line = net.flowing(friend)?;
    for _ in 0..3 {
        let many: Vec<Ciphertext> = (0..WINDOW).map(|_| friend.say_timer()).collect();
        let last = many.last().cloned().unwrap_or_default();
        for sealed in many {
            line.send(Body::Ciphertext(sealed));
        }
        line.expect_ack(last.session_epoch, last.sequence)?;
    }
    Ok(())
}

fn anothers_flood(world: &mut World<'_>) -> Result<(), Failure> {
    flooded(world)?;
    let (net, friend) = world.friend(Side::Larger)?;
    net.flowing(friend)?.expect_life("another's flood")
}
